"""The picture of a bench: for each probe how far each method stands from the twin; needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from arena.errors import UsageError

AFTER, TWIN, KNEW = "#0072B2", "#009E73", "#D55E00"  # Okabe & Ito (2008)
ROW, COLUMN = 0.28, 2.3  # inches for a method, and for a probe


def draw(rows: Sequence[dict[str, Any]], probes: Sequence[str], target: Path) -> None:
    """Writes the figure: a panel for each probe and setting, a line for each method, in the format of the ending.

    A dot is the mean over seeds, its bar the widest interval; the twin is the diamond, the agent that knew the cross.
    """
    settings = list(dict.fromkeys((row["setting"], row["scope"]) for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    labels = [probe for probe in probes if any(row["probe"] == probe for row in rows)]
    height = len(settings) * (len(methods) * ROW + 0.9) + 0.6
    figure = Figure(figsize=(2.2 + COLUMN * len(labels), height), layout="constrained")
    axes = figure.subplots(len(settings), len(labels), squeeze=False, sharey="row")
    for line, (setting, scope) in enumerate(settings):
        for column, probe in enumerate(labels):
            panel = axes[line][column]
            own = [r for r in rows if (r["setting"], r["scope"], r["probe"]) == (setting, scope, probe)]
            _panel(panel, own, methods)
            if line == 0:
                panel.set_title(probe.replace("_", " "), fontsize=9)
        axes[line][0].set_ylabel(f"{setting}\n{scope}", fontsize=9)
        axes[line][0].set_yticks(range(len(methods)), methods, fontsize=8)
        axes[line][0].invert_yaxis()
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    try:
        figure.savefig(target, dpi=130)
    except (OSError, ValueError) as error:
        raise UsageError(f"the figure cannot be written to {target}: {error}") from error


def _panel(panel: Any, rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> None:
    for place, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        for name, key, marker, colour in (
            ("knew (before)", "knew", "x", KNEW),
            ("never-exposed twin", "twin", "D", TWIN),
            ("after forgetting", "value", "o", AFTER),
        ):
            known = [row[key] for row in own if row[key] is not None]
            if known:
                size = 7 if key == "twin" else 5
                fill = "none" if key == "twin" else colour
                panel.plot(sum(known) / len(known), place, marker, color=colour, markersize=size, alpha=0.85,
                           markerfacecolor=fill, label=None if place else name)  # fmt: skip
        ends = [(row["low"], row["high"]) for row in own if row["low"] is not None and row["high"] is not None]
        if ends:
            panel.hlines(place, min(low for low, _ in ends), max(high for _, high in ends), color=AFTER, linewidth=1)
    panel.grid(axis="x", alpha=0.3)
    panel.tick_params(labelsize=8)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
