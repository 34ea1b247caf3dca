"""Navigation on a grid with obstacles and named places."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Literal

from arena.game import JSON, Tool, game
from arena.lessons import BlockedData, Lesson, PlaceData
from arena.text.lesson_sentences import write_blocked, write_place
from games.environments.base import Action, ActionOutcome, Environment
from games.environments.gridworld_map import (
    DIRECTIONS,
    OPEN_PLACES,
    STRAIGHT,
    Cell,
    Map,
    distances,
    draw_map,
    neighbours,
    text,
)

LEAST_WAY = 3  # moves between start and goal, where the map has places that far apart


@dataclass(frozen=True, slots=True)
class Walk:
    """A way so far, the start first, and the name of the place to reach."""

    path: tuple[Cell, ...]
    goal: str

    @property
    def position(self) -> Cell:
        return self.path[-1]


@game
@dataclass(frozen=True, slots=True)
class Gridworld(Environment[Walk]):
    """A walker on a grid is told what lies in the eight cells around it and has to reach a named place.

    The map has ten named places, two of them blocked; the seed of the match draws start and goal. The score is 1 for
    reaching the goal, else 0.

    A state is a cell, called by its place's name or "(column, row)". The preset "unknown" has to find the place first.
    """

    world: int = 0
    size: int = 10
    """Cells along each side of the grid."""
    obstacles: int = 20
    """Blocked cells, drawn by `world`."""
    sight: Literal["goal", "map", "name"] = "goal"
    """What the walker is told at the start. "goal": the position of the goal. "map": the whole map. "name": the goal's
    name alone."""
    cap: int = 40
    ends: Literal["places", "cells"] = "places"
    """Cells from which start and goal are drawn: named "places", or any free "cells"."""
    moves: int = 8
    """Directions of a step: 8, or 4 without the diagonals."""

    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {"unknown": {"sight": "name", "cap": 100}}

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError(f"cap is a count of 1 or more, got {self.cap}")
        if self.moves not in (4, 8):
            raise ValueError(f"moves are 4 or 8, got {self.moves}")
        if not 5 <= self.size <= 50 or not 0 <= self.obstacles <= self.size**2 // 3:
            raise ValueError(
                f"a grid has a size from 5 to 50 and blocks a third of its cells at most, got {self.size}, "
                f"{self.obstacles}"
            )

    @property
    def cast(self) -> Mapping[str, str]:
        return {"agent": "pathfinder"}

    @property
    def map(self) -> Map:
        return draw_map(self.world, self.size, self.obstacles, self.moves)

    def begin(self, rng: Random) -> ActionOutcome[Walk]:
        ends = [self.map.places[name] for name in self.map.open_places()]
        assert len(ends) == OPEN_PLACES
        if self.ends == "cells":
            ends = self.map.free_cells()
        start = rng.choice(ends)
        ways, least = distances(self.map, start), LEAST_WAY if self.ends == "places" else 1
        far = [cell for cell in ends if ways[cell] >= least] or [cell for cell in ends if cell != start]
        goal = rng.choice(far)
        here = Walk((start,), self.map.title(goal))
        where = f" at {text(goal)}" if self.sight != "name" and self.map.name(goal) else ""
        arrived = self._arrive(here)
        return replace(arrived, told=f"You want to go to {here.goal}{where}. {arrived.told}")

    def act(self, here: Walk, tool: str, args: Mapping[str, JSON]) -> ActionOutcome[Walk] | None:
        east, north = DIRECTIONS[str(args["direction"])]
        cell = (here.position[0] + east, here.position[1] + north)
        reached = dict(self.map.steps(here.position)).values()
        return self._arrive(replace(here, path=(*here.path, cell))) if cell in reached else None

    def explain_refusal(self, here: Walk, tool: str, args: Mapping[str, JSON]) -> str:
        return f"{args['direction']} of you is {dict(self._around(here.position))[str(args['direction'])]}"

    def possible(self, here: Walk) -> tuple[Action, ...]:
        return tuple(Action("go", {"direction": way}) for way, _ in self.map.steps(here.position))

    def phrase(self, tool: str, args: Mapping[str, JSON]) -> str:
        return f"go {args['direction']}"

    def is_done(self, here: Walk) -> bool:
        return here.position == self.map.cell(here.goal)

    def reward(self, here: Walk) -> float:
        return float(self.is_done(here))

    def optimal(self, here: Walk) -> int:
        return distances(self.map, here.path[0])[self.map.cell(here.goal)]

    def task(self, here: Walk) -> dict[str, JSON]:
        return {"task": f"go to {here.goal}", "task_type": "reach"}

    def errand(self, here: Walk) -> str:
        return f"go to {here.goal} from {text(here.path[0])}"

    def describe_seen(self, here: Walk) -> dict[str, JSON]:
        """`met` are the cells that were near enough to see; `blocked` and `places` what is known of any cell."""
        grid, whole = self.map, self.sight == "map"
        near = {*here.path}.union(*(dict(neighbours(cell)).values() for cell in {*here.path}))
        met = [cell for cell in sorted(near) if grid.inside(cell)]
        blocked = sorted(grid.blocked) if whole else [cell for cell in met if cell in grid.blocked]
        told = {here.goal} if self.sight == "goal" else set()
        places = {n: list(c) for n, c in grid.places.items() if whole or c in near or n in told}
        if grid.cell(here.goal) not in grid.places.values():  # a cell without a name tells where it is
            places[here.goal] = list(grid.cell(here.goal))
        return {
            "position": list(here.position),
            "goal": here.goal,
            "size": self.size,
            "moves": self.moves,
            "met": [list(cell) for cell in met],
            "blocked": [list(cell) for cell in blocked],
            "places": places,
        }

    def rules(self) -> str:
        whole = ""
        if self.sight == "map":
            places = ", ".join(f"{name} {text(cell)}" for name, cell in self.map.places.items())
            cells = ", ".join(text(cell) for cell in sorted(self.map.blocked)) or "none"
            whole = f" The places: {places}. The blocked cells: {cells}."
        steps = "eight" if self.moves == 8 else "four nearest"
        return (
            f"You walk on a grid of {self.size} by {self.size} cells. A cell is written (column, row): columns count "
            "from the west, rows from the south, both from 1. With each step you go to one of the "
            f"{steps} cells around you; some cells are blocked, and there is nothing beyond the edge. You are told "
            "what lies in the eight cells around you. "
            f"Reach the place you are told within {self.cap} steps, the fewer the better.{whole}"
        )

    def tools(self) -> tuple[Tool, ...]:
        direction = {"type": "string", "enum": list(self._ways), "description": "where to"}
        return (Tool("go", "Go to the next cell in a direction.", {"direction": direction}),)

    @property
    def _ways(self) -> tuple[str, ...]:
        return tuple(DIRECTIONS) if self.moves == 8 else STRAIGHT

    def _around(self, position: Cell) -> list[tuple[str, str]]:
        """What lies in each direction, in words."""
        seen = []
        for direction, cell in neighbours(position):
            name = self.map.name(cell)
            if not self.map.inside(cell):
                seen.append((direction, "the edge"))
            elif cell in self.map.blocked:
                seen.append((direction, f"{name}, blocked" if name else "blocked"))
            else:
                seen.append((direction, name or "free"))
        return seen

    def _arrive(self, here: Walk) -> ActionOutcome[Walk]:
        """What a walker sees and learns in a cell."""
        position, name = here.position, self.map.name(here.position)
        place = f"{name} {text(position)}" if name else text(position)
        around = "; ".join(f"{direction}: {what}" for direction, what in self._around(position))
        lessons = []
        for cell in (position, *dict(neighbours(position)).values()):
            place_name = self.map.name(cell) or ""
            if place_name:
                there = PlaceData(place_name, cell)
                lessons.append(Lesson("place", place_name, write_place(there), there))
            if cell in self.map.blocked:
                closed = BlockedData(cell, place_name)
                lessons.append(Lesson("blocked", self.map.title(cell), write_blocked(closed), closed))
        return ActionOutcome(
            here, f"You are at {place}. Around you: {around}.", (self.map.title(position),), tuple(lessons)
        )
