"""Filters: guards that search for names in inputs and outputs."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from agents.guardrails.name_filter import CHANNELS, Channel, Filter
from arena.agent import Agent
from unlearning.memory.name_guards import add_guard, ensure_subject, find_guard_names, invent_names
from unlearning.method import method
from unlearning.request import Request


@method("filter")
@dataclass(frozen=True, slots=True)
class FilterNames:
    """Puts a filter on the target's names around the agent: on its input, its output, or both; nothing is removed.

    Source: the guardrail baselines of Thaker et al. 2024 (arXiv 2403.03329), input and output filtering; the "ignorant"
    style is ours. The names: of a state as the request has them; of a fact its subject in the input and its value in
    the output (`unlearning.data.fact_names`); of an environment what the agent knows by name in it alone; of a
    trajectory its actions as text.

    Cost: a search in each view and answer, no call. Weakness: a name encoded, spelled out, translated or replaced by an
    alias that the request lacks; questions that need no name; a value that also holds for a retained person, where the
    question names only that person; what is retained about a fact's subject is refused with it, except with side =
    "output"; tool arguments and thoughts where these channels are not read; conduct (the agent still acts on what it
    knows); a refusal itself, which tells the target from what was never met; the names stand in the filter in clear
    text. Reversible: remove the guard.
    """

    style: Literal["refuse", "ignorant"] = "refuse"
    """What happens where a name is found. "refuse": the answer is a refusal. "ignorant": the agent is asked about an
    invented name in its place, so that it answers as about a name never heard, and sentences of its answer that name a
    target are removed."""
    side: Literal["input", "output", "both"] = "both"
    """What is searched: the "input" of the agent, its "output", or "both"."""
    channels: tuple[Channel, ...] = CHANNELS
    """Parts of an answer that are searched: its text, the arguments of its tool call, its thoughts. The usual filter
    reads text alone."""
    seed: int = 0
    """Seed of the invented names of the "ignorant" style."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = ensure_subject(agent, "filter")
        names = find_guard_names(subject.memory, request)
        told = names.told if request.scope == "facts" else None
        chance = Random(f"strangers {self.seed} {len(subject.guards)}")
        unheard = invent_names(names.asked, subject.memory, chance) if self.style == "ignorant" else ()
        guard = Filter(names.asked, unheard, self.style, self.side, self.channels, told=told, spared=names.spared)
        return add_guard(subject, guard, "filter")
