"""Repeated two-player normal-form game with a payoff table, such as the prisoner's dilemma."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import isfinite
from random import Random
from typing import ClassVar, TypeAlias

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, View, game
from games.phrasing import format_amount

OTHER = {"row": "column", "column": "row"}
Table: TypeAlias = tuple[tuple[tuple[float, float], ...], ...]  # by row's action, then column's: (row, column) payoffs


@dataclass(frozen=True, slots=True)
class RoundActions:
    """What was done in a round, by index of the actions, and who meant something else."""

    row: int
    column: int
    slipped: tuple[str, ...] = ()
    forfeit: str = ""


@dataclass(frozen=True, slots=True)
class DilemmaState:
    """State of a match. `length` is the number of rounds, hidden from both seats if it was drawn."""

    length: int
    seed: int
    plays: tuple[RoundActions, ...] = ()
    log: tuple[Message, ...] = ()

    @property
    def round(self) -> int:
        """The round being played, from 1."""
        return len(self.plays) + 1


@game
@dataclass(frozen=True, slots=True)
class Dilemma(Game[DilemmaState]):
    """A two-seat game in normal form, played repeatedly; the score is the mean payoff of a round.

    The default table is the prisoner's dilemma of Axelrod (1984), "The evolution of cooperation".
    """

    actions: tuple[str, ...] = ("cooperate", "defect")
    """Names of the actions of the seat row, and of column where `column_actions` is empty."""
    payoffs: Table = (((3, 3), (0, 5)), ((5, 0), (1, 1)))
    """Payoff table: payoffs[i][j] holds what row and column get when row plays its action i and column its action j."""
    column_actions: tuple[str, ...] = ()
    """Names of the actions of the seat column; empty: the same as row's."""
    rounds: int = 10
    """Rounds of a match; with `ends` above 0 the maximum."""
    ends: float = 0.0
    """Probability that the match ends after a round, drawn beforehand by the seed; below 1. The players are told this
    probability and the maximum of `rounds`. 0: all `rounds` are played."""
    noise: float = 0.0
    """Probability that an action is replaced by another one; both seats see the one played, and neither is told."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "prisoners": {"payoffs": [[[3, 3], [0, 5]], [[5, 0], [1, 1]]]},
        "stag-hunt": {"actions": ["stag", "hare"], "payoffs": [[[4, 4], [0, 3]], [[3, 0], [3, 3]]]},
        "chicken": {"actions": ["swerve", "straight"], "payoffs": [[[3, 3], [1, 4]], [[4, 1], [0, 0]]]},
        "battle-of-the-sexes": {"actions": ["opera", "football"], "payoffs": [[[3, 2], [0, 0]], [[0, 0], [2, 3]]]},
        "matching-pennies": {"actions": ["heads", "tails"], "payoffs": [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]},
        "rock-paper-scissors": {
            "actions": ["rock", "paper", "scissors"],
            "payoffs": [[[0, 0], [-1, 1], [1, -1]], [[1, -1], [0, 0], [-1, 1]], [[-1, 1], [1, -1], [0, 0]]],
        },
        "coordination": {"actions": ["left", "right"], "payoffs": [[[1, 1], [0, 0]], [[0, 0], [1, 1]]]},
    }

    def __post_init__(self) -> None:
        rows, columns = len(self.actions), len(self.columns)
        if self.rounds < 1:
            raise ValueError(f"rounds is a count of 1 or more, got {self.rounds}")
        if not (0 <= self.ends < 1 and 0 <= self.noise <= 1):
            raise ValueError(f"ends and noise are chances, ends below 1; got {self.ends} and {self.noise}")
        if len(self.payoffs) != rows or any(len(line) != columns for line in self.payoffs):
            raise ValueError(f"payoffs need {rows} lines, one for each of row's actions, with {columns} pairs in each")
        if len(set(self.actions)) != rows or len(set(self.columns)) != columns:
            raise ValueError(f"the names of the actions differ, got {self.actions} and {self.columns}")
        if not rows or not columns or not all(isfinite(payoff) for cell in self._cells() for payoff in cell):
            raise ValueError("each seat needs an action, and each payoff is a finite number")

    @property
    def seats(self) -> tuple[str, ...]:
        return ("row", "column")

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "best-reply" if self.zero_sum else "copycat")

    @property
    def columns(self) -> tuple[str, ...]:
        """The actions of the column seat."""
        return self.column_actions or self.actions

    @property
    def most_answers(self) -> Mapping[str, int]:
        return dict.fromkeys(self.seats, self.rounds)

    @property
    def zero_sum(self) -> bool:
        """Whether the payoffs of every cell cancel out."""
        return all(row + column == 0 for row, column in self._cells())

    def bounds(self) -> tuple[float, float]:
        payoffs = [payoff for cell in self._cells() for payoff in cell]
        return (min(payoffs), max(payoffs))

    def start(self, rng: Random) -> DilemmaState:
        length = 1
        while length < self.rounds and rng.random() >= self.ends:
            length += 1
        return DilemmaState(length, rng.getrandbits(62), log=(self._opens(1),))

    def to_act(self, state: DilemmaState) -> tuple[str, ...]:
        return self.seats if len(state.plays) < state.length else ()

    def view(self, state: DilemmaState, seat: str) -> View:
        mine, theirs = self._actions(seat), self._actions(OTHER[seat])
        table = [[list(self._payoff(seat, i, j)) for j in range(len(theirs))] for i in range(len(mine))]
        known: dict[str, JSON] = {
            "actions": mine,
            "rival_actions": theirs,
            "payoffs": table,  # by own action, then the rival's: [own payoff, the rival's]
            "history": [[getattr(play, seat), getattr(play, OTHER[seat])] for play in state.plays],
            "rounds": None if self.ends else self.rounds,
        }
        legal = mine if seat in self.to_act(state) else None
        own = tuple(Move(m.text) for m in state.log if m.sender == seat)
        return View(seat, self._rules(seat), state.log, (), legal, own, known)

    def apply(self, state: DilemmaState, moves: Mapping[str, Move]) -> DilemmaState:
        for seat, move in moves.items():
            if move.text not in self._actions(seat):
                raise IllegalMove(seat, f"{move.text!r} is not one of {', '.join(self._actions(seat))}")
        meant = {seat: self._actions(seat).index(move.text) for seat, move in moves.items()}
        done = {seat: self._slip(state, seat, action) for seat, action in meant.items()}
        slipped = tuple(seat for seat in self.seats if done[seat] != meant[seat])
        return self._end(state, RoundActions(done["row"], done["column"], slipped))

    def forfeit(self, state: DilemmaState, seat: str) -> DilemmaState:
        """Without a valid answer of a seat both play their last actions, the first ones in the first round."""
        row, column = (state.plays[-1].row, state.plays[-1].column) if state.plays else (0, 0)
        return self._end(state, RoundActions(row, column, forfeit=seat))

    def scores(self, state: DilemmaState) -> dict[str, float | None]:
        if self.to_act(state):
            return dict.fromkeys(self.seats)
        return {seat: sum(self._payoffs(state, seat)) / len(state.plays) for seat in self.seats}

    def facts(self, state: DilemmaState) -> dict[str, JSON]:
        rows = [
            {"round": k, "row": self.actions[play.row], "column": self.columns[play.column], "row_payoff": row,
             "column_payoff": column, "slipped": list(play.slipped), "forfeit": play.forfeit or None}
            for k, (play, row, column) in enumerate(
                zip(state.plays, self._payoffs(state, "row"), self._payoffs(state, "column"), strict=True), 1)
        ]  # fmt: skip
        shares = {
            seat: {
                action: sum(getattr(play, seat) == k for play in state.plays) / max(1, len(state.plays))
                for k, action in enumerate(self._actions(seat))
            }
            for seat in self.seats
        }
        pure = [[self.actions[i], self.columns[j]] for i, j in self.equilibria()]
        return {"plays": rows, "shares": shares, "equilibria": {"pure": pure}}

    def watch(self, state: DilemmaState) -> tuple[Message, ...]:
        return state.log

    def equilibria(self) -> tuple[tuple[int, int], ...]:
        """The pure Nash equilibria of one round, as indices of the actions."""
        table = self.payoffs
        return tuple(
            (i, j)
            for i, j in product(range(len(self.actions)), range(len(self.columns)))
            if table[i][j][0] == max(line[j][0] for line in table)
            and table[i][j][1] == max(cell[1] for cell in table[i])
        )

    def _cells(self) -> Iterator[tuple[float, float]]:
        return (cell for line in self.payoffs for cell in line)

    def _actions(self, seat: str) -> tuple[str, ...]:
        return self.actions if seat == "row" else self.columns

    def _payoff(self, seat: str, own: int, rival: int) -> tuple[float, float]:
        """What `seat` and its rival get."""
        if seat == "row":
            return self.payoffs[own][rival]
        row, column = self.payoffs[rival][own]
        return column, row

    def _payoffs(self, state: DilemmaState, seat: str) -> list[float]:
        return [self._payoff(seat, getattr(p, seat), getattr(p, OTHER[seat]))[0] for p in state.plays]

    def _slip(self, state: DilemmaState, seat: str, action: int) -> int:
        draw, others = Random(f"{state.seed}/{state.round}/{seat}"), list(range(len(self._actions(seat))))
        others.remove(action)
        return draw.choice(others) if others and draw.random() < self.noise else action

    def _opens(self, number: int) -> Message:
        of = "" if self.ends else f" of {self.rounds}"
        return Message("", f"Round {number}{of}: both choose.", round=number)

    def _end(self, state: DilemmaState, play: RoundActions) -> DilemmaState:
        """End a round: both see the actions and payoffs, then the next round starts."""
        pays = self.payoffs[play.row][play.column]
        said = tuple(
            Message(seat, self._actions(seat)[getattr(play, seat)], round=state.round) for seat in self.seats
        )  # after both have moved, so that neither sees the other's move first
        why = f" The {play.forfeit} player gave no valid answer; the last actions count." if play.forfeit else ""
        told = f"Row gets {format_amount(pays[0])}, column gets {format_amount(pays[1])}.{why}"
        log = (*state.log, *said, Message("", told, round=state.round))
        after = replace(state, plays=(*state.plays, play), log=log)
        return replace(after, log=(*log, self._opens(after.round))) if self.to_act(after) else after

    def _rules(self, seat: str) -> str:
        mine, theirs = self._actions(seat), self._actions(OTHER[seat])
        lines = [
            f"- you {mine[i]}, they {theirs[j]}: you get {format_amount(own)}, they get {format_amount(rival)}"
            for i, j in product(range(len(mine)), range(len(theirs)))
            for own, rival in (self._payoff(seat, i, j),)
        ]
        length = (
            f"After each round it ends with a chance of {self.ends:.0%}, and after {self.rounds} rounds at the latest."
            if self.ends
            else f"There are {self.rounds} rounds."
            if self.rounds > 1
            else "There is one round."
        )
        slips = (
            f" With a chance of {self.noise:.0%} an action slips: another one is played, and nobody is told."
            if self.noise
            else ""
        )
        table = "\n".join(lines)
        return (
            f"You are the {seat} player. In each round you and the other player choose an action at the same "
            f"time:\n{table}\n{length}{slips} Your aim is the largest sum of your own payoffs, whatever the other "
            "player gets."
        )
