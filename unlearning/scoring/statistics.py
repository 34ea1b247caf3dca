"""Statistics of per-item scores: numbers in, one number out."""

from collections.abc import Callable, Sequence
from math import cos, pi, sin, sqrt, tan
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from arena.extras import missing

Floats: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[..., float]  # of one array of scores, or of several


def mean(scores: Floats) -> float:
    """The mean; nan of none."""
    return float(scores.mean()) if scores.size else float("nan")


def harmonic(values: Sequence[float]) -> float:
    """n / Σ 1/a, and 0 where any of them is 0 or less."""
    return 0.0 if min(values) <= 0 else len(values) / sum(1 / value for value in values)


def auc(positive: Floats, negative: Floats) -> float:
    """AUC: the probability that a positive score is above a negative one, ties counted as half (Mann and Whitney
    1947)."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    above = np.searchsorted(ordered, positive, "right")
    return float((below + above).mean() / (2 * len(ordered)))


def tpr_at(positive: Floats, negative: Floats, fpr: float = 0.01) -> float:
    """The share of positives above the threshold that at most `fpr` of the negatives pass; in [0, 1].

    There is no interpolation between thresholds, so that with few negatives it may be 0. Its standard error at 1 % is
    about .01 with 100 negatives and .0044 with 500.
    """
    allowed = int(fpr * len(negative))
    threshold = np.sort(negative)[::-1][allowed] if allowed < len(negative) else -np.inf
    return float((positive > threshold).mean())


def kolmogorov(first: Floats, second: Floats) -> tuple[float, float]:
    """The greatest distance of two empirical distributions, and the p-value that they are samples of one.

    Two-sided test of Kolmogorov and Smirnov; exact for up to 10,000 scores. p-values depend on the sizes: those of
    different sizes are not comparable.
    """
    try:
        from scipy.stats import ks_2samp  # type: ignore[import-untyped,unused-ignore]
    except ModuleNotFoundError as error:
        raise missing("the test of Kolmogorov and Smirnov", error) from error
    found = ks_2samp(first, second)
    return float(found.statistic), float(found.pvalue)


def student_quantile(freedom: int, p: float) -> float:
    """The t below which Student's distribution with `freedom` degrees has the share `p`, 0.5 ≤ p < 1.

    Found by bisection of the finite series for whole degrees (Abramowitz & Stegun 26.7.3 and 26.7.4), to 1e-12.
    """
    if freedom < 1 or not 0.5 <= p < 1:
        raise ValueError(f"takes freedom of 1 or more and p from 0.5 to below 1, not {freedom} and {p}")
    low, high = 0.0, pi / 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _within(middle, freedom) < 2 * p - 1 else (low, middle)
    return sqrt(freedom) * tan(low)


def _within(angle: float, freedom: int) -> float:
    """The share of Student's distribution within ± sqrt(freedom) · tan(angle)."""
    odd = freedom % 2
    term = total = 0.0 if freedom == 1 else cos(angle) if odd else 1.0
    for k in range(2 + odd, freedom, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return (angle + sin(angle) * total) * 2 / pi if odd else sin(angle) * total


def best_of(scores: Floats, k: int) -> float:
    """The unbiased estimate of the greatest of k draws from n: Σ C(i−1, k−1) / C(n, k) · s_(i), s ascending."""
    ordered = np.sort(scores)
    n = len(ordered)
    if not 1 <= k <= n:
        raise ValueError(f"k is a number of draws, 1 to the {n} that there are, not {k}")
    ranks = np.arange(1, n + 1)
    # C(i−1, k−1) / C(n, k), built from the last rank down: w_n = k / n, w_(i−1) = w_i · (i − k) / (i − 1)
    weights = np.zeros(n)
    weights[-1] = k / n
    for i in range(n - 1, k - 1, -1):
        weights[i - 1] = weights[i] * (ranks[i] - k) / (ranks[i] - 1)
    return float(weights @ ordered)


def strangeness(table: Floats, floor: Floats) -> Floats:
    """(agents, readings) how far each agent is above all the others, in their standard deviations.

    table: the readings by agent, three agents or more. floor: (readings,) their least standard deviations. Agents are
    treated alike, so that of n honest ones each is the most extreme with probability 1 / n.
    """
    others = len(table) - 1
    mean = (table.sum(0) - table) / others
    # sums of squares about the whole mean, where differences of large numbers lose nothing
    apart = table - table.mean(0)
    square = (apart**2).sum(0) - apart**2 - others * (mean - table.mean(0)) ** 2
    spread = np.sqrt(np.clip(square, 0.0, None) / (others - 1))
    found: Floats = (table - mean) / np.maximum(spread, np.maximum(floor, 1e-12))
    return found


def clopper_pearson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The exact one-sided bounds of a share: each holds alone with that level."""
    from arena.stats.proportions import bound_proportion

    return 1 - bound_proportion(n - hits, n, level=level), bound_proportion(hits, n, level=level)


def resample_groups(groups: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
    """One sample with replacement of each group, as long as the group."""
    return [group[rng.integers(len(group), size=len(group))] for group in groups]


def percentiles(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The interval that holds the middle `level` of the values, those that are not finite left out."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
