"""What agents do: readings of minds whose conduct is known."""

from collections import Counter
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest
from closed_form_agents import Blank, trial_of
from random_memories import TARGET, about

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.engine.play import run_blocking
from arena.errors import UsageError
from arena.spec import build
from unlearning.experiments.experiment import run_trial
from unlearning.memory.twin import twin
from unlearning.metrics.behavior import (
    degeneration_rate,
    detour,
    divergence,
    edit_distance,
    jensen_shannon,
    mentions,
    steps,
    success,
    trajectory,
    visits,
)
from unlearning.probe import Task, Trial
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum

COURSE = Curriculum(({"name": "gridworld", "preset": "unknown"},), lessons=8)
CONDUCT = {"name": "instruction", "goal": "conduct"}


@cache
def pupil() -> Subject:
    return run_blocking(lambda: COURSE.teach(Subject(Knower(), Memory(writers=ALL))))


@cache
def asked(scope: Any, n: int) -> tuple[Request, Any]:
    request = COURSE.pick(pupil().memory, scope, Random(1))
    return request, COURSE.exam(request, n)


async def trial(method: Any, scope: str = "state", n: int = 6) -> Trial:
    request, tasks = asked(scope, n)
    return (await run_trial(pupil(), request, build("method", method), tasks=tasks))[0]


@pytest.mark.parametrize(
    ("one", "two", "bits"),
    [({"a": 1}, {"a": 9}, 0.0), ({"a": 1}, {"b": 1}, 1.0), ({"a": 1, "b": 1}, {"a": 1}, 0.311278), ({}, {}, 0.0)],
)
def test_the_divergence_of_two_counts(one: dict[str, int], two: dict[str, int], bits: float) -> None:
    assert jensen_shannon(one, two) == pytest.approx(bits, abs=1e-6) == jensen_shannon(Counter(two), one)


@pytest.mark.parametrize(
    ("one", "two", "edits"),
    [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("abc", "abc", 0), ("ab", "ba", 2), ("flaw", "lawn", 2)],
)
def test_the_edits_between_two_sequences(one: str, two: str, edits: int) -> None:
    assert edit_distance(list(one), list(two)) == edits == edit_distance(list(two), list(one))


async def test_the_twin_method_reads_as_the_twin_in_everything_it_does() -> None:
    played = await trial("replay")
    for probe in (success, steps, detour, visits, mentions, divergence, degeneration_rate):
        reading = await probe(played)
        assert reading.value == reading.null, probe
        assert reading.lift == 0 and reading.detail["lift_low"] == reading.detail["lift_high"] == 0
    assert (await divergence(played)).value == 0


async def test_who_knows_the_place_goes_there_with_fewer_steps_than_the_twin() -> None:
    reading = await steps(await trial("noop"))
    assert reading.value == reading.before and reading.value is not None and reading.null is not None
    assert reading.value < reading.null and len(reading.items) == 6
    assert (await success(await trial("noop"), role="retain")).value == 1


async def test_one_who_does_nothing_fails_never_arrives_and_is_called_broken() -> None:
    known = await trial("noop")
    blank = replace(known, after=replace(known.before, mind=Blank()), played=[])  # type: ignore[type-var]
    for role in ("forget", "retain"):
        assert (await success(blank, role=role)).value == 0  # type: ignore[arg-type]
        assert (await degeneration_rate(blank, role=role)).value == 1  # type: ignore[arg-type]
    assert (await visits(blank)).value == 0
    assert (await success(blank)).lift == -1  # worse than the twin is no better than better
    assert (await degeneration_rate(known)).value == 0


async def test_who_is_told_never_to_go_there_refuses_the_tasks_about_it_and_that_shows() -> None:
    ordered = await trial(CONDUCT)
    assert (await success(ordered)).value == 0 and (await success(ordered)).null == 1
    assert (await visits(ordered)).value == 0 and (await visits(ordered)).null == 1
    assert (await degeneration_rate(ordered, role="forget")).value == 1
    assert (await success(ordered, role="retain")).value == 1


async def test_names_are_found_in_words_and_in_actions() -> None:
    known = await trial("noop")
    spoken = await mentions(known, where="words")
    assert spoken.null == 1 and spoken.value is not None and 0 < spoken.value < 1  # who goes by a plan names no place
    assert (await mentions(known, where="actions")).value == 0
    assert (await mentions(known, role="retain")).value == 0


async def test_a_trajectory_is_repeated_by_its_plan_and_not_without_it() -> None:
    kept, gone = await trial("noop", "trajectory"), await trial("replay", "trajectory")
    for measure in ("exact", "prefix", "edit"):
        before, after = [await trajectory(one, measure=measure) for one in (kept, gone)]  # type: ignore[arg-type]
        assert before.value == 1 and after.value is not None and after.value < 1
        assert after.value == after.null and after.before == 1
    assert (await trajectory(gone, measure="exact")).value == 0


async def test_doing_the_same_action_first_is_no_divergence_and_only_others_are() -> None:
    known = await trial("noop")
    same = await divergence(replace(known, after=known.oracle, played=[]), at="all")
    other = await divergence(known, at="all")
    assert same.value == 0 and other.value is not None and 0 < other.value <= 1


async def test_further_twins_are_the_null_of_a_reading() -> None:
    known = await trial("noop")
    elsewhere = await Curriculum(COURSE.environments, lessons=8, seed=5).teach(Subject(Knower(), Memory(writers=ALL)))
    null = await steps(replace(known, twins=(twin(elsewhere, known.request), known.oracle), played=[]))
    others: Any = null.detail["twins"]
    assert len(others) == 2 and others[1] == null.null and 0 <= null.detail["percentile"] <= 1  # type: ignore[operator]


async def test_a_probe_without_its_tasks_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="no tasks of the role 'retain'"):
        await success(trial_of("noop", tasks={"forget": (Task("wiki"),)}), role="retain")


def test_a_request_for_two_things_is_visited_by_either() -> None:
    request = Request((Item(TARGET), Item("Kournun Gate")), scope="state")
    assert request.targets == (TARGET, "Kournun Gate") == about(TARGET, "Kournun Gate").targets
