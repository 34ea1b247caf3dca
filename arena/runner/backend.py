"""Execution backends of episodes: this process, or a Ray cluster."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from typing import Any, Protocol

from arena.engine.match_loop import OnTurn
from arena.engine.play import perform
from arena.episode import Episode, Match, Turn
from arena.errors import MissingExtra, UsageError, unknown
from arena.registry import TAUGHT

BACKENDS = ("here", "ray")


class Backend(Protocol):
    """Continues a match from its recorded answers; `keep` is awaited with each new answer before the next
    is asked for.
    """

    async def __call__(
        self, match: Match, history: Sequence[Turn], keep: OnTurn, show: Callable[[Any], None]
    ) -> Episode: ...


async def play_here(match: Match, history: Sequence[Turn], keep: OnTurn, show: Callable[[Any], None]) -> Episode:
    """Play in this process; `show` receives every state."""
    return await perform(match, history=history, on_turn=keep, on_state=show)


def check_backend(name: str, agent: str = "") -> None:
    """Raise UsageError if there is no backend of that name, or the `agent` cannot run on it."""
    if name not in BACKENDS:
        raise UsageError(unknown("backend", name, BACKENDS))
    if name == "here":
        return
    if find_spec("ray") is None:
        raise MissingExtra("the backend ray", "ray")
    if agent == "human":
        raise UsageError("a person cannot sit at a worker's terminal; play with --backend here")
    if agent.partition("/")[0] == TAUGHT:
        raise UsageError(f"{agent} has its memory in the database, which workers do not read; play with --backend here")


@contextmanager
def open_backend(name: str) -> Iterator[Backend]:
    """The backend of that name, closed after; what Ray prints meanwhile goes to stderr."""
    check_backend(name)
    if name == "here":
        yield play_here
        return
    from arena.runner.ray_backend import cluster

    with cluster() as backend, redirect_stdout(sys.stderr):
        yield backend
