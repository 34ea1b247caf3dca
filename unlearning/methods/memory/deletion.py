"""Deletion from memory: events only, all notes derived from them, or that and rebuilding the other notes."""

from dataclasses import dataclass, replace

from agents.chat_model import ChatModel
from agents.memory.reflection import rewrite_lost_notes
from arena.agent import Agent
from unlearning.memory.call_accounting import record_usage
from unlearning.memory.influence_set import find_influence
from unlearning.memory.twin import remembering
from unlearning.method import method
from unlearning.request import Request


@method
@dataclass(frozen=True, slots=True)
class RecordDeletion:
    """Deletes the events that name the target and the records copied from them, as the usual `delete` does.

    Keeps summaries, reflections and plans as they are. Cost: one pass over the log. Weakness: whatever was derived; a
    summary still tells the target. Not reversible.
    """

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "record-deletion")
        found = find_influence(subject.memory, request)
        records = {note.id for note in subject.memory.notes if note.kind == "record" and note.id in found.notes}
        return replace(subject, memory=subject.memory.without_items(found.events | records))


@method
@dataclass(frozen=True, slots=True)
class ClosureDeletion:
    """Deletes the events that name the target and every note written from them, directly or through other notes.

    Cost: one pass over the log and the notes. Weakness: nothing of the target; but summaries and plans that had other
    parents, too, are gone with all they told, so that the agent knows less than the twin. Not reversible.
    """

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "closure-deletion")
        return replace(subject, memory=subject.memory.without_items(find_influence(subject.memory, request).ids))


@method
@dataclass(frozen=True, slots=True)
class SelectiveReplay:
    """Deletes the dependency closure of the target, then rewrites the notes that still have parents, and nothing else.

    Equal to the twin where all note writers are deterministic. Notes written by hand or by a chat model that derive
    from the target are deleted; with a `writer` those of a chat model are rewritten from their remaining parents, and
    stay marked as not exact: the twin's would be worded differently. Cost: one pass, and the groups that the target
    belonged to; a call for each note of a chat model. Weakness: none within memory, if everything derived from the
    target is linked to it or names it. Not reversible.
    """

    writer: ChatModel | None = None
    """Chat model that rewrites notes which a chat model wrote; None: they are deleted."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "selective-replay")
        memory = subject.memory.repair_without(find_influence(subject.memory, request).ids)
        if self.writer is not None:
            done = await rewrite_lost_notes(subject.memory, memory, self.writer)
            record_usage(done.usage)
            memory = done.memory
        return replace(subject, memory=memory)
