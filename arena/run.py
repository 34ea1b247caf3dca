"""Many matches: side by side, retried, recorded, and never twice."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from arena.episode import Episode, Turn
from arena.errors import ModelUnavailable, UsageError
from arena.play import perform
from arena.store import Pending, Store


class Halted(Exception):
    """The run was asked to stop; the episode stands as recorded and goes on next time."""


@dataclass(slots=True)
class Halt:
    """A switch that stops a run after the answers in flight."""

    on: bool = False

    def check(self) -> None:
        if self.on:
            raise Halted


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who looks on: called with each new answer and each state of an episode."""

    turn: Callable[[Pending, Turn], None] = lambda pending, turn: None
    state: Callable[[Pending, Any], None] = lambda pending, state: None


@dataclass(slots=True)
class Attempt:
    """One try at a match: what was recorded before, and what was answered since."""

    pending: Pending
    store: Store
    halt: Halt
    watcher: Watcher
    turns: dict[tuple[int, str, int], Turn] = field(default_factory=dict)

    async def play(self) -> Episode:
        await self.store.started(self.pending)
        history = (*self.pending.history, *self.turns.values())
        watch: Callable[[Any], None] = lambda state: self.watcher.state(self.pending, state)  # noqa: E731
        episode = await perform(self.pending.match, history=_latest(history), on_turn=self.keep, on_state=watch)
        await self.store.ended(self.pending.id, episode)
        return replace(episode, id=self.pending.id)

    async def keep(self, turn: Turn) -> None:
        await self.store.turn(self.pending.id, turn)
        self.turns[turn.step, turn.seat, turn.attempt] = turn
        self.watcher.turn(self.pending, turn)
        self.halt.check()


async def run(
    pending: Sequence[Pending],
    store: Store,
    *,
    at_once: int = 32,
    retries: int = 1,
    halt: Halt | None = None,
    watcher: Watcher = Watcher(),
) -> AsyncIterator[tuple[Pending, Episode | Exception]]:
    """Play what is pending, at most `at_once` at a time, and yield each match with its episode or its failure.

    A failed episode is tried again `retries` times from its last recorded answer, then stored as `error` with its
    traceback and without scores; the others go on. After `halt` nothing new starts and open episodes stay open.
    """
    if at_once < 1:
        raise UsageError(f"at least one episode has to be played at a time, got {at_once}")
    halt = halt or Halt()
    waiting = iter(pending)
    done: asyncio.Queue[tuple[Pending, Episode | Exception] | None] = asyncio.Queue()

    async def work() -> None:
        try:
            for item in waiting:
                if halt.on:
                    break
                await done.put((item, await _one(Attempt(item, store, halt, watcher), retries)))
        finally:
            await done.put(None)

    workers = [asyncio.create_task(work()) for _ in range(min(at_once, max(len(pending), 1)))]
    try:
        open_workers = len(workers)
        while open_workers:
            result = await done.get()
            if result is None:
                open_workers -= 1
            else:
                yield result
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()


async def _one(attempt: Attempt, retries: int) -> Episode | Exception:
    """The episode, or the exception that ended its last try; calls that led to no answer are billed either way."""
    store, name = attempt.store, attempt.pending.id
    for left in reversed(range(retries + 1)):
        try:
            return await attempt.play()
        except Halted as error:
            return error
        except Exception as error:
            if isinstance(error, ModelUnavailable):
                await store.spent(name, error.usage, error.seat, error.step)
            if left and not isinstance(error, UsageError):
                continue
            await store.failed(name, traceback.format_exc())
            return error
    raise AssertionError("unreachable: the last try returns")


def _latest(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The last word on each answer: one that was refused after it was recorded appears once, refused."""
    return tuple({(turn.step, turn.seat, turn.attempt): turn for turn in turns}.values())
