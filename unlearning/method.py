"""The contract of a method: a function from agent to agent. The original is not changed."""

from typing import Protocol, runtime_checkable

from arena.agent import Agent
from arena.errors import UsageError
from arena.part_decorators import part
from unlearning.request import Request


class ClosedModel(UsageError):
    """The method changes or reads weights, and the model is behind an API."""

    def __init__(self, method: str, model: str) -> None:
        super().__init__(
            f"the method {method!r} needs a model's weights, and {model!r} does not show them; "
            "give it a local one (local/FOLDER), or take a method that works on the prompt or the memory"
        )


@runtime_checkable
class Method(Protocol):
    """Makes, of an agent and a request, the agent that has forgotten. Raises ClosedModel where it cannot."""

    async def __call__(self, agent: Agent, request: Request) -> Agent: ...


@runtime_checkable
class ReadsRequests(Protocol):
    """A method that reads requests in words itself, so that nothing has to be resolved by rules before it is called."""

    async def read(self, agent: Agent, words: str) -> tuple[Request, Agent]:
        """What the words ask for, and the agent that has forgotten it; they are read once.

        Raises UnclearTarget where that is nothing, everything or several things.
        """
        ...


method = part("method", Method)
