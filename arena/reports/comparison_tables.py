"""Print a comparison as a table or as one JSON document."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from arena.analysis.comparison import Comparison, ComparisonRow
from arena.analysis.comparison_sides import ComparisonSide
from arena.console.stdio import Screen, print_json, say
from arena.reports.output import rows
from arena.stats.intervals import Estimate
from arena.store.query_result import QueryResult


def print_comparison(found: Comparison, as_json: bool) -> None:
    """Print a comparison."""
    if as_json:
        print_json(build_document(found))
        return
    console = Screen()
    for letter, side in (("A", found.a), ("B", found.b)):
        say(f"{letter}  {_describe_side(side)}", console)
    say(_describe_design(found), console)
    interval, corrected = f"{100 * found.level:g} % interval", f"p, {found.correction}"
    columns = (
        "measure",
        "A",
        "B",
        "B - A",
        interval,
        "effect",
        "B better",
        "p",
        corrected,
        _describe_counts(found),
        "dropped",
    )
    bare = found.correction == "none" or len(found.rows) == 1
    table = [_format_row(row) for row in found.rows]
    keep = [k for k, name in enumerate(columns) if not (bare and name == corrected)]
    rows(
        QueryResult(tuple(columns[k] for k in keep), tuple(tuple(line[k] for k in keep) for line in table)),
        console=console,
        keys=1,
    )
    for note in _make_notes(found):
        say(note, console)


def build_document(found: Comparison) -> dict[str, Any]:
    """A comparison as plain data; an unknown end of an interval is null."""
    sides = {
        name: {"text": side.text, "agent": side.agent, "episodes": len(side.observations),
               "statuses": dict(side.statuses), "copies": side.copies}
        for name, side in (("a", found.a), ("b", found.b))
    }  # fmt: skip
    settings = {"level": found.level, "seed": found.seed, "correction": found.correction}
    design = {"paired": found.paired, "factors": found.factors, "without_partner": found.alone, "same": found.same}
    return {**sides, **settings, **design, "rows": [_build_record(row) for row in found.rows]}


def _build_record(row: ComparisonRow) -> dict[str, Any]:
    test = {"p": row.test.p, "test": f"{row.test.method} permutations"} if row.test else {"p": None, "test": None}
    estimates = {name: _convert_estimate(getattr(row, name)) for name in ("difference", "effect", "better")}
    counts = {"pairs": row.pairs, "seeds": row.seeds, "dropped": row.dropped}
    return {"measure": row.measure, "a": row.a, "b": row.b, **estimates, **test, "p_corrected": row.corrected, **counts}


def _convert_estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {key: value if not isinstance(value, float) or isfinite(value) else None
            for key, value in asdict(estimate).items()}  # fmt: skip


def _describe_side(side: ComparisonSide) -> str:
    counted = ", ".join(f"{number} {status}" for status, number in side.statuses.items())
    seats = sorted({one.seat for one in side.observations} - {""})
    seen = f", seen from {' and '.join(seats)}" if seats else ""
    return f"{side.text}: {len(side.observations)} episodes{seen} ({counted})"


def _describe_design(found: Comparison) -> str:
    if not found.paired:
        return "not paired: no seed and settings in common; each seed counts once"
    by = " and ".join(["seed", *found.factors]) if len(found.factors) < 4 else f"seed and {len(found.factors)} settings"
    left = [f"{count} of {letter}" for letter, count in zip("AB", found.alone, strict=True) if count]
    without = f"; without a partner and left out: {', '.join(left)}" if left else ""
    return f"paired by {by}; each seed counts once{without}"


def _describe_counts(found: Comparison) -> str:
    return "pairs/seeds" if found.paired else "seeds A, B"


def _format_row(row: ComparisonRow) -> tuple[str, ...]:
    counts = f"{row.pairs}/{row.seeds[0]}" if row.pairs is not None else f"{row.seeds[0]}, {row.seeds[1]}"
    effect = f"{_format_number(row.effect.value)} {row.effect.method}" if row.effect else "–"
    better = f"{100 * row.better.value:.0f} %" if row.better else "–"
    p = (row.test.p if row.test else None, row.corrected)
    gap = row.difference
    numbers = (_format_number(row.a), _format_number(row.b), _format_number(gap.value, sign=True), format_interval(gap))
    return (row.measure, *numbers, effect, better, *map(_format_p, p), counts, _format_dropped(row))


def _format_dropped(row: ComparisonRow) -> str:
    return "0" if row.dropped == (0, 0) else f"{row.dropped[0]} A, {row.dropped[1]} B"


def _make_notes(found: Comparison) -> list[str]:
    notes = [f"{name} is left out: it has the values of {other}" for name, other in found.same.items()]
    flat = [row.measure for row in found.rows if row.difference.method == "constant"]
    if flat:
        notes.append(f"{', '.join(flat)}: the same in every seed, so that the interval has no width")
    copied = [letter for letter, side in (("A", found.a), ("B", found.b)) if side.copies]
    if len(copied) == 2:
        notes.append(
            "no interval and no p: on both sides the episodes of all seeds are copies, answer by answer, so that one "
            "of each counts; let something hang on the seed (--set game.spread=3 in bargaining), or read the values as "
            "they stand"
        )
    elif copied:
        notes.append(f"the episodes of {copied[0]} are copies, answer by answer: its value is that of one of them")
    elif any(row.difference.low is None for row in found.rows):
        notes.append("no interval and no p from a single seed; play more of them with -n")
    if any(sum(row.dropped) for row in found.rows):
        notes.append("dropped: failed, cut or unfinished episodes, and NULL; never counted as 0")
    return notes


def format_interval(estimate: Estimate) -> str:
    """The interval of an estimate in words: "0.1 to 0.4"."""
    if estimate.low is None or estimate.high is None:
        return "–"
    return f"{_format_number(estimate.low)} to {_format_number(estimate.high)}"


def _format_number(number: float, sign: bool = False) -> str:
    text = f"{number:{'+' if sign else ''}.3g}"
    return f"{number:{'+' if sign else ''}.0f}" if "e+" in text else text


def _format_p(p: float | None) -> str:
    return "–" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
