"""One side of a bargain in numbers: what a bargainer knows when it moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from agents.negotiation.message_acts import find_offers
from arena.errors import UsageError
from arena.game import View

EXACT = 1e-9  # utilities this close are equal: 1 - 0.7 is not 0.3 in binary


@dataclass(frozen=True, slots=True)
class Position:
    """A side with its range of prices: `best` has utility 1, `worst` 0; prices lie on a grid of `tick` from `low`.

    `worst` is the reservation price, or the bound of the game where that is nearer; a side that opened the round with a
    given offer has that as its best. `own` and `theirs` are the offers of this round, in order.
    """

    role: str
    item: str
    best: float
    worst: float
    low: float
    tick: float
    step: int
    steps: int
    own: tuple[float, ...] = ()
    theirs: tuple[float, ...] = ()

    @classmethod
    def of(cls, view: View) -> "Position":
        """The side that a bargaining view shows. Raises UsageError for other views."""
        known: Mapping[str, Any] = view.known
        if missing := {"role", "low", "high", "tick", "step", "steps"} - known.keys():
            lacking = ", ".join(sorted(missing))
            raise UsageError(
                f"the seat {view.seat!r} is no side of a haggle over a price (its view lacks {lacking}); "
                "seat another agent there, for example: random"
            )
        role, low, high, tick = str(known["role"]), float(known["low"]), float(known["high"]), float(known["tick"])
        recorded = [(str(seat), float(price)) for seat, price in known.get("offers") or ()]
        if not view.tools:  # a game of talk only: opening lines at most are recorded as offers
            talk = [message for message in view.messages if message.round == known.get("round", message.round)]
            recorded = find_offers(talk) or recorded
        own = tuple(price for seat, price in recorded if seat == role)
        theirs = tuple(price for seat, price in recorded if seat != role)
        top = low + tick * floor((high - low) / tick + EXACT)  # the highest price on the grid
        seller, step = role == "seller", int(known["step"])
        best = own[0] if len(own) > step else top if seller else low
        reservation = known.get("reservation")
        if reservation is None:  # unknown to itself: the rival's first offer, where it was given with the opening
            opened = theirs[:1] if len(own) > step else ()
            reservation = opened[0] if opened else (low if seller else high)
        worst = max(float(reservation), low) if seller else min(float(reservation), top)
        return cls(role, str(known.get("item", "item")), best, worst, low, tick, step, int(known["steps"]), own, theirs)

    @property
    def time(self) -> float:
        """Relative time (step + 1) / (steps + 1), never 0 and never 1, as in NegMAS."""
        return (self.step + 1) / (self.steps + 1)

    @property
    def standing(self) -> float | None:
        """The other side's last offer."""
        return self.theirs[-1] if self.theirs else None

    @property
    def last(self) -> bool:
        """Whether this is the side's last word of the round."""
        return self.step >= self.steps - 1

    @property
    def closed(self) -> bool:
        """Whether no price within the bounds is acceptable."""
        return (self.best - self.worst) * self._way < -EXACT

    def utility(self, price: float) -> float:
        """0 at the worst price, 1 at the best, linear between and beyond."""
        span = self.best - self.worst
        if abs(span) < EXACT:
            return 1.0 if (price - self.best) * self._way > -EXACT else -1.0
        return (price - self.worst) / span

    def price_at(self, utility: float) -> float:
        """The price on the grid that gives at least `utility` and the least of it; the best where none does."""
        wish = self.worst + min(max(utility, 0.0), 1.0) * (self.best - self.worst)
        ticks = (wish - self.low) / self.tick
        ticks = ceil(ticks - EXACT * 100) if self._way > 0 else floor(ticks + EXACT * 100)
        price = round(self.low + ticks * self.tick, 10)
        return price if (self.best - price) * self._way > -EXACT else self.best

    def rank(self, number: int) -> float | None:
        """The price `number` ticks below the best (0 is the best); None beyond the worst."""
        price = round(self.best - self._way * number * self.tick, 10)
        return price if self.utility(price) >= -EXACT else None

    def place(self, price: float) -> int:
        """The number of ticks by which `price` is below the best: the inverse of `rank`."""
        return round((self.best - price) * self._way / self.tick)

    @property
    def _way(self) -> int:
        """+1 where a higher price is better, -1 where a lower one is."""
        return 1 if self.role == "seller" else -1


def clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(value, low), high)


def latest(values: Sequence[float], back: int) -> float | None:
    """The value `back` places before the last; None where there are not so many."""
    return values[-1 - back] if len(values) > back else None
