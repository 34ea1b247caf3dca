"""Wrappers of a subject: store statements in memory between sessions; expose retrieved notes as thoughts."""

from dataclasses import dataclass, replace
from hashlib import blake2b

from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.agent import Agent
from arena.game import Move, View
from arena.identity_cache import by_identity

EARLIER = "earlier"  # in `known`: what was told in sessions before this one


@dataclass(frozen=True, slots=True)
class Keeper:
    """A subject into whose memory goes what it was told before, through its gate; else it answers as ever.

    It keeps no state: the statements stand in each view, and are written anew.
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
    """An agent whose thoughts hold what it looked up, too: the notes before it in this view."""

    agent: Agent

    async def act(self, view: View) -> Move:
        move = await self.agent.act(view)
        subject = self.agent.subject if isinstance(self.agent, Keeper) else self.agent
        notes = [note.text for note in subject.recalled(view)] if isinstance(subject, Subject) else []
        return replace(move, thought="\n".join(filter(None, [*notes, move.thought])))


@by_identity
def having_heard(subject: Subject, statements: tuple[str, ...]) -> Subject:
    """The subject after it was told these things."""
    return replace(subject, memory=subject.memory.with_events(map(event_of, statements)))


def event_of(statement: str) -> Event:
    """A statement as something that was gone through: its own episode, by its words."""
    id = f"told-{blake2b(statement.encode(), digest_size=6).hexdigest()}"
    return Event(id, statement, "told", episode=id)
