"""Players of ultimatum games: by backward induction, and as people play them."""

from dataclasses import dataclass
from math import ceil, floor

from agents.negotiation.utterances import dollars
from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View
from arena.theory.bargaining_solutions import stahl

TIE = 1e-9  # dollars by which equal amounts may differ


@dataclass(frozen=True, slots=True)
class Split:
    """A seat's state: all amounts in dollars, `tick` is the step of offers, `period` counts offers made."""

    pot: float
    tick: float
    period: int
    periods: int
    discount: float
    rival_discount: float
    offered: float | None

    @classmethod
    def of(cls, view: View) -> "Split":
        known = knowing(view, "an ultimatum game", *cls.__slots__)
        return cls(**{name: known[name] for name in cls.__slots__})

    def later(self) -> float:
        """The share of who makes the next offer, where everybody plays best from then on; 0 where there is none."""
        left = self.periods - self.period
        return stahl(self.discount, self.rival_discount, left) if left else 0.0

    def answer(self, least: float, give: float) -> Move:
        """Accepts `least` dollars and more, else offers `give`, or refuses where nothing can be offered any more."""
        if self.offered is not None and self.offered >= least - TIE:
            return Move(f"I accept {dollars(self.offered)}.", "accept")
        if self.period == self.periods:
            return Move("No.", "reject")
        give = min(max(give, 0.0), floor(self.pot / self.tick + TIE) * self.tick)
        amount: float = round(give, 10)
        words = f"I offer you {dollars(amount)}; {dollars(self.pot - amount)} are mine."
        return Move(words, "offer", {"amount": int(amount) if amount.is_integer() else amount})


@agent
@dataclass(frozen=True, slots=True)
class Rubinstein:
    """Divides a pot by backward induction: offers just what is accepted, and accepts what is as good as waiting.

    Rubinstein (1982), Stahl (1972); with discount factors of 1 the last to offer takes everything.
    """

    async def act(self, view: View) -> Move:
        split = Split.of(view)
        left = split.periods - split.period
        waits = split.discount * split.later() * split.pot  # the value of a counter-offer, a period later
        after = stahl(split.rival_discount, split.discount, left - 1) if left > 1 else 0.0
        give = split.rival_discount * after * split.pot  # what the other side would have by refusing
        return split.answer(waits, ceil(give / split.tick - TIE) * split.tick)


@agent
@dataclass(frozen=True, slots=True)
class Fair:
    """Offers a fixed part of the pot, and accepts a fixed part or more, as most people do in experiments.

    People offer 30 to 50 % and refuse offers below 20 % about half of the time: Camerer (2003), Behavioral Game Theory,
    chapter 2.
    """

    gives: float = 0.4
    """Part of the pot that it offers, 0 to 1."""
    accepts: float = 0.3
    """Smallest part of the pot that it accepts, 0 to 1."""

    def __post_init__(self) -> None:
        if not (0 <= self.gives <= 1 and 0 <= self.accepts <= 1):
            raise ValueError(f"gives and accepts are parts of the pot, 0 to 1; got {self.gives} and {self.accepts}")

    async def act(self, view: View) -> Move:
        split = Split.of(view)
        return split.answer(self.accepts * split.pot, round(self.gives * split.pot / split.tick) * split.tick)
