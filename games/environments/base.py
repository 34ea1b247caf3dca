"""Base class of single-agent environments: step loop and recorded facts.

The world depends on the parameter `world` alone, the task on the seed of the match, so that many tasks share one world:
what was learned in one episode helps in the next, and can be a target of forgetting.

There is no environment that runs code written by a model: Python offers no sandbox, and a subprocess with limits can
still read files, open sockets and start processes. It needs a container or a virtual machine, which is not pure Python.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Generic, NamedTuple, TypeVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View
from arena.lessons import Lesson, LessonEvent, OutcomeData, Result
from arena.text.lesson_sentences import write_outcome

W = TypeVar("W")
SEAT = "agent"


class Action(NamedTuple):
    """A tool and its arguments."""

    tool: str
    args: Mapping[str, JSON] = {}


@dataclass(frozen=True, slots=True)
class ActionOutcome(Generic[W]):
    """Result of an action: the new state, the observation, the states entered, and the lessons available."""

    here: W
    told: str
    visited: tuple[str, ...] = ()
    lessons: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay(Generic[W]):
    """One episode in an environment. `here` is the environment's own part; the rest is its record so far.

    `steps` counts lost answers, too; `trajectory` has the actions in words, `visited` the states entered by name.
    """

    here: W
    log: tuple[Message, ...] = ()
    moves: tuple[Move, ...] = ()
    steps: int = 0
    lost: int = 0
    trajectory: tuple[str, ...] = ()
    visited: tuple[str, ...] = ()
    events: tuple[LessonEvent, ...] = ()

    def after(self, outcome: ActionOutcome[W], *said: Message) -> "Stay[W]":
        """The stay with an outcome recorded; a lesson counts once."""
        known = {event.lesson.text for event in self.events}
        new = {lesson.text: lesson for lesson in outcome.lessons if lesson.text not in known}
        return replace(
            self,
            here=outcome.here,
            log=(*self.log, *said, Message("", outcome.told)),
            visited=self.visited + outcome.visited,
            events=(*self.events, *(LessonEvent(self.steps, lesson) for lesson in new.values())),
        )


class Environment(Game[Stay[W]]):
    """A world with one seat, "agent", that acts by tools and is told what it observes. Subclasses supply `act`.

    Subclasses are frozen dataclasses. The score is the success of the task, 0 to 1. An illegal action is refused with
    the list of legal ones; an agent that uses up its retries loses the step.
    """

    world: int
    """Number of the world: equal numbers give equal worlds."""
    cap: int
    """Maximum number of steps of a task."""

    @property
    def seats(self) -> tuple[str, ...]:
        return (SEAT,)

    @property
    def most_answers(self) -> Mapping[str, int]:
        return {SEAT: self.cap}

    def bounds(self) -> tuple[float, float]:
        return (0.0, 1.0)

    # ---- abstract methods ----------------------------------------------------------------------------------------

    @abstractmethod
    def begin(self, rng: Random) -> ActionOutcome[W]:
        """The task, and the observation before the first step."""

    @abstractmethod
    def rules(self) -> str:
        """The description of the world and its actions for the agent, independent of the task."""

    @abstractmethod
    def tools(self) -> tuple[Tool, ...]:
        """The actions, the same in each step."""

    @abstractmethod
    def possible(self, here: W) -> tuple[Action, ...]:
        """The actions possible now, as far as the agent can know; FREE_TEXT stands for free text."""

    @abstractmethod
    def phrase(self, tool: str, args: Mapping[str, JSON]) -> str:
        """An action in words: "go to shelf 1"."""

    @abstractmethod
    def act(self, here: W, tool: str, args: Mapping[str, JSON]) -> ActionOutcome[W] | None:
        """The result of an action; None if it is impossible."""

    @abstractmethod
    def is_done(self, here: W) -> bool:
        """Whether the task is over, well or badly."""

    @abstractmethod
    def reward(self, here: W) -> float:
        """The success so far, 0 to 1."""

    @abstractmethod
    def describe_seen(self, here: W) -> dict[str, JSON]:
        """What was told so far, as data: nothing that the words do not say."""

    @abstractmethod
    def task(self, here: W) -> dict[str, JSON]:
        """The task as facts: `task` in words and its `task_type`."""

    @abstractmethod
    def optimal(self, here: W) -> int:
        """The fewest steps that solve the task with full knowledge of the world."""

    def errand(self, here: W) -> str:
        """A description of the task that is unique in the world, so that its solution can be reused."""
        return str(self.task(here)["task"])

    def facts_of(self, here: W) -> dict[str, JSON]:
        """Facts that only this environment has."""
        return {}

    def explain_refusal(self, here: W, tool: str, args: Mapping[str, JSON]) -> str:
        """Why an action cannot be taken, in a few words."""
        return f"you cannot {self.phrase(tool, args)} now"

    # ---- the contract of a game ----------------------------------------------------------------------------------

    def start(self, rng: Random) -> Stay[W]:
        outcome = self.begin(rng)
        return Stay(outcome.here).after(outcome)

    def is_over(self, state: Stay[W]) -> bool:
        return self.is_done(state.here) or state.steps >= self.cap

    def to_act(self, state: Stay[W]) -> tuple[str, ...]:
        return () if self.is_over(state) else (SEAT,)

    def view(self, state: Stay[W], seat: str) -> View:
        possible = self.possible(state.here)
        known: dict[str, JSON] = {
            "task": self.task(state.here)["task"],
            "errand": self.errand(state.here),
            "step": state.steps,
            "steps": self.cap,
            "possible": [[tool, args] for tool, args in possible],
            "phrases": [self.phrase(tool, args) for tool, args in possible],
            "trajectory": list(state.trajectory),
            **self.describe_seen(state.here),
        }
        return View(seat, self.rules(), state.log, self.tools(), own=state.moves, known=known)

    def apply(self, state: Stay[W], moves: Mapping[str, Move]) -> Stay[W]:
        move = moves[SEAT]
        if not move.tool:
            raise self._refusal(state.here, "words alone do nothing here, take an action")
        args = {name: value.strip() if isinstance(value, str) else value for name, value in move.args.items()}
        outcome = self.act(state.here, move.tool, args)
        if outcome is None:
            raise self._refusal(state.here, self.explain_refusal(state.here, move.tool, args))
        stay = replace(
            state,
            steps=state.steps + 1,
            moves=(*state.moves, Move(move.text, move.tool, move.args, move.thought)),
            trajectory=(*state.trajectory, self.phrase(move.tool, args)),
        )
        return self._close_stay(stay.after(outcome, Message(SEAT, move.text, move.tool, move.args)))

    def forfeit(self, state: Stay[W], seat: str) -> Stay[W]:
        """An agent out of patience loses the step."""
        lost = replace(state, steps=state.steps + 1, lost=state.lost + 1)
        return self._close_stay(lost.after(ActionOutcome(state.here, "Nothing happens; the step is lost.")))

    def scores(self, state: Stay[W]) -> dict[str, float | None]:
        """The success of the agent, None before the end."""
        return {SEAT: self.reward(state.here) if self.is_over(state) else None}

    def facts(self, state: Stay[W]) -> dict[str, JSON]:
        """The targets of forgetting by name: states `visited`, the `trajectory`, the `task_type` and `world`."""
        return {
            "world": self.world,
            **self.task(state.here),
            "success": self.reward(state.here) == 1.0,
            "steps": state.steps,
            "optimal": self.optimal(state.here),
            "lost": state.lost,
            **self.facts_of(state.here),
            "visited": list(state.visited),
            "trajectory": list(state.trajectory),
            "events": [event.row() for event in state.events],
        }

    def list_lessons(self, state: Stay[W]) -> tuple[LessonEvent, ...]:
        """What was learned so far, each lesson once, with its data."""
        return state.events

    def watch(self, state: Stay[W]) -> tuple[Message, ...]:
        return state.log

    def _refusal(self, here: W, why: str) -> IllegalMove:
        possible = "; ".join(self.phrase(*action) for action in self.possible(here))
        return IllegalMove(SEAT, f"{why}; possible now: {possible}")

    def _close_stay(self, state: Stay[W]) -> Stay[W]:
        """The stay with its ending told and kept as a last event, when it is over."""
        if not self.is_over(state):
            return state
        errand, reward = self.errand(state.here), self.reward(state.here)
        result: Result = "done" if reward == 1 else "in part" if reward else "not done"
        data = OutcomeData(errand, result, round(reward, 2), state.steps, state.trajectory)
        how = f"done in part ({reward:.2f})" if result == "in part" else result
        ending = f"{'Over' if self.is_done(state.here) else 'The steps are used up'}: the task is {how}"
        lesson = Lesson("outcome", str(self.task(state.here)["task_type"]), write_outcome(data), data)
        told = f"{ending} ({state.steps} of {self.cap} steps)."
        return state.after(ActionOutcome(state.here, told, lessons=(lesson,)))
