"""State of a bargaining match: private values, messages, offers, moderator readings and results."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeAlias

from arena.game import JSON, Message, Move

Phase: TypeAlias = Literal["talk", "read", "coach", "over"]
Ended: TypeAlias = Literal["accept", "walk_away", "turns", "refusals", "forfeit", "no_price", "discarded"]
RIVAL = {"buyer": "seller", "seller": "buyer"}


@dataclass(frozen=True, slots=True)
class Offer:
    """A price put on the table by a seat, in dollars."""

    round: int
    seat: str
    price: float


@dataclass(frozen=True, slots=True)
class ModeratorReading:
    """What the moderator made of a message, and the words it relied on; `used` is what followed from it.

    `claim` is a limit that the speaker names for itself, in dollars, if the moderator found one.
    """

    round: int
    step: int
    speaker: str
    act: str
    price: float | None
    evidence: str
    used: str
    claim: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """How a round ended. `by` accepted, walked away or forfeited; `price` is None without a deal."""

    round: int
    price: float | None
    ended: Ended
    by: str
    decided_by: Literal["action", "moderator", "rules"]
    evidence: str
    messages: int
    first_step: int
    last_step: int

    @property
    def deal(self) -> bool:
        return self.price is not None

    def surplus(self, seat: str, reservation: float) -> float:
        """What the round is worth to `seat`, in dollars; 0 without a deal, the payoff of walking away."""
        if self.price is None:
            return 0.0
        gain = self.price - reservation if seat == "seller" else reservation - self.price
        return round(gain, 2)


@dataclass(frozen=True, slots=True)
class Haggle:
    """State of a match. `private` holds each side's reservation price; `log` is everything said, in order."""

    private: Mapping[str, Mapping[str, JSON]]
    seed: int
    phase: Phase = "talk"
    speaker: str = "seller"
    round: int = 1
    step: int = 0
    first_step: int = 0
    said: int = 0
    refusals: int = 0
    moderating: bool = False
    log: tuple[Message, ...] = ()
    moves: tuple[tuple[str, Move], ...] = ()
    offers: tuple[Offer, ...] = ()
    readings: tuple[ModeratorReading, ...] = ()
    rounds: tuple[Round, ...] = ()
    coached: tuple[str, ...] = ()
    forfeits: tuple[str, ...] = ()

    def reservation(self, seat: str) -> float:
        value = self.private[seat]["reservation"]
        assert isinstance(value, int | float)
        return float(value)

    def talk(self) -> tuple[Message, ...]:
        """The public messages of this round."""
        return tuple(m for m in self.log if m.round == self.round and m.sender in RIVAL and not m.to)

    def standing(self, seat: str) -> float | None:
        """The offer that `seat` could accept: the rival's last one of this round."""
        prices = [o.price for o in self.offers if o.round == self.round and o.seat == RIVAL[seat]]
        return prices[-1] if prices else None

    def says(self, *messages: Message) -> "Haggle":
        return replace(self, log=self.log + messages)

    def table(self) -> list[dict[str, JSON]]:
        """The finished rounds as rows."""
        return [
            {
                **asdict(r),
                "deal": r.deal,
                "accepted_by": r.by if r.deal else None,
                "buyer_surplus": r.surplus("buyer", self.reservation("buyer")),
                "seller_surplus": r.surplus("seller", self.reservation("seller")),
            }
            for r in self.rounds
        ]
