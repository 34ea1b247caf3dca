"""Ultimatum game: divide a pot in one offer, or with counter-offers while the pot shrinks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View, game
from arena.theory.bargaining_solutions import rubinstein, stahl
from games.negotiation.bargaining_texts import format_dollars

OTHER = {"first": "second", "second": "first"}


@dataclass(frozen=True, slots=True)
class Pot:
    """State of a match. `offers` are (seat, dollars for the other side), in order."""

    size: float
    offers: tuple[tuple[str, float], ...] = ()
    ended: str = ""
    by: str = ""
    moves: tuple[tuple[str, Move], ...] = ()
    log: tuple[Message, ...] = ()

    @property
    def mover(self) -> str:
        return "first" if len(self.offers) % 2 == 0 else "second"

    @property
    def deal(self) -> bool:
        return self.ended == "accept"

    def shares(self) -> dict[str, float]:
        """What each side has of the pot by the last offer."""
        seat, given = self.offers[-1]
        return {seat: round(self.size - given, 10), OTHER[seat]: given}


@game
@dataclass(frozen=True, slots=True)
class Ultimatum(Game[Pot]):
    """The first seat offers the second a part of a pot; the second accepts, or refuses and nobody gets anything.

    With more than one period, the seat that refused makes the next offer, and an agreement in period t pays a side its
    share times d^(t - 1), d its discount. The pot is known to both. The score is what one gets.

    In subgame-perfect play all that is left is taken at once: see `stahl` and, without an end, `rubinstein` in
    arena.theory.bargaining_solutions. Güth, Schmittberger & Schwarze (1982); Rubinstein (1982). The preset
    "negotiation-arena" is the multi-turn ultimatum of Bianchi et al. (2024, arXiv 2402.05863): seven offers, the eighth
    message answers only; here a refusal destroys the pot as the rules say, where the published code gave it back.
    """

    pot: float = 100.0
    """Amount to divide, in dollars."""
    spread: float = 0.0
    """Half-width in dollars of the uniform noise added to the pot, drawn by the seed; 0: none."""
    tick: float = 1.0
    """Step of offers, in dollars."""
    periods: int = 1
    """Maximum number of offers; 1: the classic take-it-or-leave-it game."""
    discounts: tuple[float, float] = (1.0, 1.0)
    """Factor by which each further period multiplies what a dollar is worth, for the first and the second seat."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "one-shot": {"periods": 1},
        "alternating": {"periods": 10, "discounts": [0.9, 0.9]},
        "negotiation-arena": {"pot": 100.0, "periods": 7},
    }

    def __post_init__(self) -> None:
        if self.periods < 1:
            raise ValueError(f"periods is a count of 1 or more, got {self.periods}")
        if not all(0 <= factor <= 1 for factor in self.discounts):
            raise ValueError(f"discounts lie between 0 and 1, got {self.discounts}")
        if not 0 <= self.spread < self.pot or not 0 < self.tick <= self.pot - self.spread:
            raise ValueError(f"needs 0 <= spread < pot and 0 < tick <= pot - spread; "
                             f"got {self.pot}, {self.spread}, {self.tick}")  # fmt: skip

    @property
    def seats(self) -> tuple[str, ...]:
        return ("first", "second")

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "rubinstein" if self.periods > 1 else "fair")

    @property
    def most_answers(self) -> Mapping[str, int]:
        answers = self.periods + 1
        return {"first": (answers + 1) // 2, "second": answers // 2}

    def bounds(self) -> tuple[float, float]:
        return (0.0, self.pot + self.spread)

    def start(self, rng: Random) -> Pot:
        steps = int(2 * self.spread / self.tick + 1e-9)
        size = round(self.pot - self.spread + self.tick * rng.randint(0, steps), 10)
        return Pot(size, log=(Message("", f"There are {format_dollars(size)} to divide."),))

    def to_act(self, state: Pot) -> tuple[str, ...]:
        return () if state.ended else (state.mover,)

    def view(self, state: Pot, seat: str) -> View:
        own = tuple(move for who, move in state.moves if who == seat)
        mine, theirs = self.discounts if seat == "first" else self.discounts[::-1]
        known: dict[str, JSON] = {
            "pot": state.size, "tick": self.tick, "period": len(state.offers), "periods": self.periods,
            "discount": mine, "rival_discount": theirs, "offered": state.offers[-1][1] if state.offers else None,
        }  # fmt: skip
        tools = self._tools(state) if seat in self.to_act(state) else ()
        return View(seat, self._rules(state, seat), state.log, tools, own=own, known=known)

    def apply(self, state: Pot, moves: Mapping[str, Move]) -> Pot:
        (seat,) = self.to_act(state)
        move = moves[seat]
        if move.tool not in (possible := [tool.name for tool in self._tools(state)]):
            raise IllegalMove(seat, f"words alone decide nothing here; take one of the actions {', '.join(possible)}")
        given = move.args.get("amount")
        if isinstance(given, int | float):
            given = self._on_grid(state, seat, float(given))
            state = replace(state, offers=(*state.offers, (seat, given)))
            words = f"I offer you {format_dollars(given)}."
        else:
            words = "I accept." if move.tool == "accept" else "I refuse."
        said = Message(seat, move.text or words, move.tool, move.args)
        state = replace(state, moves=(*state.moves, (seat, move)), log=(*state.log, said))
        return state if move.tool == "offer" else self._end(state, move.tool, seat)

    def forfeit(self, state: Pot, seat: str) -> Pot:
        """Without a valid answer the pot is lost."""
        return self._end(state, "forfeit", seat)

    def scores(self, state: Pot) -> dict[str, float | None]:
        if not state.ended:
            return dict.fromkeys(self.seats)
        return dict(self._payoffs(state))

    def facts(self, state: Pot) -> dict[str, JSON]:
        endless = None
        if self.discounts != (1.0, 1.0):
            share = rubinstein(*self.discounts) * state.size
            endless = {"first": share, "second": state.size - share}
        share = stahl(*self.discounts, self.periods) * state.size
        payoffs = self._payoffs(state)
        return {
            "pot": state.size, "deal": state.deal, "ended": state.ended, "by": state.by, "period": len(state.offers),
            "shares": state.shares() if state.deal else None, "efficiency": sum(payoffs.values()) / state.size,
            "equilibrium": {"first": share, "second": state.size - share}, "endless": endless,
            "proposals": [{"period": k, "seat": s, "given": given} for k, (s, given) in enumerate(state.offers, 1)],
        }  # fmt: skip

    def watch(self, state: Pot) -> tuple[Message, ...]:
        return state.log

    def _on_grid(self, state: Pot, seat: str, given: float) -> float:
        if not 0 <= given <= state.size:
            raise IllegalMove(
                seat, f"{format_dollars(given)} is not between $0 and the pot of {format_dollars(state.size)}"
            )
        steps = given / self.tick
        if abs(steps - round(steps)) > 1e-6 and given != state.size:
            raise IllegalMove(
                seat, f"{given:g} is not a multiple of {self.tick:g}; offers are in steps of {self.tick:g}"
            )
        return min(state.size, round(round(steps) * self.tick, 10)) if given != state.size else given

    def _payoffs(self, state: Pot) -> dict[str, float]:
        """What each side gets, in dollars of the first period."""
        if not state.deal:
            return dict.fromkeys(self.seats, 0.0)
        delays = len(state.offers) - 1
        worth = dict(zip(self.seats, self.discounts, strict=True))
        return {seat: share * worth[seat] ** delays for seat, share in state.shares().items()}

    def _end(self, state: Pot, ended: str, by: str) -> Pot:
        after = replace(state, ended=ended, by=by)
        told = {"reject": f"The {by} player refuses: the pot is lost.",
                "forfeit": f"The {by} player gives no valid answer: the pot is lost."}.get(ended)  # fmt: skip
        if told is None:
            gets = " and ".join(f"{seat} gets {format_dollars(share)}" for seat, share in after.shares().items())
            paid = " and ".join(f"{format_dollars(share)} to {seat}" for seat, share in self._payoffs(after).items())
            waited = f" After the delay that is worth {paid}." if self.discounts != (1.0, 1.0) and gets != paid else ""
            told = f"Agreed: {gets}.{waited if len(after.offers) > 1 else ''}"
        return replace(after, log=(*state.log, Message("", told)))

    def _tools(self, state: Pot) -> tuple[Tool, ...]:
        whole = self.tick == int(self.tick) and state.size == int(state.size)
        dollars_given: Mapping[str, JSON] = {
            "type": "integer" if whole else "number",
            "minimum": 0,
            "maximum": int(state.size) if whole else state.size,
            "description": f"dollars for the other side, in steps of {self.tick:g}",
        }
        offer = Tool("offer", "Offer the other side a part of the pot; you keep the rest.", {"amount": dollars_given})
        answers = (
            Tool("accept", "Accept the offer."),
            Tool("reject", "Refuse: the pot is lost, nobody gets anything."),
        )
        if not state.offers:
            return (offer,)
        return (offer, *answers) if len(state.offers) < self.periods else answers

    def _rules(self, state: Pot, seat: str) -> str:
        size = format_dollars(state.size)
        if self.periods == 1:
            role = "You make one offer" if seat == "first" else "The other side makes one offer"
            return (
                f"Two players divide {size}. {role}: how many dollars the second player gets; the first keeps the "
                "rest. The second player accepts, and both get their parts, or refuses, and nobody gets anything. "
                "Your aim is to get as many dollars as you can."
            )
        mine, theirs = self.discounts if seat == "first" else self.discounts[::-1]
        delay = (
            f" Waiting costs: with each further offer a dollar is worth {mine:g} times as much to you as before, and "
            f"{theirs:g} times as much to the other side."
            if self.discounts != (1.0, 1.0)
            else ""
        )
        return (
            f"Two players divide {size}; you are the {seat}. The first makes an offer: how many dollars the other "
            "side gets; who offers keeps the rest. Who answers accepts, refuses for good, and then nobody gets "
            f"anything, or makes an offer in turn. There are {self.periods} offers at most; the last one can only be "
            f"accepted or refused.{delay} Your aim is to get as many dollars as you can."
        )
