"""Table of forks beside the episode they come from."""

from itertools import groupby
from typing import Any

from arena.store.query import query
from arena.store.query_result import QueryResult

MOST = 20  # most forks listed one by one; the mean is over all


def forks(db: str, run: str) -> QueryResult:
    """Results of a run's forks, below the result of their parent, and their means; empty for a run without forks.

    `price` is the mean price of the deals of an episode, in dollars. Games with rounds have columns for them.
    """
    found = query(db, "select * from forks where run = ? order by length(episode), episode, seat", (run,))
    records = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    if not records:
        return QueryResult((), ())
    parent, at, seats = records[0]["parent"], records[0]["at"], list(dict.fromkeys(r["seat"] for r in records))
    played = _rounds(db, run, parent)
    lines = []
    for name, group in groupby(records, key=lambda record: record["episode"]):
        own = {record["seat"]: record for record in group}
        first = next(iter(own.values()))
        paid = [own[seat]["score"] if seat in own else None for seat in seats]
        lines.append((name, first["seed"], first["status"], *paid, *played.get(name, (None, None, None))))
    before = {record["seat"]: record["parent_score"] for record in records}
    ended = query(db, "select status from episodes where id = ?", (parent,)).rows
    status = ended[0][0] if ended else ""
    origin = (parent, None, status, *(before[seat] for seat in seats), *played.get(parent, (None, None, None)))
    means = ("mean of forks", None, "", *(_mean([line[k] for line in lines]) for k in range(3, len(lines[0]))))
    table = (origin, *lines[:MOST], means)
    columns = (f"forked at {at}", "seed", "status", *seats, "rounds", "deals", "price")
    width = len(columns) if played else len(columns) - 3
    return QueryResult(columns[:width], tuple(line[:width] for line in table))


def _rounds(db: str, run: str, parent: str) -> dict[str, tuple[Any, ...]]:
    """Number of rounds and deals of each episode, and their mean price."""
    means = "select episode, count(*), sum(deal), avg(price) from rounds where run = ? or episode = ? group by episode"
    return {row[0]: row[1:] for row in query(db, means, (run, parent)).rows}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
