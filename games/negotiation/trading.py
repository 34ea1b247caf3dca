"""Trading: players swap bundles of goods with private values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View, game
from games.negotiation.trading_market import Bundle, Market, Swap, worth
from games.phrasing import format_amount, join_list, make_plural

COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "white", "black")


@game
@dataclass(frozen=True, slots=True)
class Trading(Game[Market]):
    """Seats offer each other swaps of goods in turn and score what they gained by them.

    Values are private. An offer goes to one seat and stands until its maker's next turn, so that nobody has two, and
    what is offered is there. Nobody gives what it does not have. It ends when all turns are used, when everybody has
    passed one after the other, and with the first trade if `one_trade` is set.

    The preset "negotiation-arena" is the resource exchange of Bianchi et al. (2024, arXiv 2402.05863): 25 X and 5 Y
    against 5 X and 25 Y, one trade, eight messages, every unit worth 1 to both, so that one's gain is the other's loss.
    Unlike in the published code what is offered must be there, and only an offer that stands can be accepted.
    """

    traders: int = 3
    """Number of seats."""
    goods: tuple[str, ...] = ("apple", "brick", "candle")
    """Names of the goods."""
    most: int = 10
    """Largest number of units of a good that a seat starts with; the numbers are drawn by the seed from 0."""
    low: int = 1
    """Lowest value of a unit, drawn by the seed as a whole number for each seat and good."""
    high: int = 10
    """Highest value of a unit."""
    endowments: tuple[Bundle, ...] = ()
    """Units of each good that the seats start with, one list for each seat; empty: drawn."""
    values: tuple[tuple[float, ...], ...] = ()
    """Value of a unit of each good, one list for each seat; empty: drawn."""
    turns: int = 5
    """Turns of each seat."""
    one_trade: bool = False
    """Whether the match ends with the first trade."""
    open_holdings: bool = True
    """Whether all seats see what each holds; false: each sees its own alone."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "negotiation-arena": {
            "traders": 2, "goods": ["X", "Y"], "endowments": [[25, 5], [5, 25]], "values": [[1, 1], [1, 1]],
            "turns": 4, "one_trade": True, "open_holdings": False,
        },
        "pair": {"traders": 2},
    }  # fmt: skip

    def __post_init__(self) -> None:
        if not 2 <= self.traders <= len(COLOURS) or self.turns < 1:
            raise ValueError(f"needs 2 to {len(COLOURS)} traders and 1 turn or more; got {self.traders}, {self.turns}")
        if not self.goods or len(set(self.goods)) != len(self.goods):
            raise ValueError(f"goods are different names, one or more, got {self.goods}")
        if self.most < 0 or not 0 <= self.low <= self.high:
            raise ValueError(f"needs most >= 0 and 0 <= low <= high, got {self.most}, {self.low}, {self.high}")
        for name, table in (("endowments", self.endowments), ("values", self.values)):
            shaped = len(table) == self.traders and all(len(line) == len(self.goods) for line in table)
            if table and not (shaped and all(number >= 0 for line in table for number in line)):
                raise ValueError(f"{name} need a line for each of {self.traders} traders with a number, 0 or more, for "
                                 f"each of {len(self.goods)} goods")  # fmt: skip

    @property
    def seats(self) -> tuple[str, ...]:
        return COLOURS[: self.traders]

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "trader")

    @property
    def most_answers(self) -> Mapping[str, int]:
        return dict.fromkeys(self.seats, self.turns)

    @property
    def zero_sum(self) -> bool:
        """Whether all value the goods alike, so that a swap only moves worth."""
        return len(self.values) == self.traders and len(set(self.values)) == 1

    def bounds(self) -> tuple[float, float]:
        """The least and the largest score of a seat: all its goods given away, or everybody's got for nothing."""
        held = self.endowments or ((self.most,) * len(self.goods),) * self.traders
        tables = self.values or ((float(self.high),) * len(self.goods),) * self.traders
        total = tuple(sum(line[k] for line in held) for k in range(len(self.goods)))
        lost = [worth(own, values) for own, values in zip(held, tables, strict=True)]
        won = [worth(total, values) for values in tables]
        return (-float(max(lost)), float(max(won)))

    def start(self, rng: Random) -> Market:
        kinds = range(len(self.goods))
        held = self.endowments or tuple(tuple(rng.randint(0, self.most) for _ in kinds) for _ in self.seats)
        tables = self.values or tuple(tuple(rng.randint(self.low, self.high) for _ in kinds) for _ in self.seats)
        private: dict[str, Mapping[str, tuple[float, ...]]] = {
            seat: {"values": values, "start": start}
            for seat, values, start in zip(self.seats, tables, held, strict=True)
        }
        shown = dict(zip(self.seats, held, strict=True)) if self.open_holdings else None
        return Market(private, shown, {seat: (0,) * len(self.goods) for seat in self.seats})

    def to_act(self, state: Market) -> tuple[str, ...]:
        return () if state.ended else (self.seats[len(state.moves) % self.traders],)

    def view(self, state: Market, seat: str) -> View:
        own = tuple(move for who, move in state.moves if who == seat)
        others = [other for other in self.seats if other != seat]
        known: dict[str, JSON] = {
            "goods": self.goods, "values": state.values(seat), "holdings": state.holds(seat), "others": others,
            "their_holdings": {other: state.holds(other) for other in others} if self.open_holdings else None,
            "offers": [[o.maker, o.give, o.get] for o in state.offers if o.to == seat],
            "step": len(own), "steps": self.turns,
        }  # fmt: skip
        tools = self._tools(state, seat) if seat in self.to_act(state) else ()
        return View(seat, self._rules(seat), self._list_messages(state, (seat,)), tools, own=own, known=known)

    def apply(self, state: Market, moves: Mapping[str, Move]) -> Market:
        (seat,) = self.to_act(state)
        move = moves[seat]
        before = replace(state, offers=tuple(offer for offer in state.offers if offer.maker != seat))
        if move.tool == "offer":
            after = self._offer(before, seat, move)
        elif move.tool == "accept":
            after = self._accept(before, seat, move)
        else:
            after = self._says(before, seat, move, "I pass.")
        passes = state.passes + 1 if move.tool == "pass" else 0
        return self._next(replace(after, moves=(*state.moves, (seat, move)), passes=passes))

    def forfeit(self, state: Market, seat: str) -> Market:
        """Without a valid answer a seat passes."""
        told = replace(state, log=(*state.log, Message("", f"{seat} gives no valid answer and passes.")))
        return self._next(replace(told, moves=(*state.moves, (seat, Move(tool="pass"))), passes=state.passes + 1))

    def scores(self, state: Market) -> dict[str, float | None]:
        if not state.ended:
            return dict.fromkeys(self.seats)
        return {seat: self._gain(state, seat) for seat in self.seats}

    def facts(self, state: Market) -> dict[str, JSON]:
        columns = range(len(self.goods))
        value = {seat: state.values(seat) for seat in self.seats}
        best = sum(
            state.first(seat)[k] * (max(values[k] for values in value.values()) - value[seat][k])
            for seat in self.seats
            for k in columns
        )  # each good goes to the seat that values it most
        gains = {seat: self._gain(state, seat) for seat in self.seats}
        rows: list[JSON] = [
            {"trade": n, "maker": t.maker, "taker": t.to, "gives": list(t.give), "gets": list(t.get),
             "maker_gain": worth(t.get, value[t.maker]) - worth(t.give, value[t.maker]),
             "taker_gain": worth(t.give, value[t.to]) - worth(t.get, value[t.to])}
            for n, t in enumerate(state.trades, 1)
        ]  # fmt: skip
        return {
            "goods": list(self.goods), "ended": state.ended, "trades": rows, "gains": gains,
            "values": {seat: list(values) for seat, values in value.items()},
            "start": {seat: list(state.first(seat)) for seat in self.seats},
            "final": {seat: list(state.holds(seat)) for seat in self.seats},
            "most_welfare": best, "efficiency": sum(gains.values()) / best if best else None,
        }  # fmt: skip

    def watch(self, state: Market) -> tuple[Message, ...]:
        return self._list_messages(state, self.seats)

    # ---- swapping ------------------------------------------------------------------------------------------------

    def _offer(self, state: Market, seat: str, move: Move) -> Market:
        give, get = (
            tuple(int(str(move.args.get(f"{way}_{good}", 0))) for good in self.goods) for way in ("give", "get")
        )
        to = str(move.args.get("to") or next(other for other in self.seats if other != seat))
        if min(give + get) < 0:
            raise IllegalMove(seat, "nobody gives or gets less than nothing; use whole numbers of 0 or more")
        if not any(give) and not any(get):
            raise IllegalMove(seat, "that offers nothing for nothing; give something, get something, or pass")
        self._check(state, seat, give, "offer")
        state = replace(state, offers=(*state.offers, Swap(seat, to, give, get)))
        return self._says(
            state, seat, move, f"To {to}: my {self._format_bundle(give)} for your {self._format_bundle(get)}."
        )

    def _accept(self, state: Market, seat: str, move: Move) -> Market:
        makers = [offer.maker for offer in state.offers if offer.to == seat]
        maker = str(move.args.get("of") or (makers or [""])[0])
        swap = next((offer for offer in state.offers if offer.to == seat and offer.maker == maker), None)
        if swap is None:
            raise IllegalMove(seat, f"there is no offer to you by {maker or 'anybody'}; make one, or pass")
        self._check(state, seat, swap.get, "accept")
        state = self._says(state, seat, move, "I accept.")
        flow = [got - gave for gave, got in zip(swap.give, swap.get, strict=True)]
        change = dict(state.change)
        for who, way in ((maker, 1), (seat, -1)):
            change[who] = tuple(k + way * more for k, more in zip(change[who], flow, strict=True))
        rest = tuple(offer for offer in state.offers if offer.maker != maker)
        told = f"{maker} gives {self._format_bundle(swap.give)} to {seat} and gets {self._format_bundle(swap.get)}."
        log = (*state.log, Message("", told))
        return replace(state, change=change, offers=rest, trades=(*state.trades, swap), log=log)

    def _check(self, state: Market, seat: str, bundle: Bundle, what: str) -> None:
        """Raises IllegalMove where a seat does not have what it would give."""
        for good, wanted, held in zip(self.goods, bundle, state.holds(seat), strict=True):
            if wanted > held:
                raise IllegalMove(
                    seat, f"you cannot {what} that: it takes {wanted} {make_plural(good, wanted)}, you have {held}"
                )

    def _next(self, state: Market) -> Market:
        """Looks whether it is over."""
        ended, told = "", ""
        if self.one_trade and state.trades:
            ended, told = "trade", "The trade is made."
        elif len(state.moves) == self.turns * self.traders:
            ended, told = "turns", "All turns are used."
        elif state.passes == self.traders:
            ended, told = "passes", "Nobody wants to trade any more."
        return replace(state, ended=ended, log=(*state.log, Message("", told))) if ended else state

    def _says(self, state: Market, seat: str, move: Move, words: str) -> Market:
        return replace(state, log=(*state.log, Message(seat, move.text or words, move.tool, move.args)))

    def _gain(self, state: Market, seat: str) -> float:
        return float(worth(state.change[seat], state.values(seat)))

    def _format_bundle(self, bundle: Bundle) -> str:
        return join_list(f"{k} {make_plural(good, k)}" for k, good in zip(bundle, self.goods, strict=True) if k)

    def _list_messages(self, state: Market, seats: Iterable[str]) -> tuple[Message, ...]:
        """What these seats may read: first their own values and holdings, then what was said."""
        told = []
        for seat in seats:
            values = join_list(
                f"{good} {format_amount(v)}" for good, v in zip(self.goods, state.values(seat), strict=True)
            )
            held = "" if self.open_holdings else f"You hold {self._format_bundle(state.first(seat))}. "
            told.append(Message("", f"{held}What one is worth to you: {values}.", to=(seat,)))
        for seat in self.seats if self.open_holdings else ():
            told.append(Message("", f"{seat} holds {self._format_bundle(state.first(seat))}."))
        return (*told, *state.log)

    def _tools(self, state: Market, seat: str) -> tuple[Tool, ...]:
        others, held = [other for other in self.seats if other != seat], state.holds(seat)
        parameters: dict[str, Mapping[str, JSON]] = (
            {"to": {"type": "string", "enum": others}} if len(others) > 1 else {}
        )
        for way, tops in (("give", held), ("get", self._find_most_held(state, others, sum(held)))):
            for good, top in zip(self.goods, tops, strict=True):
                about = f"{make_plural(good, 2)} you {way}"
                parameters[f"{way}_{good}"] = {"type": "integer", "minimum": 0, "maximum": top, "description": about}
        amounts = tuple(name for name in parameters if name != "to")
        about = "Offer a swap; what you leave out is 0. It replaces your last offer."
        tools = [Tool("offer", about, parameters, amounts), Tool("pass", "Do nothing.")]
        makers = [offer.maker for offer in state.offers if offer.to == seat]
        if makers:
            of: dict[str, Mapping[str, JSON]] = {"of": {"type": "string", "enum": makers}} if len(others) > 1 else {}
            tools.insert(1, Tool("accept", "Accept an offer made to you.", of))
        return tuple(tools)

    def _find_most_held(self, state: Market, others: Iterable[str], unknown: int) -> Bundle:
        """The most that another holds of each good; `unknown` where holdings are private."""
        if not self.open_holdings:
            return (unknown,) * len(self.goods)
        return tuple(map(max, zip(*(state.holds(other) for other in others), strict=True)))

    def _rules(self, seat: str) -> str:
        rest = " The first trade ends it." if self.one_trade else ""
        hidden = "" if self.open_holdings else ", and so is what each holds"
        goods = join_list(make_plural(good, 2) for good in self.goods)
        return (
            f"You are {seat}, one of {self.traders} traders of {goods}. What one of each is worth to a trader is "
            f"private{hidden}. You speak in turn, {self.turns} times each: offer somebody a swap, accept an offer made "
            "to you, pass, or only talk. An offer stands until its maker's next turn. Nobody can give what it does not "
            f"have. It ends early when all pass one after the other.{rest} Your score is the worth to you of what you "
            "have in the end less that of what you had at first."
        )
