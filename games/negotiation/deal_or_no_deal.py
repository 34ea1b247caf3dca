"""Deal-or-no-deal: two players divide books, hats and balls with private values, and must make the same
final choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import ClassVar, Literal, TypeAlias

from arena.cache_register import memoize
from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View, game
from arena.theory.outcome_space import Outcomes, Point
from games.phrasing import format_counts, make_plural

OTHER = {"first": "second", "second": "first"}
ITEMS = ("book", "hat", "ball")
TOTAL = 10  # value of all items together to each side
FEWEST, MOST = 5, 7  # items on the table
Three: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Division:
    """State of a match. `private` holds what one item of each type is worth to a seat.

    An offer is who made it and what the first seat would take. `choices` is what each takes in the end, None for no
    deal.
    """

    counts: Three
    private: Mapping[str, Mapping[str, Three]]
    starter: str
    phase: Literal["talk", "choose", "over"] = "talk"
    offers: tuple[tuple[str, Three], ...] = ()
    agreed: Three | None = None
    moves: tuple[tuple[str, Move], ...] = ()
    choices: Mapping[str, Three | None] | None = None
    forfeit: str = ""
    log: tuple[Message, ...] = ()

    def values(self, seat: str) -> Three:
        return self.private[seat]["values"]

    def find_rest(self, take: Three) -> Three:
        """What remains for the other."""
        return tuple(count - k for count, k in zip(self.counts, take, strict=True))

    def mine(self, seat: str, first: Three) -> Three:
        """What `seat` takes where the first seat takes `first`."""
        return first if seat == "first" else self.find_rest(first)


@memoize("tables")
def list_valuations(counts: Three) -> tuple[Three, ...]:
    """All whole values per item with which these items are worth TOTAL together."""
    spans = [range(TOTAL // count + 1) for count in counts]
    return tuple(v for v in product(*spans) if sum(k * n for k, n in zip(v, counts, strict=True)) == TOTAL)


@memoize("tables")
def list_tables() -> tuple[Three, ...]:
    """All counts of the three types, one or more of each, FEWEST to MOST items in all."""
    return tuple(c for c in product(range(1, MOST), repeat=len(ITEMS)) if FEWEST <= sum(c) <= MOST)


@game
@dataclass(frozen=True, slots=True)
class DealOrNoDeal(Game[Division]):
    """Two seats talk about who gets which of 5 to 7 items of three types; then both state at once what they take.

    All items are worth 10 to each side, by private whole values; every type is worth something to one of them and one
    type to both. Who begins is drawn. What the two then take must add up to all items exactly, or neither gets
    anything.

    Instances have the shape of Lewis, Yarats, Dauphin, Parikh & Batra (2017), "Deal or no deal?", arXiv 1706.05125; the
    modes are those of Liao, Tomlin & Klein (2024), arXiv 2406.18872.
    """

    turns: int = 10
    """Messages of each seat, to offer, accept, talk or end the talk."""
    mode: Literal["own", "sum", "difference"] = "own"
    """Score of a deal. "own": the worth of one's own items. "sum": that of both sides' items. "difference": one's own
    less the other's."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "semi-competitive": {"mode": "own"}, "cooperative": {"mode": "sum"}, "competitive": {"mode": "difference"},
    }  # fmt: skip

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ValueError(f"turns is a count of messages, 1 or more, got {self.turns}")

    @property
    def seats(self) -> tuple[str, ...]:
        return ("first", "second")

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "logroller")

    @property
    def most_answers(self) -> Mapping[str, int]:
        return dict.fromkeys(self.seats, self.turns + 1)

    @property
    def zero_sum(self) -> bool:
        """Whether what one side gains the other loses."""
        return self.mode == "difference"

    def bounds(self) -> tuple[float, float]:
        return {"own": (0.0, 10.0), "sum": (0.0, 20.0), "difference": (-10.0, 10.0)}[self.mode]

    def start(self, rng: Random) -> Division:
        while True:
            counts = rng.choice(list_tables())
            values = [rng.choice(list_valuations(counts)) for _ in self.seats]
            shared = [min(pair) > 0 for pair in zip(*values, strict=True)]
            if any(shared) and all(max(pair) > 0 for pair in zip(*values, strict=True)):
                break
        private = {seat: {"values": value} for seat, value in zip(self.seats, values, strict=True)}
        told = f"On the table: {format_counts(counts, ITEMS)}."
        return Division(counts, private, rng.choice(self.seats), log=(Message("", told),))

    def to_act(self, state: Division) -> tuple[str, ...]:
        if state.phase == "talk":
            return (state.starter if len(state.moves) % 2 == 0 else OTHER[state.starter],)
        return self.seats if state.phase == "choose" else ()

    def view(self, state: Division, seat: str) -> View:
        own = tuple(move for who, move in state.moves if who == seat)
        worths = [
            [value * k for k in range(count + 1)] for value, count in zip(state.values(seat), state.counts, strict=True)
        ]
        known: dict[str, JSON] = {
            "issues": ITEMS,
            "options": [list(range(count + 1)) for count in state.counts],  # how many of a type one takes oneself
            "utilities": worths,
            "reserve": 0.0,
            "step": len(own),
            "steps": self.turns,
            "offers": [[who, state.mine(seat, first)] for who, first in state.offers],
            "agreed": None if state.agreed is None else state.mine(seat, state.agreed),
            "phase": state.phase,
        }
        tools = self._tools(state) if seat in self.to_act(state) else ()
        messages = tuple(message for message in state.log if message.reaches(seat))
        return View(seat, self._rules(state, seat), messages, tools, own=own, known=known)

    def apply(self, state: Division, moves: Mapping[str, Move]) -> Division:
        if state.phase == "choose":
            return self._choose(state, moves)
        (seat,) = self.to_act(state)
        move = moves[seat]
        if move.tool == "accept" and not any(who != seat for who, _ in state.offers):
            raise IllegalMove(seat, "the other side has made no offer that you could accept; make one")
        if move.tool == "offer":
            take = _parse_take(state, seat, move)
            offer = (seat, take if seat == "first" else state.find_rest(take))
            state = replace(state, offers=(*state.offers, offer))
        told = {"offer": "I would take these.", "accept": "I agree.", "end_talk": "Let us choose."}.get(move.tool, "")
        said = Message(seat, move.text or told, move.tool, move.args)
        state = replace(state, moves=(*state.moves, (seat, move)), log=(*state.log, said))
        if move.tool == "accept":
            offered = [first for who, first in state.offers if who != seat]
            return self._close(replace(state, agreed=offered[-1]))
        return self._close(state) if move.tool == "end_talk" or len(state.moves) == 2 * self.turns else state

    def forfeit(self, state: Division, seat: str) -> Division:
        """Without a valid answer there is no deal."""
        told = Message("", f"The {seat} gives no valid answer: no deal.")
        return replace(state, phase="over", forfeit=seat, log=(*state.log, told))

    def scores(self, state: Division) -> dict[str, float | None]:
        if state.phase != "over":
            return dict.fromkeys(self.seats)
        first, second = self._points(state)
        if self.mode == "sum":
            return dict.fromkeys(self.seats, first + second)
        if self.mode == "difference":
            return {"first": first - second, "second": second - first}
        return {"first": first, "second": second}

    def facts(self, state: Division) -> dict[str, JSON]:
        takes = tuple(product(*(range(count + 1) for count in state.counts)))
        space = Outcomes(tuple(self._worth(state, take) for take in takes))
        point, nash, welfare = self._points(state), space.nash(), space.welfare()
        choices = state.choices or {}
        return {
            "items": dict(zip(ITEMS, state.counts, strict=True)), "starter": state.starter,
            "values": {seat: list(state.values(seat)) for seat in self.seats},
            "agreement": self._agree(state), "talked_to_agreement": state.agreed is not None,
            "choices": {seat: None if (c := choices.get(seat)) is None else list(c) for seat in self.seats},
            "points": {"first": point[0], "second": point[1]}, "messages": len(state.moves),
            "pareto_optimal": self._agree(state) and any(space.points[i] == point for i in space.pareto),
            "most_welfare": None if welfare is None else sum(space.points[welfare]),
            "nash": None if nash is None else list(space.points[nash]), "forfeit": state.forfeit or None,
            "optimality": space.optimality(point) if self._agree(state) else None,
        }  # fmt: skip

    def watch(self, state: Division) -> tuple[Message, ...]:
        return state.log

    # ---- choosing ------------------------------------------------------------------------------------------------

    def _close(self, state: Division) -> Division:
        told = Message("", "The talk is over. Both now say what they take, unseen by the other.")
        return replace(state, phase="choose", log=(*state.log, told))

    def _choose(self, state: Division, moves: Mapping[str, Move]) -> Division:
        for seat, move in moves.items():
            if move.tool not in ("choose", "refuse"):
                raise IllegalMove(seat, "the talk is over; take one of the actions choose, refuse")
        choices = {
            seat: _parse_take(state, seat, move) if move.tool == "choose" else None for seat, move in moves.items()
        }
        said = [Message(s, m.text or "This I take.", m.tool, m.args) for s, m in moves.items()]
        state = replace(state, phase="over", choices=choices)
        fits = "It adds up: a deal." if self._agree(state) else "It does not add up: no deal, nobody gets anything."
        return replace(state, log=(*state.log, *said, Message("", fits)))

    def _agree(self, state: Division) -> bool:
        first, second = (state.choices or {}).get("first"), (state.choices or {}).get("second")
        return first is not None and second is not None and second == state.find_rest(first)

    def _worth(self, state: Division, first: Three) -> Point:
        """What both get where the first seat takes `first`."""
        both = (
            sum(k * value for k, value in zip(state.mine(seat, first), state.values(seat), strict=True))
            for seat in self.seats
        )
        one, two = both
        return float(one), float(two)

    def _points(self, state: Division) -> Point:
        """What both got."""
        first = (state.choices or {}).get("first")
        return self._worth(state, first) if first is not None and self._agree(state) else (0.0, 0.0)

    def _tools(self, state: Division) -> tuple[Tool, ...]:
        counts: dict[str, Mapping[str, JSON]] = {
            item: {
                "type": "integer",
                "minimum": 0,
                "maximum": count,
                "description": f"how many {make_plural(item, 2)} you take",
            }
            for item, count in zip(ITEMS, state.counts, strict=True)
        }
        if state.phase == "choose":
            about = "Say what you take; it counts if it and what the other takes are all items exactly."
            return (Tool("choose", about, counts), Tool("refuse", "Take nothing: there was no agreement."))
        (seat,) = self.to_act(state)
        offer = Tool("offer", "Offer a division: what you take; the other side gets the rest.", counts)
        accept = Tool("accept", "Agree to the other side's last offer; then both say what they take.")
        end = Tool("end_talk", "End the talk without agreeing; then both say what they take.")
        return (offer, accept, end) if any(who != seat for who, _ in state.offers) else (offer, end)

    def _rules(self, state: Division, seat: str) -> str:
        worth = (f"a {item} is worth {value}" for item, value in zip(ITEMS, state.values(seat), strict=True))
        aim = {
            "own": "Your score is the worth of what you get: make it as large as you can.",
            "sum": "Your score is the worth of what you both get, each by the own values: work together.",
            "difference": "Your score is the worth of what you get less what the other gets is worth to them.",
        }[self.mode]
        return (
            f"You are the {seat} of two people who divide {format_counts(state.counts, ITEMS)}. In points, to you "
            f"{', '.join(worth)}: {TOTAL} points together. To the other side they are worth {TOTAL} together as well, "
            f"by other values, which you do not know. You talk in turn, {self.turns} messages each at most: offer a "
            "division, accept the last offer, end the talk, or only talk. Then both say at the same time what they "
            f"take. If that is not all items exactly, neither gets anything. {aim}"
        )


def _parse_take(state: Division, seat: str, move: Move) -> Three:
    """What an offer or a choice takes, by type. Raises IllegalMove for more than there is, or less than nothing."""
    take = tuple(int(str(move.args[item])) for item in ITEMS)
    for item, k, count in zip(ITEMS, take, state.counts, strict=True):
        if not 0 <= k <= count:
            raise IllegalMove(seat, f"you cannot take {k} {make_plural(item, k)}; take 0 to {count}")
    return take
