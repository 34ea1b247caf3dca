"""The contract of an agent: a function of what it sees."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Protocol, TypeAlias, runtime_checkable

from arena.game import Move, View
from arena.part_decorators import part

Answer: TypeAlias = Move | str
Policy: TypeAlias = Callable[[View], Answer | Awaitable[Answer]]


@runtime_checkable
class Agent(Protocol):
    """Answers a view with a move. It keeps no state: what it remembers was given to it when it was built."""

    async def act(self, view: View) -> Move: ...


@dataclass(frozen=True, slots=True)
class FunctionAgent:
    """A plain function, sync or async, as an agent; a returned string is said without an action."""

    function: Policy

    async def act(self, view: View) -> Move:
        answer = self.function(view)
        done = await answer if isawaitable(answer) else answer
        return Move(done) if isinstance(done, str) else done


agent = part("agent", Agent, FunctionAgent)
