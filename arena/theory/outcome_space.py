"""Bargaining solutions over a finite set of outcomes with two parties' utilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import dist, hypot
from typing import Literal, TypeAlias

from arena.errors import UsageError

Point: TypeAlias = tuple[float, float]  # utilities of party 1 and party 2
TIE = 1e-12  # values this close are equal, as in NegMAS
DIGITS = 12


@dataclass(frozen=True)
class Outcomes:
    """Outcomes as (u1, u2) pairs with the utilities of no agreement, `reserve`; solutions are given by index.

    Each solution looks at the outcomes that are no worse than no agreement for both, and is None where there is none.
    Of equal ones the first counts. Definitions as in NegMAS 0.16 (negmas.preferences.ops): see each.
    """

    points: tuple[Point, ...]
    reserve: Point = (0.0, 0.0)
    ideals: Literal["possible", "rational"] = "possible"

    def __post_init__(self) -> None:
        if not self.points:
            raise UsageError("there are no outcomes to choose from")

    @cached_property
    def pareto(self) -> tuple[int, ...]:
        """The rational outcomes that no other beats for one party without loss for the other; party 1's best first."""
        cells = [(round(u, DIGITS), round(v, DIGITS)) for u, v in self.points]
        kept: list[int] = []
        for index in sorted(self.rational, key=lambda i: (-cells[i][0], -cells[i][1], i)):
            if not kept or cells[index][1] > cells[kept[-1]][1] or cells[index] == cells[kept[-1]]:
                kept.append(index)
        return tuple(kept)

    @cached_property
    def rational(self) -> tuple[int, ...]:
        """The outcomes that are no worse than no agreement for both."""
        return tuple(i for i, gains in enumerate(map(self.gains, self.points)) if min(gains) >= 0)

    def gains(self, point: Point) -> Point:
        """What both win over no agreement."""
        return point[0] - self.reserve[0], point[1] - self.reserve[1]

    def nash(self) -> int | None:
        """The largest product of gains (Nash 1950)."""
        return self._best(lambda gains: gains[0] * gains[1])

    def kalai(self) -> int | None:
        """The largest smaller gain: the egalitarian solution (Kalai 1977)."""
        return self._best(min)

    def kalai_smorodinsky(self) -> int | None:
        """The Pareto outcome whose gains are the most equal fractions of the ideal gains (Kalai & Smorodinsky 1975).

        `ideals` "possible" takes the largest utilities of all outcomes, as NegMAS does; "rational", as the paper, of
        those that both would agree to.
        """
        considered = range(len(self.points)) if self.ideals == "possible" else self.rational
        if not self.rational:
            return None
        best = self.gains((max(self.points[i][0] for i in considered), max(self.points[i][1] for i in considered)))
        ideal = tuple(gain if gain > 0 else 1.0 for gain in best)
        return self._best(lambda gains: -abs(gains[0] / ideal[0] - gains[1] / ideal[1]))

    def welfare(self) -> int | None:
        """The largest sum of utilities."""
        return self._best(sum)

    def opposition(self) -> float:
        """The distance from both having their best to the nearest rational outcome, in units of the largest utilities.

        0 where one outcome is best for both; inf without a rational outcome.
        """
        top = [max(point[side] for point in self.points) or 1.0 for side in (0, 1)]
        gaps = (hypot(1 - self.points[i][0] / top[0], 1 - self.points[i][1] / top[1]) for i in self.rational)
        return min(gaps, default=float("inf"))

    def optimality(self, point: Point) -> dict[str, float | None]:
        """How near `point` is to each solution: 1 - distance / largest distance; 1 is the solution itself.

        The largest distance is the diagonal of the box of utilities; "welfare" is the sum of utilities over the largest
        sum. None where there is no such solution, or the box is a point.
        """
        spans = [max(p[side] for p in self.points) - min(p[side] for p in self.points) for side in (0, 1)]
        diagonal = hypot(*spans)

        def near(targets: Sequence[int | None]) -> float | None:
            gaps = [dist(point, self.points[i]) for i in targets if i is not None]
            return max(0.0, 1 - min(gaps) / diagonal) if gaps and diagonal > TIE else None

        most = max((sum(self.points[i]) for i in self.pareto), default=0.0)
        return {
            "pareto": near(self.pareto),
            "nash": near([self.nash()]),
            "kalai": near([self.kalai()]),
            "kalai_smorodinsky": near([self.kalai_smorodinsky()]),
            "welfare": max(0.0, sum(point) / most) if abs(most) > TIE else None,
        }

    def _best(self, worth: Callable[[Point], float]) -> int | None:
        """The Pareto outcome of the largest worth, a function of the gains."""
        best: int | None = None
        for index in sorted(self.pareto):
            if best is None or worth(self.gains(self.points[index])) > worth(self.gains(self.points[best])) + TIE:
                best = index
        return best
