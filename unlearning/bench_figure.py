"""The picture of a bench: how far each method stands from the twin, and what the adversary gets by its budget; needs
matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from arena.errors import UsageError

AFTER, TWIN, KNEW = "#0072B2", "#009E73", "#D55E00"  # Okabe & Ito (2008)
NULL = "#BBBBBB"
ROW, COLUMN, CURVES = 0.28, 1.9, 4.2  # inches for a method, for a probe, for the curves
STYLES = ("-", "--", ":", "-.")
COLOURS = ("#0072B2", "#E69F00", "#56B4E9", "#CC79A7", "#000000")
CURVE = "adversary_"
SHARES = ("success", "exact", "leak", "refusal", "adversary")  # probes that go from 0 to 1


def draw(rows: Sequence[dict[str, Any]], probes: Sequence[str], target: Path) -> None:
    """Writes the figure: a panel for each probe and setting, a line for each method, in the format of the ending.

    A dot is the mean over seeds, its bar the widest interval; the twin is the diamond, the agent that knew the cross,
    the grey bar the range of the honest twins. The last panel of a row has the adversary's share of games won by its
    number of questions, between the twin's (floor) and that of the agent that knew (ceiling).
    """
    settings = list(dict.fromkeys((row["setting"], row["scope"]) for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    curved = any(row["probe"].startswith(CURVE) for row in rows)
    labels = [probe for probe in probes if any(row["probe"] == probe for row in rows)]
    labels = [probe for probe in labels if not probe.startswith("advantage")]  # they say what the curves say
    height = len(settings) * max(len(methods) * ROW + 0.9, 2.4 if curved else 0.0) + 0.6
    size = (2.2 + COLUMN * len(labels) + CURVES * curved, height)
    figure = Figure(figsize=size, layout="constrained")
    widths = [*[COLUMN] * len(labels), *([CURVES] if curved else [])]
    axes = figure.subplots(len(settings), len(widths), squeeze=False, width_ratios=widths)
    for line, (setting, scope) in enumerate(settings):
        own = [row for row in rows if (row["setting"], row["scope"]) == (setting, scope)]
        for column, probe in enumerate(labels):
            _panel(axes[line][column], [row for row in own if row["probe"] == probe], methods, named=column == 0)
            if line == 0:
                axes[line][column].set_title(probe.replace("_", " "), fontsize=9)
        axes[line][0].set_ylabel(f"{setting}\n{scope}", fontsize=9)
        if curved:
            _curves(axes[line][-1], own, methods, legend=line == 0)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    try:
        figure.savefig(target, dpi=110)
    except (OSError, ValueError) as error:
        raise UsageError(f"the figure cannot be written to {target}: {error}") from error


def _panel(panel: Any, rows: Sequence[dict[str, Any]], methods: Sequence[str], named: bool) -> None:
    for place, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        if honest := [one for row in own for one in row.get("twins", ()) if one is not None]:
            panel.plot([min(honest), max(honest)], [place, place], color=NULL, linewidth=6, solid_capstyle="round",
                       zorder=0, label="range of honest twins" if not place else None)  # fmt: skip
        for name, key, marker, colour in (
            ("knew (before)", "knew", "x", KNEW),
            ("never-exposed twin", "twin", "D", TWIN),
            ("after forgetting", "value", "o", AFTER),
        ):
            known = [row[key] for row in own if row[key] is not None]
            if known:
                size = 8 if key == "twin" else 5
                fill = "none" if key == "twin" else colour
                panel.plot(sum(known) / len(known), place, marker, color=colour, markersize=size, alpha=0.85,
                           markerfacecolor=fill, label=None if place else name)  # fmt: skip
        ends = [(row["low"], row["high"]) for row in own if row["low"] is not None and row["high"] is not None]
        if ends:
            panel.hlines(place, min(low for low, _ in ends), max(high for _, high in ends), color=AFTER, linewidth=1)
    if not rows:
        panel.text(0.5, 0.5, "not measured\nin this scope", ha="center", va="center", fontsize=8, color="grey",
                   transform=panel.transAxes)  # fmt: skip
        panel.set_xticks([])
    panel.set_yticks(range(len(methods)), methods if named else [""] * len(methods), fontsize=8)
    panel.set_ylim(len(methods) - 0.5, -0.5)
    if any(row["probe"].startswith(SHARES) for row in rows):
        panel.set_xlim(-0.06, 1.06)
    else:
        panel.margins(x=0.1)
    _plain(panel)


def _curves(panel: Any, rows: Sequence[dict[str, Any]], methods: Sequence[str], legend: bool) -> None:
    """The share of games that the adversary wins, by its questions, a line for each method."""
    told = [row for row in rows if row["probe"].startswith(CURVE)]
    budgets = sorted({int(row["probe"].removeprefix(CURVE)) for row in told})

    def at(key: str, chosen: Sequence[dict[str, Any]], budget: int) -> list[float]:
        found = [row[key] for row in chosen if row["probe"] == f"{CURVE}{budget}"]
        return [one for row in found for one in (row if isinstance(row, list) else [row]) if one is not None]

    for number, method in enumerate(methods):
        own = [row for row in told if row["method"] == method]
        known = [budget for budget in budgets if at("value", own, budget)]
        means = [sum(values) / len(values) for budget in known if (values := at("value", own, budget))]
        shift = 1 + 0.012 * (number - len(methods) / 2)  # lines that lie on each other stay apart
        panel.plot([budget * shift for budget in known], means, label=method, linewidth=1.2, marker=".", markersize=4,
                   color=COLOURS[number % 5], linestyle=STYLES[number // 5 % 4])  # fmt: skip
    bands = [at("twins", told, budget) for budget in budgets]
    if all(bands):
        panel.fill_between(budgets, [min(band) for band in bands], [max(band) for band in bands], color=NULL, alpha=0.6,
                           linewidth=0, zorder=0)  # fmt: skip
    for key, colour in (("twin", TWIN), ("knew", KNEW)):
        means = [sum(values) / max(1, len(values)) for budget in budgets if (values := at(key, told, budget))]
        if len(means) == len(budgets):
            panel.plot(budgets, means, color=colour, linewidth=3, alpha=0.45, zorder=1)
    panel.set_xscale("log")
    panel.set_xticks(budgets, list(map(str, budgets)))
    panel.minorticks_off()
    panel.set_ylim(-0.03, 1.05)
    panel.set_xlabel("questions", fontsize=8)
    _plain(panel)
    if legend:
        panel.set_title("adversary by questions (green floor: twin, orange ceiling: knew)", fontsize=9)
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5, frameon=False)


def _plain(panel: Any) -> None:
    panel.grid(axis="x", alpha=0.3)
    panel.tick_params(labelsize=8)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
