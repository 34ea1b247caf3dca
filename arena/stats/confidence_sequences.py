"""Confidence sequences: intervals for a mean that are valid at every sample size at once, so at any stopping time.

An interval for a fixed number of episodes, checked after each, loses its coverage under optional stopping. Here the
probability that the mean is *ever* outside is at most 1 - level, for any stopping rule (Ville's inequality). Assumes
that each value has the same mean given the earlier ones: episodes with their own seeds, in the plan's order.
"""

from dataclasses import dataclass, field
from math import inf, log, sqrt
from typing import Protocol

import numpy as np
from scipy import optimize  # type: ignore[import-untyped]

from arena.stats.intervals import Estimate

BOLDEST = 0.75  # largest bet, as a fraction of the ruinous one (Waudby-Smith & Ramdas, c = 3/4)
FIRST_LOOK = 30  # least values of an asymptotic sequence
TUNED_FOR = 200  # values at which an asymptotic sequence is narrowest


class Sequence(Protocol):
    """Takes one value after the other, and gives an interval for the mean at any time."""

    def add(self, value: float) -> None:
        """The next value, in the order of the plan. Raises ValueError for one out of bounds."""
        ...

    def interval(self) -> Estimate:
        """The mean so far and its interval; its ends are None as long as there are too few values."""
        ...


@dataclass(slots=True)
class Hedged:
    """The hedged capital sequence for values between `low` and `high`: valid for every number of them.

    For each candidate mean m two gamblers bet that the values are higher, or lower, each with half of the level; m is
    out once one of them has won too much. Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables
    by betting", JRSS-B 86(1), Theorem 3. Any bets that look back only are valid; these are `target` over the variance
    so far, which make the interval narrowest about when its half-width is `target`: after some 2 ln(2/alpha) times
    (standard deviation / target) squared values, about twice what a fixed number of them would need.
    """

    low: float
    high: float
    target: float
    level: float = 0.95
    scaled: list[float] = field(default_factory=list)
    bets: list[float] = field(default_factory=list)
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        x = (value - self.low) / (self.high - self.low)
        if not -1e-9 <= x <= 1 + 1e-9:
            raise ValueError(f"{value:g} is outside the bounds {self.low:g} to {self.high:g}")
        t = len(self.scaled) + 1
        variance = (0.25 + self.squares) / t  # of the values before this one, and its largest possible value
        self.bets.append(self.target / (self.high - self.low) / variance)
        self.scaled.append(min(max(x, 0.0), 1.0))
        self.total += self.scaled[-1]
        self.squares += (self.scaled[-1] - (0.5 + self.total) / (t + 1)) ** 2

    def interval(self) -> Estimate:
        n, name = len(self.scaled), "hedged betting"
        if not n:
            return Estimate(0.0, self.low, self.high, self.level, 0, name)
        x, bets = np.array(self.scaled), np.array(self.bets)
        edge = log(2 / (1 - self.level))

        def compute_log_capital(m: float, way: int) -> float:
            """The log of what the gambler on values above (1) or below (-1) m has made of each unit."""
            room = m if way > 0 else 1 - m
            return float(np.log1p(way * np.minimum(bets, BOLDEST / room) * (x - m)).sum()) - edge

        least, most = 1e-12, 1 - 1e-12  # capital above falls, capital below rises with m: one root each
        low = (
            float(optimize.brentq(compute_log_capital, least, most, (1,))) if compute_log_capital(least, 1) > 0 else 0.0
        )
        high = (
            float(optimize.brentq(compute_log_capital, least, most, (-1,)))
            if compute_log_capital(most, -1) > 0
            else 1.0
        )
        low, high = min(low, high), max(low, high)  # crossed only where the mean is not the same all along
        width = self.high - self.low
        ends = self.low + low * width, self.low + high * width
        return Estimate(self.low + float(x.mean()) * width, *ends, self.level, n, name)


@dataclass(slots=True)
class Asymptotic:
    """The asymptotic sequence for values without known bounds: valid as far as their mean is nearly normal.

    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52(6), Theorem 2.2; says nothing about the first `FIRST_LOOK` values.
    """

    level: float = 0.95
    count: int = 0
    average: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        gap = value - self.average
        self.average += gap / self.count
        self.squares += gap * (value - self.average)

    def interval(self) -> Estimate:
        n, alpha, name = self.count, 1 - self.level, "asymptotic"
        if n < FIRST_LOOK:
            return Estimate(self.average, -inf, inf, self.level, n, name)
        rho = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / TUNED_FOR  # the square of the paper's, its equation (10)
        grown = n * rho + 1
        reach = sqrt(self.squares / n) * sqrt(2 * grown / (n * n * rho) * log(sqrt(grown) / alpha))
        return Estimate(self.average, self.average - reach, self.average + reach, self.level, n, name)
