"""A trader of bundles: gives what it values least for what it values most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import JSON, Move, View

Bundle: TypeAlias = Sequence[int]


class Idea(NamedTuple):
    """A swap to propose: `gain` is what it would be worth to the one who has the idea."""

    gain: float
    to: str
    good: int  # what it gives
    give: int
    wish: int  # the good it gets
    get: int


@dataclass(frozen=True, slots=True)
class Stall:
    """A trader's state. `offers` are (maker, what the maker gives, what it wants)."""

    goods: Sequence[str]
    values: Sequence[float]
    holdings: Bundle
    others: Sequence[str]
    their_holdings: Mapping[str, Bundle] | None
    offers: Sequence[tuple[str, Bundle, Bundle]]
    step: int
    steps: int

    @classmethod
    def of(cls, view: View) -> "Stall":
        known = knowing(view, "a market", *cls.__slots__)
        return cls(**{name: known[name] for name in cls.__slots__})

    @property
    def time(self) -> float:
        """0 at the first turn, 1 at the last."""
        return self.step / max(1, self.steps - 1)

    def worth(self, bundle: Bundle) -> float:
        return sum(k * value for k, value in zip(bundle, self.values, strict=True))

    def has(self, bundle: Bundle) -> bool:
        return all(k <= held for k, held in zip(bundle, self.holdings, strict=True))

    def supply(self, other: str, good: int) -> int:
        """Another trader's stock of a good; if unknown, the sum of one's own holdings."""
        return self.their_holdings[other][good] if self.their_holdings else sum(self.holdings)


@agent
@dataclass(frozen=True, slots=True)
class Trader:
    """Swaps a good it values less for one it values more, and accepts what gains it enough.

    It first asks for one against one, and raises what it gives turn by turn; its best ideas take turns. An offer to it
    is accepted when it gains (1 - t) of what its own idea would, t from 0 at its first turn to 1 at its last, and never
    at a loss.
    """

    yields: float = 0.8
    """Largest part of the other good's worth to it that it gives in exchange, 0 to 1."""

    def __post_init__(self) -> None:
        if not 0 < self.yields < 1:
            raise ValueError(f"yields is a part of the worth, above 0 and below 1, got {self.yields}")

    async def act(self, view: View) -> Move:
        stall = Stall.of(view)
        ideas = self._ideas(stall)
        best = max((idea.gain for idea in ideas), default=0.0)
        gains = [(stall.worth(give) - stall.worth(get), who) for who, give, get in stall.offers if stall.has(get)]
        gain, maker = max(gains, default=(0.0, ""))
        if gain > 0 and gain >= (1 - stall.time) * best:
            return Move("That suits me.", "accept", {"of": maker} if len(stall.others) > 1 else {})
        if not ideas:
            return Move("Nothing for me here.", "pass")
        idea = ideas[stall.step % min(3, len(ideas))]
        args: dict[str, JSON] = {"to": idea.to} if len(stall.others) > 1 else {}
        given, got = stall.goods[idea.good], stall.goods[idea.wish]
        args |= {f"give_{given}": idea.give, f"get_{got}": idea.get}
        return Move(f"{idea.to}, I would give you {idea.give} × {given} for {idea.get} × {got}.", "offer", args)

    def _ideas(self, stall: Stall) -> list[Idea]:
        """The swaps of two goods that gain something, the best first; one for each pair of goods and each other."""
        ideas = []
        for other in stall.others:
            for good, low in enumerate(stall.values):
                for wish, high in enumerate(stall.values):
                    if high <= low or not stall.holdings[good]:
                        continue
                    most = self.yields * high / low if low else 2.0
                    rate = min(1 + (max(most, 1.0) - 1) * stall.time, high / low if low else 2.0)  # given for each got
                    get = min(stall.supply(other, wish), int(stall.holdings[good] / rate))
                    give = min(stall.holdings[good], round(get * rate))
                    gain = get * high - give * low
                    if get > 0 and give > 0 and gain > 0:
                        ideas.append(Idea(gain, other, good, give, wish, get))
        return sorted(ideas, reverse=True)
