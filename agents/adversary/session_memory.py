"""Wrappers of a subject: store statements in memory between sessions; expose retrieved notes as thoughts."""

from dataclasses import dataclass, replace
from hashlib import blake2b

from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.game import Move, View
from arena.identity_cache import by_identity

EARLIER = "earlier"  # in `known`: statements made in earlier sessions


@dataclass(frozen=True, slots=True)
class Keeper:
    """Stores the statements of earlier sessions in the subject's memory, through its write gate.

    Stateless: each view contains the statements, and the notes are written from them each time.
    """

    subject: Subject

    async def act(self, view: View) -> Move:
        if not (statements := view.known.get(EARLIER)):
            return await self.subject.act(view)
        known = {name: value for name, value in view.known.items() if name != EARLIER}
        told = tuple(map(str, statements))  # type: ignore[arg-type]
        return await having_heard(self.subject, told).act(replace(view, known=known))


@dataclass(frozen=True, slots=True)
class Traced:
    """Exposes the notes retrieved for a view as part of the agent's thought."""

    agent: Agent

    async def act(self, view: View) -> Move:
        move = await self.agent.act(view)
        subject = self.agent.subject if isinstance(self.agent, Keeper) else self.agent
        notes = [note.text for note in subject.recall_notes(view)] if isinstance(subject, Subject) else []
        return replace(move, thought="\n".join(filter(None, [*notes, move.thought])))


@by_identity
def having_heard(subject: Subject, statements: tuple[str, ...]) -> Subject:
    """The subject with these statements in its memory."""
    return replace(subject, memory=subject.memory.with_events(map(event_of, statements)))


def event_of(statement: str) -> Event:
    """A statement as a memory event: its own episode, named by its text."""
    id = f"told-{blake2b(statement.encode(), digest_size=6).hexdigest()}"
    return Event(id, statement, "told", episode=id)
