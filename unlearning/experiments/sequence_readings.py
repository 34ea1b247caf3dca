"""Metrics of sequential requests on weights: DRAGON's DDS and DUS, MUSE's sustainability and scalability."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unlearning.benchmarks.benchmark import Criteria
from unlearning.metrics.sequential import dds, dus
from unlearning.probe import Reading

NAMES = {"sequence": "sustainability", "sizes": "scalability"}
Row = Mapping[str, Any]


def whole_of(kind: str, criteria: Criteria, steps: Sequence[Sequence[Row]]) -> dict[str, Reading]:
    """The readings of one method and seed as a whole, from the rows of each request, in order.

    Of each criterion `sustainability_…` (requests one after the other, MUSE's C6) or `scalability_…` (each by itself,
    of growing size, C5): the value after the last request, of its own target; its items are the values after each.
    `…_drift`: the change of its lift over the twin from the first request to the last, 0 for the twin. earlier_…: the
    mean of the earlier targets after the last request. dds, dus, utility: of the deviations and of the utility.
    """
    found = {}
    for label in (*criteria.target, *criteria.rest):
        rows = [_row(step, label) for step in steps]
        found[f"{NAMES[kind]}_{label}"] = _last(rows)
        found[f"{NAMES[kind]}_{label}_drift"] = _drift(rows)
    if kind == "sequence":
        found |= _dynamic(criteria, steps)
        for label in criteria.target:
            if earlier := [row for row in steps[-1] if row["probe"].startswith(f"{label}@")]:
                found[f"earlier_{label}"] = _mean(earlier)
    return found


def _row(step: Sequence[Row], label: str) -> Row:
    return next(row for row in step if row["probe"] == label)


def _last(rows: Sequence[Row]) -> Reading:
    last = rows[-1]
    detail = {"twins": list(last["twins"]), "by_twin": [row["twin"] for row in rows]}
    items = tuple(float("nan") if row["value"] is None else row["value"] for row in rows)
    return Reading(last["value"], items, last["low"], last["high"], last["twin"], last["knew"], detail=detail)


def _drift(rows: Sequence[Row]) -> Reading:
    """The increase, from first to last, of the excess over the twin."""

    def of(first: float | None, last: float | None) -> float | None:
        return None if first is None or last is None else last - first

    others = zip(rows[0]["twins"], rows[-1]["twins"], strict=False)
    twins = [of(_less(first, rows[0]["twin"]), _less(last, rows[-1]["twin"])) for first, last in others]
    null = None if rows[0]["twin"] is None or rows[-1]["twin"] is None else 0.0
    return Reading(of(rows[0]["lift"], rows[-1]["lift"]), null=null, detail={"twins": twins})


def _mean(rows: Sequence[Row]) -> Reading:
    """The mean over several targets, and that of their twins; None if any is unknown."""
    columns = list(zip(*(row["twins"] for row in rows), strict=False))
    return Reading(
        _average([row["value"] for row in rows]),
        tuple(row["value"] for row in rows if row["value"] is not None),
        null=_average([row["twin"] for row in rows]),
        before=_average([row["knew"] for row in rows]),
        detail={"twins": [_average(column) for column in columns]},
    )


def _dynamic(criteria: Criteria, steps: Sequence[Sequence[Row]]) -> dict[str, Reading]:
    """DDS of the deviations, DUS and the mean of the utility, each with the twins' value."""
    apart = [_row(step, "ds") for step in steps]
    useful = [_row(step, criteria.utility) for step in steps]
    made = {}
    for name, rows, statistic, scale in (
        ("dds", apart, dds, 1.0), ("dus", useful, dus, criteria.whole), ("utility", useful, _average, criteria.whole),
    ):  # fmt: skip
        series = [[row[key] for row in rows] for key in ("value", "twin", "knew")]
        value, null, before = (
            None if any(one is None for one in each) else statistic([one / scale for one in each]) for each in series
        )
        others = [[one / scale for one in each] for each in _whole(rows)]
        made[name] = Reading(value, null=null, before=before, detail={"twins": [statistic(each) for each in others]})
    return made


def _whole(rows: Sequence[Row]) -> Iterator[tuple[float, ...]]:
    """Of each further twin its readings after all requests; those that lack one are left out."""
    for each in zip(*(row["twins"] for row in rows), strict=False):
        if all(one is not None for one in each):
            yield each


def _average(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _less(value: float | None, by: float | None) -> float | None:
    return None if value is None or by is None else value - by
