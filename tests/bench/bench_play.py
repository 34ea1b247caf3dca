"""Turns per second of scripted play: without a record, with full logging, and the share the database takes.

    python tests/bench/bench_play.py

The baseline of the same run is play without a record; then a bare sqlite3 `executemany` of as many rows. The last line
is how long a plan of 5,000 matches takes to be made and begun, and to be taken up again.
"""

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from arena.engine.play import perform
from arena.episode import Match
from arena.planning.plan import make_plan
from arena.runner.run import run
from arena.store.store import Store

EPISODES, AT_ONCE = 200, 32
GAME = {"name": "bargaining", "rounds": 5}


def matches(first: int) -> list[Match]:
    made = [Match(GAME, {}, seed) for seed in range(first, first + EPISODES)]
    for match in made:
        assert match.id  # resolved once, outside the timed part, in both arms
    return made


async def unrecorded(plans: list[Match]) -> int:
    return sum([len((await perform(match)).turns) for match in plans])


async def recorded(plans: list[Match], db: Path) -> int:
    store = Store.open(db)
    pending = store.begin(plans).pending
    turns = sum([len(r.turns) async for _, r in run(pending, store, at_once=AT_ONCE) if not isinstance(r, Exception)])
    store.close()
    return turns


def timed(name: str, work: "asyncio.Future[int] | object", base: float | None = None) -> float:
    start, cpu = time.perf_counter(), time.process_time()
    turns = asyncio.run(work)  # type: ignore[arg-type]
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    ratio = f"{turns / wall / base:6.2f}" if base else "  1.00"
    print(
        f"{name:<26} {turns:>7} turns {turns / wall:>8.0f} turns/s {cpu / turns * 1e6:>6.0f} µs CPU/turn  ratio {ratio}"
    )
    return turns / wall


def bare(db: Path, turns: int) -> float:
    connection = sqlite3.connect(db)
    connection.execute("pragma journal_mode=wal")
    connection.execute("create table turn (episode text, step int, seat text, text text, args text)")
    start = time.perf_counter()
    for first in range(0, turns, AT_ONCE):
        rows = [
            ("episode", k, "buyer", f"I could give you ${k}.", '{"price": 3}') for k in range(first, first + AT_ONCE)
        ]
        with connection:
            connection.executemany("insert into turn values (?, ?, ?, ?, ?)", rows)
    return turns / (time.perf_counter() - start)


def begun(db: Path, count: int = 5000) -> tuple[float, float]:
    """Seconds until a plan is made and its run begun; the same for going on."""
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        with Store.open(db) as store:
            store.begin(make_plan({"n": count}).matches())
        seconds.append(time.perf_counter() - start)
    return seconds[0], seconds[1]


def main() -> None:
    asyncio.run(unrecorded(matches(10_000)[:10]))  # warm the caches
    base = timed("play, no record", unrecorded(matches(0)))
    with tempfile.TemporaryDirectory() as folder:
        full = timed("play, everything recorded", recorded(matches(1_000), Path(folder) / "a.db"), base)
        raw = bare(Path(folder) / "b.db", 20_000)
        new, again = begun(Path(folder) / "c.db")
    print(f"share of the time that the record takes: {1 - full / base:.0%}   (aim: ≥ 5,000 turns/s recorded)")
    print(f"bare sqlite3 executemany, {AT_ONCE} rows a transaction: {raw:.0f} rows/s, {raw / full:.1f}× recorded play")
    print(f"5,000 matches made and begun in {new:.2f} s, gone on with in {again:.2f} s")
    print(f"→ {full:,.0f} turns/s played and recorded, {full / base:.2f} of play without a record")


if __name__ == "__main__":
    main()
