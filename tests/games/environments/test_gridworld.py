"""The grid, cell by cell."""

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import pytest
from game_driver import after, answer, does, first_state

from arena.engine.play import play
from arena.errors import BadPart, IllegalMove
from arena.game import Move
from arena.spec import build
from games.environments.gridworld import Gridworld, Walk
from games.environments.gridworld_map import draw_map, neighbours

STEPS = {
    (0, 1): "north", (1, 1): "north-east", (1, 0): "east", (1, -1): "south-east",
    (0, -1): "south", (-1, -1): "south-west", (-1, 0): "west", (-1, 1): "north-west",
}  # fmt: skip


def go(direction: str) -> Move:
    return does("go", direction=direction)


def way_length(blocked: set[tuple[int, int]], start: tuple[int, int], goal: tuple[int, int], size: int) -> float:
    """The length of a shortest way, found by relaxing all cells until nothing changes: no queue, unlike the game."""
    cost = {(x, y): inf for x in range(1, size + 1) for y in range(1, size + 1) if (x, y) not in blocked}
    cost[start] = 0
    changed = True
    while changed:
        changed = False
        for x, y in cost:
            best = min((cost.get((x + dx, y + dy), inf) for dx, dy in STEPS), default=inf) + 1
            if best < cost[x, y]:
                cost[x, y], changed = best, True
    return cost[goal]


@pytest.mark.parametrize("obstacles", [10, 20, 33])
def test_with_the_map_the_expert_walks_a_shortest_way(obstacles: int) -> None:
    for seed in range(70):
        world = seed % 30
        game = Gridworld(world, obstacles=obstacles, sight="map")
        here = game.start(Random(seed)).here
        grid = draw_map(world, 10, obstacles)
        shortest = way_length({*grid.blocked}, here.position, grid.places[here.goal], 10)
        assert game.optimal(here) == shortest
        agent = build("agent", "pathfinder")
        state = game.start(Random(seed))
        while game.to_act(state):
            state = after(game, state, {"agent": answer(agent, game.view(state, "agent"))})
        assert game.facts(state)["success"] and game.facts(state)["steps"] == shortest


def test_without_the_map_it_loses_few_steps_and_finds_unknown_places() -> None:
    def excess(**fields: Any) -> list[int]:
        found = [play({"name": "gridworld", "world": s % 30, **fields}, {}, s).facts for s in range(100)]
        assert all(row["success"] for row in found)
        return [int(str(row["steps"])) - int(str(row["optimal"])) for row in found]

    near, unknown = excess(), excess(preset="unknown")
    assert min(near) == 0 and sum(near) < 100 and max(near) <= 10
    assert sum(unknown) > sum(near), "what is not told has to be found"


def test_every_free_cell_can_be_reached_and_ten_places_have_names() -> None:
    for world in range(40):
        grid = draw_map(world, 10, 33)
        start = grid.places[grid.open_places()[0]]
        free = [(x, y) for x in range(1, 11) for y in range(1, 11) if (x, y) not in grid.blocked]
        assert len(free) == 67 and len(grid.places) == 10 and len(grid.open_places()) == 8
        assert all(way_length({*grid.blocked}, start, cell, 10) < inf for cell in free[::8])


def test_a_step_leads_to_the_next_cell_and_says_what_lies_around() -> None:
    game = Gridworld(obstacles=0)
    state = first_state(game)
    (x, y) = start = state.here.position
    for (dx, dy), direction in STEPS.items():
        if not 1 <= x + dx <= 10 or not 1 <= y + dy <= 10:
            continue
        moved = after(game, state, {"agent": go(direction)})
        assert moved.here.path == (start, (x + dx, y + dy))
        assert f"({x + dx}, {y + dy}). Around you: north: " in moved.log[-1].text
        assert moved.trajectory == (f"go {direction}",) and moved.steps == 1


def test_blocked_cells_and_the_edge_refuse_the_step_and_name_what_is_possible() -> None:
    game = Gridworld(obstacles=30)
    grid, state = game.map, first_state(game)
    walls = 0
    for cell in [(x, y) for x in range(1, 11) for y in range(1, 11) if grid.is_free((x, y))]:
        here = replace(state, here=Walk((cell,), state.here.goal))
        if game.is_done(here.here):
            continue
        for direction, other in neighbours(cell):
            if grid.is_free(other):
                continue
            walls += 1
            with pytest.raises(IllegalMove) as refused:
                after(game, here, {"agent": go(direction)})
            what = "blocked" if other in grid.blocked else "the edge"
            assert what in refused.value.why and "possible now: go " in refused.value.why
            offered = refused.value.why.partition("possible now: ")[2].split("; ")
            assert offered == [f"go {d}" for d, c in neighbours(cell) if grid.is_free(c)]
    assert walls > 50


def test_reaching_the_goal_ends_it_with_the_score_one() -> None:
    game = Gridworld(obstacles=0, sight="name")
    state = first_state(game)
    goal = game.map.places[state.here.goal]
    beside, direction = next((c, d) for d, c in neighbours(goal) if game.map.is_free(c))
    opposite = next(STEPS[-dx, -dy] for (dx, dy), name in STEPS.items() if name == direction)
    state = after(game, replace(state, here=Walk((beside,), state.here.goal)), {"agent": go(opposite)})
    assert game.to_act(state) == () and game.scores(state) == {"agent": 1.0}
    assert state.visited[-1] == state.here.goal


def test_the_view_knows_only_what_was_near() -> None:
    game = Gridworld(world=3, sight="name")
    state = first_state(game)
    known: Any = game.view(state, "agent").known
    (x, y) = state.here.position
    assert all(abs(a - x) <= 1 and abs(b - y) <= 1 for a, b in known["met"] + known["blocked"])
    assert state.here.goal not in known["places"]
    told: Any = replace(game, sight="goal").view(state, "agent").known
    assert told["places"][state.here.goal] == list(game.map.places[state.here.goal])
    whole: Any = replace(game, sight="map").view(state, "agent")
    assert len(whole.known["blocked"]) == 20 and all(name in whole.rules for name in game.map.places)


def test_blocked_places_are_learned_by_name() -> None:
    texts = set()
    for seed in range(60):
        rows: Any = play({"name": "gridworld", "preset": "unknown"}, {}, seed).facts["events"]
        texts |= {row["text"] for row in rows if row["kind"] == "blocked" and not row["subject"].startswith("(")}
    closed = [name for name in draw_map(0, 10, 20).places if name not in draw_map(0, 10, 20).open_places()]
    assert closed and all(any(text.startswith(f"{name}, at (") for text in texts) for name in closed)


@pytest.mark.parametrize("fields", [{"size": 4}, {"obstacles": 40}, {"sight": "far"}])
def test_a_grid_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadPart):
        build("game", {"name": "gridworld", **fields})


def test_any_free_cells_are_ends_where_the_game_says_so() -> None:
    game = Gridworld(3, ends="cells", sight="map")
    ends = [game.start(Random(seed)).here for seed in range(300)]
    starts = {here.position for here in ends}
    assert len(starts) > 60 and starts <= set(game.map.free_cells())
    assert all(
        game.map.is_free(game.map.cell(here.goal)) and here.position != game.map.cell(here.goal) for here in ends
    )
    plain = next(seed for seed, here in enumerate(ends) if here.goal.startswith("("))
    view = game.view(game.start(Random(plain)), "agent")
    assert view.known["places"][view.known["goal"]] == list(game.map.cell(ends[plain].goal))  # type: ignore[index,call-overload]
    assert play(game, {}, plain).facts["success"] and f"go to {ends[plain].goal}." in view.messages[0].text


@pytest.mark.parametrize("ties", ["first", "uniform"])
def test_with_four_moves_nobody_walks_slantwise_and_the_expert_still_takes_a_shortest_way(ties: str) -> None:
    for seed in range(25):
        game = Gridworld(seed, obstacles=25, sight="map", ends="cells", moves=4)
        facts = play(game, {"agent": {"name": "pathfinder", "ties": ties}}, seed).facts
        assert facts["success"] and facts["steps"] == facts["optimal"]
        assert not any("-" in step for step in facts["trajectory"])  # type: ignore[union-attr]
    tool = game.view(game.start(Random(0)), "agent").tools[0]
    assert tool.parameters["direction"]["enum"] == ["north", "east", "south", "west"]


def test_moves_are_four_or_eight() -> None:
    with pytest.raises(BadPart, match="4 or 8"):
        build("game", {"name": "gridworld", "moves": 6})
