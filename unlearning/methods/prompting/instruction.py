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
    """Puts the request to forget into the agent's prompt; nothing is removed.

    The "conduct" goal gives the target away to an observer: a novice would go there or use it.

    Cost: the text, in every prompt. Weakness: anyone who sees the prompt, since it names the target; refusals and
    detours; every answer in which the agent does not comply. Reversible: remove the text.
    """

    form: Literal["raw", "template"] = "template"
    """Wording of the instruction. "raw": the request as it was made. "template": the standard wording for the goal."""
    goal: Literal["knowledge", "conduct"] = "knowledge"
    """What the template orders. "knowledge": to act as an agent that never met the target. "conduct": never to go
    there, use it or speak of it; never to repeat these actions in this order, while the task stays permitted; never to
    act in the environment (a rule-based agent cannot tell one world of a game from another, and does nothing in any of
    them)."""

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
