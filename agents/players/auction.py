"""Bidders that follow auction theory."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from agents.negotiation.utterances import dollars
from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View


@dataclass(frozen=True, slots=True)
class Bidder(ABC):
    """A bidder whose hole is `most`, the bid it would go up to; in an open auction it raises by the least step."""

    async def act(self, view: View) -> Move:
        known = knowing(view, "an auction", "kind", "value", "bidders", "low", "reserve", "least", "budget")
        most = min(self.most(known["value"], known["low"], known["reserve"], int(known["bidders"])), known["budget"])
        if known["kind"] != "english":
            return Move(tool="bid", args={"amount": most if most >= known["reserve"] else 0.0})
        if known["least"] > most:
            return Move("Too much for me.", "pass")
        return Move(f"I bid {dollars(known['least'])}.", "bid", {"amount": known["least"]})

    @abstractmethod
    def most(self, value: float, low: float, reserve: float, bidders: int) -> float:
        """The largest bid, in dollars, of who values the thing at `value`."""


@agent
@dataclass(frozen=True, slots=True)
class Truthful(Bidder):
    """Bids what the thing is worth to it: dominant at the second price (Vickrey 1961), and in an open auction."""

    def most(self, value: float, low: float, reserve: float, bidders: int) -> float:
        return value


@agent
@dataclass(frozen=True, slots=True)
class Shading(Bidder):
    """Bids the equilibrium of the first-price auction with values uniform from `low`: n bidders, no taste for risk.

    With u = v - low and r = max(reserve - low, 0): low + u (n - 1) / n + r^n / (n u^(n - 1)); nothing below the
    reserve. Vickrey (1961), "Counterspeculation, auctions, and competitive sealed tenders"; Krishna, Auction Theory,
    section 2.5.
    """

    def most(self, value: float, low: float, reserve: float, bidders: int) -> float:
        over, least = value - low, max(reserve - low, 0.0)
        if value < reserve or over <= 0:
            return value
        bid = low + over * (bidders - 1) / bidders + least**bidders / (bidders * over ** (bidders - 1))
        return round(bid, 2)
