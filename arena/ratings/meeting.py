"""Data types of ratings: a meeting of players, and a rating with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXACT = 1e-9  # scores this close are equal


@dataclass(frozen=True, slots=True)
class Meeting:
    """Scores of the players at one table, higher is better, and the seats of each, if known.

    Meetings of one `cluster`, a seed, share their random draws: they are resampled together.
    """

    scores: Mapping[str, float]
    cluster: str | int = 0
    seats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rating:
    """A player's rating with its interval; an end is None if the meetings do not bound it.

    Ratings of different `group`s cannot be compared: no chain of meetings leads from one to the other. `note` says
    exceptions: the rating of a player that won all has no upper bound.
    """

    player: str
    rating: float
    low: float | None = None
    high: float | None = None
    group: int = 1
    note: str = ""


def points(left: float, right: float, margin: float = 0.0) -> float:
    """Points of the left score: 1 for a win, 0 for a loss, ½ if they differ by at most `margin`."""
    return 0.5 if abs(left - right) <= max(margin, EXACT) else float(left > right)
