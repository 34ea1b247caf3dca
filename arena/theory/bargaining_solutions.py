"""Bargaining solutions in closed form, as pure functions.

One price p between a seller's `cost` and a buyer's `value`; the seller gains p - cost, the buyer value - p. Several
issues: see `arena.theory.outcome_space`.
"""

from dataclasses import dataclass

from arena.errors import UsageError


def nash(cost: float, value: float, weight: float = 0.5) -> float:
    """The price that maximises (p - c)^w (v - p)^(1 - w): c + w (v - c). `weight` is the seller's power, 0 to 1.

    Nash (1950), "The bargaining problem", Econometrica 18; with weights Harsanyi & Selten (1972). Raises UsageError
    where value < cost, as all functions of one price here: there is nothing to share.
    """
    _zone(cost, value)
    if not 0 <= weight <= 1:
        raise UsageError(f"weight is the seller's bargaining power, from 0 to 1, got {weight}")
    return cost + weight * (value - cost)


def nash_power(cost: float, value: float, seller: float = 1.0, buyer: float = 1.0) -> float:
    """The Nash price for utilities (p - c)^a and (v - p)^b: c + a / (a + b) (v - c).

    `seller` a and `buyer` b are above 0; below 1 means averse to risk, which costs money (Roth 1979).
    """
    if seller <= 0 or buyer <= 0:
        raise UsageError(f"the exponents of both utilities are above 0, got {seller} and {buyer}")
    return nash(cost, value, seller / (seller + buyer))


def kalai(cost: float, value: float, seller_per_dollar: float = 1.0, buyer_per_dollar: float = 1.0) -> float:
    """The egalitarian price: both gain the same utility, a (p - c) = b (v - p); so p = (a c + b v) / (a + b).

    Unlike the others it depends on the scales of the utilities. Kalai (1977), Econometrica 45.
    """
    _zone(cost, value)
    if seller_per_dollar <= 0 or buyer_per_dollar <= 0:
        raise UsageError(f"utilities per dollar are above 0, got {seller_per_dollar} and {buyer_per_dollar}")
    return (seller_per_dollar * cost + buyer_per_dollar * value) / (seller_per_dollar + buyer_per_dollar)


def kalai_smorodinsky(cost: float, value: float, low: float | None = None, high: float | None = None) -> float:
    """The price at which both gain the same fraction of the most they could gain.

    With price limits the ideals are I_s = min(v, high) - c and I_b = v - max(c, low), and
    p = (c I_b + v I_s) / (I_s + I_b); without, it is the midpoint. Kalai & Smorodinsky (1975), Econometrica 43.
    """
    _zone(cost, value)
    top, bottom = min(value, value if high is None else high), max(cost, cost if low is None else low)
    seller, buyer = top - cost, value - bottom  # the ideals: the most that each could gain
    if bottom > top:
        raise UsageError(f"no price between {low} and {high} lies between cost {cost} and value {value}")
    return cost if seller + buyer == 0 else (cost * buyer + value * seller) / (seller + buyer)


def rubinstein(first: float, second: float) -> float:
    """The first proposer's share of 1 in endless alternating offers: (1 - d2) / (1 - d1 d2).

    `first` and `second` are the discount factors d1, d2 per period, 0 to below 1 for at least one of the two.
    Rubinstein (1982), "Perfect equilibrium in a bargaining model", Econometrica 50.
    """
    _discounts(first, second)
    if first * second == 1:
        raise UsageError("with both discount factors 1 nobody is in a hurry and no share is determined")
    return (1 - second) / (1 - first * second)


def stahl(first: float, second: float, periods: int) -> float:
    """Player 1's share in `periods` alternating offers, player 1 opens, nothing after the last refusal.

    Backward induction: the last proposer takes all; before, x_t = 1 - d x_{t+1}, with the discount factor d of who
    answers. With d1 = d2 = 1 the last proposer has everything. Stahl (1972); tends to `rubinstein`.
    """
    _discounts(first, second)
    if periods < 1:
        raise UsageError(f"periods is a count of offers, 1 or more, got {periods}")
    share = 1.0  # of the proposer, from the last period back
    for period in range(periods - 1, 0, -1):
        responder = second if period % 2 else first
        share = 1 - responder * share
    return share


@dataclass(frozen=True, slots=True)
class DoubleAuction:
    """The linear equilibrium of the 1/2-double auction, cost and value uniform on [0, 1], both private.

    The buyer bids 2/3 v + 1/12, the seller asks 2/3 c + 1/4; they trade at the mean if bid >= ask, so v - c >= 1/4.
    Chatterjee & Samuelson (1983), Operations Research 31; no mechanism does better (Myerson & Satterthwaite 1983).
    """

    trade: float = 9 / 32  # probability of a trade
    gains: float = 9 / 64  # expected gains from trade
    possible: float = 1 / 6  # expected gains if both told the truth

    @property
    def efficiency(self) -> float:
        """Expected gains over possible gains, 27/32."""
        return self.gains / self.possible

    @staticmethod
    def bid(value: float) -> float:
        """The buyer's bid; buyers below 1/4 never trade and bid the truth or less."""
        return 2 / 3 * value + 1 / 12

    @staticmethod
    def ask(cost: float) -> float:
        """The seller's ask; sellers above 3/4 never trade."""
        return 2 / 3 * cost + 1 / 4

    def price(self, cost: float, value: float) -> float | None:
        """The price of the trade; None without one."""
        bid, ask = self.bid(value), self.ask(cost)
        return (bid + ask) / 2 if bid >= ask else None


def fairness(price: float, seller_target: float, buyer_target: float) -> float:
    """1 - 2 |p - mid| / |S - B|: 1 in the middle of the two targets, 0 at either.

    AgreeMate (2024, arXiv 2412.18690), on CraigslistBargain data, where the seller's target is the list price.
    """
    return 1 - abs(bias(price, seller_target, buyer_target))


def bias(price: float, seller_target: float, buyer_target: float) -> float:
    """2 (S - p) / (S - B) - 1: +1 at the buyer's target, -1 at the seller's (AgreeMate, arXiv 2412.18690)."""
    if seller_target == buyer_target:
        raise UsageError(f"the two targets must differ, both are {seller_target}")
    return 2 * (seller_target - price) / (seller_target - buyer_target) - 1


def craigslist_utility(price: float, own_target: float, other_target: float) -> float:
    """Linear, 1 at one's own target and 0 at the midpoint of both; the two sides' sum is 0.

    He, Chen, Balakrishnan & Liang (2018), "Decoupling strategy and generation in negotiation dialogues", EMNLP.
    """
    return -bias(price, own_target, other_target)


def _zone(cost: float, value: float) -> None:
    if not cost <= value:
        raise UsageError(f"cost {cost} is above value {value}: no price suits both")


def _discounts(*factors: float) -> None:
    for factor in factors:
        if not 0 <= factor <= 1:
            raise UsageError(f"a discount factor lies between 0 and 1, got {factor}")
