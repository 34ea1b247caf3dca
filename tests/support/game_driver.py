"""Short forms for tests that drive a game by hand."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

from arena.agent import Agent, Policy
from arena.game import Game, Move, View


def does(tool: str, text: str = "", **args: Any) -> Move:
    """An action."""
    return Move(text, tool, args)


def makes(*moves: Move | str, seen: list[View] | None = None) -> Policy:
    """A player who makes these moves in order, and notes what it saw."""
    left = iter(moves)

    def act(view: View) -> Move | str:
        if seen is not None:
            seen.append(view)
        return next(left)

    return act


def answer(agent: Agent, view: View) -> Move:
    """What an agent answers, without a match around it."""
    return asyncio.run(agent.act(view))


def first_state(game: Game, seed: int = 0) -> Any:
    return game.start(Random(seed))


def after(game: Game, state: Any, moves: Mapping[str, Move | str]) -> Any:
    """The state after moves given as texts or actions."""
    return game.apply(state, {s: Move(m) if isinstance(m, str) else m for s, m in moves.items()})
