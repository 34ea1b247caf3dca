"""The picture of a bench can be read: nothing is cut, no label lies on another, it is as wide as a screen."""

from pathlib import Path
from typing import Any

import pytest

from arena.errors import UsageError

pytest.importorskip("matplotlib")

from figure_checks import problems

from unlearning.experiments.plot import DPI, draw, figure_of

PROBES = ("steps_forget", "steps_retain", "success_forget", "exact_match", "leak", "a_probe_with_a_name_of_some_length")
BUDGETS = (1, 5, 10, 25, 50, 100)


def readings(
    methods: list[str], settings: list[tuple[str, str]], budgets: tuple[int, ...] = BUDGETS
) -> list[dict[str, Any]]:
    rows = []
    for setting, scope in settings:
        for place, method in enumerate(methods):
            about = {"setting": setting, "scope": scope, "method": method, "seed": 0}
            for probe in PROBES:
                value = 8.0 + place if probe.startswith("steps") else place / len(methods)
                rows.append({**about, "probe": probe, "value": value, "low": value - 0.1, "high": value + 0.1,
                             "twin": 0.1, "knew": 0.9, "twins": [0.05, 0.2]})  # fmt: skip
            for budget in budgets:
                value = min(1.0, 0.2 + place * budget / 500)
                rows.append({**about, "probe": f"adversary_{budget}", "value": value, "low": 0.1, "high": 0.9,
                             "twin": 0.25, "knew": 0.97, "twins": [0.2, 0.3]})  # fmt: skip
    return rows


MANY = [f"method-{n}" for n in range(16)] + ["knowledge-entry(of=everything)", "_own.py:Thing costs $5 or $6_"]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("methods", "settings", "budgets"),
    [
        (["npo"], [("tofu/forget10", "facts")], ()),
        (["noop", "record-deletion"], [("gridworld", "state")], BUDGETS),
        (MANY, [("gridworld", "state"), ("household", "trajectory"), ("wiki", "environment")], BUDGETS),
        (MANY[:9], [("gridworld", "state")], (3, 10)),
    ],
)
def test_nothing_is_cut_and_no_label_lies_on_another(
    methods: list[str], settings: list[tuple[str, str]], budgets: tuple[int, ...], tmp_path: Path
) -> None:
    from matplotlib import rc_context

    from arena.analysis.study_plot import PLAIN

    rows = readings(methods, settings, budgets)
    with rc_context(PLAIN):
        figure = figure_of(rows, [*PROBES, *(f"adversary_{budget}" for budget in budgets[-2:])])
        assert problems(figure) == []
    assert figure.get_figwidth() * DPI <= 1400, "as wide as a screen"
    draw(rows, PROBES, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_lines_of_the_curves_are_told_apart_and_named_in_their_order() -> None:
    figure = figure_of(readings(MANY, [("gridworld", "state")]), PROBES)
    (panel,) = [
        axes for axes in (a for part in figure.subfigs for sub in part.subfigs for a in sub.axes) if axes.get_legend()
    ]
    lines = [line for line in panel.get_lines() if str(line.get_label()) in MANY]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}
    assert len(looks) == len(lines) >= 16
    named = [text.get_text() for text in panel.get_legend().get_texts()]
    ends = {str(line.get_label()): line.get_ydata()[-1] for line in lines}
    order = [ends[name] for name in named if name in ends]
    assert order == sorted(order, reverse=True)


def test_what_was_not_read_has_no_panel_and_a_bench_without_readings_says_so(tmp_path: Path) -> None:
    rows = readings(["npo"], [("tofu", "facts")], ())
    for row in rows:
        if row["probe"] == "leak":
            row.update(value=None, twin=None, knew=None, low=None, high=None)
    figure = figure_of(rows, PROBES)
    titles = {axes.get_title() for part in figure.subfigs for sub in part.subfigs for axes in sub.axes}
    assert "leak" not in titles and "exact match" in titles
    with pytest.raises(UsageError, match="no reading was taken"):
        draw([], PROBES, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
