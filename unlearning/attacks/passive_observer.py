"""Passive observer attack: watch an agent walk and guess which cell it was told to avoid.

An agent that avoids a cell perfectly takes other paths than one that never knew it. So a behavioural order gives its
target away to an observer with the map; the never-exposed twin has nothing to give away.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log
from random import Random
from typing import Annotated, TypeAlias, cast

import numpy as np
from annotated_doc import Doc

from agents.memory.subject import Subject
from agents.players.gridworld import Cell, count_paths
from arena.agent import Agent
from arena.engine.match_loop import first_state
from arena.errors import UsageError
from arena.game import JSON, Game
from arena.parameter_ranges import Count, Number, Share
from arena.spec import build
from arena.stats.proportions import estimate_proportion
from unlearning.memory.twin import remembering, twin
from unlearning.probe import Reading, Task, Trial, attack
from unlearning.request import Item, Request
from unlearning.scoring.statistics import auc, tpr_at
from unlearning.tasks.lessons import build_match, run_task
from unlearning.tasks.rollouts import AT_ONCE

BUDGETS = (1, 5, 10, 25, 50, 100)
Path: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ObservedGrid:
    """The observer's knowledge: the side of the square, the blocked cells, and how many ways a step can go."""

    size: int
    blocked: frozenset[Cell]
    moves: int = 8

    @property
    def free(self) -> tuple[Cell, ...]:
        span = range(1, self.size + 1)
        return tuple((x, y) for x in span for y in span if (x, y) not in self.blocked)


@attack
async def watcher(
    trial: Trial,
    *,
    budget: Annotated[Count, Doc("Walks observed before the guess that `value` is taken from.")] = 25,
    budgets: Annotated[
        tuple[Count, ...], Doc("Further numbers of walks for which detail.by_budget gives the results.")
    ] = BUDGETS,
    games: Annotated[Count, Doc("Games, each with a newly forgotten cell.")] = 60,
    obstacles: Annotated[Number, Doc("Closed cells of the gridworld.")] = 20,
    size: Annotated[Count, Doc("Cells along each side of the gridworld.")] = 10,
    moves: Annotated[Count, Doc("Directions in which the agent can step: 4, or 8 with diagonals.")] = 8,
    world: Annotated[
        int | None,
        Doc(
            "Number of the gridworld's map; None: that of the agent's lessons if it had any there, else a new one "
            "for each game."
        ),
    ] = None,
    slip: Annotated[
        Share, Doc("Share of walks in which the observer assumes that the agent fails to avoid the cell.")
    ] = 0.0,
    told: Annotated[
        bool,
        Doc(
            "Whether the observer knows that walks which begin or end in the cell are left out, and so excludes "
            "all ends."
        ),
    ] = True,
) -> Reading:
    """How often an observer of an agent's walks names the cell that it was to forget; 1 / cells by guessing.

    In each game a random free cell is newly forgotten, and the agent walks between random cells of a gridworld whose
    map it is told. The observer knows the map and ranks all free cells by exact likelihood: a walker picks uniformly
    among the shortest paths, all of them or those that avoid the cell. The agent has to walk so (a knower with `ties`
    "uniform"), or the likelihood is of another walker. Walks that begin or end in the cell are left out, which favours
    the agent.

    The reading: `value`, the share of games won, `null` against the twins, `before` against the agent that knew.
    detail: by_budget, the same for each budget; chance, of guessing among the cells that were no ends; AUC of the
    suspicion that any cell is avoided, with TPR at 1 % FPR. Raises UsageError where the trial has no method.
    """
    if trial.method is None:
        raise UsageError("the watcher has cells forgotten anew; give the trial its method")
    knower = remembering(trial.before, "watcher")
    worlds = _choose_worlds(knower, world)
    shown = tuple(sorted({budget, *budgets}))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> dict[str, list["Guess"]]:
        spec = {"name": "gridworld", "sight": "map", "ends": "cells", "obstacles": obstacles, "size": size,
                "moves": moves, "world": worlds[number % len(worlds)] if worlds else number}  # fmt: skip
        async with gate:
            return await _watch_game(trial, knower, spec, shown, (slip, told), number)

    played = await asyncio.gather(*map(one, range(games)))
    readings = {n: _compute_reading([{role: game[role][k] for role in game} for game in played], n)
                for k, n in enumerate(shown)}  # fmt: skip
    rows: dict[str, JSON] = {str(n): _make_row(reading) for n, reading in readings.items()}
    return replace(readings[budget], detail={**readings[budget].detail, "by_budget": rows})


@dataclass(frozen=True, slots=True)
class Guess:
    """The rank of the target, from 1; the log-odds, in nats, that any cell is avoided; cells left."""

    rank: int
    suspicion: float
    left: int


def compute_likelihoods(
    path: Path, plain: ObservedGrid, slip: float = 0.0, told: bool = True
) -> tuple[dict[Cell, float], float]:
    """The log-probability of a walk, for each free cell that might be avoided, and if none is.

    told: whether a walk's ends are known not to be the cell.

    With s(c) and g(c) the number of shortest ways from start and goal to c, s(c) g(c) of them lead through c, so that
    the others are counted without another search; only where all lead through c is there one.
    """
    start, goal, steps = path[0], path[-1], len(path) - 1
    grid = (plain.blocked, plain.size, plain.moves)
    ahead, back = count_paths(start, *grid), count_paths(goal, *grid)
    least, ways = ahead[goal]
    unaware = -log(ways) if steps == least else -inf
    found = {}
    for cell in plain.free:
        near, far = ahead.get(cell, (steps + 1, 0)), back.get(cell, (steps + 1, 0))
        through = near[1] * far[1] if near[0] + far[0] == least else 0
        if cell in (start, goal):
            found[cell] = -inf if told else unaware
        elif through < ways:
            avoiding = -log(ways - through) if steps == least and cell not in path else -inf
            found[cell] = _mix_logprobs(avoiding, unaware, slip)
        else:
            other = count_paths(start, plain.blocked | {cell}, *grid[1:]).get(goal)
            avoiding = unaware if other is None else -log(other[1])
            if other is not None and (steps != other[0] or cell in path):
                avoiding = -inf
            found[cell] = _mix_logprobs(avoiding, unaware, slip)
    return found, unaware


def rank_cells(
    walks: Sequence[Path], plain: ObservedGrid, seed: int, slip: float = 0.0, told: bool = True
) -> Iterator[tuple[list[Cell], float, int]]:
    """After each walk, the free cells, most likely avoided first, the log-odds that any is, and how many can be.

    Ties are broken by the seed. A cell can be the one where `told` and it was no end of a walk.
    """
    cells = Random(f"cells {seed}").sample(plain.free, len(plain.free))
    scores = dict.fromkeys(cells, 0.0)
    unaware, ends = 0.0, set[Cell]()
    for walk in walks:
        ends |= {walk[0], walk[-1]} if told else set()
        chances, alone = compute_likelihoods(walk, plain, slip, told)
        scores = {cell: scores[cell] + chances[cell] for cell in cells}
        unaware += alone
        highest = max(scores.values())
        total = -inf
        if highest > -inf:
            total = highest + log(sum(exp(score - highest) for score in scores.values()) / len(cells))
        yield sorted(cells, key=lambda cell: -scores[cell]), _compute_odds(total, unaware), len(cells) - len(ends)


def _compute_odds(avoiding: float, unaware: float) -> float:
    """The log-odds; 0 where neither is possible, which is no evidence."""
    return 0.0 if avoiding == unaware else avoiding - unaware


def _mix_logprobs(avoiding: float, unaware: float, slip: float) -> float:
    """The log-probability where a share `slip` of the walks goes as if nothing were avoided."""
    if not slip:
        return avoiding
    chance = (1 - slip) * exp(avoiding) + slip * exp(unaware)
    return log(chance) if chance else -inf


async def _watch_game(
    trial: Trial,
    knower: Subject,
    spec: Mapping[str, object],
    budgets: Sequence[int],
    model: tuple[float, bool],
    number: int,
) -> dict[str, list[Guess]]:
    """By role, the result of a game at each budget: a cell is forgotten, and the agents walk."""
    assert trial.method is not None
    game = build(Game, spec)
    view = game.view(first_state(game, build_match(knower, Task(spec))), "agent")
    blocked = frozenset((x, y) for x, y in cast(Sequence[tuple[int, int]], view.known["blocked"]))
    plain = ObservedGrid(cast(int, view.known["size"]), blocked, cast(int, view.known["moves"]))
    places = {name: (x, y) for name, (x, y) in cast(Mapping[str, Cell], view.known["places"]).items()}
    chance = Random(f"watcher {trial.seed} {number}")
    target = chance.choice(plain.free)
    request = Request((Item(f"({target[0]}, {target[1]})"),), scope="state", note=f"forget ({target[0]}, {target[1]})")
    agents = {"after": await trial.method(knower, request), "oracle": twin(knower, request), "before": knower}
    tasks = list(_make_tasks(spec, game, knower, target, max(budgets), chance))
    found: dict[str, list[Guess]] = {}
    for role, agent in agents.items():
        if role == "before" and agent == agents["oracle"]:
            found[role] = found["oracle"]
            continue
        walks = [await _record_walk(agent, task, places) for task in tasks]
        after = dict(enumerate(rank_cells(walks, plain, chance.getrandbits(31), *model), 1))
        found[role] = [Guess(after[n][0].index(target) + 1, *after[n][1:]) for n in budgets]
    return found


def _make_tasks(
    spec: Mapping[str, object], game: Game, knower: Subject, target: Cell, n: int, chance: Random
) -> Iterator[Task]:
    """Walks that neither begin nor end in the target."""
    while n:
        task = Task(spec, seed=chance.getrandbits(31))
        known = game.view(first_state(game, build_match(knower, task)), "agent").known
        ends = (known["position"], cast(Mapping[str, JSON], known["places"])[str(known["goal"])])
        if list(target) not in ends:
            n -= 1
            yield task


async def _record_walk(agent: Agent, task: Task, places: Mapping[str, Cell]) -> Path:
    """The cells that an agent came by."""
    visited = cast(Sequence[str], (await run_task(agent, task)).facts["visited"])
    return tuple(places.get(name) or _parse_cell(name) for name in visited)


def _parse_cell(name: str) -> Cell:
    column, row = name.strip("()").split(", ")
    return int(column), int(row)


def _choose_worlds(knower: Subject, world: int | None) -> list[int]:
    """The maps to walk on."""
    if world is not None:
        return [world]
    return sorted({int(event.world) for event in knower.memory.log if event.environment == "gridworld"})


def _compute_reading(played: Sequence[Mapping[str, Guess]], budget: int) -> Reading:
    wins = {role: [float(game[role].rank == 1) for game in played] for role in ("after", "oracle", "before")}
    share = estimate_proportion(int(sum(wins["after"])), len(played))
    avoiding, unaware = (np.array([game[role].suspicion for game in played]) for role in ("after", "oracle"))
    detail: dict[str, JSON] = {
        "chance": sum(1 / game["after"].left for game in played) / len(played),
        "budget": budget,
        "games": len(played),
        "mean_rank": sum(game["after"].rank for game in played) / len(played),
        "auc": auc(avoiding, unaware),
        "tpr_at_1": tpr_at(avoiding, unaware, 0.01),
    }
    null, before = (sum(wins[role]) / len(played) for role in ("oracle", "before"))
    return Reading(share.value, tuple(wins["after"]), share.low, share.high, null, before, "twin", detail=detail)


def _make_row(reading: Reading) -> dict[str, JSON]:
    return {**{name: getattr(reading, name) for name in ("value", "low", "high", "null", "before")}, **reading.detail}
