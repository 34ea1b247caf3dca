"""An instruction to forget in the prompt; nothing is removed."""

from dataclasses import dataclass, replace
from typing import Literal

from agents.note_policy.steering_orders import AVOID, FRESH, IGNORE, NEVER, UNLEARN, format_each_order, format_order
from arena.agent import Agent
from unlearning.data.fact_names import choose_order_names, find_fact_names
from unlearning.memory.twin import remembering
from unlearning.method import method
from unlearning.request import Request


@method("instruction")
@dataclass(frozen=True, slots=True)
class Instruction:
    """Puts the request before the agent: as it was made (`raw`) or in the words of a template.

    Conduct gives the target away to who watches: a novice would pass there, too.

    Cost: the words, in every prompt. Leaks: to whoever sees the prompt, since it names the target; through refusals and
    detours; by every answer in which the agent does not comply. Reversible: take the words away.
    """

    form: Literal["raw", "template"] = "template"
    """`raw`, the request as it was made, or `template`, the words for the goal."""
    goal: Literal["knowledge", "conduct"] = "knowledge"
    """"knowledge" orders to act as one who never met the target, the aim of all forgetting here. "conduct" orders never
    to go there, use it or speak of it; never to do these actions again in this order, while their task stays permitted;
    never to act in the environment (a scripted mind cannot tell one world of a game from another, and does nothing in
    any)."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "instruction")
        words = (request.note or build_orders(request)) if self.form == "raw" else build_orders(request, self.goal)
        return replace(subject, steering=f"{subject.steering}\n{words}".strip())


def build_orders(request: Request, goal: str = "knowledge") -> str:
    """The request as orders, one for each kind of target."""
    if request.scope == "trajectory":
        return format_each_order(UNLEARN if goal == "knowledge" else NEVER, request.targets)
    names = request.targets
    if request.scope == "facts":
        names = tuple(
            dict.fromkeys(name for one in choose_order_names(find_fact_names(request), request) for name in one)
        )
    if goal == "conduct":
        return format_order(AVOID, names)
    return format_order(FRESH if request.scope == "environment" else IGNORE, names)
