"""Plots of a benchmark: distance of each method to the twin, and attack success by budget; needs matplotlib."""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from arena.analysis.study_plot import PLAIN, escape_label
from arena.errors import UsageError

AFTER, TWIN, KNEW = "#0072B2", "#009E73", "#D55E00"  # Okabe & Ito (2008)
NULL = "#BBBBBB"
COLUMNS = 4  # panels side by side: the picture stays as wide as a screen, however many there are
WIDE, NAMES, LEAST = 2.5, 2.0, 6.0  # inches of a panel, of the names of methods, and of the narrowest picture
ROW, FRAME, SHORT = 0.24, 0.85, 1.5  # inches: height per method, margins of a panel, least height of a panel
CURVES, TITLE, LEGEND = 3.6, 0.45, 0.6  # inches of the curves, of the title of a part, of the legend
DPI, PIXELS = 110, 60_000  # dots an inch, and the most that a file may be high
STYLES = ("-", "--", ":", "-.")
MARKERS = (".", "s", "^", "D")
COLOURS = ("#0072B2", "#E69F00", "#56B4E9", "#CC79A7", "#000000")
CURVE = "adversary_"
SHARES = ("success", "exact", "leak", "refusal", "adversary")  # probes that go from 0 to 1


def draw(rows: Sequence[dict[str, Any]], probes: Sequence[str], target: Path) -> None:
    """Writes the figure, in the format of the ending: a part for each setting and scope, with a panel for each probe
    that was measured there and a line for each method.

    A dot is the mean over seeds, its bar the widest interval; the twin is the diamond, the agent that knew the cross,
    the grey bar the range of the honest twins. Below, where there is an adversary, its share of games won by its number
    of questions, between the twin's (floor) and that of the agent that knew (ceiling). Raises UsageError where there is
    nothing to draw, or the file cannot be written.
    """
    if not any(_is_read(row) for row in rows):
        raise UsageError(f"{target} was not drawn: no reading was taken, so there is nothing to draw")
    try:
        with rc_context(PLAIN):
            figure = figure_of(rows, probes)
            figure.savefig(target, dpi=min(DPI, PIXELS / figure.get_figheight()))
    except (OSError, ValueError) as error:
        raise UsageError(f"the figure cannot be written to {target}: {error}") from error


class Block:
    """The part of the picture about one setting and scope: its rows, methods, and the probes that were read there."""

    def __init__(self, key: tuple[str, str], rows: Sequence[dict[str, Any]], probes: Sequence[str]) -> None:
        self.title, self.rows = escape_label(" · ".join(filter(None, key))), rows
        self.methods = list(dict.fromkeys(row["method"] for row in rows))
        read = {row["probe"] for row in rows if _is_read(row)}
        self.probes = [probe for probe in probes if probe in read]
        self.curves = [row for row in rows if row["probe"].startswith(CURVE) and _is_read(row)]

    def height(self, columns: int) -> float:
        """Inches that it takes."""
        lines = ceil(len(self.probes) / columns)
        return TITLE + lines * self._panel() + bool(self.curves) * max(CURVES, 0.19 * len(self.methods) + 1.2)

    def _panel(self) -> float:
        return max(ROW * len(self.methods), SHORT - FRAME) + FRAME

    def draw(self, area: Any, columns: int) -> Mapping[str, Any]:
        """Draws it there; the handles of its legend by name."""
        area.suptitle(self.title, fontsize=11, fontweight="bold")
        lines = ceil(len(self.probes) / columns)
        below = [self.height(columns) - TITLE - lines * self._panel()] if self.curves else []
        areas = area.subfigures(lines + len(below), 1, squeeze=False, height_ratios=[self._panel()] * lines + below)
        handles: dict[str, Any] = {}
        for line in range(lines):
            panels = areas[line][0].subplots(1, columns, squeeze=False)[0]
            for place, panel in enumerate(panels):
                number = line * columns + place
                if number < len(self.probes):
                    _panel(panel, self.rows, self.probes[number], self.methods, named=place == 0)
                    handles |= dict(zip(*reversed(panel.get_legend_handles_labels()), strict=True))
                else:
                    panel.set_axis_off()
        if self.curves:
            _curves(areas[-1][0].subplots(), self.curves, self.methods)
        return handles


def figure_of(rows: Sequence[dict[str, Any]], probes: Sequence[str]) -> Figure:
    """The figure that `draw` writes: its parts one below the other, with one legend above them."""
    shown = [probe for probe in probes if not probe.startswith("advantage")]  # they say what the curves say
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["probe"] in shown or row["probe"].startswith(CURVE):
            parts.setdefault((row["setting"], row["scope"]), []).append(row)
    blocks = [Block(key, own, shown) for key, own in parts.items()]
    columns = min(COLUMNS, max(len(block.probes) for block in blocks) or 1)
    curved = any(block.curves for block in blocks)
    width = max(NAMES + WIDE * columns, 2 * LEAST if curved else LEAST)
    heights = [block.height(columns) for block in blocks]
    figure = Figure(figsize=(width, sum(heights) + LEGEND), layout="constrained")
    figure.get_layout_engine().set(hspace=0.0)  # type: ignore[union-attr,call-arg]  # else a share of the whole height
    areas = figure.subfigures(len(blocks), 1, squeeze=False, height_ratios=heights)[:, 0]
    handles: dict[str, Any] = {}
    for area, block in zip(areas, blocks, strict=True):
        handles |= block.draw(area, columns)
    many = 4 if width > LEAST else 2
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=many, fontsize=9, frameon=False)
    return figure


def _is_read(row: Mapping[str, object]) -> bool:
    return any(row[key] is not None for key in ("value", "twin", "knew"))


def _panel(panel: Any, rows: Sequence[dict[str, Any]], probe: str, methods: Sequence[str], named: bool) -> None:
    rows = [row for row in rows if row["probe"] == probe]
    for place, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        if honest := [one for row in own for one in row.get("twins", ()) if one is not None]:
            panel.plot([min(honest), max(honest)], [place, place], color=NULL, linewidth=6, solid_capstyle="round",
                       zorder=0, label="range of honest twins")  # fmt: skip
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
                           markerfacecolor=fill, label=name)  # fmt: skip
        ends = [(row["low"], row["high"]) for row in own if row["low"] is not None and row["high"] is not None]
        if ends:
            panel.hlines(place, min(low for low, _ in ends), max(high for _, high in ends), color=AFTER, linewidth=1)
    panel.set_title(_in_lines(probe), fontsize=9)
    panel.set_yticks(range(len(methods)), map(escape_label, methods) if named else [""] * len(methods), fontsize=8)
    panel.set_ylim(len(methods) - 0.5, -0.5)
    if probe.startswith(SHARES):
        panel.set_xlim(-0.06, 1.06)
    else:
        panel.margins(x=0.1)
    _plain(panel)


def _in_lines(probe: str) -> str:
    """The name of a probe in lines that are no wider than its panel."""
    return fill(probe.replace("_", " "), 28)


def _curves(panel: Any, rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> None:
    """The share of games that the adversary wins, by its questions, a line for each method; the legend beside it has
    the lines in the order in which they end."""
    budgets = sorted({int(row["probe"].removeprefix(CURVE)) for row in rows})

    def at(key: str, chosen: Sequence[dict[str, Any]], budget: int) -> list[float]:
        found = [row[key] for row in chosen if row["probe"] == f"{CURVE}{budget}"]
        return [one for row in found for one in (row if isinstance(row, list) else [row]) if one is not None]

    lines: list[tuple[float, Any]] = []
    for number, method in enumerate(methods):
        own = [row for row in rows if row["method"] == method]
        known = [budget for budget in budgets if at("value", own, budget)]
        means = [sum(values) / len(values) for budget in known if (values := at("value", own, budget))]
        shift = 1 + 0.012 * (number - len(methods) / 2)  # offset overlapping lines
        again = number // len(COLOURS) % len(STYLES)
        if means:
            (line,) = panel.plot(
                [budget * shift for budget in known], means, label=escape_label(method), linewidth=1.3,
                marker=MARKERS[again],
                markersize=4, color=COLOURS[number % len(COLOURS)], linestyle=STYLES[again],
            )  # fmt: skip
            lines.append((means[-1], line))
    bands = [at("twins", rows, budget) for budget in budgets]
    grounds = []
    for key, colour, name in (("knew", KNEW, "knew (before)"), ("twin", TWIN, "never-exposed twin")):
        means = [sum(values) / len(values) for budget in budgets if (values := at(key, rows, budget))]
        if len(means) == len(budgets):
            grounds += panel.plot(budgets, means, color=colour, linewidth=4, alpha=0.45, zorder=1, label=name)
    if all(bands):
        grounds.append(panel.fill_between(
            budgets, [min(band) for band in bands], [max(band) for band in bands], color=NULL, alpha=0.6, linewidth=0,
            zorder=0, label="range of honest twins",
        ))  # fmt: skip
    panel.set_xscale("log")
    panel.set_xticks(budgets, list(map(str, budgets)))
    panel.minorticks_off()
    panel.set_ylim(-0.03, 1.05)
    panel.set_xlabel("questions", fontsize=9)
    panel.set_ylabel("games won by the adversary", fontsize=9)
    _plain(panel)
    ordered = [line for _, line in sorted(lines, key=lambda pair: -pair[0])]
    panel.legend(handles=[*ordered, *grounds], loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)


def _plain(panel: Any) -> None:
    panel.grid(axis="x", alpha=0.3)
    panel.tick_params(labelsize=8)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
