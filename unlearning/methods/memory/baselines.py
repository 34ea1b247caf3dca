"""Baselines: no-op, reset, exact replay (the never-exposed twin)."""

from dataclasses import dataclass, replace

from agents.memory.memory import Memory
from arena.agent import Agent
from unlearning.memory.request_parsing import Everything, request_all, resolve_request
from unlearning.memory.twin import remembering, twin
from unlearning.method import method
from unlearning.request import Request


@method
@dataclass(frozen=True, slots=True)
class Noop:
    """Does nothing: the agent that knows. Every probe should find everything; the ceiling of every reading."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        return agent


@method
@dataclass(frozen=True, slots=True)
class Reset:
    """Forgets everything: an empty log, no notes, no steering, no guards. The target is gone, and all else too.

    It alone takes a request to “forget everything”.

    Cost: nothing to compute, everything to learn again. Weakness: that something was forgotten, since nothing is known.
    """

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, "reset")
        return replace(subject, memory=Memory(writers=subject.memory.writers), steering="", guards=())

    async def read(self, agent: Agent, words: str) -> tuple[Request, Agent]:
        """The request, which may be for everything, and the empty agent."""
        memory = remembering(agent, "reset").memory
        try:
            request = resolve_request(memory, words)
        except Everything:
            request = request_all(memory, words)
        return request, await self(agent, request)


@method("replay")
@dataclass(frozen=True, slots=True)
class ReplayTwin:
    """The oracle: rewrites the whole memory from the log without the target. Exact on the path of memory.

    Cost: one pass of all writers over the log. Weakness: nothing of the memory; what the model itself knew stays.
    """

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        return twin(remembering(agent, "replay"), request)
