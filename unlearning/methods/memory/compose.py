"""Composition: methods applied one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arena.agent import Agent
from arena.spec import build, check_ready
from unlearning.memory.request_parsing import resolve_request
from unlearning.memory.twin import remembering
from unlearning.method import Method, ReadsRequests, method
from unlearning.request import Request


@method("compose")
@dataclass(frozen=True, slots=True)
class Compose:
    """Applies `steps`, a method each, in order, with the same request: by default selective replay, then a write gate.

    A step is a name or a table: `steps = ["selective-replay", {name = "filter", style = "ignorant"}]`. Order counts: a
    method that works on what is in memory finds nothing behind a deletion, and behind a closed gate no note that names
    the target is written, so exemplars and entries come before both. Guards of later steps stand outside of earlier
    ones. Cost: the sum. Weakness: what the steps leave together, which is less than each alone only where they work on
    different paths. Reversible where all steps are.
    """

    steps: tuple[Any, ...] = ("selective-replay", "write-gate")
    """Methods to apply in order, each a name or a table such as {name = "filter", style = "ignorant"}."""

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError('steps names one method or more, such as ["selective-replay", "write-gate"]')
        made = tuple(build(Method, step, f"steps.{number}") for number, step in enumerate(self.steps))
        object.__setattr__(self, "steps", made)

    def ready(self) -> None:
        """Asks every step whether all it needs is there."""
        for step in self.steps:
            check_ready(step)

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        return await _run_steps(self.steps, agent, request)

    async def read(self, agent: Agent, words: str) -> tuple[Request, Agent]:
        """The request that the words make, as the first step that reads words reads them, else by rules; and the agent
        after all steps. Raises UnclearTarget where it names nothing, everything or several things."""
        first, *others = self.steps
        if isinstance(first, ReadsRequests):
            request, agent = await first.read(agent, words)
            return request, await _run_steps(others, agent, request)
        reader = next((step for step in others if isinstance(step, ReadsRequests)), None)
        subject = remembering(agent, "compose")
        request = (await reader.read(agent, words))[0] if reader else resolve_request(subject.memory, words)
        return request, await _run_steps(self.steps, agent, request)


async def _run_steps(steps: Sequence[Any], agent: Agent, request: Request) -> Agent:
    for step in steps:
        agent = await step(agent, request)
    return agent
