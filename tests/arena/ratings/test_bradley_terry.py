"""Ratings: closed forms, planted strengths, intervals that cover, and honest answers where the data says little."""

from collections.abc import Iterator
from itertools import combinations
from math import log, log10
from random import Random

import numpy as np
import pytest
from openskill.models import PlackettLuce
from scipy.optimize import minimize

from arena.errors import UsageError
from arena.ratings.bradley_terry import ELO, fit_bradley_terry
from arena.ratings.meeting import Meeting, Rating
from arena.ratings.openskill_board import RatingBoard, run_board

STRENGTHS = {"ada": 0.9, "bea": 0.4, "cid": 0.0, "dov": -0.4, "eve": -0.9}  # log-odds, mean 0


def duels(wins: int, draws: int, losses: int) -> list[Meeting]:
    """So many of them between left and right, each with a seed of its own."""
    scores = [(1, 0)] * wins + [(1, 1)] * draws + [(0, 1)] * losses
    return [Meeting({"left": left, "right": right}, seed) for seed, (left, right) in enumerate(scores)]


def simulated(rng: Random, seeds: int, twins: int = 1) -> list[Meeting]:
    """On each seed every pair meets twice by the planted strengths; each result is there `twins` times."""
    meetings = []
    for seed in range(seeds):
        for left, right in [pair for pair in combinations(STRENGTHS, 2) for _ in range(2)]:
            won = rng.random() < 1 / (1 + np.exp(STRENGTHS[right] - STRENGTHS[left]))
            meetings += [Meeting({left: float(won), right: float(not won)}, seed)] * twins
    return meetings


def by_name(ratings: tuple[Rating, ...]) -> dict[str, Rating]:
    return {rating.player: rating for rating in ratings}


def gap(ratings: tuple[Rating, ...]) -> float:
    named = by_name(ratings)
    return named["left"].rating - named["right"].rating


@pytest.mark.parametrize(("wins", "draws", "losses"), [(15, 0, 5), (3, 4, 2), (1, 0, 7), (0, 5, 0), (60, 1, 1)])
def test_two_players_differ_by_the_log_odds_of_their_points(wins: int, draws: int, losses: int) -> None:
    won, lost = wins + draws / 2, losses + draws / 2
    plain = fit_bradley_terry(duels(wins, draws, losses), penalty=False, resamples=10)
    assert gap(plain) == pytest.approx(400 * log10(won / lost))
    assert gap(fit_bradley_terry(duels(wins, draws, losses), resamples=10)) == pytest.approx(
        400 * log10((won + 0.5) / (lost + 0.5))
    )
    assert sum(rating.rating for rating in plain) == pytest.approx(2000)


@pytest.mark.parametrize("penalty", [False, True])
def test_the_fit_is_where_a_general_optimiser_finds_the_maximum(penalty: bool) -> None:
    players = sorted(STRENGTHS)
    meetings = simulated(Random(5), seeds=4)
    pairs = [(players.index(a), players.index(b), m.scores[a]) for m in meetings for a, b in [tuple(m.scores)]]

    def loss(theta: np.ndarray) -> float:
        chance = {(a, b): 1 / (1 + np.exp(theta[b] - theta[a])) for a, b, _ in pairs}
        likelihood = sum(won * log(chance[a, b]) + (1 - won) * log(1 - chance[a, b]) for a, b, won in pairs)
        information = np.full((5, 5), 1 / 5)  # of the strengths up to a constant, which the first matrix takes up
        for a, b, _ in pairs:
            way = np.eye(5)[a] - np.eye(5)[b]
            information += chance[a, b] * (1 - chance[a, b]) * np.outer(way, way)
        prior = 0.5 * np.linalg.slogdet(information)[1] if penalty else 0.0
        return float(-likelihood - prior + theta.mean() ** 2)

    best = minimize(loss, np.zeros(5), tol=1e-12).x
    rated = by_name(fit_bradley_terry(meetings, penalty=penalty, resamples=10))
    for k, name in enumerate(players):
        assert rated[name].rating == pytest.approx(1000 + ELO * best[k], abs=0.02)


def test_the_order_of_meetings_is_of_no_account() -> None:
    meetings = simulated(Random(1), seeds=6)
    turned = [Meeting(dict(reversed(m.scores.items())), m.cluster) for m in meetings]
    Random(2).shuffle(turned)
    for one, other in zip(
        fit_bradley_terry(meetings, resamples=200), fit_bradley_terry(turned, resamples=200), strict=True
    ):
        assert one.player == other.player
        assert (one.rating, one.low, one.high) == pytest.approx((other.rating, other.low, other.high))


def test_planted_strengths_are_recovered() -> None:
    rated = fit_bradley_terry(simulated(Random(3), seeds=150), resamples=200)
    assert [rating.player for rating in rated] == list(STRENGTHS)
    for rating in rated:
        assert rating.rating == pytest.approx(1000 + ELO * STRENGTHS[rating.player], abs=40)
        assert rating.low is not None and rating.high is not None and rating.low < rating.rating < rating.high


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "twins"), [(8, 1), (20, 2)])
def test_intervals_cover_at_the_stated_rate(seeds: int, twins: int) -> None:
    covered: list[bool] = []
    for trial in range(160):
        rated = fit_bradley_terry(simulated(Random(trial), seeds, twins), level=0.9, resamples=300, seed=trial)
        for rating in rated:
            low, high = (
                rating.low if rating.low is not None else -1e9,
                rating.high if rating.high is not None else 1e9,
            )
            covered.append(low <= 1000 + ELO * STRENGTHS[rating.player] <= high)
    assert 0.86 <= np.mean(covered) <= 0.94  # 800 intervals, five of a kind: the standard error is about 0.015


def test_luck_that_meetings_share_is_counted_once() -> None:
    def width(meetings: list[Meeting]) -> float:
        rated = fit_bradley_terry(meetings, resamples=500)
        return float(np.mean([rating.high - rating.low for rating in rated]))  # type: ignore[operator]

    apart = [Meeting(meeting.scores, number) for number, meeting in enumerate(simulated(Random(4), 40, 4))]
    once = width(simulated(Random(4), 40))
    assert width(simulated(Random(4), 40, 4)) == pytest.approx(once, rel=0.1)
    assert width(apart) == pytest.approx(once / 2, rel=0.15), "what four copies seem to say when taken for news"


def tables(rng: Random, number: int) -> Iterator[Meeting]:
    """Tables of four players by Plackett–Luce: strength plus a Gumbel draw (Yellott 1977), the higher the better."""
    for seed in range(number):
        at_table = rng.sample(sorted(STRENGTHS), 4)
        yield Meeting({name: STRENGTHS[name] - log(-log(rng.random())) for name in at_table}, seed)


def test_tables_of_four_recover_the_strengths_of_plackett_and_luce() -> None:
    meetings = list(tables(Random(6), 400))
    rated = fit_bradley_terry(meetings, resamples=200)
    assert [rating.player for rating in rated] == list(STRENGTHS)
    for rating in rated:
        assert rating.rating == pytest.approx(1000 + ELO * STRENGTHS[rating.player], abs=45)
    assert [rating.player for rating in run_board(meetings).ratings()] == list(STRENGTHS)


def test_who_won_all_is_rated_but_open_above_and_refused_without_the_penalty() -> None:
    meetings = [*simulated(Random(7), 10), *(Meeting({"zoe": 1, name: 0}, s) for s in range(10) for name in STRENGTHS)]
    meetings += [Meeting({"yan": 0, name: 1}, s) for s in range(10) for name in STRENGTHS]
    rated, without = by_name(fit_bradley_terry(meetings)), by_name(fit_bradley_terry(simulated(Random(7), 10)))
    assert (rated["zoe"].note, rated["zoe"].high, rated["yan"].note, rated["yan"].low) == (
        "won all", None, "lost all", None,
    )  # fmt: skip
    assert rated["zoe"].low is not None and rated["yan"].high is not None
    assert rated["zoe"].rating > rated["ada"].rating + 200 and rated["yan"].rating < rated["eve"].rating - 200
    for name in STRENGTHS:
        assert rated[name].rating == pytest.approx(without[name].rating, abs=1), "the others stay where they were"
        assert rated[name].low is not None and rated[name].high is not None and not rated[name].note
    with pytest.raises(UsageError, match="zoe lost nothing to"):
        fit_bradley_terry(meetings, penalty=False)


def test_players_who_never_met_even_through_others_are_rated_apart() -> None:
    other = [Meeting({"x": seed % 3, "y": 1}, seed) for seed in range(9)]
    rated = by_name(fit_bradley_terry([*simulated(Random(8), 5), *other]))
    assert {name: rated[name].group for name in ("ada", "eve", "x", "y")} == {"ada": 1, "eve": 1, "x": 2, "y": 2}
    assert rated["x"].rating + rated["y"].rating == pytest.approx(2000)
    assert fit_bradley_terry([Meeting({"alone": 3.0})])[0].note == "met nobody"


def test_there_is_no_interval_without_several_seeds_that_differ() -> None:
    same = [Meeting({"a": 1, "b": 0}, seed) for seed in (1, 2, 3)] + [Meeting({"b": 1, "a": 0}, s) for s in (1, 2, 3)]
    for meetings in (simulated(Random(9), 1), same):
        assert all(rating.low is None and rating.high is None for rating in fit_bradley_terry(meetings))


def test_a_margin_makes_near_scores_a_draw() -> None:
    near = [Meeting({"left": 1.0 + 0.4 * (seed % 2), "right": 1.2}, seed) for seed in range(10)]
    near += [Meeting({"left": 3.0, "right": 1.0}, 11)]
    assert gap(fit_bradley_terry(near, margin=0.25)) == pytest.approx(400 * log10((6 + 0.5) / (5 + 0.5)))


def test_wrong_numbers_are_refused() -> None:
    for options in ({"level": 1.0}, {"resamples": 0}):
        with pytest.raises(UsageError, match="level is between 0 and 1"):
            fit_bradley_terry(duels(1, 1, 1), **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to rate"):
        fit_bradley_terry([])
    with pytest.raises(UsageError, match="level"):
        RatingBoard().ratings(level=2)


def test_the_board_is_openskills_and_can_be_gone_on_with() -> None:
    meetings = simulated(Random(10), 30)
    whole = run_board(meetings)
    assert whole == run_board(meetings[50:], run_board(meetings[:50]))
    model = PlackettLuce()
    (left,), (middle,), (right,) = model.rate([[model.rating()] for _ in range(3)], ranks=[1, 2, 2])
    board = RatingBoard().after(Meeting({"right": 1, "left": 5, "middle": 1}))
    assert board.beliefs["left"] == pytest.approx((left.mu, left.sigma))
    assert board.beliefs["middle"] == pytest.approx((middle.mu, middle.sigma)) == board.beliefs["right"]
    assert board.beliefs["right"] == pytest.approx((right.mu, right.sigma))


def test_the_board_grows_surer_and_draws_leave_equals_equal() -> None:
    rated = run_board(simulated(Random(11), 60)).ratings(0.9)
    early = by_name(run_board(simulated(Random(11), 2)).ratings(0.9))
    for rating in rated:
        before = early[rating.player]
        assert rating.high - rating.low < before.high - before.low  # type: ignore[operator]
    draws = run_board([Meeting({"a": 1, "b": 1}, seed) for seed in range(9)]).ratings()
    assert draws[0].rating == pytest.approx(draws[1].rating)
