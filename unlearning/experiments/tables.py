"""Result tables of a benchmark: for the terminal, as rows of a file, and as a plot."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import stdev
from typing import Any

from sqlalchemy import text

from arena.errors import UsageError
from arena.store.query_result import QueryResult
from arena.store.store import Store
from unlearning.scoring.statistics import student_quantile

COLUMNS = "bench, setting, scope, method, seed, probe, value, low, high, twin, knew, lift, seconds, target, trial"
QUERY = f"""
SELECT {", ".join(f"f.{name}" for name in COLUMNS.split(", "))}, r.detail, t.cost FROM forgetting f
JOIN reading r ON r.trial = f.trial AND r.probe = f.probe JOIN trial t ON t.id = f.trial ORDER BY f.probe
"""


def load_readings(store: Store, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The readings of these trials, in their order, as rows of the view `forgetting`.

    twins: the values of the honest twins, the null distribution. observed: the class of the trial, where it was given
    one. The adversary has further rows, by its budget: of
    `adversary_25` the value is the share of games won with 25 questions, of `advantage_25` 2 AUC - 1 of its suspicion.
    """
    place = {id: number for number, id in enumerate(ids)}
    with store.engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(text(QUERY)) if row.trial in place]
    told = [made for row in sorted(rows, key=lambda row: place[row["trial"]]) for made in _unfold_row(row)]
    return told


def _unfold_row(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The reading, and one more for each budget of an adversary."""
    detail = json.loads(row.pop("detail") or "{}")
    row["observed"] = json.loads(row.pop("cost") or "{}").get("observed")
    yield {**row, "twins": detail.get("twins") or []}
    for budget, one in (detail.get("by_budget") or {}).items() if row["probe"] == "adversary" else ():
        numbers = {name: one[name] for name in ("value", "low", "high")}
        lift = {"twin": one["null"], "knew": one["before"], "lift": one["value"] - one["null"]}
        yield {**row, **numbers, **lift, "probe": f"adversary_{budget}", "twins": one.get("twins") or []}
        more = {"value": one["advantage"], "low": None, "high": None, "twin": 0.0, "knew": None, "twins": []}
        yield {**row, **more, "lift": one["advantage"], "probe": f"advantage_{budget}"}


def build_table(rows: Sequence[dict[str, Any]], probes: Sequence[str] = ()) -> QueryResult:
    """One row for each setting, scope and method: the mean over seeds of each probe, with that of the twin.

    "0.97 | 0.05 (0.02–0.08)" is the agent after, its twin, and the range of the honest twins, which is what random
    variation does to a twin; a dash where nothing could be measured. Of several seeds "0.97±0.02" has the half-width of
    the 95 % interval of the mean, by Student's t; and the observed classes are counted, where there are any.
    """
    labels = list(probes) or list(dict.fromkeys(row["probe"] for row in rows))
    keys = list(dict.fromkeys((row["setting"], row["scope"], row["method"]) for row in rows))
    made, told = [], any(row.get("observed") for row in rows)
    for key in keys:
        own = [row for row in rows if (row["setting"], row["scope"], row["method"]) == key]
        cells = [_format_cell([row for row in own if row["probe"] == label]) for label in labels]
        made.append((*key, len({row["seed"] for row in own}), *([count_classes(own)] if told else []), *cells))
    return QueryResult(("setting", "scope", "method", "seeds", *(["observed"] if told else []), *labels), tuple(made))


def count_classes(rows: Sequence[dict[str, Any]]) -> str:
    """How many trials were seen to be of each class, the most frequent first."""
    seen = Counter({row["trial"]: row["observed"] for row in rows if row["observed"]}.values())
    return ", ".join(f"{label} {count}" for label, count in seen.most_common()) or "–"


def write_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Writes the readings, a row each, as CSV."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]) if rows else COLUMNS.split(", "))
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UsageError(f"the table cannot be written to {path}: {error}") from error


def _format_cell(rows: Sequence[dict[str, Any]]) -> str:
    value, twin = format_mean([row["value"] for row in rows], wide=True), format_mean([row["twin"] for row in rows])
    return f"{value} | {twin}{format_spread([one for row in rows for one in row['twins']])}" if rows else "–"


def format_spread(twins: Sequence[float | None]) -> str:
    """The range of the honest twins, in brackets; "" without any."""
    known = [one for one in twins if one is not None]
    return f" ({min(known):.3g}–{max(known):.3g})" if known else ""


def format_mean(values: Sequence[float | None], wide: bool = False) -> str:
    """The mean of what is known; with the half-width of its 95 % interval where it is `wide` and there are several."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    told = f"{sum(known) / len(known):.3g}"
    if not wide or len(known) < 2:
        return told
    return f"{told}±{student_quantile(len(known) - 1, 0.975) * stdev(known) / sqrt(len(known)):.2g}"
