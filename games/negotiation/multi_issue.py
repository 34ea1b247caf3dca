"""Multi-issue negotiation: two parties with different weights settle several issues at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, Tool, View, game
from games.negotiation.multi_issue_domain import (
    PURCHASE,
    Choice,
    Issue,
    Utilities,
    compute_worth,
    count_outcomes,
    draw_issues,
    find_solutions,
    list_outcomes,
)

LARGEST = 20_000  # most outcomes; all are enumerated to find the solutions


@dataclass(frozen=True, slots=True)
class Talks:
    """State of a match. `private` holds each party's utilities by issue and option, and its reservation value."""

    private: Mapping[str, Mapping[str, Utilities | float]]
    names: tuple[str, ...]
    options: tuple[tuple[int | str, ...], ...]
    offers: tuple[tuple[str, Choice], ...] = ()
    moves: tuple[tuple[str, Move], ...] = ()
    ended: str = ""
    by: str = ""
    log: tuple[Message, ...] = ()

    def utilities(self, seat: str) -> Utilities:
        found = self.private[seat]["utilities"]
        assert isinstance(found, tuple)
        return found

    def reserve(self, seat: str) -> float:
        found = self.private[seat]["reserve"]
        assert isinstance(found, int | float)
        return found

    @property
    def deal(self) -> Choice | None:
        return self.offers[-1][1] if self.ended == "accept" else None


@game
@dataclass(frozen=True, slots=True)
class MultiIssue(Game[Talks]):
    """Alternating offers over several issues; utilities are additive and private, and so are the reservation values.

    The score is the utility of the agreement, or the reservation value. The default is a purchase with price, delivery
    and warranty. The fact `find_solutions` compares the result with those of Nash (1950), Kalai (1977), Kalai &
    Smorodinsky (1975), the largest welfare, and the nearest Pareto-optimal outcome.
    """

    parties: tuple[str, str] = ("seller", "buyer")
    """Names of the two seats; the first one begins."""
    issues: tuple[Issue, ...] = PURCHASE
    """Issues that are negotiated, each with a name, its options, and what each option is worth to the first and to the
    second party."""
    reserves: tuple[float, float] = (0.3, 0.2)
    """Utility of no agreement to each party."""
    drawn: tuple[int, ...] = ()
    """Numbers of options of the issues; where given, issues and reservation values are drawn by the seed in place of
    `issues` and `reserves`. Empty: nothing is drawn."""
    turns: int = 10
    """Messages of each party."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {"purchase": {}, "drawn": {"drawn": [5, 4, 3, 3]}}

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise ValueError(f"turns is a count of messages, 1 or more, got {self.turns}")
        if len(set(self.parties)) != 2 or not all(self.parties):
            raise ValueError(f"the parties are two different names, got {self.parties}")
        if any(count < 2 for count in self.drawn):
            raise ValueError(f"each drawn issue has 2 options or more, got {self.drawn}")
        names = [issue.name for issue in self._issues(Random(0))]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"there is one issue or more, each with a name of its own; got {names}")
        if count_outcomes(self._issues(Random(0))) > LARGEST:
            raise ValueError(f"there are more than {LARGEST:,} outcomes; take fewer issues or options")

    @property
    def seats(self) -> tuple[str, ...]:
        return self.parties

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "logroller")

    @property
    def most_answers(self) -> Mapping[str, int]:
        return dict.fromkeys(self.seats, self.turns)

    def bounds(self) -> tuple[float, float]:
        if self.drawn:
            return (0.0, 1.0 + 0.001 * len(self.drawn))  # drawn utilities are rounded
        sides = [[issue.first for issue in self.issues], [issue.second for issue in self.issues]]
        least = min(sum(min(values) for values in side) for side in sides)
        most = max(sum(max(values) for values in side) for side in sides)
        return (min(least, *self.reserves), max(most, *self.reserves))

    def start(self, rng: Random) -> Talks:
        issues = self._issues(rng)
        reserves = self.reserves if not self.drawn else tuple(round(rng.uniform(0.1, 0.4), 2) for _ in self.parties)
        tables = [tuple(issue.first for issue in issues), tuple(issue.second for issue in issues)]
        private: dict[str, Mapping[str, Utilities | float]] = {
            seat: {"utilities": table, "reserve": reserve}
            for seat, table, reserve in zip(self.seats, tables, reserves, strict=True)
        }
        return Talks(private, tuple(issue.name for issue in issues), tuple(issue.options for issue in issues))

    def to_act(self, state: Talks) -> tuple[str, ...]:
        return () if state.ended else (self.seats[len(state.moves) % 2],)

    def view(self, state: Talks, seat: str) -> View:
        own = tuple(move for who, move in state.moves if who == seat)
        utilities = state.utilities(seat)
        known: dict[str, JSON] = {
            "issues": state.names,
            "options": state.options,  # by issue, as an offer names them
            "utilities": utilities,
            "reserve": state.reserve(seat),
            "step": len(own),
            "steps": self.turns,
            "offers": state.offers,  # who, and the index of the option by issue
            "agreed": None,
            "phase": "talk",
        }
        tools = self._tools(state) if seat in self.to_act(state) else ()
        return View(seat, self._rules(state, seat), state.log, tools, own=own, known=known)

    def apply(self, state: Talks, moves: Mapping[str, Move]) -> Talks:
        (seat,) = self.to_act(state)
        move = moves[seat]
        if move.tool == "accept" and not state.offers:
            raise IllegalMove(seat, "there is no offer yet that you could accept; make one")
        if move.tool == "offer":
            state = replace(state, offers=(*state.offers, (seat, _parse_choice(state, seat, move))))
        words = {"offer": "My offer.", "accept": "I accept.", "walk_away": "I am leaving."}.get(move.tool, "")
        said = Message(seat, move.text or words, move.tool, move.args)
        state = replace(state, moves=(*state.moves, (seat, move)), log=(*state.log, said))
        if move.tool in ("accept", "walk_away"):
            return self._end(state, move.tool, seat)
        return self._end(state, "turns", "") if len(state.moves) == 2 * self.turns else state

    def forfeit(self, state: Talks, seat: str) -> Talks:
        """Without a valid answer there is no agreement."""
        return self._end(state, "forfeit", seat)

    def scores(self, state: Talks) -> dict[str, float | None]:
        if not state.ended:
            return dict.fromkeys(self.seats)
        return {seat: self._utility(state, seat) for seat in self.seats}

    def facts(self, state: Talks) -> dict[str, JSON]:
        reserve = (state.reserve(self.seats[0]), state.reserve(self.seats[1]))
        tables = state.utilities(self.seats[0]), state.utilities(self.seats[1])
        point = (self._utility(state, self.seats[0]), self._utility(state, self.seats[1]))
        space, choices = list_outcomes(*tables, reserve)
        deal = state.deal
        offers: list[JSON] = []
        for k, (seat, choice) in enumerate(state.offers, 1):
            gains = {who: compute_worth(state.utilities(who), choice) for who in self.seats}
            offers.append({"offer": k, "seat": seat, "choice": list(choice), **gains})
        return {
            "issues": list(state.names), "deal": deal is not None, "ended": state.ended, "by": state.by,
            "outcome": None if deal is None else self._name_outcome(state, deal), "messages": len(state.moves),
            "utilities": dict(zip(self.seats, point, strict=True)),
            "reserves": dict(zip(self.seats, reserve, strict=True)),
            "gains": {s: u - r for s, u, r in zip(self.seats, point, reserve, strict=True)},
            "pareto_optimal": deal is not None and choices.index(deal) in space.pareto,
            "welfare": sum(point), "opposition": space.opposition() if space.rational else None,
            "solutions": find_solutions(*tables, reserve, point), "proposals": offers,
        }  # fmt: skip

    def watch(self, state: Talks) -> tuple[Message, ...]:
        return state.log

    def _issues(self, rng: Random) -> tuple[Issue, ...]:
        return draw_issues(self.drawn, rng) if self.drawn else self.issues

    def _utility(self, state: Talks, seat: str) -> float:
        """What the result is worth to a party."""
        return state.reserve(seat) if state.deal is None else compute_worth(state.utilities(seat), state.deal)

    def _name_outcome(self, state: Talks, choice: Sequence[int]) -> dict[str, JSON]:
        """An outcome in the names of its options."""
        return {n: options[k] for n, options, k in zip(state.names, state.options, choice, strict=True)}

    def _end(self, state: Talks, ended: str, by: str) -> Talks:
        after = replace(state, ended=ended, by=by)
        told = {"walk_away": f"No agreement: the {by} walks away.", "turns": "No agreement: the messages are used up.",
                "forfeit": f"No agreement: the {by} gives no valid answer."}.get(ended)  # fmt: skip
        if after.deal is not None:
            outcome = self._name_outcome(after, after.deal)
            told = f"Agreed: {', '.join(f'{name} {option}' for name, option in outcome.items())}."
        return replace(after, log=(*state.log, Message("", told or "")))

    def _tools(self, state: Talks) -> tuple[Tool, ...]:
        parameters: dict[str, Mapping[str, JSON]] = {}
        for name, options in zip(state.names, state.options, strict=True):
            numbers = [option for option in options if isinstance(option, int)]
            if numbers == list(range(min(numbers, default=0), max(numbers, default=-1) + 1)) and numbers:
                parameters[name] = {"type": "integer", "minimum": numbers[0], "maximum": numbers[-1]}
            else:
                parameters[name] = {"type": "integer" if numbers else "string", "enum": list(options)}
        offer = Tool("offer", "Offer an agreement on all issues.", parameters)
        leave = Tool("walk_away", "End without an agreement.")
        return (
            (offer, Tool("accept", "Accept the last offer of the other side."), leave)
            if state.offers
            else (offer, leave)
        )

    def _rules(self, state: Talks, seat: str) -> str:
        other = self.seats[1 - self.seats.index(seat)]
        lines = [
            f"- {name}: "
            + ", ".join(f"{option} → {convert_to_points(v)}" for option, v in zip(options, values, strict=True))
            for name, options, values in zip(state.names, state.options, state.utilities(seat), strict=True)
        ]
        table = "\n".join(lines)
        return (
            f"You are the {seat} and negotiate with the {other}. You settle {len(state.names)} issues at once, or "
            f"none. What each option is worth to you, in points:\n{table}\nAn agreement is worth the sum of its "
            f"options. No agreement is worth {convert_to_points(state.reserve(seat))} to you. The {other} has other "
            "points, "
            f"which you do not know, as yours are not known to the {other}. You speak in turn, {self.turns} messages "
            "each: offer an agreement, accept the last offer, walk away, or only talk. Your aim is to get as many "
            "points as you can."
        )


def _parse_choice(state: Talks, seat: str, move: Move) -> Choice:
    """The index of the option an offer takes, by issue. Raises IllegalMove for an option that is not there."""
    choice = []
    for name, options in zip(state.names, state.options, strict=True):
        given = move.args[name]
        if not isinstance(given, int | str) or given not in options:
            raise IllegalMove(seat, f"{name} cannot be {given}; take one of {', '.join(map(str, options))}")
        choice.append(options.index(given))
    return tuple(choice)


def convert_to_points(utility: float) -> str:
    """A utility of 0 to 1 as points of 100."""
    return f"{100 * utility:.4g}"
