"""Time-dependent bargaining tactics: the baselines of automated negotiation."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import e, exp, log
from random import Random
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from agents.negotiation import utterances
from agents.negotiation.advice import NONE, Advice, collect_advice
from agents.negotiation.position import EXACT, Position, clip
from arena.agent import agent
from arena.game import Move, View

SLACK = 1e-4  # of utility by which a time-dependent offer may miss the aspiration: `eps` of NegMAS's UtilityInverter
Curve: TypeAlias = Literal["polynomial", "exponential"]


class OfferPlan(NamedTuple):
    """The next offer, and the acceptance threshold in utility."""

    offer: float
    least: float


@dataclass(frozen=True, slots=True)
class Bargainer(ABC):
    """One side of a bargain over a price: it accepts what is worth enough to it, else makes an offer.

    Subclasses supply `plan`. With no price it could agree to, it walks away.
    """

    heeds: float = 1.0
    """Weight of the advice in the feedback it has been given; 0: it ignores advice."""
    speaks: Literal["acts", "talks"] = "acts"
    """"acts": it takes an action with each sentence. "talks": it only says the sentence."""

    async def act(self, view: View) -> Move:
        side, rng = Position.of(view), Random(view.seed)
        if side.closed:
            return self._move(view, utterances.leaving(rng), "walk_away")
        plan = self.plan(side, collect_advice(view.messages, side.role).with_weight(self.heeds), rng)
        standing = side.standing
        if standing is not None and side.utility(standing) >= max(plan.least, 0.0) - EXACT:
            return self._move(view, utterances.accepting(standing, rng, plainly=not view.tools), "accept")
        own = side.own[-1] if side.own else None
        words = utterances.offering(side.role, side.item, plan.offer, rng, own, standing, side.last)
        return self._move(view, words, "offer", plan.offer)

    @abstractmethod
    def plan(self, side: Position, advice: Advice, rng: Random) -> OfferPlan:
        """The next offer and the least utility accepted; randomness, if any, comes from `rng`."""

    def _move(self, view: View, words: str, tool: str, price: float | None = None) -> Move:
        if self.speaks == "talks" or not view.tools:
            return Move(words)
        return Move(words, tool, {} if price is None else {"price": price})


@dataclass(frozen=True, slots=True)
class DemandingBargainer(Bargainer):
    """A bargainer that insists on a utility, `demand`: it offers the worst price of the grid that gives as much."""

    @abstractmethod
    def demand(self, side: Position, advice: Advice = NONE) -> float:
        """The utility insisted on at this step, 0 to 1."""

    def plan(self, side: Position, advice: Advice, rng: Random) -> OfferPlan:
        demand = self.demand(side, advice)
        return OfferPlan(side.price_at(demand), demand)


def aspiration(time: float, exponent: float = 1.0, curve: Curve = "polynomial") -> float:
    """The utility aspired to at relative `time`, from 1 at 0 to 0 at 1.

    polynomial 1 - t^e, exponential (exp((1 - t)^e) - 1) / (exp(1) - 1). NegMAS 0.16, PolyAspiration and ExpAspiration.
    """
    if curve == "exponential":
        return (exp((1 - time) ** exponent) - 1) / (e - 1)
    return float(1 - time**exponent)


@dataclass(frozen=True, slots=True)
class TimeDependent(Bargainer):
    """A bargainer that comes down an aspiration curve, whatever the other side does.

    At relative time t = (step + 1) / (steps + 1) it accepts offers with utility >= `aspiration(t)` and offers the worst
    price that has it.

    Advice: firmness f multiplies the exponent of the polynomial by 2^f (divides the exponential one's), ambition raises
    `least`, patience starts the clock later.

    Faratin, Sierra & Jennings (1998), "Negotiation decision functions for autonomous agents", Robotics and Autonomous
    Systems 24, with beta = 1 / exponent and k = 0; as in NegMAS 0.16 (Mohammad et al. 2021), there
    TimeBasedConcedingNegotiator.
    """

    exponent: float | None = None
    """Exponent of the aspiration curve: above 1 it concedes late, below 1 early; None: that of NegMAS for this name and
    curve."""
    curve: Curve = "polynomial"
    """Shape of the aspiration over relative time."""
    least: float = 0.0
    """Utility below which it never goes, 0 to 1."""

    EXPONENTS: ClassVar[Mapping[str, float]] = {"polynomial": 1.0, "exponential": 0.725}

    def __post_init__(self) -> None:
        if self.exponent is not None and self.exponent <= 0:
            raise ValueError(f"exponent is above 0 (1 linear, more firm, less yielding), got {self.exponent}")
        if not 0 <= self.least <= 1:
            raise ValueError(f"least is a utility from 0 to 1, got {self.least}")

    def plan(self, side: Position, advice: Advice, rng: Random) -> OfferPlan:
        demand = self.demand(side, advice)
        return OfferPlan(side.price_at(demand - SLACK), demand)

    def demand(self, side: Position, advice: Advice = NONE) -> float:
        exponent = self.EXPONENTS[self.curve] if self.exponent is None else self.exponent
        firmer = advice.multiplier
        exponent = exponent / firmer if self.curve == "exponential" else exponent * firmer
        least = advice.floor(self.least)
        return least + (1 - least) * aspiration(advice.clock(side.time), exponent, self.curve)


@agent
@dataclass(frozen=True, slots=True)
class Linear(TimeDependent):
    """Concedes evenly: aspiration 1 - t (NegMAS LinearTBNegotiator; Faratin, Sierra & Jennings 1998, beta = 1)."""


@agent
@dataclass(frozen=True, slots=True)
class Boulware(TimeDependent):
    """Concedes late: aspiration 1 - t^4 (NegMAS BoulwareTBNegotiator; Faratin, Sierra & Jennings 1998, beta = 1/4)."""

    EXPONENTS: ClassVar[Mapping[str, float]] = {"polynomial": 4.0, "exponential": 0.125}


@agent
@dataclass(frozen=True, slots=True)
class Conceder(TimeDependent):
    """Concedes early: aspiration 1 - t^.25 (NegMAS ConcederTBNegotiator; Faratin, Sierra & Jennings 1998, beta = 4)."""

    EXPONENTS: ClassVar[Mapping[str, float]] = {"polynomial": 0.25, "exponential": 4.0}


def alpha(time: float, deadline: float = 1.0, beta: float = 1.0, k: float = 0.0, curve: Curve = "polynomial") -> float:
    """The part of the own range given up at `time`, from k at 0 to 1 at `deadline`.

    polynomial k + (1 - k) (min(t, T) / T)^(1 / beta), exponential exp((1 - min(t, T) / T)^beta ln k), with k > 0.
    beta < 1 is Boulware, 1 linear, > 1 conceder. Faratin, Sierra & Jennings (1998), section 4.1.
    """
    part = min(time, deadline) / deadline
    if curve == "exponential":
        return exp((1 - part) ** beta * log(k))
    return float(k + (1 - k) * part ** (1 / beta))


@agent
@dataclass(frozen=True, slots=True)
class Faratin(DemandingBargainer):
    """The time tactics of Faratin, Sierra & Jennings: offers min + α(t) (max - min), mirrored for the seller.

    t counts own messages from 0; for α and the source see `alpha`. It accepts what is no worse than its own next offer.

    Advice: firmness f divides beta by 2^f, ambition keeps a least utility, patience starts the clock later.
    """

    beta: float = 1.0
    """Speed of concession: below 1 late (Boulware), 1 linear, above 1 early (conceder)."""
    k: float = 0.0
    """Part of its range given up in the first offer, 0 to 1; above 0 with the exponential curve."""
    deadline: int | None = None
    """Message, counted from 0, at which it offers its reservation price; None: the last one."""
    curve: Curve = "polynomial"
    """Shape of the concession over time."""

    def __post_init__(self) -> None:
        if self.beta <= 0 or not 0 <= self.k <= 1 or (self.deadline is not None and self.deadline < 1):
            raise ValueError(f"needs beta > 0, 0 <= k <= 1, deadline >= 1; got {self.beta}, {self.k}, {self.deadline}")
        if self.curve == "exponential" and self.k == 0:
            raise ValueError("the exponential curve needs k > 0; give k, for example 0.1")

    def demand(self, side: Position, advice: Advice = NONE) -> float:
        deadline = max(1, side.steps - 1) if self.deadline is None else self.deadline
        time = side.step / deadline if side.steps > 1 else 1.0
        least = advice.floor(0.0)
        given = alpha(advice.clock(min(time, 1.0)), 1.0, self.beta / advice.multiplier, self.k, self.curve)
        return least + (1 - least) * (1 - given)


@agent
@dataclass(frozen=True, slots=True)
class OgNarrator(DemandingBargainer):
    """The offer generator of OG-Narrator: a buyer that bids from half of its budget up to all of it.

    Bid i of n is low + f_i (budget - low), with f from .5 to 1. It accepts when its next bid would be no better for it
    than the standing offer. The paper has no seller: here it mirrors the buyer, coming down from its highest price by
    the same fractions of its range.

    Advice: firmness f raises the progress to the power 2^f, ambition keeps a least utility, patience starts later.

    Xia et al. (2024), "Measuring bargaining abilities of LLMs", Findings of ACL, arXiv 2402.15813.
    """

    curve: Literal["linear", "exponential"] = "linear"
    """How the bids rise: "linear" in even steps, "exponential" by .5 · 1.1^i of the budget, at most all of it."""

    def demand(self, side: Position, advice: Advice = NONE) -> float:
        if self.curve == "exponential":
            factor = min(0.5 * 1.1 ** (side.step / advice.multiplier), 1.0)
        else:
            part = min(side.step / (side.steps - 1), 1.0) if side.steps > 1 else 1.0
            factor = 0.5 + 0.5 * clip(advice.clock(part)) ** advice.multiplier
        return float(max(1 - factor, advice.floor(0.0)))


@agent
@dataclass(frozen=True, slots=True)
class Tough(DemandingBargainer):
    """Offers and accepts only the best price for itself (NegMAS ToughNegotiator).

    It is deaf to advice unless told to heed it: softer advice then lowers its demand by a tenth per unit.
    """

    heeds: float = 0.0

    def demand(self, side: Position, advice: Advice = NONE) -> float:
        return clip(1 + 0.1 * min(0.0, advice.firmness + advice.ambition + advice.patience))
