"""Online ratings with OpenSkill: the belief about each player's strength after each meeting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from openskill.models import PlackettLuce

from arena.cache_register import memoize
from arena.errors import UsageError
from arena.ratings.meeting import Meeting, Rating, points


@dataclass(frozen=True, slots=True)
class RatingBoard:
    """The mean and the standard deviation of the belief about each player: 25 and 25/3 before its first meeting."""

    beliefs: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def after(self, meeting: Meeting, margin: float = 0.0) -> "RatingBoard":
        """The board after one more meeting: Weng & Lin (2011), algorithm 4, the model of Plackett and Luce, N seats.

        A score that is no more than `margin` below the next higher one draws with it. OpenSkill adds (25/300)² to each
        variance before, since players may change.
        """
        order = sorted(meeting.scores.items(), key=lambda pair: -pair[1])
        ranks = [0.0]
        for (_, above), (_, below) in pairwise(order):
            ranks.append(ranks[-1] + (points(above, below, margin) == 1))
        model = _model()
        teams = [[model.rating(*self.beliefs.get(player, (None, None)))] for player, _ in order]
        rated = [team[0] for team in model.rate(teams, ranks=ranks)]
        learned = {player: (float(new.mu), float(new.sigma)) for (player, _), new in zip(order, rated, strict=True)}
        return RatingBoard({**self.beliefs, **learned})

    def ratings(self, level: float = 0.95) -> tuple[Rating, ...]:
        """The means in OpenSkill's own units, best first, with the middle `level` of each belief.

        The interval is the model's belief after meetings that it takes for independent; it is not known to cover at
        that rate, and it depends on the order of the meetings.
        """
        if not 0 < level < 1:
            raise UsageError(f"level is between 0 and 1, got {level}")
        wide = NormalDist().inv_cdf((1 + level) / 2)
        rated = [Rating(name, mean, mean - wide * sd, mean + wide * sd) for name, (mean, sd) in self.beliefs.items()]
        return tuple(sorted(rated, key=lambda rating: (-rating.rating, rating.player)))


def run_board(meetings: Iterable[Meeting], board: RatingBoard | None = None, margin: float = 0.0) -> RatingBoard:
    """The board after these meetings, in their order, from `board` on."""
    board = board or RatingBoard()
    for meeting in meetings:
        board = board.after(meeting, margin)
    return board


@memoize("code")
def _model() -> Any:
    return PlackettLuce()
