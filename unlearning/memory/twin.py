"""The never-exposed twin: the same agent, its memory rebuilt from the log without the target.

If notes are a deterministic function of an ordered log, replaying the log without the influence set gives exactly the
agent that never met the target; no trace of it is left through memory. What the model itself knew before is
untouched, which is why targets have invented names.
"""

from dataclasses import replace

from agents.memory.subject import Subject
from arena.agent import Agent
from arena.errors import UsageError
from unlearning.memory.influence_set import find_influence
from unlearning.request import Request


def twin(subject: Subject, request: Request) -> Subject:
    """The agent that never met what the request names: everything else is the same."""
    return replace(subject, memory=subject.memory.without(find_influence(subject.memory, request).ids))


def remembering(agent: Agent, method: str) -> Subject:
    """The agent as one with a memory. Raises UsageError where it is none, naming the method that asked."""
    if not isinstance(agent, Subject):
        raise UsageError(
            f"the method {method!r} works on what an agent remembers, and {type(agent).__name__} remembers nothing; "
            "give it a subject (a mind with a memory)"
        )
    return agent
