"""Play a match, or replay a recorded one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from arena.engine.match_loop import MatchLoop, OnTurn, RecordEnded
from arena.episode import PATIENCE, Episode, Match, Turn
from arena.game import Game
from arena.spec import Spec, check_ready

S = TypeVar("S")
T = TypeVar("T")


def play(
    game: Spec,
    seats: Mapping[str, object] | None = None,
    seed: int = 0,
    *,
    patience: int = PATIENCE,
    on_turn: OnTurn | None = None,
) -> Episode:
    """Play one match and return its Episode; blocking, also inside a running event loop (a notebook).

    `game` and the values of `seats` are names, specs, parts or, for seats, plain functions of a view. Raises
    UsageError before anything is played; ModelUnavailable when a model does not answer.
    """
    match = Match(game, dict(seats or {}), seed, patience)
    return run_blocking(lambda: perform(match, on_turn=on_turn))


async def perform(
    match: Match,
    *,
    history: Sequence[Turn] = (),
    on_turn: OnTurn | None = None,
    on_state: Callable[[Any], None] | None = None,
) -> Episode:
    """Play a match: answers in `history` are replayed first, and agents are asked only for the missing ones.

    `on_turn` is awaited with each new answer before the next is asked for, and again if the rules then refuse it;
    `on_state` is called with every state. An exception of an agent ends the loop and is raised to the caller.
    """
    game, agents = match.build_parts()
    for agent in agents.values():
        check_ready(agent)
    return await MatchLoop(game, agents, match, history, on_turn, on_state).run()


def replay(
    game: Game[S],
    turns: Iterable[Turn],
    match: Match,
    on_turn: Callable[[Turn], None] = lambda turn: None,
    on_state: Callable[[S], None] = lambda state: None,
) -> S:
    """The state after the recorded answers, without asking any agent. Stops at the end of the record.

    The callbacks receive each recorded answer and each state on the way.
    """
    table: MatchLoop[S] = MatchLoop(game, {}, match, list(turns), on_state=on_state, on_replay=on_turn)
    with suppress(RecordEnded):
        run_blocking(table.run)
    return table.state


def run_blocking(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run an async function from blocking code and return its result; uses a separate thread if an event loop is
    running.
    """
    outcome: list[T | BaseException] = []

    async def store_result() -> None:  # a task with a result has asyncio.run write it out in full, which may be large
        outcome.append(await work())

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(store_result())
        return cast(T, outcome[0])

    def target() -> None:
        try:
            asyncio.run(store_result())
        except BaseException as error:  # handed to the caller's thread below
            outcome.append(error)

    thread = threading.Thread(target=target, name="arena-play")
    thread.start()
    thread.join()
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result
