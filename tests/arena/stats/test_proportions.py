"""Shares and their differences: textbook numbers, laws, and coverage."""

from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.stats.intervals import Estimate
from arena.stats.multiple_testing import CORRECTIONS, benjamini_hochberg, bonferroni, holm
from arena.stats.proportions import (
    bound_proportion,
    cohens_h,
    compare_paired_proportions,
    compare_proportions,
    estimate_proportion,
)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None and found.high is not None
    return found.low, found.high


def test_known_intervals_of_one_share() -> None:
    assert ends(estimate_proportion(81, 263)) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )  # Newcombe 1998, table I, Wilson
    assert ends(estimate_proportion(81, 263, method="clopper-pearson")) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert ends(estimate_proportion(0, 20)) == pytest.approx((0, 0.1611), abs=5e-5)
    assert bound_proportion(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100)) == pytest.approx(0.0295, abs=5e-5)
    with pytest.raises(ValueError, match="got 3 of 2"):
        estimate_proportion(3, 2)


def test_known_intervals_of_differences() -> None:
    found = compare_proportions((48, 80), (56, 70))  # Newcombe 1998, table II (a): 56/70 - 48/80
    assert found.value == pytest.approx(0.2) and ends(found) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    apart = compare_proportions((0, 10), (10, 10))
    assert apart.value == 1 and ends(apart)[0] == pytest.approx(0.6075, abs=5e-5) and ends(apart)[1] == 1
    mirrored = compare_proportions((56, 70), (48, 80))
    assert ends(mirrored) == pytest.approx((-0.3339, -0.0524), abs=5e-5)


def test_pairs_that_agree_are_known_better_than_two_samples() -> None:
    paired, apart = compare_paired_proportions(40, 2, 8, 10), compare_proportions((42, 60), (48, 60))
    assert paired.value == apart.value == pytest.approx(0.1)
    assert paired.half_width is not None and apart.half_width is not None
    assert paired.half_width < 0.75 * apart.half_width
    low, high = ends(compare_paired_proportions(20, 0, 0, 0))
    assert low < 0 < high, "20 pairs that agree do not prove that all do"


@pytest.mark.parametrize("rate, gap", [(0.9, 0.05), (0.5, 0.2), (0.05, 0.0)])
def test_paired_intervals_cover(rate: float, gap: float) -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(600):
        u, other = rng.random(40), rng.random(40)
        a, b = u < rate, np.where(rng.random(40) < 0.6, u, other) < rate + gap
        both, only_a, only_b = (a & b).sum(), (a & ~b).sum(), (~a & b).sum()
        low, high = ends(compare_paired_proportions(both, only_a, only_b, 40 - both - only_a - only_b))
        hits += low <= gap <= high
    assert 0.925 <= hits / 600 <= 1.0


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from(["wilson", "clopper-pearson"]))
def test_intervals_hold_their_share_and_mirror(n: int, hits: int, method: str) -> None:
    hits = min(hits, n)
    found = estimate_proportion(hits, n, method=method)  # type: ignore[arg-type]
    low, high = ends(found)
    assert -1e-12 <= low <= found.value + 1e-12 and found.value - 1e-12 <= high <= 1 + 1e-12
    assert ends(estimate_proportion(n - hits, n, method=method)) == pytest.approx((1 - high, 1 - low))  # type: ignore[arg-type]


def test_cohens_h() -> None:
    assert cohens_h((0, 10), (10, 10)).value == pytest.approx(pi)
    assert cohens_h((50, 100), (60, 100)).value == pytest.approx(0.2014, abs=5e-5)
    assert cohens_h((50, 100), (60, 100)).half_width == pytest.approx(1.96 * (2 / 100) ** 0.5, abs=1e-3)


P = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_known_corrections() -> None:
    ps = [0.01, 0.04, 0.03, 0.005]
    assert bonferroni(ps) == pytest.approx((0.04, 0.16, 0.12, 0.02))
    assert holm(ps) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert benjamini_hochberg(ps) == pytest.approx((0.02, 0.04, 0.04, 0.02))
    assert CORRECTIONS["none"](ps) == tuple(ps) and holm([]) == ()
    with pytest.raises(ValueError, match=r"got 1\.5"):
        holm([1.5])


@settings(max_examples=100, deadline=None)
@given(P)
def test_corrections_keep_order_and_their_places(ps: list[float]) -> None:
    from scipy.stats import false_discovery_control

    assert benjamini_hochberg(ps) == pytest.approx(false_discovery_control(ps))
    for raw, fdr, step, plain in zip(ps, benjamini_hochberg(ps), holm(ps), bonferroni(ps), strict=True):
        assert raw - 1e-12 <= fdr <= step + 1e-12 and step <= plain + 1e-12 and plain <= 1
    order = sorted(range(len(ps)), key=ps.__getitem__)
    for correct in (holm, benjamini_hochberg):
        adjusted = [correct(ps)[k] for k in order]
        assert adjusted == sorted(adjusted)


def test_holm_keeps_false_alarms_of_any_of_ten_questions_rare() -> None:
    rng = np.random.default_rng(1)
    alarms = sum(min(holm(list(rng.random(10)))) <= 0.05 for _ in range(2000)) / 2000
    assert 0.035 <= alarms <= 0.065
