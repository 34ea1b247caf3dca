"""Methods one after the other."""

from dataclasses import dataclass
from typing import Any

from arena.agent import Agent
from arena.spec import build, ready
from unlearning.method import method
from unlearning.request import Request


@method("compose")
@dataclass(frozen=True, slots=True)
class Compose:
    """Applies `steps`, a method each, in order, with the same request: by default selective replay, then a write gate.

    A step is a name or a table: `steps = ["selective-replay", {name = "filter", style = "ignorant"}]`. Order counts: a
    method that works on what is in memory finds nothing behind a deletion, and behind a closed gate no note that names
    the target is written, so exemplars and entries come before both. Guards of later steps stand outside of earlier
    ones. Cost: the sum. Leaks: what the steps leave together, which is less than each alone only where they work on
    different paths. Reversible where all steps are.
    """

    steps: tuple[Any, ...] = ("selective-replay", "write-gate")

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError('steps names one method or more, such as ["selective-replay", "write-gate"]')
        made = tuple(build("method", step, f"steps.{number}") for number, step in enumerate(self.steps))
        object.__setattr__(self, "steps", made)

    def ready(self) -> None:
        """Asks every step whether all it needs is there."""
        for step in self.steps:
            ready(step)

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        for step in self.steps:
            agent = await step(agent, request)
        return agent
