"""Requests in a row: DRAGON's numbers, earlier targets, and what flows back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from closed_form_agents import trial_of
from random_memories import NAMES, TARGET, about, walker

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.errors import UsageError
from arena.spec import build
from unlearning.metrics.backflow import backflow
from unlearning.metrics.sequential import dds, deviation, dus, run_sequence, teach_benign
from unlearning.tasks.curriculum import Curriculum, candidates


@pytest.mark.parametrize(
    ("deviations", "value"),
    [
        ((0.2, 0.2, 0.2), 0.20),
        ((0.2, 0.3, 0.4), 0.35),
        ((0.2, 0.3, 0.25), 0.275),
        ((0.214, 0.231, 0.265), 0.2494),  # DRAGON, table of continual TOFU
        ((0.581, 0.499, 0.499), 0.5263),  # ICUL+
        ((0.435, 0.400, 0.387), 0.4073),  # filter prompting
        ((0.464, 0.699, 0.647), 0.6621),  # NPO-RT
        ((0.4,), 0.4),
    ],
)
def test_getting_worse_is_added_to_the_mean_deviation(deviations: tuple[float, ...], value: float) -> None:
    assert dds(deviations) == pytest.approx(value, abs=5e-5)


def test_steadiness_and_deviation() -> None:
    assert dus((0.8, 0.7, 0.75)) == pytest.approx(0.925)
    assert dus((0.1, 0.1)) == 1 and dus((0.5,)) == 1
    assert deviation(0.3, 0.6) == pytest.approx(0.5)
    assert dds((0.2, 0.4), beta=0) == pytest.approx(0.3)
    for score in (dds, dus):
        with pytest.raises(ValueError, match="one"):
            score(())


REQUESTS = [about(name) for name in NAMES[:3]]


async def after(method: Any, subject: Subject | None = None, **more: Any) -> Any:
    return await run_sequence(subject or walker(), REQUESTS, build("method", method), **more)


async def test_replay_holds_all_earlier_requests_and_keeps_the_rest() -> None:
    sequel = await after("replay")
    assert sequel.dds == 0 and sequel.dus == 1
    for number, step in enumerate(sequel.steps):
        assert step.earlier == (0.0,) * number and step.retain == step.twin_retain == 1
        assert step.forget == step.twin_forget == 0
    assert not any(name in note.text for name in NAMES[:3] for note in sequel.agent.memory.notes)


async def test_doing_nothing_is_as_far_off_as_can_be_and_steady() -> None:
    sequel = await after("noop")
    assert sequel.dds == 1 and sequel.dus == 1
    assert sequel.steps[2].earlier == (1.0, 1.0) and sequel.rows()[2]["worst"] == 1


async def test_resetting_forgets_and_keeps_nothing() -> None:
    sequel = await after("reset")
    assert [step.deviation for step in sequel.steps] == [1.0, 1.0, 1.0]
    assert [step.forget for step in sequel.steps] == [0, 0, 0] and sequel.steps[0].retain == 0


async def test_a_method_that_drops_its_last_order_is_caught_by_asking_again() -> None:
    class Forgetful:
        """Ignores the target of the last request alone."""

        async def __call__(self, agent: Any, request: Any) -> Any:
            return await build("method", "instruction")(replace(agent, steering=""), request)

    sequel = await run_sequence(walker(), REQUESTS, Forgetful())
    assert [step.forget for step in sequel.steps] == [0, 0, 0]
    assert sequel.steps[2].earlier == (1.0, 1.0)
    kept = await after("instruction")
    assert kept.steps[2].earlier == (0.0, 0.0) and kept.steps[2].steering > kept.steps[0].steering


async def test_a_row_for_each_request_is_plain_data() -> None:
    rows = (await after("selective-replay")).rows()
    assert [row["step"] for row in rows] == [1, 2, 3] and rows[0]["targets"] == TARGET
    assert json.loads(json.dumps(rows)) == rows


async def test_requests_about_nothing_and_about_everything_are_answered() -> None:
    with pytest.raises(UsageError, match="nothing was told of the moon"):
        await run_sequence(walker(), [about("the moon")], build("method", "noop"))
    with pytest.raises(UsageError, match="leave some to keep"):
        await run_sequence(walker(), [about(*NAMES)], build("method", "noop"))


async def taught() -> tuple[Subject, Curriculum]:
    course = Curriculum(("wiki",), lessons=8)
    return await course.teach(Subject(Knower(), Memory(writers=ALL))), Curriculum(("wiki",), lessons=6, seed=3)


async def test_work_on_other_things_brings_nothing_back_but_what_a_summary_kept() -> None:
    subject, more = await taught()
    request = about(next(name for name in candidates(subject.memory) if name.startswith("B")))
    readings = {}
    for method in ("noop", "record-deletion", "selective-replay"):
        trial = trial_of(method, request, subject, tasks={"retain": more.tasks()})
        readings[method] = await backflow(trial, turns=3)
        assert readings[method].null == 0 and readings[method].before == 1
        assert len(readings[method].detail["by_turn"]) == 4  # type: ignore[arg-type]
    assert readings["noop"].value == 1 and readings["selective-replay"].value == 0
    turns: Any = readings["record-deletion"].detail["by_turn"]
    assert turns[0] == 1 and 0 <= turns[-1] <= 1


async def test_a_lesson_in_which_the_target_is_met_is_no_benign_one() -> None:
    subject, more = await taught()
    task = Curriculum(("wiki",), lessons=8).tasks()[0]
    met = {event.subject for event in subject.memory.log if event.episode == task.name and event.kind != "outcome"}
    assert await teach_benign(subject, task, "again", [about(sorted(met)[0])]) is None
    wiser = await teach_benign(subject, more.tasks()[0], "again", [about("the moon")])
    assert wiser is not None and len(wiser.memory.log) > len(subject.memory.log)


async def test_what_flows_back_is_followed_after_each_request() -> None:
    subject, more = await taught()
    names = [name for name in candidates(subject.memory) if name[0].isalpha()][:2]
    sequel = await run_sequence(
        subject, [about(name) for name in names], build("method", "closure-deletion"), lessons=more.tasks()
    )
    for step in sequel.steps:
        assert len(step.backflow) > 1 and set(step.backflow) == set(step.twin_backflow) == {0.0}
