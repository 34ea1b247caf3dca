"""Effect sizes: by hand, by their definitions, and how often their intervals cover."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from arena.stats.effect_sizes import (
    cliffs_delta,
    cohens_d,
    cohens_dz,
    estimate_paired_superiority,
    estimate_superiority,
)

FEW = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=12)


def test_known_standardised_differences() -> None:
    found = cohens_d([1, 2, 3], [4, 5, 6])
    assert found is not None and found.value == pytest.approx(3)
    paired = cohens_dz([0, 0, 0, 0], [1, 2, 3, 2])
    assert paired is not None and paired.value == pytest.approx(2 / np.std([1, 2, 3, 2], ddof=1))
    assert cohens_d([1, 1], [2, 2]) is None and cohens_dz([1, 2], [2, 3]) is None and cohens_d([1], [2, 3]) is None


def test_the_interval_of_d_is_that_of_the_noncentral_t() -> None:
    """Steiger & Fouladi's way, on t = 2.0 with 10 in each group: d = 0.894 with -0.047 to 1.807."""
    spread = np.array([-1.0, 1.0] * 5) * np.sqrt(9 / 10)
    found = cohens_d(spread, spread + 2.0 * np.sqrt(1 / 5))
    assert found is not None and found.low is not None and found.high is not None
    assert found.value == pytest.approx(0.8944, abs=1e-4)
    assert (found.low, found.high) == pytest.approx((-0.0413, 1.8064), abs=2e-2)


def test_far_effects_have_intervals_too() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), rng.normal(size=40)
    for shift in (-50, 0, 3, 50):
        found = cohens_d(a, b + shift)
        assert found is not None and found.low is not None and found.high is not None
        assert found.low < found.value < found.high


def test_their_intervals_cover() -> None:
    rng = np.random.default_rng(5)
    hits = {"d": 0, "dz": 0, "delta": 0}
    truth = {"d": 0.5, "dz": 0.5, "delta": 2 * float(norm.cdf(0.5 / 2**0.5)) - 1}
    for _ in range(250):
        a, b = rng.normal(size=20), rng.normal(0.5, 1, 20)
        for name, found in (("d", cohens_d(a, b)), ("dz", cohens_dz(np.zeros(20), b)), ("delta", cliffs_delta(a, b))):
            assert found is not None and found.low is not None and found.high is not None
            hits[name] += found.low <= truth[name] <= found.high
    assert all(0.91 <= count / 250 <= 0.985 for count in hits.values()), hits


@settings(max_examples=80, deadline=None)
@given(FEW, FEW)
def test_delta_is_wins_minus_losses(a: list[float], b: list[float]) -> None:
    found, chance = cliffs_delta(a, b), estimate_superiority(a, b)
    assert found is not None and chance is not None and found.low is not None and found.high is not None
    wins = sum((y > x) - (y < x) for x, y in product(a, b)) / (len(a) * len(b))
    assert found.value == pytest.approx(wins)
    assert chance.value == pytest.approx(mannwhitneyu(b, a).statistic / (len(a) * len(b)))
    assert -1 <= found.low <= found.value + 1e-9 and found.value - 1e-9 <= found.high <= 1
    back = cliffs_delta(b, a)
    assert back is not None and back.value == pytest.approx(-found.value) and back.low == pytest.approx(-found.high)


def test_complete_separation_is_not_certainty() -> None:
    found = cliffs_delta(range(10), range(20, 35))
    assert found is not None and found.value == found.high == 1 and found.low is not None and 0 < found.low < 1


def test_wins_among_pairs() -> None:
    found = estimate_paired_superiority([0, 0, 0, 0], [1, 1, 0, -1])
    assert found is not None and found.value == (2 + 0.5) / 4
    assert found.low is not None and found.high is not None and 0.2 < found.low < 0.625 < found.high < 0.95
    assert estimate_paired_superiority([], []) is None
