"""Players of connect-k with lookahead search."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import TypeAlias

from agents.required_fields import knowing
from arena.agent import agent
from arena.cache_register import memoize
from arena.game import Move, View

WON = 1e18  # the value of a line, minus the number of moves until it is complete
Marks: TypeAlias = tuple[
    int, int
]  # bit masks: the mover's marks, the other's; bit row * columns + column, from the top


@dataclass(frozen=True, slots=True)
class Shape:
    """A board to play on."""

    rows: int
    columns: int
    length: int
    gravity: bool

    def moves(self, taken: int) -> Iterator[int]:
        """The free squares as bit numbers, the ones near the middle first; with gravity the lowest of each column."""
        for square in _order(self):
            below = square + self.columns
            supported = not self.gravity or below >= self.rows * self.columns or taken >> below & 1
            if not taken >> square & 1 and supported:
                yield square

    def name(self, square: int) -> str:
        """What the game calls the move to this square."""
        row, column = divmod(square, self.columns)
        return str(column + 1) if self.gravity else f"{ascii_lowercase[column]}{self.rows - row}"


@memoize("tables")
def lines(shape: Shape) -> tuple[int, ...]:
    """Every line of the winning length as a bit mask."""
    found = []
    for row in range(shape.rows):
        for column in range(shape.columns):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                last = row + down * (shape.length - 1), column + right * (shape.length - 1)
                if 0 <= last[0] < shape.rows and 0 <= last[1] < shape.columns:
                    squares = [(row + down * k) * shape.columns + column + right * k for k in range(shape.length)]
                    found.append(sum(1 << square for square in squares))
    return tuple(found)


@memoize("tables")
def _order(shape: Shape) -> tuple[int, ...]:
    middle = (shape.rows - 1) / 2, (shape.columns - 1) / 2

    def far(square: int) -> float:
        row, column = divmod(square, shape.columns)
        return max(abs(row - middle[0]) * (not shape.gravity), abs(column - middle[1]))

    return tuple(sorted(range(shape.rows * shape.columns), key=far))


@memoize("tables")
def _through(shape: Shape) -> tuple[tuple[int, ...], ...]:
    """The lines through each square."""
    return tuple(tuple(line for line in lines(shape) if line >> k & 1) for k in range(shape.rows * shape.columns))


class OutOfTime(Exception):
    """The search has looked at as many positions as it may."""


@dataclass(slots=True)
class AlphaBeta:
    """A search from one position: alpha-beta, deeper and deeper, until `nodes` positions were looked at."""

    shape: Shape
    nodes: int
    seen: dict[tuple[Marks, int], tuple[float, str, int]] = field(default_factory=dict)  # value, its kind, best move

    def best(self, marks: Marks) -> int:
        """The best move found: that of the last depth that was searched to its end."""
        free = self.shape.rows * self.shape.columns - (marks[0] | marks[1]).bit_count()
        best = next(self.shape.moves(marks[0] | marks[1]))
        for depth in range(1, free + 1):
            try:
                value, best = self.value(marks, depth, -WON, WON)
            except OutOfTime:
                break
            if abs(value) > WON / 2:
                break  # decided: deeper would find nothing sooner
        return best

    def value(self, marks: Marks, depth: int, low: float, high: float) -> tuple[float, int]:
        """The value for the mover between `low` and `high`, and its best move (-1 where none is looked for)."""
        own, theirs = marks
        taken = own | theirs
        key, first = (marks, depth), -1
        if key in self.seen:
            value, kind, first = self.seen[key]
            if kind == "exact" or (kind == "low" and value >= high) or (kind == "high" and value <= low):
                return value, first
        moves = list(self.shape.moves(taken))
        if not moves or depth == 0:
            return (self._promise(own, theirs) if moves else 0.0), -1
        self.nodes -= 1
        if self.nodes < 0:
            raise OutOfTime
        shallow = self.seen.get((marks, depth - 1))
        if shallow is not None and shallow[2] in moves:
            moves.sort(key=lambda move: move != shallow[2])  # move ordering: the best of a smaller depth first
        best, choice, floor = -WON, moves[0], low
        for move in moves:
            value = self._after(own | 1 << move, theirs, move, depth, floor, high)
            if value > best:
                best, choice = value, move
            floor = max(floor, best)
            if floor >= high:
                break
        kind = "low" if best >= high else "high" if best <= low else "exact"
        self.seen[key] = best, kind, choice
        return best, choice

    def _after(self, own: int, theirs: int, move: int, depth: int, low: float, high: float) -> float:
        """The value, for the mover, of having moved there."""
        if any(line & own == line for line in _through(self.shape)[move]):
            return WON - (own | theirs).bit_count()
        return -self.value((theirs, own), depth - 1, -high, -low)[0]

    def _promise(self, own: int, theirs: int) -> float:
        """Heuristic value: Σ 4^marks over one's own lines that are still open, minus the same for the other side."""
        total = 0
        for line in lines(self.shape):
            mine, others = line & own, line & theirs
            if mine and not others:
                total += 4 ** min(mine.bit_count(), 12)
            elif others and not mine:
                total -= 4 ** min(others.bit_count(), 12)
        return float(total)


@agent
@dataclass(frozen=True, slots=True)
class Minimax:
    """Plays connect-k by minimax search: exact where it sees the end (tic-tac-toe), by open lines where it does not.

    It searches by iterative deepening and takes the best move of the last complete depth.
    """

    nodes: int = 4000
    """Positions searched for each move."""

    def __post_init__(self) -> None:
        if self.nodes < 1:
            raise ValueError(f"nodes is a count of 1 or more, got {self.nodes}")

    async def act(self, view: View) -> Move:
        known = knowing(view, "connect", "mark", "board", "length", "gravity")
        board: list[str] = list(known["board"])
        shape = Shape(len(board), len(board[0]), int(known["length"]), bool(known["gravity"]))
        squares = "".join(board)
        own, theirs = (
            sum(1 << k for k, mark in enumerate(squares) if mark == side)
            for side in (known["mark"], "xo".replace(str(known["mark"]), ""))
        )
        return Move(shape.name(AlphaBeta(shape, self.nodes).best((own, theirs))))
