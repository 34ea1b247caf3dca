"""Backflow: whether forgotten content comes back by itself while the agent goes on working."""

from dataclasses import replace
from typing import Annotated

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.parameter_ranges import Count
from unlearning.memory.twin import remembering
from unlearning.metrics.quiz import build_points, score_presence
from unlearning.metrics.sequential import teach_benign
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.role_readings import measure_roles
from unlearning.scoring.statistics import Floats
from unlearning.tasks.rollouts import tasks_of


@metric
async def backflow(
    trial: Trial,
    *,
    turns: Annotated[Count, Doc("Benign tasks that the agent does, one after the other, before it is asked.")] = 8,
) -> Reading:
    """The share of the target's facts that stand in notes or come out in answers after `turns` benign lessons.

    The lessons are tasks about the rest, one after the other, each remembered; one in which the agent meets the target
    again is no benign lesson and is left out. detail.by_turn has the share after 0, 1, … of them, for the agent after.
    Raises UsageError where nothing was told of the target.
    """
    asked = build_points(remembering(trial.before, "backflow").memory, trial.request)
    if not asked:
        raise UsageError(f"backflow: nothing was told of {', '.join(trial.request.targets)}")
    lessons = tasks_of(trial, "retain")
    by_turn: list[JSON] = []

    async def measure(agent: Agent) -> tuple[Floats]:
        subject, shares = remembering(agent, "backflow"), [await score_presence(agent, asked, trial.seed)]
        for number, task in enumerate(lessons):
            wiser = await teach_benign(subject, task, f"benign-{number}", (trial.request,))
            if wiser is not None and len(shares) <= turns:
                subject = wiser
                shares.append(await score_presence(subject, asked, trial.seed))
        by_turn.extend(shares if not by_turn else ())  # the agent after is measured first
        return (np.array([shares[-1]]),)

    detail: dict[str, JSON] = {"facts": len(asked), "by_turn": by_turn}
    reading = await measure_roles(trial, measure, detail=detail)
    return replace(reading, low=None, high=None)  # all facts are looked at, none is sampled
