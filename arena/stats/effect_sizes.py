"""Effect sizes with intervals: standardised mean differences and probabilities of superiority."""

from math import sqrt

import numpy as np
from scipy import optimize, stats  # type: ignore[import-untyped]

from arena.stats.estimates import Floats, Values
from arena.stats.intervals import Estimate


def cohens_d(a: Values, b: Values, *, level: float = 0.95) -> Estimate | None:
    """The mean of b minus that of a in units of their pooled standard deviation; None where that is 0.

    0.2 is small, 0.5 medium, 0.8 large (Cohen 1988). The interval inverts the noncentral t, exact for normal data
    (Steiger & Fouladi 1997).
    """
    one, two = np.asarray(a, float), np.asarray(b, float)
    n, m = len(one), len(two)
    if min(n, m) < 2:
        return None
    pooled = sqrt(((n - 1) * one.var(ddof=1) + (m - 1) * two.var(ddof=1)) / (n + m - 2))
    return _standardise_gap(float(two.mean() - one.mean()), pooled, sqrt(n * m / (n + m)), n + m - 2, level, n + m, "d")


def cohens_dz(a: Values, b: Values, *, level: float = 0.95) -> Estimate | None:
    """The mean of b - a over pairs in units of the standard deviation of b - a; None where that is 0."""
    d = np.asarray(b, float) - np.asarray(a, float)
    if len(d) < 2:
        return None
    return _standardise_gap(float(d.mean()), float(d.std(ddof=1)), sqrt(len(d)), len(d) - 1, level, len(d), "dz")


def cliffs_delta(a: Values, b: Values, *, level: float = 0.95) -> Estimate | None:
    """P(b > a) - P(b < a) for one of each, -1 to 1, with the interval of Feng & Cliff (2004); None for empty sides."""
    one, two = np.asarray(a, float), np.asarray(b, float)
    n, m = len(one), len(two)
    if min(n, m) < 2:
        return None
    of_a, of_b = (
        _compute_dominance(one, two),
        -_compute_dominance(two, one),
    )  # each value's own share of wins minus losses
    delta = float(of_b.mean())
    spread = float(of_a.var(ddof=1) / n + of_b.var(ddof=1) / m)
    z = float(stats.norm.ppf((1 + level) / 2))
    if abs(delta) == 1:  # no overlap: the bound of Feng & Cliff for complete separation
        short = (min(n, m) - z**2) / (min(n, m) + z**2)
        low, high = (short, 1.0) if delta > 0 else (-1.0, -short)
    else:
        reach = z * sqrt(spread * ((1 - delta**2) ** 2 + z**2 * spread))
        centre, scale = delta - delta**3, 1 - delta**2 + z**2 * spread
        low, high = (centre - reach) / scale, (centre + reach) / scale
    return Estimate(delta, max(low, -1.0), min(high, 1.0), level, n + m, "cliff's delta")


def estimate_superiority(a: Values, b: Values, *, level: float = 0.95) -> Estimate | None:
    """P(b > a) with ties counted half, for one of each, 0 to 1: Cliff's delta in another scale."""
    delta = cliffs_delta(a, b, level=level)
    if delta is None or delta.low is None or delta.high is None:
        return None
    value, low, high = ((1 + number) / 2 for number in (delta.value, delta.low, delta.high))
    return Estimate(value, low, high, level, delta.n, "superiority")


def estimate_paired_superiority(a: Values, b: Values, *, level: float = 0.95) -> Estimate | None:
    """The share of pairs in which b is higher, ties counted half, with a Wilson interval (too wide with ties)."""
    d = np.asarray(b, float) - np.asarray(a, float)
    n = len(d)
    if not n:
        return None
    share = float(((d > 0).sum() + (d == 0).sum() / 2) / n)
    z = float(stats.norm.ppf((1 + level) / 2))
    centre, scale = share + z**2 / (2 * n), 1 + z**2 / n
    reach = z * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    ends = max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
    return Estimate(share, *ends, level, n, "paired superiority")


def _compute_dominance(one: Floats, two: Floats) -> Floats:
    """For each of `one`, the share of `two` above it minus the share below it."""
    ordered = np.sort(two)
    above = len(two) - np.searchsorted(ordered, one, "right")
    return np.asarray((above - np.searchsorted(ordered, one, "left")) / len(two), float)


def _standardise_gap(
    gap: float, spread: float, root: float, freedom: int, level: float, n: int, name: str
) -> Estimate | None:
    """gap / spread, and the noncentralities that put t = gap / spread * root at the two tails, over root."""
    if not spread > 1e-12 * abs(gap):
        return None
    t = gap / spread * root
    step = sqrt(1 + t**2 / (2 * freedom))  # about the standard error of t
    tail = (1 - level) / 2

    def end(share: float, way: int) -> float:
        far = t + way * step
        while (stats.nct.cdf(t, freedom, far) - share) * way > 0:
            far += way * step
        found = optimize.brentq(lambda place: stats.nct.cdf(t, freedom, place) - share, *sorted((t - way * step, far)))
        return float(found) / root

    return Estimate(gap / spread, end(1 - tail, -1), end(tail, 1), level, n, name)
