"""Plots of sequential requests on weights: each criterion by request, one line per method; needs matplotlib."""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from pathlib import Path
from statistics import stdev
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from arena.analysis.study_plot import PLAIN, escape_label
from arena.errors import UsageError
from unlearning.benchmarks.benchmark import Criteria
from unlearning.experiments.plot import COLOURS, DPI, KNEW, MARKERS, NULL, STYLES, TWIN

COLUMNS = 3  # panels side by side
WIDE, HIGH, LEGEND = 3.4, 2.6, 0.9  # inches of a panel, and of the legend

Row = Mapping[str, Any]


def draw(rows: Sequence[Row], criteria: Criteria, kind: str, target: Path) -> None:
    """Writes the figure, in the format of the ending: a panel for each criterion, and one for the earlier targets.

    Along a panel are the requests, in order. A line is the mean over seeds of a method, its bars the standard error of
    that mean; next to it the never-exposed twin of each request, the range of all honest twins, and the agent that
    knew. Raises UsageError where the file cannot be written.
    """
    try:
        with rc_context(PLAIN):
            figure_of(rows, criteria, kind).savefig(target, dpi=DPI)
    except (OSError, ValueError) as error:
        raise UsageError(f"the figure cannot be written to {target}: {error}") from error


def figure_of(rows: Sequence[Row], criteria: Criteria, kind: str) -> Figure:
    """The figure that `draw` writes."""
    requests = list(dict.fromkeys(row["setting"] for row in rows))
    panels = {name: [row for row in rows if row["probe"] == name] for name in (*criteria.target, *criteria.rest, "ds")}
    panels[f"{criteria.told} of earlier targets"] = [
        row for row in rows if row["probe"].startswith(f"{criteria.told}@")
    ]
    panels = {name: own for name, own in panels.items() if own}
    columns = min(COLUMNS, len(panels))
    lines = ceil(len(panels) / columns)
    figure = Figure(figsize=(WIDE * columns, HIGH * lines + LEGEND), layout="constrained")
    areas = figure.subplots(lines, columns, squeeze=False).flat
    handles: dict[str, Any] = {}
    for area, (name, own) in zip(areas, panels.items(), strict=False):
        _panel(area, own, requests, list(dict.fromkeys(row["method"] for row in rows)))
        area.set_title(escape_label(name.replace("_", " ")), fontsize=9)
        handles |= dict(zip(*reversed(area.get_legend_handles_labels()), strict=True))
    for area in list(areas)[len(panels) :]:
        area.set_axis_off()
    said = "requests, one after the other" if kind == "sequence" else "one request, of growing size"
    figure.supxlabel(said, fontsize=9)
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=columns + 1, fontsize=8, frameon=False)
    return figure


def _panel(area: Any, rows: Sequence[Row], requests: Sequence[str], methods: Sequence[str]) -> None:
    def at(key: str, own: Sequence[Row], request: str) -> list[float]:
        return [row[key] for row in own if row["setting"] == request and row[key] is not None]

    bands = [[one for row in rows if row["setting"] == request for one in row["twins"] if one is not None]
             for request in requests]  # fmt: skip
    honest = [(n, [*band, *at("twin", rows, request)]) for n, (request, band) in enumerate(zip(requests, bands,
              strict=True), 1) if band]  # fmt: skip
    if honest:
        area.fill_between([n for n, _ in honest], [min(band) for _, band in honest], [max(band) for _, band in honest],
                          color=NULL, alpha=0.6, linewidth=0, label="range of honest twins")  # fmt: skip
    for key, colour, name in (("twin", TWIN, "never-exposed twin"), ("knew", KNEW, "knew (before)")):
        known = [(n, at(key, rows, request)) for n, request in enumerate(requests, 1) if at(key, rows, request)]
        area.plot([n for n, _ in known], [sum(each) / len(each) for _, each in known], color=colour, linewidth=3,
                  alpha=0.5, label=name) if known else None  # fmt: skip
    for number, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        known = [(n, at("value", own, request)) for n, request in enumerate(requests, 1) if at("value", own, request)]
        again = number // len(COLOURS) % len(STYLES)
        area.errorbar(
            [n for n, _ in known], [sum(each) / len(each) for _, each in known],
            [stdev(each) / sqrt(len(each)) if len(each) > 1 else 0.0 for _, each in known],
            label=escape_label(method), color=COLOURS[number % len(COLOURS)], linestyle=STYLES[again],
            marker=MARKERS[again],
            markersize=4, linewidth=1.3, capsize=2,
        )  # fmt: skip
    area.set_xticks(range(1, len(requests) + 1), [escape_label(_last(request)) for request in requests], fontsize=8)
    area.set_xlim(0.7, len(requests) + 0.3)
    area.grid(axis="y", alpha=0.3)
    area.tick_params(labelsize=8)


def _last(setting: str) -> str:
    """The split that the last request of a setting names: `sust_2` of `muse/sust_1+sust_2`."""
    return setting.rpartition("/")[2].rpartition("+")[2]
