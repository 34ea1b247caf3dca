"""The agent under unlearning: a base agent with a memory, steering text and guards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeAlias, runtime_checkable

from agents.memory.memory import Memory, Note
from agents.memory.note_retriever import recall
from arena.agent import Agent, agent
from arena.errors import UsageError
from arena.game import Move, View
from arena.part_decorators import CONTRACTS, part
from arena.spec import describe

EMPTY = Memory()
WHISPERED = "whispered"  # in `known`: text that a guard adds to the agent's prompt, for this answer only
Answer: TypeAlias = Callable[[View], Awaitable[Move]]


@runtime_checkable
class Mind(Agent, Protocol):
    """An agent that can be given notes and words that steer it: an LLM, or a policy that reads its notes."""

    def recalling(self, notes: tuple[str, ...], steering: str) -> Agent:
        """The agent that has just these notes before it, and is steered so."""
        ...


CONTRACTS[Mind] = "agent"


@runtime_checkable
class Guard(Protocol):
    """Between the environment and an agent: may change the view, answer in its place, or change the answer."""

    async def guard(self, view: View, answer: Answer) -> Move: ...


guard = part("guard", Guard)


@agent
@dataclass(frozen=True, slots=True)
class Subject:
    """An agent that remembers and can be told to forget."""

    mind: Mind
    """Agent that thinks and plays."""
    memory: Memory = EMPTY
    """Events it went through and the notes written from them."""
    steering: str = ""
    """Text put before the agent; "": none."""
    guards: tuple[Guard, ...] = ()
    """Guards around the agent, the first one outermost."""
    budget: int = 20_000
    """Maximum characters of notes in a prompt."""
    user: str = ""
    """User whom it serves: it sees the notes of that user and those that belong to no user. "": only the latter."""

    def __post_init__(self) -> None:
        if not hasattr(self.mind, "recalling"):
            raise ValueError(
                f"{describe(self.mind)['name']} cannot be given notes; take knower, or a model such as local/FOLDER"
            )

    async def act(self, view: View) -> Move:
        """The base agent's answer, with its notes in the prompt, through all guards."""
        answer: Answer = self.answer
        for guard in reversed(self.guards):
            answer = partial(guard.guard, answer=answer)
        return await answer(view)

    async def answer(self, view: View) -> Move:
        """The answer without any guard."""
        mind, view = self._prepare_mind(view)
        return await mind.act(view)

    def lines(self, view: View) -> tuple[tuple[str, str], ...]:
        """The prompt for an answer as it is recorded. Raises UsageError where guards or the base agent change it."""
        mind, view = self._prepare_mind(view)
        if self.guards or not hasattr(mind, "lines"):
            raise UsageError("guards may change what is asked" if self.guards else "the mind sends no prompts")
        lines: tuple[tuple[str, str], ...] = mind.lines(view)
        return lines

    def _prepare_mind(self, view: View) -> tuple[Agent, View]:
        """The base agent with its notes and steering text, and the view without the guards' additions."""
        steering = self.steering
        if WHISPERED in view.known:
            steering = "\n".join(filter(None, [steering, str(view.known[WHISPERED])]))
            view = replace(view, known={key: value for key, value in view.known.items() if key != WHISPERED})
        notes = tuple(note.text for note in self.recall_notes(view))
        return self.mind.recalling(notes, steering), view

    def recall_notes(self, view: View) -> tuple[Note, ...]:
        """The notes that it has before it in this view."""
        return recall(self.memory.notes, build_query(view), self.budget, self.user)


def with_mind_words(view: View, words: str) -> View:
    """The view with text for the base agent, placed with its steering text."""
    before = str(view.known.get(WHISPERED, ""))
    return replace(view, known={**view.known, WHISPERED: "\n".join(filter(None, [before, words]))})


def build_query(view: View) -> str:
    """The retrieval query of a view: the last message, else the rules."""
    said = [message.text for message in view.messages[-3:]]
    return " ".join([*said, *(str(value) for value in view.known.values() if isinstance(value, str))]) or view.rules
