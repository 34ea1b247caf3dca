"""Grid map: blocked cells, named places, and shortest paths."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from arena.cache_register import memoize
from games.environments.invented_names import NameSource, world_rng

Cell = tuple[int, int]  # column from the west and row from the south, both from 1
DIRECTIONS: Mapping[str, Cell] = {
    "north": (0, 1), "north-east": (1, 1), "east": (1, 0), "south-east": (1, -1),
    "south": (0, -1), "south-west": (-1, -1), "west": (-1, 0), "north-west": (-1, 1),
}  # fmt: skip
STRAIGHT = ("north", "east", "south", "west")
OPEN_PLACES, CLOSED_PLACES = 8, 2


@dataclass(frozen=True)
class Map:
    """A square of `size` by `size` cells; `places` are named cells, some of them blocked; `moves` go 8 ways, or 4."""

    size: int
    blocked: frozenset[Cell]
    places: Mapping[str, Cell]
    moves: int = 8

    def inside(self, cell: Cell) -> bool:
        return 1 <= cell[0] <= self.size and 1 <= cell[1] <= self.size

    def is_free(self, cell: Cell) -> bool:
        return self.inside(cell) and cell not in self.blocked

    def steps(self, cell: Cell) -> Iterator[tuple[str, Cell]]:
        """The free cells that a step leads to, by direction."""
        allowed = DIRECTIONS if self.moves == 8 else STRAIGHT
        return ((way, other) for way, other in neighbours(cell) if way in allowed and self.is_free(other))

    def name(self, cell: Cell) -> str | None:
        """The name of a place; None for a plain cell."""
        return next((name for name, where in self.places.items() if where == cell), None)

    def title(self, cell: Cell) -> str:
        """How a cell is called: its name, or its column and row."""
        return self.name(cell) or text(cell)

    def cell(self, title: str) -> Cell:
        """The cell of that title."""
        column, row = self.places.get(title) or map(int, title.strip("()").split(", "))
        return column, row

    def free_cells(self) -> list[Cell]:
        """The cells that are not blocked, column by column."""
        span = range(1, self.size + 1)
        return [(column, row) for column in span for row in span if (column, row) not in self.blocked]

    def open_places(self) -> list[str]:
        return [name for name, cell in self.places.items() if cell not in self.blocked]


def text(cell: Cell) -> str:
    """A cell as "(column, row)"."""
    return f"({cell[0]}, {cell[1]})"


def neighbours(cell: Cell) -> Iterator[tuple[str, Cell]]:
    for direction, (east, north) in DIRECTIONS.items():
        yield direction, (cell[0] + east, cell[1] + north)


@memoize("worlds")
def draw_map(world: int, size: int, obstacles: int, moves: int = 8) -> Map:
    """Map number `world`: all free cells can be reached from each other."""
    rng = world_rng("gridworld", world)
    cells = [(column, row) for column in range(1, size + 1) for row in range(1, size + 1)]
    names = NameSource(rng)
    while True:
        blocked = frozenset(rng.sample(cells, obstacles))
        free = [cell for cell in cells if cell not in blocked]
        plain = Map(size, blocked, {}, moves)
        if len(distances(plain, free[0])) == len(free):
            break
    chosen = _spread(rng, free, OPEN_PLACES) + rng.sample(sorted(blocked), min(CLOSED_PLACES, obstacles))
    return Map(size, blocked, {names.site(): cell for cell in rng.sample(chosen, len(chosen))}, moves)


def distances(grid: Map, start: Cell) -> dict[Cell, int]:
    """The fewest moves from `start` to each cell that can be reached."""
    found, queue = {start: 0}, deque([start])
    while queue:
        cell = queue.popleft()
        for _, other in grid.steps(cell):
            if other not in found:
                found[other] = found[cell] + 1
                queue.append(other)
    return found


def _spread(rng: Random, cells: Collection[Cell], count: int) -> list[Cell]:
    """Choose `count` cells, no two of them adjacent as long as there is room."""
    chosen: list[Cell] = []
    pool = rng.sample(sorted(cells), len(cells))
    for cell in pool:
        if len(chosen) < count and all(other not in chosen for _, other in neighbours(cell)):
            chosen.append(cell)
    return chosen + [cell for cell in pool if cell not in chosen][: count - len(chosen)]
