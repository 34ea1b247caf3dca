"""How many episodes a change takes: published numbers, and that so many find it as often as stated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ttest_ind, ttest_rel

from arena.stats.power import (
    episodes_for_means,
    episodes_for_shares,
    power_of_means,
    power_of_shares,
    smallest_change,
)


def test_known_sizes() -> None:
    assert episodes_for_shares(0.05, 0.9) == 566
    assert episodes_for_shares(0.05, 0.5) == 1570
    assert episodes_for_shares(0.10, 0.5) == 393
    assert episodes_for_means(0.5, 1) == 64  # Cohen (1988), table 2.4.1: d = 0.5, power 0.8
    assert episodes_for_means(0.2, 1) == 394  # G*Power 3
    assert episodes_for_means(0.8, 1) == 26
    assert episodes_for_means(0.5, 1, correlation=0.5) == 34  # dz = 0.5, one sample: G*Power 3
    assert smallest_change(64, 1) == pytest.approx(0.5, abs=0.002)


def test_pairs_save_what_they_share() -> None:
    apart, paired = episodes_for_shares(0.05, 0.5), episodes_for_shares(0.05, 0.5, correlation=0.8)
    assert paired == pytest.approx(apart * 0.2, abs=1)
    assert episodes_for_shares(0.05, 0.5, correlation=0.0) == apart
    with pytest.raises(ValueError, match="correlation of pairs"):
        episodes_for_shares(0.05, 0.5, correlation=1.0)


def test_what_makes_no_sense_is_refused() -> None:
    for call, words in (
        (lambda: episodes_for_shares(0.3, 0.9), "leads out of 0 to 1"),
        (lambda: episodes_for_shares(0, 0.5), "change of 0"),
        (lambda: episodes_for_means(1, 1, power=1.2), "between 0 and 1"),
        (lambda: episodes_for_means(1, 0), "deviation above 0"),
        (lambda: episodes_for_means(1e-9, 1), "takes over"),
        (lambda: episodes_for_means(1, 1, power=0.01), "without any change"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 3), st.floats(0.3, 0.99), st.sampled_from([None, -0.5, 0.0, 0.7]))
def test_the_number_is_the_smallest_that_suffices(change: float, power: float, correlation: float | None) -> None:
    n = episodes_for_means(change, 1, power=power, correlation=correlation)
    assert power_of_means(n, change, 1, correlation=correlation) >= power
    assert n == 2 or power_of_means(n - 1, change, 1, correlation=correlation) < power
    assert smallest_change(n, 1, power=power, correlation=correlation) <= change * (1 + 1e-6)


def test_as_many_episodes_find_a_share_change_that_often() -> None:
    """The pooled normal test of 0.875 against 0.925, with 566 of each."""
    rng = np.random.default_rng(0)
    a, b = rng.binomial(566, 0.875, 20_000) / 566, rng.binomial(566, 0.925, 20_000) / 566
    pooled = (a + b) / 2
    z = np.abs(b - a) / np.sqrt(2 * pooled * (1 - pooled) / 566)
    assert (z > norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.015)
    assert power_of_shares(566, 0.05, 0.9) == pytest.approx(0.8, abs=0.002)


def test_as_many_episodes_find_a_change_of_means_that_often() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, (4000, 26)), rng.normal(0.8, 1, (4000, 26))
    found = (ttest_ind(a, b, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(power_of_means(26, 0.8, 1), abs=0.02)
    shared = rng.normal(0, np.sqrt(0.5), (4000, 34))
    own = [rng.normal(0, np.sqrt(0.5), (4000, 34)) for _ in range(2)]
    found = (ttest_rel(shared + own[0], shared + own[1] + 0.5, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(power_of_means(34, 0.5, 1, correlation=0.5), abs=0.02)
