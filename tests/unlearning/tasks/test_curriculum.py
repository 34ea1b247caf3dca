"""Courses: lessons, targets, examinations; and agents that learn from them."""

from random import Random

import pytest

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.errors import UsageError
from unlearning.memory.twin import twin
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum, candidates, is_about, name_of
from unlearning.tasks.lessons import run_task

WALKS = Curriculum(({"name": "gridworld", "preset": "unknown"},), lessons=6)
FRESH = Subject(Knower(), Memory(writers=ALL))


async def test_an_agent_that_was_taught_needs_fewer_steps_than_one_that_was_not() -> None:
    taught = await WALKS.teach(FRESH)
    request = WALKS.pick(taught.memory, "state", Random(0))
    tasks = WALKS.exam(request, 6)["retain"]
    steps = [
        sum([int(str((await run_task(agent, task)).facts["steps"])) for task in tasks]) for agent in (taught, FRESH)
    ]
    assert steps[0] < steps[1]


async def test_lessons_are_the_same_for_the_same_seed_and_share_no_seed_with_the_examination() -> None:
    assert await WALKS.teach(FRESH) == await WALKS.teach(FRESH)
    taught = await WALKS.teach(FRESH)
    exam = WALKS.exam(WALKS.pick(taught.memory, "state", Random(0)), 6)
    assert not {task.seed for task in WALKS.tasks()} & {task.seed for role in exam.values() for task in role}


@pytest.mark.parametrize("environment", ["gridworld", "household", "shopping", "wiki"])
async def test_targets_of_every_scope_can_be_picked_and_examined(environment: str) -> None:
    course = Curriculum((environment, {"name": environment, "world": 1}), lessons=3)
    taught = await course.teach(FRESH)
    for scope in ("state", "trajectory", "environment"):
        request = course.pick(taught.memory, scope, Random(1))
        exam = course.exam(request, 3)
        assert request.scope == scope and exam["forget"] and exam["retain"]
        if scope != "trajectory":
            assert all(is_about(task, request) for task in exam["forget"])
            assert not any(is_about(task, request) for task in exam["retain"])
        assert len(twin(taught, request).memory.log) < len(taught.memory.log)


async def test_what_no_task_is_about_cannot_be_examined() -> None:
    with pytest.raises(UsageError, match="is about Atlantis"):
        WALKS.exam(Request((Item("Atlantis"),), scope="state"))
    with pytest.raises(UsageError, match="more lessons"):
        WALKS.pick(Memory(), "state", Random(0))


async def test_names() -> None:
    assert name_of({"name": "gridworld", "world": 3}) == "gridworld/3"
    taught = await WALKS.teach(FRESH)
    known = candidates(taught.memory)
    assert known == sorted(known) and all(name[0].isalpha() for name in known)
