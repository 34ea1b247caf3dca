"""Run many matches: concurrent, with retries, recorded, and resumable."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from arena.console.stdio import say
from arena.engine.budget import GATE, Budget, CallGate
from arena.engine.budget import Halt as Halt
from arena.episode import Episode, Turn
from arena.errors import BudgetSpent, ModelUnavailable, Stopped, UsageError
from arena.runner.backend import Backend, play_here
from arena.runner.gc_tuning import seldom
from arena.store.store import Pending, Store

LOGGER = logging.getLogger(__name__)

Done: TypeAlias = "asyncio.Queue[tuple[Pending, Episode | Exception] | None]"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Callbacks: on the start of an episode, each new answer, each state, and the end.

    An error in a callback does not affect what is played or recorded: the first one is printed on stderr.
    """

    began: Callable[[Pending], None] = lambda pending: None
    turn: Callable[[Pending, Turn], None] = lambda pending, turn: None
    state: Callable[[Pending, Any], None] = lambda pending, state: None
    left: Callable[[Pending], None] = lambda pending: None


@dataclass(slots=True)
class MatchAttempt:
    """One attempt at a match: the answers recorded before, and the new ones."""

    pending: Pending
    store: Store
    halt: Halt
    watcher: Watcher
    backend: Backend
    turns: dict[tuple[int, str, int], Turn] = field(default_factory=dict)

    async def play(self) -> Episode:
        await self.store.record_start(self.pending)
        history = (*self.pending.history, *self.turns.values())
        if history:
            LOGGER.info("episode %s resumes after %d recorded answers", self.pending.id, len(history))
        watch: Callable[[Any], None] = lambda state: self.watcher.state(self.pending, state)  # noqa: E731
        episode = await self.backend(self.pending.match, _keep_latest(history), self.keep, watch)
        await self.store.record_end(self.pending.id, episode)
        return replace(episode, id=self.pending.id)

    async def keep(self, turn: Turn) -> None:
        await self.store.turn(self.pending.id, turn)
        self.turns[turn.step, turn.seat, turn.attempt] = turn
        self.watcher.turn(self.pending, turn)
        self.halt.check()


async def run(
    pending: Iterable[Pending],
    store: Store,
    *,
    at_once: int = 32,
    retries: int = 1,
    halt: Halt | None = None,
    budget: Budget | None = None,
    watcher: Watcher = Watcher(),
    backend: Backend = play_here,
) -> AsyncIterator[tuple[Pending, Episode | Exception]]:
    """Play what is pending, at most `at_once` at a time, and yield each match with its episode or its failure.

    A failed episode is retried `retries` times from its last recorded answer, then stored as `error` with its traceback
    and without scores; the others continue. After `halt` no episode starts and open ones stay open. When `budget` is
    exhausted no episode starts either; one whose next call cannot be reserved is `cut`.
    """
    if at_once < 1:
        raise UsageError(f"at least one episode has to be played at a time, got {at_once}")
    if retries < 0:
        raise UsageError(f"retries is how often a failed episode is tried again: 0 or more, got {retries}")
    gate = CallGate(halt or Halt(), budget)
    done: Done = asyncio.Queue()
    onlooker = guard_watcher(watcher)
    attempts = (MatchAttempt(item, store, gate.halt, onlooker, backend) for item in pending)
    most = len(pending) if isinstance(pending, Sized) else at_once
    workers = [
        asyncio.create_task(_play_attempts(attempts, gate, retries, done)) for _ in range(min(at_once, max(most, 1)))
    ]
    try:
        open_workers = len(workers)
        with seldom(at_once):
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


def guard_watcher(watcher: Watcher) -> Watcher:
    """The same watcher with its errors suppressed. The first is printed on stderr; later callbacks are still called."""
    failures: list[Exception] = []

    def guard(call: Callable[..., None]) -> Callable[..., None]:
        def call_safely(*told: object) -> None:
            try:
                call(*told)
            except Exception as error:  # any error: a callback must not affect the match
                if not failures:
                    reason = f"{type(error).__name__}: {error}"
                    say(f"what is told of this run is not complete, its record is: {reason}", stderr=True)
                LOGGER.debug("a watcher failed", exc_info=True)
                failures.append(error)

        return call_safely

    return Watcher(guard(watcher.began), guard(watcher.turn), guard(watcher.state), guard(watcher.left))


async def _play_attempts(attempts: Iterator[MatchAttempt], gate: CallGate, retries: int, done: Done) -> None:
    """Play the next match until there is none; puts None at the end."""
    GATE.set(gate)  # context variable of this task and its children
    try:
        while not gate.halt.on and not (gate.budget is not None and gate.budget.gone):
            attempt = next(attempts, None)
            if attempt is None:
                break
            attempt.watcher.began(attempt.pending)
            result = await _play_with_retries(attempt, retries)
            attempt.watcher.left(attempt.pending)
            done.put_nowait((attempt.pending, result))
    finally:
        done.put_nowait(None)


async def _play_with_retries(attempt: MatchAttempt, retries: int) -> Episode | Exception:
    """The episode, or the exception of its last attempt; calls without an answer are billed either way."""
    store, name = attempt.store, attempt.pending.id
    for left in reversed(range(retries + 1)):
        try:
            return await attempt.play()
        except Stopped as error:
            return await _record_stopped(attempt, error)
        except Exception as error:
            if isinstance(error, ModelUnavailable):
                await store.record_cost(name, error.usage, error.seat, error.step)
            if left and not isinstance(error, UsageError):
                LOGGER.info("episode %s failed, tries left: %d; %s: %s", name, left, type(error).__name__, error)
                LOGGER.debug("its traceback", exc_info=True)
                continue
            await store.record_failure(name, traceback.format_exc())
            return error
    raise AssertionError("unreachable: the last try returns")


async def _record_stopped(attempt: MatchAttempt, error: Stopped) -> Episode | Exception:
    """Record an episode that may not continue: left open, or cut, with its answers and without scores."""
    store, pending = attempt.store, attempt.pending
    if error.usage is not None and error.usage.calls:
        await store.record_cost(pending.id, error.usage, error.seat, error.step)
    if not isinstance(error, BudgetSpent):
        return error
    turns, seats = _keep_latest((*pending.history, *attempt.turns.values())), pending.match.resolved["seats"]
    episode = Episode(pending.match, turns, dict.fromkeys(seats), {}, "cut", error=str(error), id=pending.id)
    await store.record_end(pending.id, episode)
    return episode


def _keep_latest(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The latest version of each answer: one that was refused after it was recorded appears once, as refused."""
    return tuple({(turn.step, turn.seat, turn.attempt): turn for turn in turns}.values())
