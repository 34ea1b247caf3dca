"""How long a stopped run takes to go on: `python tests/bench/bench_resume.py [EPISODES]` (5000).

A plan of bargaining between policies is played whole: that is the baseline. Then the same plan, in another file, is
stopped when half of its episodes have ended and 500 more stand half-way, and gone on with. Each time is from the moment
the file is opened, in this process: until the plan is read and what is left of it is known (with the answers of the
open episodes), until the first new answer is on record, until the last of the open episodes was played again up to
where it stopped, and to the end.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from arena.engine.budget import Halt  # noqa: E402
from arena.episode import Turn  # noqa: E402
from arena.planning.plan import make_plan  # noqa: E402
from arena.runner.run import Watcher, run  # noqa: E402
from arena.store.store import Pending, Store  # noqa: E402

AT_ONCE = 500


@dataclass(slots=True)
class Watch:
    """Plays what is left of a plan and notes when, in seconds from the opening of the file."""

    path: Path
    episodes: int
    stop_after: int | None = None
    began: float = field(default_factory=time.perf_counter)
    begun: float = 0.0
    first: float = 0.0
    again: float = 0.0
    ended: float = 0.0
    answers: int = 0
    done: int = 0
    open: set[str] = field(default_factory=set)
    reopened: int = 0
    held: int = 0
    halt: Halt = field(default_factory=Halt)

    @property
    def now(self) -> float:
        return time.perf_counter() - self.began

    def turn(self, pending: Pending, _: Turn) -> None:
        """A new answer was recorded."""
        self.first = self.first or self.now
        if pending.id in self.open:
            self.open.remove(pending.id)
            self.again = self.now
        self.answers += 1
        if self.answers == self.stop_after:
            self.halt.on = True

    async def play(self, store: Store) -> None:
        plan = make_plan({"n": self.episodes, "game": {"name": "bargaining", "coach": "none"}})
        record = store.begin(plan.matches())
        self.begun = self.now
        self.open = {item.id for item in record.pending if item.history}
        self.reopened, self.held = len(self.open), sum(len(item.history) for item in record.pending)
        watcher = Watcher(turn=self.turn)
        async for _, result in run(record.pending, store, at_once=AT_ONCE, halt=self.halt, watcher=watcher):
            self.done += not isinstance(result, Exception)
        store.end(record.id, "interrupted" if self.halt.on else "over")
        self.ended = self.now

    def __call__(self) -> "Watch":
        with Store.open(self.path) as store:
            asyncio.run(self.play(store))
        return self


def main(episodes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Watch(Path(folder) / "warm.db", 10)()
        whole = Watch(Path(folder) / "whole.db", episodes)()
        enough = whole.answers * (episodes + AT_ONCE) // (2 * episodes)
        stopped = Watch(Path(folder) / "stopped.db", episodes, stop_after=enough)()
        resumed = Watch(stopped.path, episodes)()
    assert stopped.done + resumed.done == episodes and stopped.answers + resumed.answers == whole.answers
    print(
        f"{episodes:,} episodes, {whole.answers:,} answers, {AT_ONCE} at once; stopped when {stopped.done:,} had ended"
    )
    print(f"and {resumed.reopened:,} were open with {resumed.held:,} answers")
    print(f"{'':<62} {'s':>7} {'ratio':>6}")
    for name, seconds in (
        ("baseline: the whole run", whole.ended),
        ("the plan is begun", whole.begun),
        ("going on: what is left is known, open answers are read", resumed.begun),
        ("going on: the first new answer is on record", resumed.first),
        ("going on: all open episodes were played again and answered", resumed.again),
        ("both parts together, to the end", stopped.ended + resumed.ended),
    ):
        print(f"{name:<62} {seconds:>7.2f} {seconds / whole.ended:>6.3f}")
    first, both = resumed.first / whole.ended, (stopped.ended + resumed.ended) / whole.ended
    said = f"{resumed.first:.2f} s to the first new answer, {first:.3f} of the whole run; both parts {both:.2f}"
    print(f"→ going on with {episodes:,} episodes: {said}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
