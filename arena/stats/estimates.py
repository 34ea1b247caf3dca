"""Means and differences with intervals, and tests of them, computed with scipy.

A cluster is a unit that was drawn independently of the rest: a scenario, or the chain of rounds of one seed. If
`clusters` are given, each cluster counts once, with the mean of its values, and whole clusters are resampled.
"""

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from arena.stats.intervals import Estimate

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Sequence[float] | Floats
Clusters: TypeAlias = Sequence[Hashable] | None
Kind: TypeAlias = Literal["bca", "percentile"]
RESAMPLES = 9999  # one less than a round number, so that p is a multiple of 1/10,000
AT_ONCE = 2_000_000  # most numbers in a batch of resamples


@dataclass(frozen=True, slots=True)
class Test:
    """A two-sided p of "no difference", from all `n` pairs or values; exact where every permutation was tried."""

    __test__ = False  # pytest would collect the class by its name
    p: float
    n: int
    method: Literal["exact", "sampled"]


def average_clusters(values: Values, clusters: Clusters) -> Floats:
    """The mean of each cluster, in the order in which they first appear; the values themselves without clusters."""
    given = np.asarray(values, float)
    if clusters is None:
        return given
    if len(clusters) != len(given):
        raise ValueError(f"{len(given)} values need as many clusters, got {len(clusters)}")
    order = {cluster: k for k, cluster in enumerate(dict.fromkeys(clusters))}
    place = np.array([order[cluster] for cluster in clusters], int)
    counts = np.bincount(place, minlength=len(order))
    return np.asarray(np.bincount(place, weights=given, minlength=len(order)) / counts, float)


def estimate_mean(
    values: Values,
    rng: np.random.Generator,
    *,
    clusters: Clusters = None,
    level: float = 0.95,
    kind: Kind = "bca",
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of the values, or of the clusters' means, with a bootstrap interval; see `bootstrap`."""
    return bootstrap((average_clusters(values, clusters),), _mean, rng, level=level, kind=kind, resamples=resamples)


def estimate_paired_difference(
    a: Values,
    b: Values,
    rng: np.random.Generator,
    *,
    clusters: Clusters = None,
    level: float = 0.95,
    kind: Kind = "bca",
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of b - a over pairs, with a bootstrap interval that resamples pairs, or whole clusters of them."""
    return estimate_mean(_subtract_pairs(a, b), rng, clusters=clusters, level=level, kind=kind, resamples=resamples)


def estimate_difference(
    a: Values,
    b: Values,
    rng: np.random.Generator,
    *,
    clusters: tuple[Clusters, Clusters] = (None, None),
    level: float = 0.95,
    kind: Kind = "bca",
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of b minus the mean of a, drawn independently of each other, with a bootstrap interval."""
    sides = average_clusters(a, clusters[0]), average_clusters(b, clusters[1])
    return bootstrap(sides, _gap, rng, level=level, kind=kind, resamples=resamples)


def bootstrap(
    samples: tuple[Floats, ...],
    statistic: Callable[..., Any],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    kind: Kind = "bca",
    expand: bool = True,
    resamples: int = RESAMPLES,
) -> Estimate:
    """`statistic(*samples, axis=-1)` with its bootstrap interval; the samples are resampled independently.

    `kind`: bias-corrected and accelerated (Efron 1987), or plain percentiles. Both are too narrow for small samples;
    `expand` widens the percentiles that are read off as Student's t widens the normal's (Hesterberg 2015, "What
    teachers should know about the bootstrap", §5.3). Equal values give an interval of no width: `method` "constant".
    """
    _check_level(level)
    sizes, value = [len(sample) for sample in samples], float(statistic(*samples, axis=-1))
    n = sum(sizes)
    if min(sizes) < 2:
        return Estimate(value, None, None, level, n, "too few")
    if all(np.ptp(sample) <= 1e-12 * max(1.0, float(np.abs(sample).max())) for sample in samples):
        return Estimate(value, value, value, level, n, "constant")
    read = _expand_level(level, min(sizes), n - len(sizes)) if expand else level
    options: dict[str, Any] = {"n_resamples": resamples, "batch": max(1, AT_ONCE // n), "vectorized": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that BCa is not defined; the percentiles then stand in
        method = "BCa" if kind == "bca" else "percentile"
        done = stats.bootstrap(samples, statistic, confidence_level=read, method=method, rng=rng, **options)
        low, high = (float(end) for end in done.confidence_interval)
        if not (np.isfinite(low) and np.isfinite(high)):
            kind = "percentile"
            low, high = _compute_percentiles(done.bootstrap_distribution, read)
    return Estimate(value, low, high, level, n, f"{kind} bootstrap")


def run_paired_test(
    a: Values, b: Values, rng: np.random.Generator, *, clusters: Clusters = None, resamples: int = RESAMPLES
) -> Test:
    """The permutation test of a mean difference of 0 over pairs: within each pair, a and b are exchangeable.

    With `clusters`, all pairs of a cluster are swapped together. Exact up to 13 pairs with 9,999 `resamples`; else
    p is sampled and never 0 (Phipson & Smyth 2010). Needs that the difference is symmetric about 0 under "no effect".
    """
    d = average_clusters(_subtract_pairs(a, b), clusters)
    n = len(d)
    if 2**n <= resamples + 1:
        zeros, options = np.zeros(n), {"permutation_type": "samples", "vectorized": True, "n_resamples": np.inf}
        return Test(float(stats.permutation_test((d, zeros), _gap, **options).pvalue) if n > 1 else 1.0, n, "exact")
    seen, as_far, left = abs(d.sum()), 0, resamples
    slack = 1e-12 * float(np.abs(d).sum())  # floating-point sums depend on their order
    while left:
        size = min(left, max(1, AT_ONCE // n))
        signs = rng.integers(0, 2, (size, n), dtype=np.int8) * 2.0 - 1.0
        as_far += int((np.abs(signs @ d) >= seen - slack).sum())
        left -= size
    return Test((as_far + 1) / (resamples + 1), n, "sampled")


def run_unpaired_test(
    a: Values,
    b: Values,
    rng: np.random.Generator,
    *,
    clusters: tuple[Clusters, Clusters] = (None, None),
    resamples: int = RESAMPLES,
) -> Test:
    """Permutation test of equal means of two independent samples: values are reassigned to a and b at random."""
    one, two = average_clusters(a, clusters[0]), average_clusters(b, clusters[1])
    n = len(one) + len(two)
    if min(len(one), len(two)) < 2:
        return Test(1.0, n, "exact")
    options = {"permutation_type": "independent", "vectorized": True, "n_resamples": resamples}
    done = stats.permutation_test((one, two), _gap, batch=max(1, AT_ONCE // n), rng=rng, **options)
    exact = len(done.null_distribution) != resamples
    return Test(float(done.pvalue), n, "exact" if exact else "sampled")


def _subtract_pairs(a: Values, b: Values) -> Floats:
    one, two = np.asarray(a, float), np.asarray(b, float)
    if one.shape != two.shape:
        raise ValueError(f"pairs need as many of a as of b, got {len(one)} and {len(two)}")
    return np.asarray(two - one, float)


def _mean(sample: Floats, axis: int = -1) -> Any:
    return sample.mean(axis=axis)


def _gap(a: Floats, b: Floats, axis: int = -1) -> Any:
    return b.mean(axis=axis) - a.mean(axis=axis)


def _expand_level(level: float, n: int, freedom: int) -> float:
    """The level at which percentiles are taken so that the interval covers at `level`: t for z, and n for n - 1 in the
    variance.
    """
    reach = stats.t.ppf((1 + level) / 2, max(freedom, 1)) * np.sqrt(n / (n - 1))
    return min(float(1 - 2 * stats.norm.sf(reach)), 1 - 1e-9)


def _compute_percentiles(drawn: Floats, level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"a level is between 0 and 1, such as 0.95; got {level}")
