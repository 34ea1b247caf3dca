"""Plot the arms of a recorded run of negotiations; needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from arena.analysis.study_arms import Arm, Curve, StudyArms
from arena.console.sanitize import inline

# Okabe & Ito (2008): colours that are distinct with any colour vision; without the pale yellow
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SAID = {"human": "human (listed lines)", "none": "none (memory alone)"}  # arms of feedback, in the legend
LINES = ("-", "--", ":", "-.")  # for more arms than there are colours
DODGE, APART = 0.07, 0.5  # x offset between two arms (equal curves stay visible), and the largest of all, in rounds
WIDE, TALL, BESIDE = 4.2, 2.1, 2.6  # width and height in inches of a panel, and of the legend
PLAIN: Any = {"text.parse_math": False}  # no math mode: "$5" is plain text
NAME = 26  # characters of a name in a line of the legend
NOTE = 13.5  # characters of the note at the foot in an inch
PANELS = (
    ("price", "price of the deals\n(dollars)", "round"),
    ("deal_rate", "chains with a deal\n(% of all chains)", "round"),
    ("survival", "chains without a lost\nround so far (% of all)", "round"),
    ("payoff", "{side}'s payoff\n(dollars, 0: no deal)", "round"),
    ("last", "{side}'s offers, round {rounds}\n(% of value − cost kept)", "turn (n-th offer of the round)"),
)


def draw(study: StudyArms, target: Path) -> None:
    """Write the figure to `target`, in the format of its extension: a column for each coach, a row for each measure."""
    with rc_context(PLAIN):
        make_figure(study).savefig(target, dpi=110)


def escape_label(name: str) -> str:
    """A name as a legend label; matplotlib would drop one that starts with an underscore."""
    shown = inline(name)
    return f" {shown}" if shown.startswith("_") else shown


def make_figure(study: StudyArms) -> Figure:
    """Build the figure that `draw` writes."""
    coaches = list(dict.fromkeys(arm.coach for arm in study.arms))
    names = list(dict.fromkeys(arm.name for arm in study.arms))
    size = (1.0 + WIDE * len(coaches) + BESIDE, TALL * len(PANELS) + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(PANELS), len(coaches), squeeze=False, sharey="row")
    handles: dict[str, Any] = {}
    for column, coach in enumerate(coaches):
        arms = [arm for arm in study.arms if arm.coach == coach]
        for row, (measure, title, below) in enumerate(PANELS):
            panel = axes[row][column]
            handles |= _draw_panel(panel, measure, arms, names)
            side = arms[0].side
            panel.set_xlabel(below if measure in ("payoff", "last") else "")
            if (len(coaches) > 1 and "{side}" in title) or column == 0:
                panel.set_ylabel(title.format(side=side, rounds=study.rounds))
            if measure in ("deal_rate", "survival", "last"):
                panel.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
        axes[0][column].set_title("nobody is coached" if coach == "none" else f"{coach} coached", fontweight="bold")
    for row, (measure, *_) in enumerate(PANELS):  # after all columns are drawn
        if measure != "last":
            for panel in axes[row]:
                panel.set_xlim(0.5, study.rounds + 0.5)  # the same x position for a round in all rows
        if measure in ("deal_rate", "survival"):
            axes[row][0].set_ylim(0, 1.05)
        elif measure == "payoff":
            axes[row][0].set_ylim(bottom=min(0.0, axes[row][0].get_ylim()[0]))
    told = SAID if study.by == "feedback" else {}
    labels = [
        fill(escape_label(told.get(name, name)), NAME, break_on_hyphens=False, drop_whitespace=False) for name in names
    ]
    about: dict[str, Any] = {"title": study.by, "loc": "outside right upper", "alignment": "left"}
    figure.legend([handles[name] for name in names], labels, frameon=False, **about)
    figure.supxlabel(_format_note(study, int(NOTE * size[0])), fontsize=8, color="0.3")
    return figure


def _format_note(study: StudyArms, width: int) -> str:
    """The caption with what is needed to read the figure, in lines of `width` characters."""
    chains = sorted({arm.chains for arm in study.arms})
    counts = str(chains[0]) if len(chains) == 1 else f"{chains[0]} to {chains[-1]}"
    seeds = f"bars: 95 % bootstrap intervals over {study.seeds} seeds"
    bars = seeds if study.seeds > 1 else "no intervals, since there is one seed"
    if study.copied:
        bars = f"no intervals, since the episodes of all {study.seeds} seeds are copies, answer by answer"
    note = f"{inline(study.players)}. {counts} chain{'s' * (chains[-1] > 1)} in each arm; {bars}."
    grey = "Last row: means over the rounds that lasted so long; grey: round 1, all arms together."
    return "\n".join(fill(line, width, break_on_hyphens=False) for line in (note, grey))


def _choose_style(number: int) -> tuple[str, str, str]:
    """Colour, marker and line style of the n-th arm: the first 49 are distinct."""
    again = number // len(COLOURS)
    return COLOURS[number % len(COLOURS)], MARKERS[(number + again) % len(MARKERS)], LINES[again % len(LINES)]


def _draw_panel(panel: Any, measure: str, arms: Sequence[Arm], names: Sequence[str]) -> dict[str, Any]:
    """Draw the curves of these arms; returns the legend handle of each."""
    handles = {}
    if measure == "last":
        x, mean = _average_curves([arm.curves["first"] for arm in arms])
        panel.plot(x, mean, color="0.6", linewidth=4, alpha=0.6, zorder=0)
    apart = min(DODGE, APART / len(names))
    for arm in arms:
        place = names.index(arm.name)
        colour, marker, line = _choose_style(place)
        curve = arm.curves[measure]
        shift = apart * (place - (len(names) - 1) / 2)
        gaps = [[m - low for m, low in zip(curve.mean, curve.low, strict=True)],
                [high - m for m, high in zip(curve.mean, curve.high, strict=True)]]  # fmt: skip
        handles[arm.name] = panel.errorbar(
            *([x + shift for x in curve.x], curve.mean, gaps if curve.x else None),
            **{
                "color": colour,
                "marker": marker,
                "markersize": 5,
                "linewidth": 1.4,
                "linestyle": line,
                "elinewidth": 1,
            },
        )
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(axis="y", color="0.9")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    return handles


def _average_curves(curves: Sequence[Curve]) -> tuple[list[int], list[float]]:
    """The mean of the curves at each x that any of them has."""
    there: dict[int, list[float]] = {}
    for curve in curves:
        for x, mean in zip(curve.x, curve.mean, strict=True):
            there.setdefault(x, []).append(mean)
    places = sorted(there)
    return places, [sum(there[x]) / len(there[x]) for x in places]
