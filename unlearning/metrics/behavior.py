"""Behaviour in tasks: success, number of steps, paths, and visits of the target."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import log2
from typing import Annotated, Literal

import numpy as np
from annotated_doc import Doc

from agents.name_matching import make_finder
from arena.agent import Agent
from arena.lessons import OutcomeData
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.role_readings import find_direction, measure_roles
from unlearning.scoring.statistics import Floats
from unlearning.tasks.rollouts import Stint, stints

Role = Literal["forget", "retain"]


async def _measure_stints(trial: Trial, role: str, number: Callable[[Stint], float]) -> Reading:
    async def measure(agent: Agent) -> tuple[Floats]:
        return (np.array([number(stint) for stint in await stints(trial, agent, role)]),)

    return await measure_roles(trial, measure, better=find_direction(role) if role == "forget" else "twin")


@metric
async def success(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "forget",
) -> Reading:
    """SR: the mean score on the tasks of a role, 0 to 1; what counts is the difference to the twin, either way.

    Below the twin is no better than above: an agent that does worse than a novice shows that something was done to
    it. `items` by task; detail: the paired interval of the lift.
    """
    return await _measure_stints(trial, role, lambda stint: stint.score)


@metric
async def steps(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "forget",
) -> Reading:
    """The mean number of steps to the end of a task."""
    return await _measure_stints(trial, role, lambda stint: float(stint.steps))


@metric
async def detour(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "retain",
) -> Reading:
    """The mean number of steps beyond the fewest there can be: what avoiding something costs, and shows."""
    return await _measure_stints(trial, role, lambda stint: float(stint.steps - stint.optimal))


@metric
async def visits(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "forget",
) -> Reading:
    """The share of tasks in which the agent enters a state that it was asked to forget, by any of its names."""
    wanted = set(trial.request.targets)
    return await _measure_stints(trial, role, lambda stint: float(bool(wanted & set(stint.visited))))


@metric
async def mentions(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "forget",
    where: Annotated[
        Literal["words", "actions"],
        Doc(
            'What is searched for the target\'s names: the "words" that the agent says, or the arguments of its '
            '"actions".'
        ),
    ] = "words",
) -> Reading:
    """The share of tasks in which the agent names a target: in what it says, or in the arguments of its actions."""
    pattern = make_finder(trial.request.targets)

    def names_target(stint: Stint) -> float:
        return float(any(pattern.search(text) for text in (stint.said if where == "words" else stint.acted)))

    return await _measure_stints(trial, role, names_target)


@metric
async def degeneration_rate(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "retain",
) -> Reading:
    """The share of tasks that the agent did not finish within the cap, or in which it lost a step.

    More than 20 points over the twin, and no reading of forgetting means anything: the agent is broken.
    """
    return await _measure_stints(trial, role, lambda stint: float(stint.capped or stint.lost > 0))


@metric
async def trajectory(
    trial: Trial,
    *,
    measure: Annotated[
        Literal["exact", "prefix", "edit"],
        Doc(
            'Similarity of the action sequences. "exact": 1 where they are equal, else 0. "prefix": length of the '
            'common prefix over the length. "edit": 1 − Levenshtein distance over the longer length.'
        ),
    ] = "exact",
) -> Reading:
    """How far the agent repeats the actions that it was asked to forget, when given their task again; 0 to 1.

    The recorded actions are those of the agent that knew, in the task's own episode.
    """
    recorded = _read_actions(trial)
    number = {"exact": _score_exact, "prefix": _score_prefix, "edit": _score_similarity}[measure]

    async def measure_agent(agent: Agent) -> tuple[Floats]:
        played = await stints(trial, agent, "forget")
        known = [recorded.get(task.name, ()) for task in trial.tasks["forget"]]
        return (np.array([number(a.trajectory, b) for a, b in zip(played, known, strict=True) if b]),)

    return await measure_roles(trial, measure_agent)


@metric
async def divergence(
    trial: Trial,
    *,
    role: Annotated[
        Role, Doc("Tasks that are played: those about what is to be forgotten, or to be retained.")
    ] = "forget",
    at: Annotated[
        Literal["first", "all"],
        Doc("Actions that are compared: the first of each task, or all."),
    ] = "first",
) -> Reading:
    """The Jensen-Shannon divergence, in bits, of an agent's actions from those of the never-exposed twin; 0 to 1.

    0 is the twin's own value; the null distribution of honest twins is in detail.twins.
    """
    twin = _count_actions(await stints(trial, trial.twin("divergence"), role), at)

    async def measure(agent: Agent) -> tuple[Floats]:
        return (np.array([jensen_shannon(_count_actions(await stints(trial, agent, role), at), twin)]),)

    return await measure_roles(trial, measure)


def jensen_shannon(one: Mapping[str, int], two: Mapping[str, int]) -> float:
    """The divergence of two counts, in bits, 0 to 1 (Lin 1991)."""
    first, second = max(1, sum(one.values())), max(1, sum(two.values()))
    total = 0.0
    for name in {*one, *two}:
        p, q = one.get(name, 0) / first, two.get(name, 0) / second
        middle = (p + q) / 2
        total += sum(share * log2(share / middle) / 2 for share in (p, q) if share)
    return total


def edit_distance(one: Sequence[str], two: Sequence[str]) -> int:
    """The least number of insertions, deletions and replacements between the two (Levenshtein 1966)."""
    row = list(range(len(two) + 1))
    for n, left in enumerate(one, 1):
        before, row[0] = row[0], n
        for m, right in enumerate(two, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (left != right))
    return row[-1]


def _count_actions(played: Sequence[Stint], at: str) -> Counter[str]:
    return Counter(
        action for stint in played for action in (stint.trajectory[:1] if at == "first" else stint.trajectory)
    )


def _score_exact(one: Sequence[str], two: Sequence[str]) -> float:
    return float(tuple(one) == tuple(two))


def _score_prefix(one: Sequence[str], two: Sequence[str]) -> float:
    same = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        same += 1
    return same / len(two)


def _score_similarity(one: Sequence[str], two: Sequence[str]) -> float:
    return 1 - edit_distance(one, two) / max(len(one), len(two))


def _read_actions(trial: Trial) -> dict[str, tuple[str, ...]]:
    """The actions of each episode in the memory of the agent that knew, by the episode's name."""
    from unlearning.memory.twin import remembering

    log = remembering(trial.before, "trajectory").memory.log
    return {event.episode: event.data.actions for event in log if isinstance(event.data, OutcomeData)}
