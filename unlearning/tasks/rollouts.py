"""Rollouts of a trial's tasks, one per agent and task, and the measurements of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from arena.agent import Agent
from arena.episode import Episode
from arena.errors import UsageError
from unlearning.probe import Task, Trial
from unlearning.tasks.lessons import run_task

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Stint:
    """One rollout: one agent in one task. score: its payoff, 0 for none. optimal: the fewest steps, 0 where unknown."""

    score: float
    steps: int
    optimal: int
    lost: int
    capped: bool
    trajectory: tuple[str, ...]
    visited: tuple[str, ...]
    said: tuple[str, ...]
    acted: tuple[str, ...]


def tasks_of(trial: Trial, role: str) -> tuple[Task, ...]:
    """The tasks of that role. Raises UsageError, naming the roles there are."""
    if not trial.tasks.get(role):
        have = ", ".join(sorted(trial.tasks)) or "none"
        raise UsageError(f"the trial has no tasks of the role {role!r} (it has: {have}); leave this probe out")
    return trial.tasks[role]


async def stints(trial: Trial, agent: Agent, role: str) -> tuple[Stint, ...]:
    """An agent's rollouts of the tasks of a role, in order; played once, then cached in the trial."""
    tasks = tasks_of(trial, role)
    for other, (known_role, found) in trial.played:
        if known_role == role and (other is agent or other == agent):
            return cast(tuple[Stint, ...], found)
    gate = asyncio.Semaphore(AT_ONCE)

    async def at(task: Task) -> Stint:
        async with gate:
            return _stint(await run_task(agent, task), task.seat)

    fresh = tuple(await asyncio.gather(*map(at, tasks)))
    trial.played.append((agent, (role, fresh)))
    return fresh


def _stint(episode: Episode, seat: str) -> Stint:
    facts = episode.facts
    moves = [turn.move for turn in episode.turns if turn.seat == seat]
    trajectory = tuple(map(str, cast(Sequence[str], facts.get("trajectory", ()))))
    score = episode.scores.get(seat)
    return Stint(
        score or 0.0,
        cast(int, facts.get("steps", len(moves))),
        cast(int, facts.get("optimal", 0)),
        cast(int, facts.get("lost", 0)),
        bool(facts) and not facts.get("success", True) and episode.status == "over",
        trajectory,
        tuple(map(str, cast(Sequence[str], facts.get("visited", ())))),
        tuple(move.text for move in moves),
        tuple(f"{move.tool} {' '.join(map(str, move.args.values()))}" for move in moves),
    )
