"""Bargainers that react to the other side's offers: tit for tat, and MiCRO."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from agents.negotiation.advice import NONE, Advice
from agents.negotiation.position import Position, clip, latest
from agents.negotiation.time_dependent import Bargainer, OfferPlan
from arena.agent import agent


@agent
@dataclass(frozen=True, slots=True)
class TitForTat(Bargainer):
    """Concedes as much as the other side does.

    The tactic "mirror" (NegMAS NaiveTitForTatNegotiator) asks its best at step 0, the second best at steps 1 and 2,
    then utility 1 - u(standing offer) - `kindness`. It accepts offers that reach the same demand, so from step 3 on
    those worth at least half. Two of them never agree.

    "relative", "absolute", "averaged" are the behaviour-dependent tactics of Faratin, Sierra & Jennings (1998): the
    last own offer x is multiplied by y[n-δ] / y[n-δ+1], moved by y[n-δ] - y[n-δ+1], or multiplied by y[n-δ] / y[n],
    where y are the other side's offers, n its last and δ the `window`; kept within the own range. Before δ + 1 offers,
    it asks its best. It accepts what is no worse than its own next offer. (The random part R(M) of the paper's absolute
    tactic is left out: M = 0.)

    Advice: firmness lowers the kindness by .05 per step, ambition keeps a least utility.
    """

    tactic: Literal["mirror", "relative", "absolute", "averaged"] = "mirror"
    """How the other side's concessions are answered: "mirror" by utility; "relative", "absolute" or "averaged" by
    price, over `window` offers."""
    kindness: float = 0.0
    """Utility conceded beyond the other side's concession, in the tactic "mirror"; negative: less is conceded."""
    window: int = 1
    """Offers of the other side, δ, over which its concession is measured, in the tactics other than "mirror"; at least
    1."""

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window counts the other side's offers, 1 or more, got {self.window}")

    def plan(self, side: Position, advice: Advice, rng: Random) -> OfferPlan:
        if self.tactic == "mirror":
            demand = self.demand(side, advice)
            return OfferPlan(side.price_at(demand), demand)
        wish = side.utility(self._imitate(side)) - self._kindness(advice)
        offer = side.price_at(max(wish, advice.floor(0.0)))
        return OfferPlan(offer, side.utility(offer))

    def demand(self, side: Position, advice: Advice = NONE) -> float:
        given = 0.0
        if 1 <= side.step < 3:
            second = side.rank(1)
            given = 1 - side.utility(second) if second is not None else 0.0
        elif side.step >= 3:
            worth = 0.0 if side.standing is None else max(side.utility(side.standing), 0.0)
            given = worth + self._kindness(advice)
        return max(clip(1 - given), advice.floor(0.0))

    def _kindness(self, advice: Advice) -> float:
        return self.kindness - 0.05 * advice.firmness

    def _imitate(self, side: Position) -> float:
        """The price that answers the other side's last moves."""
        mine = side.own[-1] if side.own else side.best
        last, before = latest(side.theirs, 0), latest(side.theirs, self.window)
        after = latest(side.theirs, self.window - 1)
        if last is None or before is None or after is None:
            return side.best
        match self.tactic:
            case "absolute":
                return mine + before - after
            case "averaged":
                return mine * before / last if last else mine
            case _:
                return mine * before / after if after else mine


@agent
@dataclass(frozen=True, slots=True)
class Micro(Bargainer):
    """MiCRO: one tick down for each new offer of the other side, nothing for nothing.

    With m different offers sent and n received: while m <= n it sends its next best price, else repeats one that it has
    sent, drawn at random. It accepts what is no worse than the next price it is ready to send, or, if it is not ready,
    than its last one; with all sent, whatever is not below its reservation price.

    Advice: firmness f > 0 sends the next price only while m · 2^f <= n, f < 0 comes down 2^-f ticks at once; ambition
    keeps a least utility.

    de Jonge (2022), "An analysis of the linear bilateral ANAC domains using the MiCRO benchmark strategy", IJCAI;
    details (accepting the same utility) as in NegMAS 0.16, MiCRONegotiator.
    """

    def plan(self, side: Position, advice: Advice, rng: Random) -> OfferPlan:
        sent, received = sorted(set(side.own)), len(set(side.theirs))
        ready = len(sent) * max(advice.multiplier, 1.0) <= received
        jump = max(1, round(1 / advice.multiplier))
        lowest = max((side.place(price) for price in sent), default=-jump)  # how far down it has come, in ticks
        mine = side.rank(lowest + jump if ready else lowest)
        if mine is not None and side.utility(mine) < advice.floor(0.0):
            mine = None
        accepts = advice.floor(0.0) if mine is None else side.utility(mine)
        offer = mine if ready and mine is not None else rng.choice(sent) if sent else side.best
        return OfferPlan(offer, accepts)
