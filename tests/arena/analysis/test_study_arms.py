"""The arms of a run side by side: means and intervals against the views, the study in `runs/`, and the figure."""

import re
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest
from duel import duel, play_all
from repository import ROOT

from arena.analysis.study_arms import Arm, Curve, StudyArms, interval, read_study
from arena.errors import BadRecord, UsageError
from arena.planning.plan import make_plan, read_plan
from arena.store.query import query
from arena.store.store import Store

PLAN = ROOT / "runs" / "feedback_study.toml"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The feedback study with three seeds of four rounds."""
    path = tmp_path_factory.mktemp("study") / "arena.db"
    plan = make_plan({**read_plan(PLAN), "n": 3, "rounds": 4})
    with Store.open(path) as store:
        play_all(store, plan.matches())
    return str(path)


def test_an_interval_is_that_of_the_ratio_over_clusters() -> None:
    assert interval([(3.0, 4.0)], 0, 1, 100) == (0.75, 0.75, 0.75)
    assert interval([(0.0, 0.0), (5.0, 0.0)], 0, 1, 100) is None
    assert interval([(1.0, 2.0), (2.0, 4.0), (4.0, 8.0)], 0, 1, 500) == (0.5, 0.5, 0.5)  # the same ratio in each
    mean, low, high = interval([(0.0, 1.0), (1.0, 1.0)], 0, 1, 500) or (0, 0, 0)
    assert (mean, low, high) == (0.5, 0.0, 1.0)
    mean, low, high = interval([(10.0, 1.0), (0.0, 3.0), (6.0, 4.0), (0.0, 0.0)], 0, 1, 500) or (0, 0, 0)
    assert low < mean == 2.0 < high, "the ratio of the sums: clusters weigh as much as they have"


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng, covered, tries = Random(7), 0, 300
    for _ in range(tries):
        clusters = []
        for _ in range(40):
            level = rng.gauss(10, 2)  # of a cluster: its members are alike
            clusters.append((sum(rng.gauss(level, 1) for _ in range(4)), 4.0))
        _, low, high = interval(clusters, 0, 1, 200) or (0, 0, 0)
        covered += low <= 10 <= high
    assert 0.89 <= covered / tries <= 0.98  # 95 %, less the little that the percentile bootstrap lacks


@pytest.mark.slow
def test_the_curves_are_those_of_the_view_survival(played: str) -> None:
    study = read_study(played, resamples=50)
    assert (study.seeds, study.rounds, study.by) == (3, 4, "feedback")
    assert [(arm.coach, arm.name) for arm in study.arms] == [
        (coach, name) for coach in ("seller", "buyer") for name in ("none", "goal", "constant", "human", "ai")
    ]
    sql = """
        select sum(deals) * 1.0 / sum(chains), sum(alive) * 1.0 / sum(chains), sum(price * deals) / sum(deals),
          sum(case coach when 'buyer' then buyer_payoff else seller_payoff end * chains) / sum(chains), sum(chains)
        from survival where coach = ? and feedback = ? and round = ?"""
    for arm in study.arms:
        for place, number in enumerate((1, 2, 3, 4)):
            ((rate, alive, price, payoff, chains),) = query(played, sql, (arm.coach, arm.name, number)).rows
            there = [arm.curves[name].mean[place] for name in ("deal_rate", "survival", "price", "payoff")]
            assert there == pytest.approx([rate, alive, price, payoff]) and arm.chains == chains == 12
            for curve in arm.curves.values():
                assert all(low <= m <= high for low, m, high in zip(curve.low, curve.mean, curve.high, strict=True))


def test_the_concessions_are_those_of_the_view(played: str) -> None:
    sql = "select coach, feedback, seat, round, turn, sum(demand * n) / sum(n) from concession group by 1, 2, 3, 4, 5"
    there = {tuple(key): demand for *key, demand in query(played, sql).rows}
    for arm in read_study(played, resamples=50).arms:
        for part, number in (("first", 1), ("last", 4)):
            mine = {key[-1]: d for key, d in there.items() if key[:4] == (arm.coach, arm.name, arm.side, number)}
            assert dict(zip(arm.curves[part].x, arm.curves[part].mean, strict=True)) == pytest.approx(mine)


def test_the_study_shows_what_it_is_built_to_show(played: str) -> None:
    arms: dict[str, dict[str, Arm]] = defaultdict(dict)
    for arm in read_study(played, resamples=50).arms:
        arms[arm.coach][arm.name] = arm
    for coach, better in (("seller", 1), ("buyer", -1)):
        none, goal = arms[coach]["none"].curves, arms[coach]["goal"].curves
        assert none["price"].mean == goal["price"].mean == pytest.approx([none["price"].mean[0]] * 4)
        for name in ("constant", "human", "ai"):
            curve = arms[coach][name].curves
            assert curve["price"].mean[0] == none["price"].mean[0], "round 1 is played before any feedback"
            assert better * (curve["price"].mean[-1] - none["price"].mean[-1]) > 0
            assert list(curve["survival"].mean) == sorted(curve["survival"].mean, reverse=True)
        advised = arms[coach]["ai"].curves
        assert advised["deal_rate"].mean[-1] > advised["survival"].mean[-1], "chains go on after a lost round"


def test_who_plays_can_tell_the_arms_apart_too(played: str) -> None:
    study = read_study(played, by="buyer", resamples=50)
    assert [(arm.coach, arm.name) for arm in study.arms][:2] == [("seller", "boulware"), ("seller", "linear")]
    assert study.players == "buyer: boulware, linear; seller: boulware, linear"


def test_the_plan_is_the_published_design_with_its_missing_arms() -> None:
    cells = make_plan(read_plan(PLAN)).cells()
    assert len(cells) == 2 * 5 * 2 * 2
    games = [cell.match.build_parts()[0] for cell in cells]
    assert {(game.coach, game.feedback) for game in games} == {
        (coach, feedback) for coach in ("seller", "buyer") for feedback in ("none", "goal", "constant", "human", "ai")
    }
    assert {(game.rounds, game.survivors_only) for game in games} == {(5, False)}


@pytest.mark.slow
def test_one_command_draws_the_figure(played: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    from arena.analysis.study_plot import draw
    from arena.cli.figure import figure

    figure("last", tmp_path / "study.svg", "feedback", played)
    assert f"10 arms drawn to {tmp_path / 'study.svg'}" in capsys.readouterr().out
    labels = set(re.findall(r"<!-- (.*?) -->", (tmp_path / "study.svg").read_text(encoding="utf-8")))
    assert {"seller coached", "buyer coached", "feedback", "human (listed lines)", "round"} <= labels
    assert any("12 chains in each arm" in label and "3 seeds" in label for label in labels)
    draw(read_study(played, resamples=50), tmp_path / "study.png")
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"study\.txt.*png"):
        figure("last", tmp_path / "study.txt", "feedback", played)


@pytest.mark.few(2)
@pytest.mark.parametrize("number", [1, 5, 8, 17])
@pytest.mark.parametrize("coaches", [("seller",), ("seller", "buyer")])
def test_the_figure_can_be_read_whatever_the_arms_are_called(number: int, coaches: tuple[str, ...]) -> None:
    pytest.importorskip("matplotlib")
    from figure_checks import problems
    from matplotlib import rc_context

    from arena.analysis.study_plot import PLAIN, make_figure

    names = ["openai/gpt-4o-mini-2024-07-18 with a persona", "_own.py:agent", "costs $5 or $6_", "[/b] \x1b[2J ü"]
    names = [*names, *(f"agent-{n}" for n in range(13))][:number]
    share = Curve((1, 2, 3), (0.5, 0.6, 0.7), (0.4, 0.5, 0.6), (0.6, 0.7, 0.8))
    curves = dict.fromkeys(("price", "deal_rate", "survival", "payoff", "first", "last"), share)
    arms = tuple(Arm(name, coach, "seller", 5, curves) for coach in coaches for name in names)
    with rc_context(PLAIN):
        figure = make_figure(StudyArms("r", "buyer", arms, f"buyer: {', '.join(names)}", 4, 3))
        assert problems(figure) == []
    lines = [container.lines[0] for container in figure.axes[0].containers]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == number


def test_what_cannot_be_drawn_is_said(played: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="no run 'nothing'"):
        read_study(played, "nothing")
    with pytest.raises(UsageError, match="told apart by feedback, buyer, seller or game; got 'colour'"):
        read_study(played, by="colour")  # type: ignore[arg-type]
    path = tmp_path / "other.db"
    with Store.open(path) as store:
        play_all(store, [duel(length=1)])
    with pytest.raises(BadRecord, match="no finished rounds of a negotiation"):
        read_study(str(path))


def test_a_text_that_is_cut_or_covered_is_found() -> None:
    pytest.importorskip("matplotlib")
    from figure_checks import problems
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    figure.text(0.5, 0.5, "over")
    figure.text(0.52, 0.5, "under")
    figure.text(0.9, 0.1, "a text of some length")
    assert problems(figure) == ["'a text of some length' is cut", "'over' lies on 'under'"]
