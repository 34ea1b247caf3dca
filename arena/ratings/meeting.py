"""What a rating is made of, and what it is: meetings of players, and a strength with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXACT = 1e-9  # scores this close are equal


@dataclass(frozen=True, slots=True)
class Meeting:
    """The score of each player at one table, the higher the better, and the seats that each sat in, where known.

    Meetings of one `cluster`, a seed, share their luck: they are resampled together.
    """

    scores: Mapping[str, float]
    cluster: str | int = 0
    seats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rating:
    """A player's strength with its interval; None where the meetings set no such bound.

    Ratings of different `group`s cannot be compared: no chain of meetings leads from one to the other. `note` says
    what is special: a player that won all may be stronger than any rating.
    """

    player: str
    rating: float
    low: float | None = None
    high: float | None = None
    group: int = 1
    note: str = ""


def points(left: float, right: float, margin: float = 0.0) -> float:
    """What the left of two scores takes: 1 for a win, 0 for a loss, ½ where they differ by at most `margin`."""
    return 0.5 if abs(left - right) <= max(margin, EXACT) else float(left > right)
