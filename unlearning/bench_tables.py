"""The table of a bench, for people, as rows of a file, and as a picture."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from arena.errors import UsageError
from arena.sql import Table
from arena.store import Store

COLUMNS = "bench, setting, scope, method, seed, probe, value, low, high, twin, knew, lift, seconds, target, trial"


def readings(store: Store, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The readings of these trials, in their order, as rows of the view `forgetting`."""
    place = {id: number for number, id in enumerate(ids)}
    with store.engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {COLUMNS} FROM forgetting ORDER BY probe"))
        return sorted((dict(row._mapping) for row in rows if row.trial in place), key=lambda row: place[row["trial"]])


def table(rows: Sequence[dict[str, Any]], probes: Sequence[str] = ()) -> Table:
    """One row for each setting, scope and method: the mean over seeds of each probe, beside that of the twin.

    "0.97 | 0.05" is the agent after and its twin; a dash where nothing could be measured.
    """
    labels = list(probes) or list(dict.fromkeys(row["probe"] for row in rows))
    keys = list(dict.fromkeys((row["setting"], row["scope"], row["method"]) for row in rows))
    made = []
    for key in keys:
        own = [row for row in rows if (row["setting"], row["scope"], row["method"]) == key]
        cells = [_cell([row for row in own if row["probe"] == label]) for label in labels]
        made.append((*key, len({row["seed"] for row in own}), *cells))
    return Table(("setting", "scope", "method", "seeds", *labels), tuple(made))


def write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Writes the readings, a row each, as CSV."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else COLUMNS.split(", "))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UsageError(f"the table cannot be written to {path}: {error}") from error


def _cell(rows: Sequence[dict[str, Any]]) -> str:
    value, twin = _mean([row["value"] for row in rows]), _mean([row["twin"] for row in rows])
    return f"{value} | {twin}" if rows else "–"


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3g}" if known else "–"
