"""Telling the agent to forget: nothing is removed, words are put before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from agents.steering import AVOID, FRESH, IGNORE, UNLEARN, order
from arena.agent import Agent
from unlearning.exact import remembering
from unlearning.method import method
from unlearning.request import Request


@method("instruction")
@dataclass(frozen=True, slots=True)
class Instruction:
    """Puts the request before the agent: as it was made (`raw`) or in the words of a template.

    goal: "knowledge" orders to act as one who never met the target, the aim of all forgetting here; "conduct" never to
    go there, use it or speak of it, which gives the target away to who watches. Cost: the words, in every prompt.
    Leaks: to whoever sees the prompt, since it names the target; through refusals and detours; by every answer in which
    the agent does not comply. Reversible: take the words away.
    """

    form: Literal["raw", "template"] = "template"
    goal: Literal["knowledge", "conduct"] = "knowledge"

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "instruction")
        words = (request.note or templated(request)) if self.form == "raw" else templated(request, self.goal)
        return replace(subject, steering=f"{subject.steering}\n{words}".strip())


def templated(request: Request, goal: str = "knowledge") -> str:
    """The request as orders, one for each kind of target."""
    if goal == "conduct":
        return order(AVOID, request.targets)
    by_scope: dict[str, Callable[[], str]] = {
        "environment": lambda: order(FRESH, request.targets),
        "trajectory": lambda: " ".join(UNLEARN.format(name) for name in request.targets),
    }
    return by_scope.get(request.scope, lambda: order(IGNORE, request.targets))()
