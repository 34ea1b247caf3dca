"""Kuhn poker players with known probabilities: the equilibria, and one that never bluffs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View

JACK, QUEEN, KING = range(3)


@dataclass(frozen=True, slots=True)
class Mixed(ABC):
    """A player of Kuhn poker whose hole is `bold`: the chance to bet or call, by rank and by what was done before."""

    def mix(self, view: View) -> Mapping[str, Fraction]:
        """The exact probability of each legal move."""
        known = knowing(view, "Kuhn poker", "card", "acts")
        meek, bold = ("fold", "call") if "bet" in known["acts"] else ("check", "bet")
        chance = self.bold(known["card"], tuple(known["acts"]))
        return {meek: 1 - chance, bold: chance}

    @abstractmethod
    def bold(self, card: int, acts: tuple[str, ...]) -> Fraction:
        """The probability to bet, or to call a bet, with the card of this rank after these acts."""

    async def act(self, view: View) -> Move:
        mix = self.mix(view)
        (choice,) = Random(view.seed).choices(list(mix), [float(chance) for chance in mix.values()])
        return Move(choice)


@agent
@dataclass(frozen=True, slots=True)
class Gambler(Mixed):
    """Plays an equilibrium of Kuhn poker.

    As first player it bets the king 3 alpha of the time and calls with the queen alpha + 1/3 of the time; the second
    player's equilibrium is the only one: it bluffs the jack and calls with the queen a third of the time. Kuhn (1950).
    """

    alpha: float = 1 / 3
    """Probability that it opens with a bluff on the jack, 0 to 1/3."""

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1 / 3:
            raise ValueError(f"alpha is a chance from 0 to 1/3, got {self.alpha}")

    def bold(self, card: int, acts: tuple[str, ...]) -> Fraction:
        alpha, third = Fraction(self.alpha).limit_denominator(10**6), Fraction(1, 3)
        by_rank = {  # jack, queen, king
            (): (alpha, Fraction(0), 3 * alpha),
            ("check",): (third, Fraction(0), Fraction(1)),
            ("bet",): (Fraction(0), third, Fraction(1)),
            ("check", "bet"): (Fraction(0), alpha + third, Fraction(1)),
        }
        return by_rank[acts][card]


@agent
@dataclass(frozen=True, slots=True)
class Straight(Mixed):
    """Bets and calls in Kuhn poker with the king alone: honest, and easily exploited."""

    def bold(self, card: int, acts: tuple[str, ...]) -> Fraction:
        return Fraction(int(card == KING))
