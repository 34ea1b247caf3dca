"""Proportions and their differences, with intervals: Wilson, Clopper-Pearson, Newcombe, Cohen's h."""

from collections.abc import Callable
from math import asin, exp, fsum, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import Literal

from arena.stats.intervals import Estimate


def estimate_proportion(
    hits: int, n: int, *, level: float = 0.95, method: Literal["wilson", "clopper-pearson"] = "wilson"
) -> Estimate:
    """The share of `hits` among `n` independent trials.

    Wilson (1927) covers at about `level` on average; Clopper & Pearson (1934) at `level` or more, always, and is wider.
    """
    _check(hits, n)
    found = _compute_wilson(hits, n, level) if method == "wilson" else _compute_exact(hits, n, level)
    return Estimate(hits / n, *found, level, n, method)


def bound_proportion(hits: int, n: int, *, level: float = 0.95) -> float:
    """The one-sided Clopper-Pearson upper bound: with 0 of 100 leaks, the rate is at most 0.0295 at 95 %."""
    _check(hits, n)
    return _find_highest_rate(hits, n, 1 - level)


def compare_proportions(a: tuple[int, int], b: tuple[int, int], *, level: float = 0.95) -> Estimate:
    """The share of b minus that of a, each (hits, trials), drawn independently; Newcombe (1998), method 10
    for independent samples."""
    one, two = estimate_proportion(*a, level=level), estimate_proportion(*b, level=level)
    assert one.low is not None and one.high is not None and two.low is not None and two.high is not None
    gap = two.value - one.value
    down = sqrt((two.value - two.low) ** 2 + (one.high - one.value) ** 2)
    up = sqrt((two.high - two.value) ** 2 + (one.value - one.low) ** 2)
    return Estimate(gap, gap - down, gap + up, level, a[1] + b[1], "newcombe")


def compare_paired_proportions(both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95) -> Estimate:
    """The share of b minus that of a over pairs, from how many pairs had which; Newcombe (1998), the paired method 10.

    The two Wilson intervals are combined with the correlation of the pairs, corrected slightly downwards.
    """
    n = both + only_a + only_b + neither
    one, two = estimate_proportion(both + only_a, n, level=level), estimate_proportion(both + only_b, n, level=level)
    assert one.low is not None and one.high is not None and two.low is not None and two.high is not None
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    joint = float(both * neither - only_a * only_b)
    joint = max(joint - n / 2, 0.0) if joint > 0 else joint
    phi = joint / sqrt(margins) if margins else 0.0
    gap = two.value - one.value

    def reach(out: float, back: float) -> float:
        return sqrt(max(out**2 - 2 * phi * out * back + back**2, 0.0))

    down = reach(two.value - two.low, one.high - one.value)
    up = reach(two.high - two.value, one.value - one.low)
    return Estimate(gap, gap - down, gap + up, level, n, "newcombe, paired")


def cohens_h(a: tuple[int, int], b: tuple[int, int], *, level: float = 0.95) -> Estimate:
    """Cohen's h, 2 asin sqrt(b) - 2 asin sqrt(a), -pi to pi, of two independent shares; 0.2 is small, 0.8 large.

    Its variance is about 1/n of each, whatever the shares (Cohen 1988, §6.2).
    """
    _check(*a)
    _check(*b)
    h = 2 * asin(sqrt(b[0] / b[1])) - 2 * asin(sqrt(a[0] / a[1]))
    reach = _compute_z(level) * sqrt(1 / a[1] + 1 / b[1])
    return Estimate(h, h - reach, h + reach, level, a[1] + b[1], "h")


def _compute_z(level: float) -> float:
    """The z of a central interval with probability `level` of the normal distribution."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _compute_wilson(hits: int, n: int, level: float) -> tuple[float, float]:
    z, share = _compute_z(level), hits / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return 0.0 if hits == 0 else middle - reach, 1.0 if hits == n else middle + reach


def _compute_exact(hits: int, n: int, level: float) -> tuple[float, float]:
    outside = (1 - level) / 2
    return 1 - _find_highest_rate(n - hits, n, outside), _find_highest_rate(hits, n, outside)


def _find_highest_rate(hits: int, n: int, chance: float) -> float:
    """The highest rate at which `hits` or fewer of n have at least this probability."""
    if hits == n:
        return 1.0
    ways = [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(hits + 1)]  # their logarithms

    def compute_excess(rate: float) -> float:
        gain, none = log(rate) - log1p(-rate), n * log1p(-rate)
        return fsum(exp(way + k * gain + none) for k, way in enumerate(ways)) - chance

    return _find_root(compute_excess)


def _find_root(falling: Callable[[float], float]) -> float:
    """The root in 0 to 1 of a decreasing function, by bisection."""
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return low


def _check(hits: int, n: int) -> None:
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"a proportion is hits among n trials, 0 <= hits <= n and n >= 1; got {hits} of {n}")
