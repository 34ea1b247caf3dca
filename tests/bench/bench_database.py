"""How quickly a large record answers: `python tests/bench/bench_database.py [--turns 1000000] [--keep FILE]`.

Twenty episodes of five rounds between a model and a policy are played and recorded; then their rows are copied under
other ids, with other words, until there are enough answers, in runs of a thousand episodes. Each command is timed as a
process of its own, each view through `arena.store.query.query`, which is what `arena sql` asks: for one run or one
episode, and whole. The baseline of the same run is what SQLite itself takes to walk all answers, by the `sqlite3`
module: `select count(*) from turn where at > 0`. What takes more than a second says why.
"""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from arena.episode import Match  # noqa: E402
from arena.runner.run import run  # noqa: E402
from arena.store.database import views  # noqa: E402
from arena.store.query import query  # noqa: E402
from arena.store.rows import STATEMENTS  # noqa: E402
from arena.store.schema import ALL  # noqa: E402
from arena.store.store import Store  # noqa: E402

EPISODES, OF_A_RUN = 20, 1000  # episodes that are played; episodes of each run that is made of them
AIM = 1.0  # seconds
SPREAD = 0x9E3779B97F4A7C15  # odd: products with it, modulo 2**63, are as scattered as hashes
LINKS = {  # columns that hold ids of texts and messages
    "text": ("id",),
    "message": ("id", "parent", "text"),
    "turn": ("text", "thought"),
    "call": ("id", "prompt", "reply"),
}
OF = {"id": "run"}  # what a column named so tells, in the views asked by it
TIMES: dict[str, float] = {}  # seconds of everything that was reported
MANY = 10_000  # rows: from here on it is their number that takes the time
Rows = dict[str, list[tuple[Any, ...]]]


def played(path: Path) -> Rows:
    """The rows of the episodes that are copied, by table."""
    model = {"name": "scripted/negotiator", "usd_per_million": [1, 2]}
    seats = {"buyer": {"name": "llm", "model": model}, "seller": "boulware"}
    plan = [Match({"name": "bargaining", "rounds": 5}, seats, seed) for seed in range(EPISODES)]

    async def work(store: Store) -> str:
        begun = store.begin(plan, "play the templates")
        assert len([result async for _, result in run(begun.pending, store)]) == EPISODES
        return begun.id

    with Store.open(path) as store:
        store.end(asyncio.run(work(store)), "over")
    with closing(sqlite3.connect(path)) as database:
        return {row.__tablename__: database.execute(f"SELECT * FROM {row.__tablename__}").fetchall() for row in ALL}


def copies(rows: Rows, turns: int) -> Iterator[Rows]:
    """As many copies of the rows as hold so many answers, each under other ids."""
    columns = {row.__tablename__: [column.name for column in row.__table__.columns] for row in ALL}
    places = {name: [columns[name].index(link) for link in links] for name, links in LINKS.items()}
    episodes = {row[0]: n for n, row in enumerate(rows["episode"])}
    ((run, *plan),) = rows["run"]
    for copy in range(-(-turns // len(rows["turn"]))):
        first, shift = copy * EPISODES % OF_A_RUN, copy * SPREAD
        name = f"{run[:-4]}{copy * EPISODES // OF_A_RUN:04d}"
        ids = {old: f"{name}.{first + n + 1}" for old, n in episodes.items()}
        made: Rows = {} if first else {"run": [(name, f"plan {copy}", *plan[1:])]}
        for table in ("seat", "turn", "call", "score", "fact", "text", "message"):
            at = columns[table].index("episode") if "episode" in columns[table] else None
            made[table] = [_moved(row, at, ids, places.get(table, ()), shift) for row in rows[table]]
        made["text"] = [(number, f"{body} ({copy})") for number, body in made["text"]]
        made["episode"] = [(ids[row[0]], name, first + n + 1, *row[3:]) for n, row in enumerate(rows["episode"])]
        yield made


def _moved(row: tuple[Any, ...], at: int | None, ids: dict[str, str], links: Any, shift: int) -> tuple[Any, ...]:
    values = list(row)
    if at is not None:
        values[at] = ids[values[at]]
    for place in links:
        if values[place] is not None:
            values[place] = (values[place] + shift) % 2**63
    return tuple(values)


def fill(path: Path, turns: int) -> str:
    """Makes a database of so many answers; returns what it holds, in words."""
    with tempfile.TemporaryDirectory() as folder:
        rows = played(Path(folder) / "few.db")
    Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for made in copies(rows, turns):
            database.execute("BEGIN")
            for name, several in made.items():
                database.executemany(STATEMENTS[name], several)
            database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        counts = [f"{database.execute(f'SELECT count(*) FROM {name}').fetchone()[0]:,} {word}" for name, word in
                  (("run", "runs"), ("episode", "episodes"), ("turn", "answers"), ("call", "calls"))]  # fmt: skip
    return f"{', '.join(counts)}, {path.stat().st_size / 2**20:,.0f} MiB"


def seconds(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """The shortest of some times, and what came of it."""
    best, result = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
        if best > AIM:
            break
    return best, result


def scan(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM turn WHERE at > 0").fetchone()[0])


def command(path: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "arena", *words, "--db", str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def report(name: str, spent: float, base: float, why: str = "starting Python", rows: str = "") -> None:
    TIMES[name] = spent
    over = f"  over {AIM:g} s: {why}" if spent > AIM else ""
    print(f"{name + rows:<44} {spent * 1e3:>9,.1f} {spent / base:>8.2f}{over}", flush=True)


def main(path: Path, turns: int) -> None:
    start = time.perf_counter()
    print(f"{fill(path, turns)}; made in {time.perf_counter() - start:.0f} s")
    base, count = seconds(lambda: scan(path))
    assert count >= turns
    runs = query(path, "select id from run order by id").rows
    middle = runs[len(runs) // 2][0]
    episode = f"{middle}.{EPISODES}"
    keys = {"run": middle, "episode": episode, "id": middle, "agent": "boulware"}  # the first that a view has is asked
    print(f"{'':<44} {'ms':>9} {'ratio':>8}")
    report("baseline: SQLite walks all answers", base, base)
    idle, _ = seconds(lambda: command(path, "sql", "select 1"))
    report("arena sql 'select 1'", idle, base)
    for words in (("list", "runs"), ("list", "episodes"), ("show", "last"), ("show", middle)):
        spent, _ = seconds(lambda words=words: command(path, *words))
        why = f"{idle * 1e3:,.0f} ms of it go into starting Python"
        report(f"arena {' '.join(words).replace(middle, 'RUN')}", spent, base, why)
    for view in views():
        columns = query(path, f"select * from {view} limit 0").columns
        key = next((name for name in keys if name in columns), "")
        for where, times in [*([(f" where {key} = '{keys[key]}'", 3)] if key else []), ("", 1)]:
            spent, table = seconds(lambda asked=f"select * from {view}{where}": query(path, asked), times)
            rows, name = len(table.rows), f"{view} of one {OF.get(key, key)}" if where else f"{view}, whole"
            why = f"{spent / rows * 1e6:.1f} µs a row" if rows > MANY else "it is made of many more rows"
            report(name, spent, base, why, f" ({rows:,} row{'s' * (rows != 1)})")
    slow = {name: spent for name, spent in TIMES.items() if spent > AIM}
    listed = ", ".join(f"{name} {spent:.1f} s" for name, spent in slow.items()) or "none"
    print(f"→ {count:,} answers: {len(TIMES) - len(slow)} of {len(TIMES)} questions under {AIM:g} s; over: {listed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How quickly a large record answers.")
    parser.add_argument("--turns", type=int, default=10**6, help="answers on record")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="make the database there, and leave it")
    given = parser.parse_args()
    if given.keep:
        main(given.keep, given.turns)
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder) / "arena.db", given.turns)
