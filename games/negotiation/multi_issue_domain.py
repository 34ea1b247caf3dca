"""Domain of a multi-issue negotiation: issues, options, utilities, and game-theoretic solutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import dist, prod
from random import Random
from typing import TypeAlias

from arena.cache_register import memoize
from arena.game import JSON
from arena.theory.outcome_space import Outcomes, Point

Utilities: TypeAlias = tuple[tuple[float, ...], ...]  # by issue, then by option; a deal is worth the sum
Choice: TypeAlias = tuple[int, ...]  # the index of the option taken, by issue


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to settle. `first` and `second` hold what each option is worth to the two parties."""

    name: str
    options: tuple[int | str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.options or not len(self.options) == len(self.first) == len(self.second):
            raise ValueError(f"issue {self.name!r} needs options, and a value of each for both parties")
        if len(set(self.options)) != len(self.options) or len({type(option) for option in self.options}) != 1:
            raise ValueError(f"the options of issue {self.name!r} differ, and are all numbers or all texts")


def make_graded_issue(name: str, top: int, first: float, second: float) -> Issue:
    """An issue with the options 0 to `top`; a weight above 0 means that a party likes more, below 0 that it likes less.

    Utilities are linear from 0 to the weight's size.
    """

    def values(weight: float) -> tuple[float, ...]:
        return tuple(abs(weight) * (k / top if weight > 0 else 1 - k / top) for k in range(top + 1))

    return Issue(name, tuple(range(top + 1)), values(first), values(second))


# price, delivery and warranty of a purchase; reservation values 0.3 and 0.2: 165 outcomes, 13 of them Pareto-optimal
PURCHASE = (
    make_graded_issue("price", 10, 0.6, -0.4),
    make_graded_issue("delivery", 4, 0.1, -0.5),
    make_graded_issue("warranty", 2, -0.3, 0.1),
)


def draw_issues(options: Sequence[int], rng: Random) -> tuple[Issue, ...]:
    """Issues with so many options each, utilities drawn: some opposed, some in common, some unrelated.

    Each party's weights sum to 1, its best options too.
    """
    weights = [[rng.expovariate(1) for _ in options] for _ in range(2)]
    issues = []
    for k, count in enumerate(options):
        both = []
        kind = rng.choice(("opposed", "common", "unrelated"))
        for party in range(2):
            values = sorted([0.0, 1.0, *(rng.random() for _ in range(count - 2))][:count])
            if party and kind == "opposed":
                values.reverse()
            if party and kind == "unrelated":
                rng.shuffle(values)
            share = weights[party][k] / sum(weights[party])
            both.append(tuple(round(share * value, 3) for value in values))
        issues.append(Issue(f"issue_{k + 1}", tuple(range(count)), *both))
    return tuple(issues)


def compute_worth(utilities: Utilities, choice: Sequence[int]) -> float:
    """What an outcome is worth to the party with these utilities."""
    return round(sum(values[k] for values, k in zip(utilities, choice, strict=True)), 12)


def count_outcomes(issues: Sequence[Issue]) -> int:
    """How many outcomes there are."""
    return prod(len(issue.options) for issue in issues)


@memoize("tables", most=64)
def list_outcomes(first: Utilities, second: Utilities, reserve: Point) -> tuple[Outcomes, tuple[Choice, ...]]:
    """All outcomes as utilities of both, and the choices they stand for, in the order of the options."""
    choices = tuple(product(*(range(len(values)) for values in first)))
    return Outcomes(tuple((compute_worth(first, c), compute_worth(second, c)) for c in choices), reserve), choices


def find_solutions(first: Utilities, second: Utilities, reserve: Point, point: Point) -> list[dict[str, JSON]]:
    """A row for each solution of bargaining theory: where it lies, and how far `point`, the result, is from it.

    `distance` is in utilities; `optimality` is 1 at the solution (see `Outcomes.optimality`). The row "pareto" is the
    nearest Pareto-optimal outcome. Solutions that do not exist are left out.
    """
    space, choices = list_outcomes(first, second, reserve)
    near = min(space.pareto, key=lambda i: dist(point, space.points[i]), default=None)
    found = {
        "pareto": near,
        "nash": space.nash(),
        "kalai": space.kalai(),
        "kalai_smorodinsky": space.kalai_smorodinsky(),
        "welfare": space.welfare(),
    }
    optimality = space.optimality(point)
    return [
        {
            "solution": name,
            "choice": list(choices[index]),
            "first": space.points[index][0],
            "second": space.points[index][1],
            "distance": dist(point, space.points[index]),
            "optimality": optimality[name],
        }
        for name, index in found.items()
        if index is not None
    ]
