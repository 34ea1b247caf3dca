"""Power analysis: episodes needed to detect a change, and the change that a number of episodes can detect.

Two-sided tests of two arms with as many episodes each, or of pairs of episodes with one seed, whose results have some
`correlation`: pairs need fewer episodes if it is positive.
"""

from math import ceil, sqrt

from scipy import optimize, stats  # type: ignore[import-untyped]

MOST = 10**9  # most episodes of a search


def spread_of_share(at: float) -> float:
    """Standard deviation of one yes/no outcome with probability `at`, between 0 and 1."""
    if not 0 < at < 1:
        raise ValueError(f"a share is between 0 and 1, both excluded; got {at}")
    return sqrt(at * (1 - at))


def episodes_for_shares(
    change: float, at: float, *, power: float = 0.8, level: float = 0.95, correlation: float | None = None
) -> int:
    """Episodes per arm, or pairs if `correlation` is given, to detect a change of a share by `change` around `at`.

    `at` is the midpoint of the two shares; the test is the normal one at their pooled variance: a change of 0.05
    takes 1,570 at 0.5 and 566 at 0.9. Raises ValueError if half the change leaves 0 to 1.
    """
    _check(change, power, level)
    if not abs(change) / 2 <= min(at, 1 - at):
        raise ValueError(f"a change of {change:g} around a share of {at:g} leads out of 0 to 1")
    spread = _spread(spread_of_share(at), correlation)
    reach = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
    return max(2, ceil(float(reach * spread / change) ** 2 - 1e-9))


def episodes_for_means(
    change: float, sd: float, *, power: float = 0.8, level: float = 0.95, correlation: float | None = None
) -> int:
    """Episodes per arm, or pairs if `correlation` is given, to detect a change of a mean by `change`.

    `sd` is the standard deviation of single episodes, in the unit of `change`. By the noncentral t, both tails.
    """
    _check(change, power, level)

    def power_of(n: int) -> float:
        return power_of_means(n, change, sd, level=level, correlation=correlation)

    low, high = 1, 2
    while power_of(high) < power:
        low, high = high, high * 2
        if high > MOST:
            raise ValueError(f"a change of {change:g} beside a standard deviation of {sd:g} takes over {MOST} episodes")
    while high - low > 1:
        middle = (low + high) // 2
        enough = power_of(middle) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def power_of_means(n: int, change: float, sd: float, *, level: float = 0.95, correlation: float | None = None) -> float:
    """Power of a t test with `n` episodes per arm, or `n` pairs, for a change of `change`."""
    if n < 2 or not sd > 0:
        raise ValueError(f"power needs 2 episodes or more and a standard deviation above 0; got {n} and {sd}")
    freedom = n - 1 if correlation is not None else 2 * n - 2
    centre = abs(change) / _spread(sd, correlation) * sqrt(n)
    edge = stats.t.ppf((1 + level) / 2, freedom)
    if not centre:
        return 1 - level
    return float(stats.ncf.sf(edge**2, 1, freedom, centre**2))  # t squared: scipy's noncentral t is NaN far out


def power_of_shares(
    n: int, change: float, at: float, *, level: float = 0.95, correlation: float | None = None
) -> float:
    """Power of `n` episodes per arm, or `n` pairs, for a change of a share by `change` around `at`."""
    centre = abs(change) / _spread(spread_of_share(at), correlation) * sqrt(n)
    edge = stats.norm.ppf((1 + level) / 2)
    return float(stats.norm.sf(edge - centre) + stats.norm.cdf(-edge - centre))


def smallest_change(
    n: int, sd: float, *, power: float = 0.8, level: float = 0.95, correlation: float | None = None
) -> float:
    """The smallest change of a mean that `n` episodes per arm, or `n` pairs, detect with that power."""
    _check(1.0, power, level)

    def lacks(change: float) -> float:
        return power - power_of_means(n, change, sd, level=level, correlation=correlation)

    top = sd
    while lacks(top) > 0:
        top *= 2
    return float(optimize.brentq(lacks, 0, top))


def _spread(sd: float, correlation: float | None) -> float:
    """Standard deviation of the difference of two episodes: independent, or paired."""
    if correlation is None:
        return sd * sqrt(2)
    if not -1 <= correlation < 1:
        raise ValueError(f"a correlation of pairs is -1 to below 1, got {correlation}")
    return sd * sqrt(2 * (1 - correlation))


def _check(change: float, power: float, level: float) -> None:
    if not change:
        raise ValueError("a change of 0 cannot be seen; give one above 0")
    if not (0 < power < 1 and 0 < level < 1):
        raise ValueError(f"power and level are between 0 and 1, such as 0.8 and 0.95; got {power} and {level}")
    if power <= 1 - level:
        raise ValueError(f"power above {1 - level:g} is what the test has without any change; got {power}")
