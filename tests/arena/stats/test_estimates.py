"""Means, differences and their tests: known answers, laws, scipy's own, and intervals that cover as they say."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from arena.stats import estimates

NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_clusters_count_once_with_their_mean_in_order_of_appearance() -> None:
    assert list(estimates.average_clusters([1, 2, 3, 10], ["b", "a", "b", "c"])) == [2, 2, 10]
    assert list(estimates.average_clusters([1, 2], None)) == [1, 2]
    with pytest.raises(ValueError, match="2 values need as many clusters, got 1"):
        estimates.average_clusters([1, 2], [0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=30), st.integers(1, 5))
def test_an_interval_of_clusters_is_that_of_their_means(values: list[int], size: int) -> None:
    """Of whole numbers, since BCa counts resamples at the estimate, and a last bit moves them across."""
    copies = [value for value in values for _ in range(size)]
    clusters = [k for k in range(len(values)) for _ in range(size)]
    one = estimates.estimate_mean(copies, generator(), clusters=clusters, resamples=99)
    two = estimates.estimate_mean(values, generator(), resamples=99)
    assert (one.value, one.low, one.high, one.n) == pytest.approx((two.value, two.low, two.high, two.n), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(NUMBERS)
def test_the_interval_holds_the_mean_and_moves_with_the_values(values: list[float]) -> None:
    found = estimates.estimate_mean(values, generator(), resamples=199, kind="percentile")
    assert found.low is not None and found.high is not None
    assert found.value == pytest.approx(float(np.mean(values)))
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    moved = estimates.estimate_mean([value + 7 for value in values], generator(), resamples=199, kind="percentile")
    assert (moved.low, moved.high) == pytest.approx((found.low + 7, found.high + 7), abs=1e-6)


def test_without_expansion_it_is_scipys_own() -> None:
    sample = generator(3).exponential(size=25)
    ours = estimates.bootstrap((sample,), np.mean, generator(5), expand=False, resamples=999)
    theirs = stats.bootstrap((sample,), np.mean, n_resamples=999, rng=generator(5), vectorized=True, batch=80_000)
    assert (ours.low, ours.high) == tuple(theirs.confidence_interval) and ours.method == "bca bootstrap"
    wide = estimates.bootstrap((sample,), np.mean, generator(5), resamples=999)
    assert wide.low is not None and ours.low is not None and wide.low < ours.low


def test_what_cannot_be_told_is_none_and_equal_values_have_no_width() -> None:
    alone = estimates.estimate_mean([3.0], generator())
    assert (alone.value, alone.low, alone.high, alone.half_width, alone.method) == (3, None, None, None, "too few")
    same = estimates.estimate_paired_difference([1, 2, 3], [3, 4, 5], generator())
    assert (same.low, same.high, same.half_width, same.method) == (2, 2, 0, "constant")
    with pytest.raises(ValueError, match=r"such as 0\.95; got 95"):
        estimates.estimate_mean([1, 2], generator(), level=95)
    with pytest.raises(ValueError, match="as many of a as of b, got 2 and 1"):
        estimates.estimate_paired_difference([1, 2], [1], generator())


def covered(draw: Callable[[np.random.Generator], estimates.Estimate], truth: float, times: int) -> float:
    rng = generator(11)
    hits = 0
    for _ in range(times):
        found = draw(rng)
        assert found.low is not None and found.high is not None
        hits += found.low <= truth <= found.high
    return hits / times


@pytest.mark.parametrize("kind", ["bca", "percentile"])
def test_intervals_cover_small_samples(kind: estimates.Kind) -> None:
    sample = lambda rng: estimates.estimate_mean(rng.normal(2, 3, 10), rng, kind=kind, resamples=499)  # noqa: E731
    assert 0.91 <= covered(sample, 2.0, 400) <= 0.98


def test_resampling_chains_covers_where_resampling_rounds_does_not() -> None:
    """Rounds of one chain go together: each chain has its own level, 20 chains of 5 rounds."""
    clusters = [k for k in range(20) for _ in range(5)]

    def chains(rng: np.random.Generator) -> np.ndarray:
        return np.repeat(rng.normal(0, 1, 20), 5) + rng.normal(0, 0.5, 100)

    whole = covered(lambda rng: estimates.estimate_mean(chains(rng), rng, clusters=clusters, resamples=299), 0.0, 300)
    rounds = covered(lambda rng: estimates.estimate_mean(chains(rng), rng, resamples=299), 0.0, 300)
    assert whole >= 0.91 > 0.8 > rounds


def test_differences_of_two_samples_cover() -> None:
    draw = lambda rng: estimates.estimate_difference(rng.exponential(1, 25), rng.exponential(2, 35), rng, resamples=299)  # noqa: E731
    assert 0.91 <= covered(draw, 1.0, 300) <= 0.985


def test_pairs_of_a_seed_make_the_interval_narrow() -> None:
    rng = generator(2)
    seeds = rng.normal(0, 10, 40)
    a, b = seeds + rng.normal(0, 1, 40), seeds + 1 + rng.normal(0, 1, 40)
    paired, apart = estimates.estimate_paired_difference(a, b, rng), estimates.estimate_difference(a, b, rng)
    assert paired.value == pytest.approx(apart.value)
    assert paired.half_width is not None and apart.half_width is not None
    assert paired.half_width < 0.7 and apart.half_width > 3
    assert estimates.run_paired_test(a, b, rng).p < 0.01 and estimates.run_unpaired_test(a, b, rng).p > 0.3


def test_the_exact_test_of_pairs_counts_all_signs() -> None:
    a, b = [0, 0, 0, 0, 0.0], [1, 2, 3, 4, -0.5]
    sums = [sum(sign * value for sign, value in zip(signs, b, strict=True)) for signs in product((1, -1), repeat=5)]
    expected = sum(abs(total) >= 9.5 - 1e-9 for total in sums) / 32
    assert estimates.run_paired_test(a, b, generator()) == estimates.Test(expected, 5, "exact")
    assert estimates.run_paired_test([0] * 4, [1] * 4, generator()).p == 2 / 16
    assert estimates.run_paired_test([1, 2, 3], [1, 2, 3], generator()).p == 1
    assert estimates.run_paired_test([0], [5], generator()).p == 1


def test_the_sampled_test_of_pairs_agrees_with_scipy_and_is_never_zero() -> None:
    rng = generator(4)
    a, b = rng.normal(0, 1, 30), rng.normal(0.35, 1, 30)
    ours = estimates.run_paired_test(a, b, generator(1))
    theirs = stats.permutation_test(
        (a, b), lambda x, y, axis: (y - x).mean(axis), permutation_type="samples", vectorized=True, rng=generator(2)
    ).pvalue
    assert ours.method == "sampled" and ours.p == pytest.approx(theirs, abs=0.02)
    assert estimates.run_paired_test(a, a + 1, generator()).p == 1 / 10_000
    assert estimates.run_paired_test(a, b, generator(1)) == ours


def test_clusters_change_places_together() -> None:
    a, b = [0.0] * 12, [1.0] * 12
    assert estimates.run_paired_test(a, b, generator()).p == 2 / 2**12
    assert estimates.run_paired_test(a, b, generator(), clusters=[0, 1, 2] * 4).p == 2 / 2**3


def test_the_test_of_two_samples() -> None:
    assert estimates.run_unpaired_test([1, 2, 3], [11, 12, 13], generator()) == estimates.Test(
        0.1, 6, "exact"
    )  # 2 of 20 ways
    rng = generator(8)
    a, b = rng.normal(0, 1, 40), rng.normal(0.4, 1, 60)
    found = estimates.run_unpaired_test(a, b, rng)
    assert found.method == "sampled" and found.p == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.02)
    assert estimates.run_unpaired_test([1], [2, 3], rng).p == 1


def test_false_alarms_come_as_often_as_stated() -> None:
    rng = generator(6)
    alarms = sum(
        estimates.run_paired_test(rng.exponential(size=16), rng.exponential(size=16), rng, resamples=199).p <= 0.05
        for _ in range(600)
    )
    assert 0.025 <= alarms / 600 <= 0.075
