"""Kuhn poker: three cards, two players, one bet; a small game whose equilibrium includes bluffing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, View, game

CARDS = ("jack", "queen", "king")  # by rank, from 0
OTHER = {"first": "second", "second": "first"}
TURNS = {(): "first", ("check",): "second", ("bet",): "second", ("check", "bet"): "first"}  # who acts after these acts
RULES = (
    "You play Kuhn poker as the {seat} player. The deck has three cards: jack, queen and king, the king is highest. "
    "Both players pay one chip and get one card each, which only they see. The first player checks or bets one "
    "chip. After a check, the second player checks too, and the cards are compared, or bets. Who faces a bet calls "
    "it with one chip, and the cards are compared, or folds and loses the chips paid so far. The higher card wins "
    "the other's chips: one without a bet, two after a call."
)


@dataclass(frozen=True, slots=True)
class Hand:
    """A finished hand: its acts in order, each seat's card if they were compared, and the first player's chips."""

    acts: tuple[str, ...]
    won: int
    shown: bool
    forfeit: str = ""


@dataclass(frozen=True, slots=True)
class Deals:
    """State of a match. `private` holds each seat's ranks, one card for each hand of the match."""

    private: Mapping[str, Mapping[str, tuple[int, ...]]]
    hands: tuple[Hand, ...] = ()
    acts: tuple[str, ...] = ()
    log: tuple[Message, ...] = ()

    @property
    def number(self) -> int:
        """The hand being played, from 1."""
        return len(self.hands) + 1

    def card(self, seat: str, number: int) -> int:
        return self.private[seat]["cards"][number - 1]


@game
@dataclass(frozen=True, slots=True)
class Kuhn(Game[Deals]):
    """Kuhn poker, several hands, each newly dealt; the score is the mean number of chips won per hand.

    With best play the first player loses 1/18 of a chip per hand. Kuhn (1950), "A simplified two-person poker",
    Contributions to the Theory of Games 1.
    """

    hands: int = 1
    """Hands of a match."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {"evening": {"hands": 20}}

    def __post_init__(self) -> None:
        if self.hands < 1:
            raise ValueError(f"hands is a count of 1 or more, got {self.hands}")

    @property
    def seats(self) -> tuple[str, ...]:
        return ("first", "second")

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "gambler")

    @property
    def most_answers(self) -> Mapping[str, int]:
        return {"first": 2 * self.hands, "second": self.hands}

    @property
    def zero_sum(self) -> bool:
        return True

    def bounds(self) -> tuple[float, float]:
        return (-2.0, 2.0)

    def start(self, rng: Random) -> Deals:
        deals = [rng.sample(range(len(CARDS)), 2) for _ in range(self.hands)]
        private = {seat: {"cards": tuple(deal[k] for deal in deals)} for k, seat in enumerate(self.seats)}
        return Deals(private, log=(self._opens(1),))

    def to_act(self, state: Deals) -> tuple[str, ...]:
        return () if len(state.hands) == self.hands else (TURNS[state.acts],)

    def view(self, state: Deals, seat: str) -> View:
        over = not self.to_act(state)
        known: dict[str, JSON] = {
            "card": None if over else state.card(seat, state.number),
            "acts": state.acts,
            "hand": state.number,
            "hands": self.hands,
            "won": [hand.won if seat == "first" else -hand.won for hand in state.hands],
        }
        chain = f" You play {self.hands} hands; each is dealt anew." if self.hands > 1 else ""
        legal = self._legal(state) if seat in self.to_act(state) else None
        own = tuple(Move(m.text) for m in state.log if m.sender == seat)
        return View(seat, RULES.format(seat=seat) + chain, self._list_messages(state, (seat,)), (), legal, own, known)

    def apply(self, state: Deals, moves: Mapping[str, Move]) -> Deals:
        (seat,) = self.to_act(state)
        act = moves[seat].text
        if act not in self._legal(state):
            raise IllegalMove(seat, f"{act!r} is not possible now; say {' or '.join(self._legal(state))}")
        acts = (*state.acts, act)
        state = replace(state, acts=acts, log=(*state.log, Message(seat, act, round=state.number)))
        if acts in TURNS:
            return state
        if act == "fold":
            return self._end(state, -1 if seat == "first" else 1, shown=False)
        cards = [state.card(each, state.number) for each in self.seats]
        stake = 2 if act == "call" else 1
        return self._end(state, stake if cards[0] > cards[1] else -stake, shown=True)

    def forfeit(self, state: Deals, seat: str) -> Deals:
        """Without a valid answer the seat folds."""
        return self._end(state, -1 if seat == "first" else 1, shown=False, forfeit=seat)

    def scores(self, state: Deals) -> dict[str, float | None]:
        if self.to_act(state):
            return dict.fromkeys(self.seats)
        mean = sum(hand.won for hand in state.hands) / self.hands
        return {"first": mean, "second": 0.0 - mean}

    def facts(self, state: Deals) -> dict[str, JSON]:
        rows = [
            {"hand": k, "first_card": CARDS[state.card("first", k)], "second_card": CARDS[state.card("second", k)],
             "acts": " ".join(hand.acts), "first_won": hand.won, "shown": hand.shown, "forfeit": hand.forfeit or None}
            for k, hand in enumerate(state.hands, 1)
        ]  # fmt: skip
        return {"hands": rows, "value": -1 / 18}

    def watch(self, state: Deals) -> tuple[Message, ...]:
        return self._list_messages(state, self.seats)

    def _legal(self, state: Deals) -> tuple[str, ...]:
        return ("call", "fold") if "bet" in state.acts else ("check", "bet")

    def _opens(self, number: int) -> Message:
        return Message("", f"Hand {number} of {self.hands}: one chip each, one card each.", round=number)

    def _end(self, state: Deals, won: int, shown: bool, forfeit: str = "") -> Deals:
        """End a hand: announce its result, then deal the next one."""
        winner = "first" if won > 0 else "second"
        why = "folds" if not forfeit else "gives no valid answer and folds"
        told = f"The {OTHER[winner]} player {why}"
        if shown:
            cards = {seat: CARDS[state.card(seat, state.number)] for seat in self.seats}
            told = f"The {winner} player shows the {cards[winner]}, the other has the {cards[OTHER[winner]]}"
        told = f"{told}: {abs(won)} chip{'s' * (abs(won) > 1)} for the {winner} player."
        log = [*state.log, Message("", told, round=state.number)]
        after = replace(state, acts=(), hands=(*state.hands, Hand(state.acts, won, shown, forfeit)))
        if len(after.hands) < self.hands:
            log.append(self._opens(after.number))
        return replace(after, log=tuple(log))

    def _list_messages(self, state: Deals, seats: Iterable[str]) -> tuple[Message, ...]:
        """The public messages, and after the first of each hand the cards of these seats."""
        told: list[Message] = []
        number = 0
        for message in state.log:
            told.append(message)
            if message.round > number:
                number = message.round
                for seat in seats:
                    card = CARDS[state.card(seat, number)]
                    told.append(Message("", f"Your card is the {card}.", to=(seat,), round=number))
        return tuple(told)
