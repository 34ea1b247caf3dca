"""Result of a query on the records, its limits, and the messages for missing tables and columns."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from arena.errors import UsageError

CHUNK = 100  # rows fetched per batch
SEVERAL = "refused: more than one statement; write one SELECT, without ; in between"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to a query: the names of its columns, and its rows. `cut` is why there are no more rows, or ""."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: str = ""


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """Limits of one query: `seconds`, and the `rows` and `bytes` of its result. None: no limit."""

    seconds: float | None = None
    rows: int | None = None
    bytes: int | None = None

    def take(self, chunks: Iterable[Sequence[tuple[object, ...]]]) -> tuple[tuple[tuple[Any, ...], ...], str]:
        """The rows within the limits, and why there are no more (or "")."""
        taken: list[tuple[Any, ...]] = []
        size = 0
        for chunk in chunks:
            for row in chunk:
                if self.rows is not None and len(taken) >= self.rows:
                    return tuple(taken), f"the first {self.rows} rows"
                size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
                if self.bytes is not None and size > self.bytes:
                    return tuple(taken), f"{len(taken)} rows; with the next it is over {self.bytes >> 20} MiB"
                taken.append(row)
        return tuple(taken), ""

    def make_timeout_error(self) -> UsageError:
        """The error for a query that took too long."""
        return UsageError(
            f"the question took more than {self.seconds:g} s and was stopped; narrow it (a recursive WITH needs an "
            "end, a join its condition), or give it more time: --timeout SECONDS"
        )


UNLIMITED = QueryLimits()


def explain_missing_column(columns: Mapping[str, Sequence[str]], sql: str, name: str) -> str:
    """Near misses among the `columns` of the tables that the query names, else of all, and where they stand."""
    words = set(re.findall(r"\w+", sql.lower()))
    asked = {table: names for table, names in columns.items() if table in words} or columns
    near = get_close_matches(name, sorted({column for names in asked.values() for column in names}), n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    there = "".join(f"\n  {table}: {', '.join(names)}" for table, names in asked.items() if asked is not columns)
    return f"no column named {name!r}{meant}{there}"


def describe_possible(names: Sequence[str]) -> str:
    """The available tables or columns, for the end of a message."""
    return f"write a SELECT over {', '.join(names) or 'its tables'}"
