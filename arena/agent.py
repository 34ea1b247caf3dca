"""Contract of an agent: a function from a view to a move."""

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
    """Maps a view to a move. Stateless: what it remembers is passed in when it is built."""

    async def act(self, view: View) -> Move: ...


@dataclass(frozen=True, slots=True)
class FunctionAgent:
    """Wraps a plain function, sync or async, as an agent; a returned string becomes a message without an action."""

    function: Policy

    async def act(self, view: View) -> Move:
        answer = self.function(view)
        done = await answer if isawaitable(answer) else answer
        return Move(done) if isinstance(done, str) else done


agent = part("agent", Agent, FunctionAgent)
