"""Notes written by a model: reflections on episodes, summaries of worlds.

They are written outside of the fold over the log, since a model may say something else each time: asked once, its
words are kept as notes by hand, with what it was shown as parents, and are never asked for again. When a parent is
forgotten the note goes, too; `again` rewrites it from what is left, which is near to what the twin would
have, and not equal to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agents.chat_model import ChatModel, Line, Sampling
from agents.llm.chat_call import ask_words
from agents.memory.memory import Memory, Note, Source, hash_note
from arena.text.message_escaping import indent_text
from arena.usage import FREE, Usage

REFLECT = (
    "You did a task and noted what follows. In at most three sentences, write down what is worth remembering for the "
    "next time. Say nothing that is not in these lines.\n\n{}"
)
SUMMARISE = (
    "These are your notes on one place. Write one note of at most five sentences that tells all of them. Say nothing "
    "that is not in these lines.\n\n{}"
)
PROMPTS: Mapping[str, str] = {"reflection": REFLECT, "summary": SUMMARISE}
PREFIX = "model:"  # before the kind, in `writer` of a note in a model's words
PLAIN = Sampling(max_tokens=256)


@dataclass(frozen=True, slots=True)
class Written:
    """A memory with notes in a model's words, how many were written, and what they cost."""

    memory: Memory
    notes: int = 0
    usage: Usage = FREE


async def write_reflections(
    memory: Memory, model: ChatModel, kind: Literal["reflection", "summary"] = "reflection", sampling: Sampling = PLAIN
) -> Written:
    """The memory with a note in the model's words for each group that has none yet, asked one after the other.

    "reflection": a group is an episode, its events. "summary": a world, its records. A group that has changed since is
    written on again; its earlier note stays. An empty answer makes no note; what the model thinks is none of it.
    Raises ModelUnavailable, also where an answer was cut off before it said anything.
    """
    known = {note.parents for note in memory.notes if note.writer == PREFIX + kind}
    groups = group_by_episode(memory) if kind == "reflection" else group_by_world(memory)
    return await _write_notes(
        memory, model, [(kind, group) for group in groups if list_ids(group) not in known], sampling
    )


async def rewrite_lost_notes(before: Memory, after: Memory, model: ChatModel, sampling: Sampling = PLAIN) -> Written:
    """The memory `after`, with the model's notes that it lost since `before` rewritten from what is left of their
    parents.

    A parent that is a rewritten note is replaced by its successor, of the same writer and group. Notes
    of which nothing is left stay away.
    """
    sources: tuple[Source, ...] = (*after.log, *after.notes)
    there = {source.id: source for source in sources}
    old = {note.id: (note.writer, note.group) for note in before.written_notes.values()}
    lost = [note for note in before.by_hand if note.writer.startswith(PREFIX) and note.id not in there]
    groups = []
    for note in lost:
        left = [there.get(id) or after.written_notes.get(old.get(id, ("", ""))) for id in note.parents]
        if found := [source for source in left if source is not None]:
            groups.append((note.kind, found))
    return await _write_notes(after, model, groups, sampling)


async def _write_notes(
    memory: Memory, model: ChatModel, groups: Iterable[tuple[str, Sequence[Source]]], sampling: Sampling
) -> Written:
    usage, notes = FREE, 0
    for kind, group in groups:
        lines = "\n".join(f"- {indent_text(source.text)}" for source in group)
        reply = await ask_words(model, [Line("user", PROMPTS[kind].format(lines))], sampling)
        usage += reply.usage
        if text := reply.text.strip():
            noted = memory.with_note(make_note(kind, text, group))
            notes += len(noted.notes) - len(memory.notes)
            memory = noted
    return Written(memory, notes, usage)


def make_note(kind: str, text: str, group: Sequence[Source]) -> Note:
    """A note in a model's words on these sources; where and whose they are, where that is the same for all."""

    def common(name: str) -> str:
        found = {str(getattr(source, name)) for source in group}
        return found.pop() if len(found) == 1 else ""

    made = Note(
        hash_note(PREFIX + kind, text, list_ids(group)), text, kind, list_ids(group), PREFIX + kind, exact=False
    )
    return replace(
        made,
        environment=common("environment"),
        world=common("world"),
        task_type=common("task_type"),
        user=common("user"),
    )


def list_ids(group: Iterable[Source]) -> tuple[str, ...]:
    return tuple(source.id for source in group)


def group_by_episode(memory: Memory) -> list[list[Source]]:
    """The events of each episode, in order."""
    found: dict[tuple[str, str], list[Source]] = {}
    for event in memory.log:
        found.setdefault((event.user, event.episode), []).append(event)
    return list(found.values())


def group_by_world(memory: Memory) -> list[list[Source]]:
    """The records of each world, in order, each user's by themselves."""
    found: dict[tuple[str, str, str], list[Source]] = {}
    for note in memory.notes:
        if note.kind == "record":
            found.setdefault((note.user, note.environment, note.world), []).append(note)
    return list(found.values())
