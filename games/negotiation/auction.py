"""Single-item auctions: sealed bids at the first or second price, or open ascending bids."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Literal

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View, game
from games.negotiation.bargaining_texts import format_dollars

RULES = {
    "first": "Everybody writes down one bid, unseen by the others. The highest bid wins and pays what it bid.",
    "second": "Everybody writes down one bid, unseen by the others. The highest bid wins and pays the second highest.",
    "english": "Bidders speak in turn and bid openly, each time at least {step} more than the bid that stands, or "
    "pass; who passes is out. The last bid that nobody raises wins and pays.",
}


@dataclass(frozen=True, slots=True)
class Sale:
    """Result of one sale: the price is None if there was no buyer."""

    winner: str
    price: float | None
    bids: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Bidding:
    """State of a match. `private` holds what each thing is worth to each seat; `order` settles who is first."""

    private: Mapping[str, Mapping[str, tuple[float, ...]]]
    order: tuple[tuple[str, ...], ...]
    sales: tuple[Sale, ...] = ()
    bids: tuple[tuple[str, float], ...] = ()
    out: tuple[str, ...] = ()
    done: tuple[tuple[str, Move], ...] = ()
    log: tuple[Message, ...] = ()

    @property
    def round(self) -> int:
        """The thing being sold, from 1."""
        return len(self.sales) + 1

    def worth(self, seat: str, number: int) -> float:
        return self.private[seat]["values"][number - 1]

    @property
    def standing(self) -> tuple[str, float] | None:
        """The highest open bid."""
        return self.bids[-1] if self.bids else None


@game
@dataclass(frozen=True, slots=True)
class Auction(Game[Bidding]):
    """Bidders buy items one after the other; each item has a private value for each seat.

    Values are drawn uniformly between `low` and `high` dollars, in steps of `tick`; bids go from `reserve` to `budget`.
    A sealed bid may be 0 to buy nothing. Ties: the seed draws who is first. The score is the mean, over rounds, of the
    value less the price for the winner and 0 for the others.
    """

    kind: Literal["first", "second", "english"] = "second"
    """"first": sealed bids, the highest bid wins and pays itself. "second": sealed bids, the winner pays the second
    highest bid (Vickrey 1961). "english": open bids in turn, each at least `increment` above the last; a bidder that
    passes is out."""
    bidders: int = 3
    """Seats in the auction, named bidder_1, bidder_2, …; at least 2."""
    rounds: int = 1
    """Items sold one after the other in a match; at least 1."""
    low: float = 0.0
    """Lowest private value of an item, in dollars; at least 0."""
    high: float = 100.0
    """Highest private value of an item, in dollars; at least `low`."""
    tick: float = 1.0
    """Step between possible private values, in dollars; above 0."""
    reserve: float = 0.0
    """Lowest bid that can win, in dollars; from 0 to `budget`."""
    increment: float = 5.0
    """Smallest raise over the standing bid in the English auction, in dollars; above 0. Not used with sealed bids."""
    budget: float = 150.0
    """Highest bid allowed, in dollars; at least `reserve`."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "first-price": {"kind": "first"},
        "second-price": {"kind": "second"},
        "english": {"kind": "english"},
    }

    def __post_init__(self) -> None:
        for name, least in (("bidders", 2), ("rounds", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is a count of {least} or more, got {getattr(self, name)}")
        if not 0 <= self.low <= self.high or self.tick <= 0 or self.increment <= 0:
            raise ValueError("needs 0 <= low <= high, tick > 0 and increment > 0; "
                             f"got {self.low}, {self.high}, {self.tick}, {self.increment}")  # fmt: skip
        if not 0 <= self.reserve <= self.budget:
            raise ValueError(f"needs 0 <= reserve <= budget, got {self.reserve} and {self.budget}")

    @property
    def seats(self) -> tuple[str, ...]:
        return tuple(f"bidder_{k}" for k in range(1, self.bidders + 1))

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "shading" if self.kind == "first" else "truthful")

    @property
    def most_answers(self) -> Mapping[str, int]:
        raises = int((self.budget - self.reserve) / self.increment) + 2 if self.kind == "english" else self.bidders
        return dict.fromkeys(self.seats, raises * self.rounds)

    def bounds(self) -> tuple[float, float]:
        return (min(0.0, self.low - self.budget), max(0.0, self.high - self.reserve))

    def start(self, rng: Random) -> Bidding:
        steps = int((self.high - self.low) / self.tick + 1e-9)
        private = {
            seat: {"values": tuple(round(self.low + self.tick * rng.randint(0, steps), 10) for _ in range(self.rounds))}
            for seat in self.seats
        }
        order = tuple(tuple(rng.sample(self.seats, self.bidders)) for _ in range(self.rounds))
        return self._opens(Bidding(private, order))

    def to_act(self, state: Bidding) -> tuple[str, ...]:
        if len(state.sales) == self.rounds:
            return ()
        return tuple(s for s in self.seats if s not in state.out) if self.kind != "english" else (self._next(state),)

    def view(self, state: Bidding, seat: str) -> View:
        over = len(state.sales) == self.rounds
        number = min(state.round, self.rounds)
        worth = state.worth(seat, number)
        known: dict[str, JSON] = {
            "kind": self.kind, "value": worth, "bidders": self.bidders, "low": self.low, "high": self.high,
            "reserve": self.reserve, "budget": self.budget, "increment": self.increment, "round": number,
            "least": None if over else self._least(state), "standing": state.standing,
        }  # fmt: skip
        own = tuple(move for who, move in state.done if who == seat)
        tools = self._tools(state) if seat in self.to_act(state) else ()
        return View(seat, self._rules(), self._list_messages(state, (seat,)), tools, own=own, known=known)

    def apply(self, state: Bidding, moves: Mapping[str, Move]) -> Bidding:
        if self.kind == "english":
            (seat,) = self.to_act(state)
            return self._speak(state, seat, moves[seat])
        bids = {seat: self._bid(state, seat, move) for seat, move in moves.items()}
        return self._settle_sealed(state, bids, moves)

    def forfeit(self, state: Bidding, seat: str) -> Bidding:
        """Without a valid bid a seat passes; in a sealed auction the others are asked again without it."""
        if self.kind == "english":
            return self._speak(state, seat, Move("No valid bid.", "pass"))
        told = Message("", f"{seat} gives no valid bid and is out; the others bid again.", round=state.round)
        after = replace(state, out=(*state.out, seat), log=(*state.log, told))
        return after if self.to_act(after) else self._end(after, Sale("", None, ()))

    def scores(self, state: Bidding) -> dict[str, float | None]:
        if self.to_act(state):
            return dict.fromkeys(self.seats)
        return {seat: sum(self._gains(state, seat)) / self.rounds for seat in self.seats}

    def facts(self, state: Bidding) -> dict[str, JSON]:
        rows: list[JSON] = []
        for k, sale in enumerate(state.sales, 1):
            values = {seat: state.worth(seat, k) for seat in self.seats}
            won = values.get(sale.winner)
            rows.append(
                {
                    "round": k, "winner": sale.winner or None, "price": sale.price, "values": values,
                    "bids": [[seat, bid] for seat, bid in sale.bids], "value": won,
                    "efficient": won is not None and won == max(values.values()),
                }
            )  # fmt: skip
        return {"sales": rows, "revenue": sum(sale.price or 0.0 for sale in state.sales)}

    def watch(self, state: Bidding) -> tuple[Message, ...]:
        return self._list_messages(state, self.seats)

    # ---- bidding -------------------------------------------------------------------------------------------------

    def _least(self, state: Bidding) -> float:
        """The least bid that counts now."""
        if self.kind != "english" or state.standing is None:
            return self.reserve
        return round(state.standing[1] + self.increment, 10)

    def _next(self, state: Bidding) -> str:
        """Whose turn it is: the next in order that is not out and does not hold the standing bid."""
        order = state.order[len(state.sales)]
        spoken = [who for who, _ in state.done[-1:]] if state.bids or state.out else []
        first = (order.index(spoken[0]) + 1) % len(order) if spoken else 0
        leader = state.standing[0] if state.standing else ""
        return next(s for s in order[first:] + order[:first] if s not in state.out and s != leader)

    def _bid(self, state: Bidding, seat: str, move: Move) -> float:
        """The bid, in cents; 0 stands for none in a sealed auction."""
        if move.tool != "bid":
            raise IllegalMove(seat, "words alone are no bid; take the action bid")
        bid = move.args["amount"]
        assert isinstance(bid, int | float)
        least, sealed = self._least(state), self.kind != "english"
        if not least <= bid <= self.budget and not (sealed and bid == 0):
            raise IllegalMove(
                seat,
                f"{format_dollars(bid)} is no bid here; bid {format_dollars(least)} to {format_dollars(self.budget)}",
            )
        return round(float(bid), 2)

    def _speak(self, state: Bidding, seat: str, move: Move) -> Bidding:
        """An open bid, or a pass; the sale ends when one bidder is left, or none."""
        if move.tool == "pass":
            state, words = replace(state, out=(*state.out, seat)), move.text or "I pass."
        else:
            bid = self._bid(state, seat, move)
            state, words = replace(state, bids=(*state.bids, (seat, bid))), move.text or f"I bid {format_dollars(bid)}."
        said = Message(seat, words, move.tool, move.args, round=state.round)
        state = replace(state, done=(*state.done, (seat, move)), log=(*state.log, said))
        unsold, standing = len(state.out) == self.bidders, state.standing
        if standing is not None and (len(state.out) == self.bidders - 1 or self._least(state) > self.budget):
            return self._end(state, Sale(*standing, state.bids))
        return self._end(state, Sale("", None, ())) if unsold else state

    def _settle_sealed(self, state: Bidding, bids: Mapping[str, float], moves: Mapping[str, Move]) -> Bidding:
        order = state.order[len(state.sales)]
        ranked = sorted((seat for seat in bids if bids[seat] > 0), key=lambda s: (-bids[s], order.index(s)))
        said = tuple(Message(s, m.text, m.tool, m.args, (s,), state.round) for s, m in moves.items())
        state = replace(state, done=(*state.done, *moves.items()), log=(*state.log, *said))
        listed = tuple(bids.items())
        if not ranked:
            return self._end(state, Sale("", None, listed))
        second = bids[ranked[1]] if len(ranked) > 1 else self.reserve
        return self._end(state, Sale(ranked[0], bids[ranked[0]] if self.kind == "first" else second, listed))

    # ---- rounds --------------------------------------------------------------------------------------------------

    def _opens(self, state: Bidding) -> Bidding:
        reserve = f", from {format_dollars(self.reserve)}" if self.reserve else ""
        told = Message("", f"Auction {state.round} of {self.rounds} opens{reserve}.", round=state.round)
        return replace(state, bids=(), out=(), log=(*state.log, told))

    def _end(self, state: Bidding, sale: Sale) -> Bidding:
        told = (
            f"Sold to {sale.winner} for {format_dollars(sale.price)}." if sale.price is not None else "Nothing is sold."
        )
        log = (*state.log, Message("", told, round=state.round))
        after = replace(state, sales=(*state.sales, sale), log=log)
        return self._opens(after) if len(after.sales) < self.rounds else after

    def _gains(self, state: Bidding, seat: str) -> list[float]:
        return [state.worth(seat, k) - (s.price or 0.0) for k, s in enumerate(state.sales, 1) if s.winner == seat]

    def _list_messages(self, state: Bidding, seats: tuple[str, ...]) -> tuple[Message, ...]:
        """What these seats may read, with their values after the first message of each auction."""
        told: list[Message] = []
        number = 0
        for message in state.log:
            if not message.to or message.to[0] in seats:
                told.append(message)
            if message.round > number:
                number = message.round
                for seat in seats:
                    worth = f"It is worth {format_dollars(state.worth(seat, number))} to you."
                    told.append(Message("", worth, to=(seat,), round=number))
        return tuple(told)

    def _tools(self, state: Bidding) -> tuple[Tool, ...]:
        sealed = self.kind != "english"
        least = 0.0 if sealed else self._least(state)
        about = f"Bid at least {format_dollars(self._least(state))}." + (" A bid of 0 buys nothing." if sealed else "")
        bid = Tool("bid", about, {"amount": {
            "type": "number", "minimum": min(least, self.budget), "maximum": self.budget, "description": "dollars",
        }})  # fmt: skip
        return (bid,) if sealed else (bid, Tool("pass", "Bid no more for this thing."))

    def _rules(self) -> str:
        many = f"{self.rounds} things are sold, one after the other." if self.rounds > 1 else "One thing is sold."
        how = RULES[self.kind].format(step=format_dollars(self.increment))
        return (
            f"You are one of {self.bidders} bidders in an auction. {many} What a thing is worth to you only you "
            f"know; for each bidder the value is drawn anew, evenly from {format_dollars(self.low)} to "
            f"{format_dollars(self.high)}. {how} Nobody may bid below {format_dollars(self.reserve)} or above "
            f"{format_dollars(self.budget)}. If you win, you gain its worth to you less the price, which may be a "
            "loss; if not, you gain nothing. With equal bids chance decides."
        )
