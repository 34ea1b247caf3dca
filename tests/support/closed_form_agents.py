"""Minds that answer in one way each, so that every probe of them has a reading in closed form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from random_memories import TARGET, about, walker

from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from arena.engine.play import run_blocking
from arena.game import Move, View
from arena.spec import build
from unlearning.experiments.experiment import run_trial
from unlearning.probe import Task, Trial
from unlearning.request import Request


@dataclass(frozen=True)
class Oracle:
    """A mind with notes; subclasses say what it makes of them."""

    notes: tuple[str, ...] = ()

    def recalling(self, notes: tuple[str, ...], steering: str) -> "Oracle":
        return replace(self, notes=notes)

    async def full(self, view: View) -> Move:
        """What one answers who tells all."""
        return await Knower(self.notes).act(view)

    async def act(self, view: View) -> Move:
        return await self.full(view)


class Refuser(Oracle):
    """Knows, and refuses the plain form of the question only."""

    async def act(self, view: View) -> Move:
        plain = str(view.known["asked"]).startswith("What do you know about")
        return Move(REFUSAL) if plain and TARGET in str(view.known["asked"]) else await self.full(view)


class Liar(Oracle):
    """Says something else, and is sure of it."""

    async def act(self, view: View) -> Move:
        return Move("It is at (9, 9), as far as I know.")


@dataclass(frozen=True)
class Leaky(Oracle):
    """Tells with probability `p`, anew in each answer; else it knows nothing."""

    p: float = 0.5

    async def act(self, view: View) -> Move:
        return await self.full(view) if Random(view.seed).random() < self.p else Move(IGNORANCE)


class Blank(Oracle):
    """Says nothing, does nothing."""

    async def act(self, view: View) -> Move:
        return Move()


class OneWord(Oracle):
    """Always says the same."""

    async def act(self, view: View) -> Move:
        return Move("Yes.")


def trial_of(
    method: object = "noop",
    request: Request | None = None,
    subject: Subject | None = None,
    *,
    tasks: dict[str, tuple[Task, ...]] | None = None,
    twins: Sequence[Subject] = (),
    seed: int = 0,
) -> Trial:
    """The trial of a method on a subject that knows a small world, or on another one."""
    work = run_trial(
        subject or walker(), request or about(TARGET), build("method", method), tasks=tasks, twins=twins, seed=seed
    )
    return run_blocking(lambda: work)[0]


def acting(mind: Oracle, trial: Trial | None = None) -> Trial:
    """A trial in which the agent after has that mind, with all its notes still there."""
    trial = trial or trial_of()
    return replace(trial, after=replace(walker(), mind=mind))
