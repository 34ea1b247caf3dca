"""One `arena play` at the terminal: begin or go on, tell what happens, sum up."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from arena.episode import Episode, Match, Turn
from arena.errors import ArenaError
from arena.exits import INTERRUPTED, OVER, SOME_FAILED
from arena.narrator import Narrator
from arena.run import Halt, Halted, Watcher, run
from arena.spec import canonical, ready
from arena.store import Pending, Run, Store
from arena.tell import episode_tables, print_json

PROGRESS_EVERY = 20  # lines of progress for a run of many episodes


@dataclass(slots=True)
class Session:
    """Plays `matches` into the database `db` and says so: text on stdout, progress on stderr, or one JSON document."""

    matches: Sequence[Match]
    db: str
    json: bool = False
    quiet: bool = False
    at_once: int = 32
    halt: Halt = field(default_factory=Halt)
    ended: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @property
    def out(self) -> Console:
        return Console(stderr=self.json, highlight=False)

    def dry(self) -> int:
        """Print the resolved plan; play nothing, record nothing."""
        first = self.matches[0].resolved
        if self.json:
            print_json({"episodes": len(self.matches), "first": first, "ids": [m.id for m in self.matches]})
            return OVER
        self.out.print(f"{len(self.matches)} episode(s) would be played, seeds from {first['seed']} on:")
        self.out.print_json(canonical(first))
        return OVER

    def play(self) -> int:
        """Play all that is not on record yet; returns the exit code."""
        for agent in self.matches[0].built()[1].values():
            ready(agent)
        store = Store.open(self.db)
        try:
            record = store.begin(self.matches, " ".join(sys.argv[1:]))
            if record.resumed:
                self._progress(f"run {record.id} goes on: {record.done} of {len(self.matches)} episodes are done")
            asyncio.run(self._run(record, store))
            return self._sum_up(record, store)
        finally:
            store.close()

    async def _run(self, record: Run, store: Store) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        try:
            loop.add_signal_handler(signal.SIGINT, self._interrupt, task)
        except (NotImplementedError, RuntimeError, ValueError):  # no signals on this platform or in this thread
            pass
        watcher = self._narration() if len(self.matches) == 1 and not self.quiet and not self._person() else Watcher()
        try:
            async for pending, result in run(
                record.pending, store, at_once=self.at_once, halt=self.halt, watcher=watcher
            ):
                self._count(pending, result)
        except asyncio.CancelledError:
            if not self.halt.on:
                raise

    def _interrupt(self, task: "asyncio.Task[Any]") -> None:
        if self.halt.on:
            task.cancel()
        self.halt.on = True
        self._progress("stopping after the answers in flight; press Ctrl-C again to leave at once")

    def _person(self) -> bool:
        """Whether a person plays: then only their seat's own view is shown, by the seat itself."""
        return any(seat["name"] == "human" for seat in self.matches[0].resolved["seats"].values())

    def _narration(self) -> Watcher:
        narrator = Narrator(self.out, self.matches[0].built()[0])

        def turn(_: Pending, turn: Turn) -> None:
            narrator.turn(turn)

        def state(_: Pending, state: Any) -> None:
            narrator.state(state)

        return Watcher(turn, state)

    def _count(self, pending: Pending, result: Episode | Exception) -> None:
        if isinstance(result, Halted):
            return
        if isinstance(result, Exception):
            self.ended["error"] += 1
            self.errors.append(f"{pending.id}: {_reason(result)}")
            self._progress(f"episode {self.errors[-1]}")
            return
        self.ended[result.status] += 1
        done, every = self.ended.total(), max(1, len(self.matches) // PROGRESS_EVERY)
        if len(self.matches) > 1 and done % every == 0:
            self._progress(f"{done} of {len(self.matches)} episodes done, {self.ended['error']} failed")

    def _progress(self, line: str) -> None:
        if not self.quiet:
            Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True)

    def _sum_up(self, record: Run, store: Store) -> int:
        failed, stopped = self.ended["error"], self.halt.on
        code = INTERRUPTED if stopped else SOME_FAILED if failed else OVER
        store.end(record.id, "interrupted" if stopped else "over")
        episode_tables(self.db, record.id, self.json, code, self.errors, self.out)
        if stopped:
            self._progress("all answers are recorded; the same command goes on where this one stopped")
        return code


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ArenaError) else f"{type(error).__name__}: {error}"
