"""Put guards in front of agents, and derive the names that a guard searches for."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from agents.memory.memory import Memory
from agents.memory.subject import Guard, Mind, Subject
from arena.agent import Agent
from arena.errors import UsageError
from arena.lessons import OutcomeData
from arena.spec import describe
from unlearning.data.fact_names import NamesBySide, find_fact_names
from unlearning.memory.decoy_names import decoys
from unlearning.memory.influence_set import find_influence
from unlearning.request import Request

LONGEST = 4  # words of a name


def add_guard(agent: Agent, guard: Guard, method: str) -> Subject:
    """The agent with one more guard, the outermost; an agent without a memory gets an empty one around it."""
    return replace(ensure_subject(agent, method), guards=(guard, *ensure_subject(agent, method).guards))


def ensure_subject(agent: Agent, method: str) -> Subject:
    """The agent as one that can have guards. Raises UsageError where it has no base agent, naming the method."""
    if isinstance(agent, Subject):
        return agent
    if not isinstance(agent, Mind):
        raise UsageError(
            f"the method {method!r} puts a guard before a mind, and {describe(agent)['name']} is none; "
            "give it a subject, or a model"
        )
    return Subject(agent)


def find_guard_names(memory: Memory, request: Request) -> NamesBySide:
    """The words by which a guard recognises the target in questions, and in answers; they differ for facts only.

    Of a state its names; of a fact its subject on the question's side, its value on the answer's; of an environment all
    that the agent knows by name in it and nowhere else; of a trajectory the sequences of actions, as texts state them.
    """
    if request.scope == "facts":
        found = find_influence(memory, request).events
        rest = [event for event in memory.log if event.id not in found and event.subject]
        return find_fact_names(request, [(event.subject, event.text) for event in rest])
    names = _find_names(memory, request)
    return NamesBySide(names, names)


def _find_names(memory: Memory, request: Request) -> tuple[str, ...]:
    if request.scope == "state":
        return request.targets
    found = find_influence(memory, request).events
    if request.scope == "environment":
        elsewhere = {event.subject for event in memory.log if event.id not in found}
        inside = [e.subject for e in memory.log if e.id in found and e.kind != "outcome" and e.subject]
        return tuple(dict.fromkeys(name for name in inside if name not in elsewhere))
    outcomes = (event.data for event in memory.log if event.id in found)
    routes = [data.route for data in outcomes if isinstance(data, OutcomeData) and data.actions]
    return tuple(dict.fromkeys([*routes, *(name for name in request.targets if ";" in name)]))


def invent_names(names: Sequence[str], memory: Memory, chance: Random) -> tuple[str, ...]:
    """An invented name for each of these; "" for a sentence, and for one that begins with no letter."""
    known = {event.subject for event in memory.log} | set(names)
    made: list[str] = []
    for name in names:
        found = decoys([name], 1, chance)[0] if name[:1].isalpha() and len(name.split()) <= LONGEST else ""
        while found in known:
            found = decoys([name], 1, chance)[0]
        known |= {found} - {""}
        made.append(found)
    return tuple(made)
