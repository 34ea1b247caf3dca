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
    """Puts a filter on the target's names before the agent: input, output, or both; nothing is forgotten.

    Source: the guardrail baselines of Thaker et al. 2024 (arXiv 2403.03329), input and output filtering; the ignorant
    style is our own. Steps: 1. the names: of a state as the request has them, of a fact its subject in what comes in
    and its value in what goes out (`unlearning.data.fact_names`), of an environment what the agent knows by name in it
    alone, of a trajectory its actions as they are told. 2. `style` "refuse": a question, task or answer that has one
    gets a refusal. "ignorant": the agent is asked about a stranger in the name's place, so that it answers as its twin
    would of a name never heard; sentences that name a target are taken out of its answers. 3. `side` and `channels` say
    what is read; the usual filter reads text alone (channels = ["text"]).

    Cost: a search in each view and answer, no call. Leaks: a name in code, spelt, translated or by an alias that the
    request lacks; questions that need no name; a value that holds of somebody kept, where the question names that one
    alone; what is kept of a fact's subject is refused with it, but for side = "output"; tool arguments and thoughts
    where these channels are not read; conduct (it still goes by what it knows); a refusal itself, which tells the
    target from what was never met; the names stand in the filter in clear. Reversible: take the guard away.
    """

    style: Literal["refuse", "ignorant"] = "refuse"
    side: Literal["input", "output", "both"] = "both"
    channels: tuple[Channel, ...] = CHANNELS
    seed: int = 0

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = ensure_subject(agent, "filter")
        names = find_guard_names(subject.memory, request)
        told = names.told if request.scope == "facts" else None
        chance = Random(f"strangers {self.seed} {len(subject.guards)}")
        unheard = invent_names(names.asked, subject.memory, chance) if self.style == "ignorant" else ()
        guard = Filter(names.asked, unheard, self.style, self.side, self.channels, told=told, spared=names.spared)
        return add_guard(subject, guard, "filter")
