"""Seat an agent that `arena teach` stored: its base agent with the notes from the database."""

import json
from dataclasses import dataclass, field, replace

from agents.memory.subject import Mind, Subject
from arena.agent import agent
from arena.cache_register import memoize
from arena.errors import UsageError, unknown
from arena.game import Move, View
from arena.spec import build
from arena.store.current_database import current_database, list_taught_names
from arena.store.location import DatabaseLocation

SEATED = """
SELECT spec, epoch, (SELECT count(*) FROM event WHERE owner = name) AS events,
    (SELECT count(*) FROM note WHERE owner = name) AS notes,
    (SELECT count(*) FROM request r WHERE r.owner = name) AS requests
FROM subject WHERE name = :name
"""


@agent("taught")
@dataclass(frozen=True, slots=True)
class TaughtAgent:
    """Plays as the agent that `arena teach` stored under a name in the database of the command; it does not learn.

    The record of a match holds the state's name in place of the memory, so that forgetting leaves no copy there. An
    agent whose state has changed since plays no match of an earlier state.
    """

    id: str
    """Name of the stored agent."""
    state: str = ""
    """Version of the agent: how much it remembers, and how often it was asked to forget; "": the current one."""
    mind: Mind | None = None
    """Agent that thinks and plays in its place; None: the one that was taught."""
    database: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "database", current_database())
        if not self.state or self.mind is None:
            state, mind = read_state(self.database, self.id)
            object.__setattr__(self, "state", self.state or state)
            object.__setattr__(self, "mind", self.mind or mind)

    @staticmethod
    def names() -> tuple[str, ...]:
        """The ids there are now: the names of the agents in the current database."""
        return list_taught_names()

    def ready(self) -> None:
        """Raises UsageError where there is no agent of that name, or it has learned or forgotten since `state`."""
        check_state(self.database, self.id, self.state)

    def subject(self) -> Subject:
        """The agent with its memory. Raises UsageError as `ready` does."""
        subject = load_subject(self.database, self.id, self.state)
        return subject if self.mind is None else replace(subject, mind=self.mind)

    async def act(self, view: View) -> Move:
        """The answer of the agent with its notes before it."""
        return await self.subject().act(view)

    def lines(self, view: View) -> tuple[tuple[str, str], ...]:
        """The prompt for an answer as it is recorded. Raises UsageError where the prompt is unknown."""
        return self.subject().lines(view)


def read_state(database: str, name: str) -> tuple[str, Mind | None]:
    """The stored state of an agent, and its base agent; ("", None) where it is not in the database."""
    from arena.store.query import query

    try:
        found = query(database, SEATED, {"name": name}).rows
    except UsageError:
        return "", None
    if not found:
        return "", None
    spec, epoch, events, notes, requests = found[0]
    state = f"{events} events, {notes} notes, {requests} requests to forget, epoch {epoch}"
    return state, build("agent", json.loads(spec)["mind"])


def check_state(database: str, name: str, state: str) -> None:
    """Raises UsageError where there is no agent of that name in the database, or its state is another one."""
    today, _ = read_state(database, name)
    if not today:
        told = unknown("taught agent", name, list_taught_names())
        raise UsageError(f"{told} in {DatabaseLocation.of(database)}; type: arena teach {name}")
    if today != state:
        raise UsageError(
            f"{name} has learned or forgotten since this was recorded ({state or 'nothing'} then; {today} now), and "
            f"earlier states are not kept; seat the one of today: --seat SEAT={name}"
        )


@memoize("texts", 8)
def load_subject(database: str, name: str, state: str) -> Subject:
    """The agent with its memory, in that state. Raises UsageError as `check_state` does."""
    from agents.memory import agent_store  # both load SQLAlchemy, which naming a seat does not need
    from arena.store.database import connect

    check_state(database, name, state)
    engine = connect(DatabaseLocation.of(database), create=False)
    try:
        with engine.connect() as connection:
            subject = agent_store.load_agent(connection, name)
    finally:
        engine.dispose()
    if subject is None:
        raise UsageError(f"{name} was removed from {DatabaseLocation.of(database)} while it was read")
    return subject
