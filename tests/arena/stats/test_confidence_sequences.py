"""Confidence sequences: they cover at the moment one stops, where an ordinary interval does not."""

from collections.abc import Callable
from math import inf, log

import numpy as np
import pytest
from scipy.stats import t as student

from arena.stats.confidence_sequences import FIRST_LOOK, Asymptotic, Hedged, Sequence

Draw = Callable[[np.random.Generator], np.ndarray]
LEVEL = 0.9  # low, so that few hundred runs tell the difference
RUNS = 200


def rarely(rng: np.random.Generator) -> np.ndarray:
    return (rng.random(600) < 0.1) * 1.0


def often(rng: np.random.Generator) -> np.ndarray:
    return (rng.random(600) < 0.5) * 1.0


def skewed(rng: np.random.Generator) -> np.ndarray:
    return rng.beta(1, 9, 600)


def rounded(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0.1, 0.3, 600)


def stops(values: np.ndarray, sequence: Sequence, width: float) -> tuple[float, float, int]:
    """The interval at the first time its half-width is below `width`, and that time."""
    for n, value in enumerate(values, 1):
        sequence.add(float(value))
        found = sequence.interval()
        assert found.low is not None and found.high is not None
        if (found.high - found.low) / 2 < width:
            return found.low, found.high, n
    return found.low, found.high, len(values)


def naive(values: np.ndarray, width: float) -> tuple[float, float, int]:
    """The same rule with Student's interval, from the fifth value on."""
    for n in range(5, len(values) + 1):
        seen = values[:n]
        half = student.ppf((1 + LEVEL) / 2, n - 1) * seen.std(ddof=1) / n**0.5
        if half < width:
            break
    return seen.mean() - half, seen.mean() + half, n


def coverage(rule: Callable[[np.ndarray], tuple[float, float, int]], draw: Draw, truth: float) -> tuple[float, float]:
    """How often the interval at the stop holds the truth, and the mean time of the stop."""
    rng = np.random.default_rng(20)
    found = [rule(draw(rng)) for _ in range(RUNS)]
    return sum(low <= truth <= high for low, high, _ in found) / RUNS, sum(n for *_, n in found) / RUNS


@pytest.mark.slow
@pytest.mark.parametrize("draw, truth, width", [(rarely, 0.1, 0.1), (often, 0.5, 0.15), (skewed, 0.1, 0.05)])
def test_betting_covers_at_the_stop_where_the_naive_rule_does_not(draw: Draw, truth: float, width: float) -> None:
    ours, after = coverage(lambda values: stops(values, Hedged(0, 1, width, LEVEL), width), draw, truth)
    plain, _ = coverage(lambda values: naive(values, width), draw, truth)
    assert ours >= LEVEL > plain + 0.02
    assert after < 400


def test_the_asymptotic_sequence_covers_at_the_stop_where_the_naive_rule_does_not() -> None:
    ours, after = coverage(lambda values: stops(values, Asymptotic(LEVEL), 0.08), rounded, 0.1)
    plain, _ = coverage(lambda values: naive(values, 0.08), rounded, 0.1)
    assert ours >= LEVEL > plain and FIRST_LOOK <= after < 300


@pytest.mark.few(1)
@pytest.mark.parametrize("draw, truth", [(rarely, 0.1), (often, 0.5), (skewed, 0.1)])
def test_betting_is_hardly_ever_wrong_at_any_time(draw: Draw, truth: float) -> None:
    """Ville's inequality itself: in at most 1 - level of all runs is the mean outside at some time."""
    rng, wrong = np.random.default_rng(4), 0
    for _ in range(RUNS):
        sequence, out = Hedged(0, 1, 0.1, LEVEL), False
        for n, value in enumerate(draw(rng)[:150], 1):
            sequence.add(float(value))
            if n % 3 == 0:
                found = sequence.interval()
                assert found.low is not None and found.high is not None
                out |= not found.low <= truth <= found.high
        wrong += out
    assert wrong / RUNS <= 1 - LEVEL + 0.02


def test_betting_stops_after_about_what_it_promises() -> None:
    rng = np.random.default_rng(2)
    times = [stops((rng.random(3000) < 0.5) * 1.0, Hedged(0, 1, 0.05), 0.05)[2] for _ in range(8)]
    assert np.mean(times) == pytest.approx(2 * log(2 / 0.05) * 0.25 / 0.05**2, rel=0.1)  # 738; 384 if n were fixed


def test_the_interval_is_where_capital_reaches_its_edge() -> None:
    """By brute force over candidate means, with the bets as they are defined."""
    values, width = [0.2, 0.9, 0.4, 0.4, 0.7, 0.1, 0.3, 0.5, 0.6, 0.2] * 6, 0.1
    sequence = Hedged(0, 1, width)
    for value in values:
        sequence.add(value)
    found = sequence.interval()
    kept = []
    for m in np.linspace(0.001, 0.999, 999):
        up = down = 1.0
        total, squares = 0.0, 0.0
        for t, x in enumerate(values, 1):
            bet = width / ((0.25 + squares) / t)
            up *= 1 + min(bet, 0.75 / m) * (x - m)
            down *= 1 - min(bet, 0.75 / (1 - m)) * (x - m)
            total += x
            squares += (x - (0.5 + total) / (t + 1)) ** 2
        if max(up, down) < 2 / 0.05:
            kept.append(m)
    assert (found.low, found.high) == pytest.approx((kept[0], kept[-1]), abs=0.0011)


def test_bounds_are_only_a_scale() -> None:
    one, two = Hedged(0, 1, 0.1), Hedged(-10, 30, 4)
    for value in np.random.default_rng(0).random(80):
        one.add(float(value))
        two.add(float(-10 + 40 * value))
    small, large = one.interval(), two.interval()
    assert small.low is not None and small.high is not None
    assert (large.low, large.high) == pytest.approx((-10 + 40 * small.low, -10 + 40 * small.high))
    with pytest.raises(ValueError, match="31 is outside the bounds -10 to 30"):
        two.add(31)


def test_values_that_never_change_are_known_soon_but_not_at_once() -> None:
    sure = Hedged(0, 1, 0.05)
    for n in range(1, 101):
        sure.add(1.0)
        found = sure.interval()
        assert found.high == 1 and found.low is not None and found.low < 1
        if n == 5:
            assert found.low < 0.6
    assert found.low > 0.9


@pytest.mark.parametrize("values", [[1.0] * 150 + [0.0] * 150, [0.0] * 150 + [1.0] * 150, [0.0, 1.0] * 150])
def test_a_mean_that_drifts_breaks_nothing(values: list[float]) -> None:
    sequence = Hedged(0, 1, 0.05)
    for value in values:
        sequence.add(value)
        found = sequence.interval()
        assert found.low is not None and found.high is not None and 0 <= found.low <= found.high <= 1


def test_nothing_is_said_before_the_first_look() -> None:
    sequence = Asymptotic()
    for _ in range(FIRST_LOOK - 1):
        sequence.add(2.0)
    assert (sequence.interval().low, sequence.interval().high) == (-inf, inf)
    sequence.add(2.0)
    assert (sequence.interval().low, sequence.interval().high) == (2, 2)
    assert Hedged(3, 7, 1).interval().half_width == 2
