"""Connect-k board game: the first with k marks in a line wins; tic-tac-toe and connect four are presets of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from string import ascii_lowercase
from typing import ClassVar

from arena.errors import IllegalMove
from arena.game import JSON, Game, Message, Move, View, game

OTHER = {"x": "o", "o": "x"}
WAYS = ((0, 1), (1, 0), (1, 1), (1, -1))  # directions of a line: (row, column)


@dataclass(frozen=True, slots=True)
class ConnectState:
    """State of a match: rows of "x", "o" and "." from the top, and whose line won."""

    rows: tuple[str, ...]
    moves: tuple[str, ...] = ()
    winner: str = ""
    forfeit: str = ""
    log: tuple[Message, ...] = ()

    @property
    def mover(self) -> str:
        return "xo"[len(self.moves) % 2]

    @property
    def full(self) -> bool:
        return not any("." in row for row in self.rows)


@game
@dataclass(frozen=True, slots=True)
class Connect(Game[ConnectState]):
    """Two players, x and o, put marks on a board in turn; a line of one's own wins, a full board is a draw.

    A win scores 1, a loss -1, a draw 0. With best play tic-tac-toe is a draw, and connect four is won by the first
    player (Allis 1988, Allen 1988).
    """

    rows: int = 3
    """Rows of the board."""
    columns: int = 3
    """Columns of the board."""
    length: int = 3
    """Marks in a line (row, column or diagonal) that win."""
    gravity: bool = False
    """Whether a mark falls to the lowest free square of its column, so that a move is a column's number; false: a move
    is a square, column letter and row number from the bottom."""
    opening: int = 0
    """Random moves, drawn by the seed, that are on the board at the start; none of them wins."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {
        "tic-tac-toe": {"rows": 3, "columns": 3, "length": 3, "gravity": False},
        "connect-four": {"rows": 6, "columns": 7, "length": 4, "gravity": True},
    }

    def __post_init__(self) -> None:
        if not (1 <= self.rows <= 26 and 1 <= self.columns <= 26):
            raise ValueError(f"a board has 1 to 26 rows and columns, got {self.rows} and {self.columns}")
        if not 2 <= self.length <= max(self.rows, self.columns):
            raise ValueError(f"length is from 2 to the longer side of the board, got {self.length}")
        if not 0 <= self.opening < self.rows * self.columns:
            raise ValueError(f"opening counts moves, fewer than there are squares, got {self.opening}")

    @property
    def seats(self) -> tuple[str, ...]:
        return ("x", "o")

    @property
    def cast(self) -> Mapping[str, str]:
        return dict.fromkeys(self.seats, "minimax")

    @property
    def most_answers(self) -> Mapping[str, int]:
        squares = self.rows * self.columns
        return {"x": (squares + 1) // 2, "o": squares // 2}

    @property
    def zero_sum(self) -> bool:
        return True

    def bounds(self) -> tuple[float, float]:
        return (-1.0, 1.0)

    def start(self, rng: Random) -> ConnectState:
        board = ConnectState(("." * self.columns,) * self.rows)
        for _ in range(self.opening):
            moves = self._legal(board)
            quiet = (self._put(board, move) for move in rng.sample(moves, len(moves)))
            board = next((after for after in quiet if not after.winner), board)
        return replace(board, log=(Message("", self._format_board(board)),))

    def to_act(self, state: ConnectState) -> tuple[str, ...]:
        return () if state.winner or state.full else (state.mover,)

    def view(self, state: ConnectState, seat: str) -> View:
        known: dict[str, JSON] = {
            "mark": seat, "board": list(state.rows), "length": self.length, "gravity": self.gravity,
        }  # fmt: skip
        legal = self._legal(state) if seat in self.to_act(state) else None
        own = tuple(Move(m.text) for m in state.log if m.sender == seat)
        return View(seat, self._rules(seat), state.log, (), legal, own, known)

    def apply(self, state: ConnectState, moves: Mapping[str, Move]) -> ConnectState:
        (seat,) = self.to_act(state)
        move = moves[seat].text
        if move not in self._legal(state):
            raise IllegalMove(seat, f"{move!r} is not a free square here; say one of {', '.join(self._legal(state))}")
        after = self._put(state, move)
        told = [Message(seat, move), Message("", self._format_board(after))]
        if after.winner or after.full:
            ending = f"{seat} has {self.length} in a line and wins." if after.winner else "The board is full: a draw."
            told.append(Message("", ending))
        return replace(after, log=(*state.log, *told))

    def forfeit(self, state: ConnectState, seat: str) -> ConnectState:
        """Without a valid move the game is lost."""
        told = Message("", f"{seat} gives no valid move; {OTHER[seat]} wins.")
        return replace(state, winner=OTHER[seat], forfeit=seat, log=(*state.log, told))

    def scores(self, state: ConnectState) -> dict[str, float | None]:
        if self.to_act(state):
            return dict.fromkeys(self.seats)
        return {seat: 0.0 if not state.winner else 1.0 if state.winner == seat else -1.0 for seat in self.seats}

    def facts(self, state: ConnectState) -> dict[str, JSON]:
        return {
            "winner": state.winner or None, "draw": state.full and not state.winner, "plies": len(state.moves),
            "moves": " ".join(state.moves), "board": "\n".join(state.rows), "forfeit": state.forfeit or None,
        }  # fmt: skip

    def watch(self, state: ConnectState) -> tuple[Message, ...]:
        return state.log

    def _legal(self, state: ConnectState) -> tuple[str, ...]:
        if self.gravity:
            return tuple(str(column + 1) for column, mark in enumerate(state.rows[0]) if mark == ".")
        return tuple(
            f"{ascii_lowercase[column]}{self.rows - row}"
            for row in reversed(range(self.rows))
            for column in range(self.columns)
            if state.rows[row][column] == "."
        )

    def _square(self, state: ConnectState, move: str) -> tuple[int, int]:
        """The row, from the top, and the column where a mark comes to lie."""
        if not self.gravity:
            return self.rows - int(move[1:]), ascii_lowercase.index(move[0])
        column = int(move) - 1
        return max(row for row in range(self.rows) if state.rows[row][column] == "."), column

    def _put(self, state: ConnectState, move: str) -> ConnectState:
        row, column = self._square(state, move)
        line = state.rows[row]
        changed = line[:column] + state.mover + line[column + 1 :]
        rows = (*state.rows[:row], changed, *state.rows[row + 1 :])
        winner = state.mover if self._wins(rows, row, column) else ""
        return replace(state, rows=rows, moves=(*state.moves, move), winner=winner)

    def _wins(self, rows: tuple[str, ...], row: int, column: int) -> bool:
        """Whether the mark on this square is part of a line that is long enough."""
        mark = rows[row][column]

        def run(down: int, right: int) -> int:
            r, c, length = row + down, column + right, 0
            while 0 <= r < self.rows and 0 <= c < self.columns and rows[r][c] == mark:
                r, c, length = r + down, c + right, length + 1
            return length

        return any(run(down, right) + 1 + run(-down, -right) >= self.length for down, right in WAYS)

    def _format_board(self, board: ConnectState) -> str:
        """The board as text, with its coordinates."""
        if self.gravity:
            names = " ".join(f"{column + 1:>2}" for column in range(self.columns))
            return "\n".join(["The board:", *(" ".join(f"{mark:>2}" for mark in row) for row in board.rows), names])
        names = "   " + " ".join(ascii_lowercase[: self.columns])
        rows = (f"{self.rows - k:>2} {' '.join(row)}" for k, row in enumerate(board.rows))
        return "\n".join(["The board:", *rows, names])

    def _rules(self, seat: str) -> str:
        how = (
            "A move is the number of a column; your mark falls to its lowest free square."
            if self.gravity
            else "A move is a free square: the letter of its column and the number of its row, for example a1."
        )
        return (
            f"You play {seat} on a board of {self.rows} rows and {self.columns} columns; x begins. Who first has "
            f"{self.length} own marks in an unbroken line (across, up and down, or diagonally) wins; a full board "
            f"without one is a draw. {how} Empty squares are shown as dots."
        )
