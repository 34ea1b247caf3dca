"""A planning walker: shortest paths over all cells that are not known to be blocked."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, TypeAlias

from agents.required_fields import knowing
from arena.agent import agent
from arena.cache_register import memoize
from arena.game import Move, View

Cell: TypeAlias = tuple[int, int]
WAYS: Mapping[str, Cell] = {
    "north": (0, 1), "south": (0, -1), "east": (1, 0), "west": (-1, 0),
    "north-east": (1, 1), "north-west": (-1, 1), "south-east": (1, -1), "south-west": (-1, -1),
}  # fmt: skip
PLACE = re.compile(r"^(.+?) is at \((\d+), (\d+)\)")
CLOSED = re.compile(r"\((\d+), (\d+)\),? is closed")
BLOCKED = re.compile(r"\((\d+), (\d+)\),? is blocked")


@agent
@dataclass(frozen=True, slots=True)
class Pathfinder:
    """Walks the shortest way to its goal in gridworld, taking cells it has not seen for free.

    Where it does not know where the goal is, it explores: the cell next that shows most unseen cells for the way there.
    `notes` are sentences kept from earlier walks on the same map ("Vellorik Mill is at (3, 4).", "(2, 2) is blocked.");
    what it sees counts for more. A cell noted as closed ("(2, 2) is closed.") it does not enter, whatever it sees,
    where there is another way. With the whole map told or noted it walks as few steps as there can be.
    """

    notes: tuple[str, ...] = ()
    ties: Literal["first", "uniform"] = "first"
    """Of several shortest ways the one whose directions come first, or one drawn uniformly by the seeds of its answers.
    """

    async def act(self, view: View) -> Move:
        known = knowing(view, "gridworld", "position", "goal", "met", "blocked", "places")
        met, seen = {_cell(cell) for cell in known["met"]}, {_cell(cell) for cell in known["blocked"]}
        noted = {(int(m[1]), int(m[2])) for note in self.notes if (m := BLOCKED.search(note))} - met
        places = {m[1]: (int(m[2]), int(m[3])) for note in self.notes if (m := PLACE.search(note))}
        places = {name: cell for name, cell in places.items() if cell not in met}
        places |= {name: _cell(cell) for name, cell in known["places"].items()}
        start, goal = _cell(known["position"]), places.get(known["goal"])
        grid = (known["size"], known.get("moves", 8))
        walls, ways = seen, find_shortest(start, seen, *grid)
        closed = {(int(m[1]), int(m[2])) for note in self.notes for m in CLOSED.finditer(note)} - {start}
        for more in (closed, noted | closed):  # observed closures override notes
            clear = find_shortest(start, seen | more, *grid) if more else {}
            if clear and (goal is None or goal in clear):
                walls, ways = seen | more, clear
        if goal in ways and goal is not None:
            steps, direction = ways[goal]
            if self.ties == "uniform":
                direction = draw_direction(start, goal, walls, *grid, Random(f"way {view.seed}"))
            words = f"{known['goal']} is {steps} {'step' if steps == 1 else 'steps'} away."
            return _go(direction, words)
        target = max(ways, key=lambda cell: (_count_unseen(cell, met, known["size"]) / ways[cell][0], cell))
        _, direction = ways[target]
        return _go(direction, f"I look for {known['goal']} in the {direction}.")


def find_shortest(start: Cell, blocked: set[Cell], size: int, moves: int = 8) -> dict[Cell, tuple[int, str]]:
    """For each cell that can be reached, `start` left out, the fewest steps and the direction of the first of them."""
    ways: dict[Cell, tuple[int, str]] = {start: (0, "")}
    queue = deque([start])
    while queue:
        cell = queue.popleft()
        steps, first = ways[cell]
        for direction, other in _list_steps(cell, size, moves):
            if other not in blocked and other not in ways:
                ways[other] = (steps + 1, first or direction)
                queue.append(other)
    del ways[start]
    return ways


def draw_direction(start: Cell, goal: Cell, blocked: set[Cell], size: int, moves: int, rng: Random) -> str:
    """The first direction of one of the shortest ways, each of which is as likely: by how many go on from there."""
    counts = count_paths(goal, frozenset(blocked), size, moves)
    steps = counts[start][0]
    options = [
        (way, counts[cell]) for way, cell in _list_steps(start, size, moves) if cell in counts and cell not in blocked
    ]
    first = [(way, count) for way, (far, count) in options if far == steps - 1]
    return rng.choices([way for way, _ in first], [count for _, count in first])[0]


@memoize("texts", most=1024)
def count_paths(start: Cell, blocked: frozenset[Cell], size: int, moves: int = 8) -> Mapping[Cell, tuple[int, int]]:
    """For each cell that can be reached from `start`, the fewest steps and how many shortest ways there are."""
    found: dict[Cell, tuple[int, int]] = {start: (0, 1)}
    queue = deque([start])
    while queue:
        cell = queue.popleft()
        steps, count = found[cell]
        for _, other in _list_steps(cell, size, moves):
            if other in blocked:
                continue
            if other not in found:
                found[other] = (steps + 1, count)
                queue.append(other)
            elif found[other][0] == steps + 1:
                found[other] = (steps + 1, found[other][1] + count)
    return found


def _list_steps(cell: Cell, size: int, moves: int = 8) -> tuple[tuple[str, Cell], ...]:
    return _build_grid(size, moves)[cell]


@memoize("tables", most=64)
def _build_grid(size: int, moves: int) -> Mapping[Cell, tuple[tuple[str, Cell], ...]]:
    """By cell, the cells around it that a step leads to, and their direction: 8 at most, or the nearest 4."""
    span, straight = range(1, size + 1), list(WAYS.items())[:4]
    allowed = straight if moves == 4 else WAYS.items()
    return {
        (x, y): tuple((way, (x + e, y + n)) for way, (e, n) in allowed if x + e in span and y + n in span)
        for x in span
        for y in span
    }


def _count_unseen(cell: Cell, met: set[Cell], size: int) -> int:
    return sum(other not in met for _, other in _list_steps(cell, size)) + (cell not in met)


def _go(direction: str, words: str) -> Move:
    return Move(words, "go", {"direction": direction})


def _cell(pair: Any) -> Cell:
    return (pair[0], pair[1])
