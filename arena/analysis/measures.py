"""Measures of an episode by name: `score.buyer`, `deal`, `surplus.buyer`, `tokens`.

An episode counts once. For a fact that is a table (the rounds of a negotiation, the hands of a poker match) the measure
of a column is its mean over the rows that have a value. Yes and no count as 1 and 0.

    score.SEAT     the game's own payoff
    NAME           a fact that is a number, or yes or no: `revenue`, `success`
    NAME.SEAT      one of a fact with a number for each seat: `gains.buyer`; or the column SEAT_NAME of a table:
                   `surplus.buyer` is `buyer_surplus` of the fact `rounds`
    COLUMN         a column of a table with such columns: `deal`, `price`
    TABLE.COLUMN   a column of any other table: `offers.price`
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from arena.errors import UsageError, unknown

COSTS = ("turns", "refused", "calls", "tokens", "usd", "seconds")  # columns of the view `episodes`, on request only
INDEX = ("round", "period", "hand", "step", "n")  # columns that number the rows of a table


@dataclass(frozen=True, slots=True)
class EpisodeMeasures:
    """The values of one episode by name: None where there is none (a price without a deal).

    `shares` are the names whose values come from yes and no: between 0 and 1. `aside` are measured on request only:
    numbers of rows, columns of tables without payoffs. `empty` are the tables without rows, whose columns are unknown.
    `also` maps other spellings to the name that is meant: `buyer_surplus`, `rounds.deal`.
    """

    values: Mapping[str, float | None]
    shares: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    also: Mapping[str, str] = field(default_factory=dict)


def measure(scores: Mapping[str, float | None], facts: Mapping[str, Any]) -> EpisodeMeasures:
    """All measures of an episode with these scores (by seat) and facts."""
    values: dict[str, float | None] = {f"score.{seat}": value for seat, value in scores.items()}
    shares: set[str] = set()
    aside: set[str] = set()
    empty: set[str] = set()
    also: dict[str, str] = {}
    tables: dict[str, Sequence[Mapping[str, Any]]] = {}
    for name, fact in facts.items():
        if _is_table(fact):
            tables[name] = fact
        elif isinstance(fact, list | tuple) and not fact:
            empty.add(name)
        else:
            for path, leaf in _flatten_fact(name, fact):
                values[path] = _convert_number(leaf)
                shares |= {path} if isinstance(leaf, bool) else set()
    for name, rows in tables.items():
        pays = any(_rename_column(column, scores) for row in rows for column in row)
        for column in dict.fromkeys(column for row in rows for column in row):
            cells = [row.get(column) for row in rows]
            if not any(_convert_number(cell) is not None or cell is None for cell in cells):
                continue
            path = _rename_column(column, scores) or (column if pays and column not in facts else f"{name}.{column}")
            values[path] = _mean(cells)
            also |= {f"{name}.{column}": path} | ({column: path} if pays else {})
            shares |= {path} if any(isinstance(cell, bool) for cell in cells) else set()
            counts = column in (*INDEX, name.removesuffix("s")) or column.endswith("_step")
            aside |= {path} if not pays or counts else set()
    also = {spelled: path for spelled, path in also.items() if spelled not in values}
    return EpisodeMeasures(values, frozenset(shares), frozenset(aside), frozenset(empty), also)


def resolve_name(name: str, found: Iterable[EpisodeMeasures]) -> str:
    """The canonical measure name for `buyer_surplus`, `rounds.deal` or `surplus.buyer`.

    Raises UsageError with near misses. A column of a table without any row is accepted unchecked.
    """
    known: dict[str, str] = {}
    empty: set[str] = set()
    for one in found:
        known |= {**one.also, **{own: own for own in one.values}}
        empty |= one.empty
    if name in known:
        return known[name]
    if any(name.startswith(f"{table}.") for table in empty):
        return name
    raise UsageError(unknown("score or fact to measure", name, set(known.values())))


def _is_table(fact: object) -> bool:
    return isinstance(fact, list | tuple) and bool(fact) and all(isinstance(row, Mapping) for row in fact)


def _flatten_fact(name: str, fact: object) -> Iterable[tuple[str, Any]]:
    """Flatten a fact to its numbers, booleans and Nones, with their paths."""
    if isinstance(fact, Mapping):
        for key, inner in fact.items():
            yield from _flatten_fact(f"{name}.{key}", inner)
    elif fact is None or isinstance(fact, bool | int | float):
        yield name, fact


def _rename_column(column: str, scores: Mapping[str, object]) -> str:
    """`surplus.buyer` for the column `buyer_surplus` of a game with a buyer; else None."""
    for seat in scores:
        if column.startswith(f"{seat}_"):
            return f"{column.removeprefix(f'{seat}_')}.{seat}"
    return ""


def _convert_number(value: object) -> float | None:
    return float(value) if isinstance(value, bool | int | float) and isfinite(value) else None


def _mean(cells: Sequence[object]) -> float | None:
    known = [number for cell in cells if (number := _convert_number(cell)) is not None]
    return sum(known) / len(known) if known else None
