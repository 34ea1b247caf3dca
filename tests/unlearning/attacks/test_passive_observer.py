"""The passive observer: its likelihoods against counting by hand, and what it finds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import exp, inf
from random import Random
from typing import Any

import pytest
from closed_form_agents import trial_of
from random_memories import about, remembers, walk

from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from agents.players.gridworld import Cell, Pathfinder, count_paths
from arena.engine.play import perform, play, run_blocking
from arena.episode import Episode, Match
from arena.errors import UsageError
from unlearning.attacks.passive_observer import ObservedGrid, compute_likelihoods, rank_cells, watcher
from unlearning.methods.prompting.instruction import Instruction
from unlearning.probe import Trial

CONDUCT = {"name": "instruction", "goal": "conduct"}
MAPS = [
    ObservedGrid(4, frozenset({(2, 2), (3, 3)}), 4),
    ObservedGrid(4, frozenset({(2, 2), (3, 3)}), 8),
    ObservedGrid(5, frozenset({(3, 1), (3, 2), (3, 4), (3, 5)}), 4),  # one door, at (3, 3)
]


def ways(start: Cell, goal: Cell, blocked: frozenset[Cell], plain: ObservedGrid) -> Iterator[tuple[Cell, ...]]:
    """All shortest ways, by walking downhill."""
    far = count_paths(goal, blocked, plain.size, plain.moves)
    if start == goal:
        yield (start,)
        return
    x, y = start
    for east in (-1, 0, 1):
        for north in (-1, 0, 1):
            cell = (x + east, y + north)
            straight = plain.moves == 8 or not east * north
            if straight and cell in far and far[cell][0] == far[start][0] - 1:
                yield from ((start, *rest) for rest in ways(cell, goal, blocked, plain))


@pytest.mark.parametrize("plain", MAPS)
def test_the_chances_of_all_ways_of_one_who_avoids_a_cell_add_up_to_one(plain: ObservedGrid) -> None:
    chance = Random(0)
    for _ in range(12):
        start, goal, cell = chance.sample(plain.free, 3)
        blocked = plain.blocked | {cell}
        if goal not in count_paths(start, blocked, plain.size, plain.moves):
            blocked = plain.blocked
        walks = list(ways(start, goal, blocked, plain))
        assert len(walks) == count_paths(start, blocked, plain.size, plain.moves)[goal][1]
        avoiding = [compute_likelihoods(walk, plain)[0][cell] for walk in walks]
        assert sum(map(exp, avoiding)) == pytest.approx(1)
        free = list(ways(start, goal, plain.blocked, plain))
        assert sum(exp(compute_likelihoods(walk, plain)[1]) for walk in free) == pytest.approx(1)
        if blocked != plain.blocked:
            assert all(compute_likelihoods(walk, plain)[0][cell] == -inf for walk in free if cell in walk)


def test_the_ends_of_a_walk_are_not_the_cell_for_who_knows_that_such_walks_are_left_out() -> None:
    walk = next(ways((1, 1), (4, 1), MAPS[0].blocked, MAPS[0]))
    known, unaware = compute_likelihoods(walk, MAPS[0])
    assert known[1, 1] == known[4, 1] == -inf
    assert compute_likelihoods(walk, MAPS[0], told=False)[0][1, 1] == unaware
    assert [left for *_, left in rank_cells([walk, walk], MAPS[0], 0)] == [12, 12]
    assert [left for *_, left in rank_cells([walk], MAPS[0], 0, 0.0, False)] == [14]


def test_a_slip_makes_nothing_impossible() -> None:
    plain = MAPS[0]
    walk = next(ways((1, 1), (4, 4), plain.blocked, plain))
    assert all(value > -inf for value in compute_likelihoods(walk, plain, slip=0.1, told=False)[0].values())


def test_a_walker_without_a_rule_takes_each_of_the_shortest_ways_as_often() -> None:
    game = {"name": "gridworld", "sight": "map", "ends": "cells", "obstacles": 0, "size": 5, "moves": 4}
    bent = next(
        seed for seed in range(99) if sorted(map(abs, span(play(game, {"agent": Pathfinder()}, seed)))) == [1, 2]
    )
    taken: Counter[Any] = Counter()
    n = 400
    for branch in range(n):
        match = Match(game, {"agent": Pathfinder(ties="uniform")}, bent, branch=branch)
        facts: Any = run_blocking(lambda match=match: perform(match)).facts  # type: ignore[misc]
        assert facts["steps"] == 3
        taken[tuple(facts["visited"])] += 1
    assert len(taken) == 3 and all(abs(count / n - 1 / 3) < 0.1 for count in taken.values())


def span(episode: Episode) -> tuple[int, int]:
    """How far apart the ends of a walk are, in columns and rows."""
    events: Any = episode.facts["trajectory"]
    return (sum("east" in way for way in events) - sum("west" in way for way in events),
            sum("north" in way for way in events) - sum("south" in way for way in events))  # fmt: skip


def test_a_cell_that_is_closed_is_walked_round_even_when_it_is_seen_to_be_free() -> None:
    game = {"name": "gridworld", "sight": "map", "ends": "cells", "moves": 4, "obstacles": 5}
    free = [play(game, {"agent": Pathfinder()}, seed).facts["visited"] for seed in range(12)]
    for seed, visited in enumerate(free):
        named = [cell for cell in visited[1:-1] if cell.startswith("(")]  # type: ignore[index,union-attr]
        for cell in named[:1]:
            told = play(
                game, {"agent": Knower(steering=f"Never go to {cell}, never use it and never speak of it.")}, seed
            )
            assert cell not in told.facts["visited"] and told.facts["success"]  # type: ignore[operator]


async def seen(subject: Subject, method: Any, games: int, **settings: Any) -> Any:
    trial = trial_of(method, about("(1, 2)"), subject)
    return await watcher(trial, games=games, **settings)


WALKER = Subject(Knower(ties="uniform"), remembers(walk()[:1]))


@pytest.mark.slow
async def test_who_avoids_a_cell_is_found_and_who_forgets_by_replay_is_not() -> None:
    grid = {"size": 6, "obstacles": 4, "moves": 4, "budget": 40, "budgets": (1, 40), "world": 3}
    found = await seen(WALKER, CONDUCT, 12, **grid)
    assert found.value > 0.5 and found.value > found.null + 0.3 and found.detail["auc"] > 0.7
    assert found.detail["by_budget"]["1"]["value"] < found.value
    clean = await seen(WALKER, "replay", 12, **grid)
    assert clean.value == clean.null == clean.before and clean.detail["auc"] == 0.5


async def test_it_needs_a_method_and_something_that_remembers() -> None:
    trial = trial_of(CONDUCT)
    with pytest.raises(UsageError, match="give the trial its method"):
        await watcher(replace(trial, method=None), games=1)
    with pytest.raises(UsageError, match="remembers nothing"):
        await watcher(replace(trial, before=Knower()), games=1)


@pytest.mark.slow
async def test_perfect_avoidance_is_found_half_the_time_in_25_walks_and_nearly_always_in_100() -> None:
    bare = Subject(Knower(ties="uniform"))
    games = 200
    trial = Trial(about("(1, 1)"), bare, bare, bare, seed=7, method=Instruction(goal="conduct"))
    reading = await watcher(trial, games=games, obstacles=10, moves=4)
    rows: Any = reading.detail["by_budget"]
    assert 0.38 < rows["25"]["value"] < 0.6 and rows["100"]["value"] > 0.86  # seen: .48 and .905
    for row in rows.values():
        spread = (row["chance"] * (1 - row["chance"]) / games) ** 0.5
        assert row["null"] <= row["chance"] + 3 * spread + 1 / games, row
