"""Told never to do something again: the sequence is not done, what leads to it is, and the task is still solved."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.barred_actions import UNWILLING, avoid_barred
from agents.note_policy.knower import Knower
from agents.note_policy.steering_orders import parse_orders
from arena.engine.play import run_blocking
from arena.game import Move, View
from unlearning.experiments.experiment import run_trial
from unlearning.memory.influence_set import list_routes
from unlearning.methods.memory.knowledge_entry import KnowledgeEntry
from unlearning.methods.prompting.instruction import Instruction
from unlearning.probe import Task, Trial
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum
from unlearning.tasks.lessons import run_task
from unlearning.tasks.rollouts import tasks_of

PHRASES = ["go north", "go east", "look up …"]
POSSIBLE = [["go", {"to": "north"}], ["go", {"to": "east"}], ["lookup", {"term": "…"}]]
ENVIRONMENTS = [
    {"name": "gridworld", "preset": "unknown"},
    {"name": "household"},
    {"name": "shopping"},
    {"name": "wiki"},
]


def view(*trajectory: str, complaint: str = "") -> View:
    known = {"trajectory": list(trajectory), "phrases": PHRASES, "possible": POSSIBLE}
    return View("agent", "", known=known, complaint=complaint)


NORTH, EAST = Move("", "go", {"to": "north"}), Move("", "go", {"to": "east"})
LOOK = Move("", "lookup", {"term": "Ann"})


@pytest.mark.parametrize(("trajectory", "move", "barred", "does"), [
    (("go east",), NORTH, ("go east; go north",), ("go", {"to": "east"})),
    (("go east",), EAST, ("go east; go north",), ("go", {"to": "east"})),
    ((), NORTH, ("go east; go north",), ("go", {"to": "north"})),
    ((), NORTH, ("go north",), ("go", {"to": "east"})),
    (("go east", "go east"), NORTH, ("go east; go north",), ("go", {"to": "north"})),
    (("look up Bo",), LOOK, ("look up Bo; look up Ann",), ("go", {"to": "north"})),
    (("look up Bo",), NORTH, ("look up Bo; go north", "look up Bo; go east"), ("lookup", {"term": "Bo"})),
    ((), NORTH, ("go north", "go east"), ("", {})),
])  # fmt: skip
def test_the_last_step_of_a_barred_sequence_is_another(
    trajectory: tuple[str, ...], move: Move, barred: tuple[str, ...], does: tuple[str, dict[str, str]]
) -> None:
    made = avoid_barred(view(*trajectory), move, barred)
    assert (made.tool, dict(made.args)) == does
    assert made == move or made.text
    assert made.tool or made.text == UNWILLING


def test_where_the_other_step_was_not_taken_it_takes_a_third() -> None:
    first = avoid_barred(view("look up Bo"), LOOK, ("look up Bo; look up Ann",))
    second = avoid_barred(view("look up Bo", complaint="no"), LOOK, ("look up Bo; look up Ann",))
    assert first.args != second.args


@given(st.lists(st.sampled_from(PHRASES[:2]), max_size=4), st.sampled_from((NORTH, EAST)))
@settings(deadline=None)
def test_nothing_barred_changes_nothing_and_all_else_is_done_as_ever(trajectory: list[str], move: Move) -> None:
    assert avoid_barred(view(*trajectory), move, ()) is move
    other = "; ".join([*trajectory, "look up Bo"])
    assert avoid_barred(view(*trajectory), move, (other,)) is move


def trial_in(environment: object, compliance: float) -> Trial:
    """A knower that was told never to repeat what it did in its longest lesson, and is given that task again."""
    course = Curriculum((environment,), 6)
    subject = run_blocking(lambda: course.teach(Subject(Knower(compliance=compliance), Memory(writers=ALL))))
    stories = [event for event in subject.memory.log if event.kind == "outcome" and " was done in" in event.text]
    episode = max(stories, key=lambda event: event.text.count(";")).episode
    request = Request((Item(episode, aliases=list_routes(subject.memory, episode)),), scope="trajectory")
    work = run_trial(subject, request, Instruction(goal="conduct"), tasks=course.exam(request, 4))
    return run_blocking(lambda: work)[0]


def deeds(agent: object, task: Task) -> tuple[tuple[str, ...], float]:
    episode = run_blocking(lambda: run_task(agent, task))  # type: ignore[arg-type]
    return tuple(episode.facts["trajectory"]), episode.scores["agent"]  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda spec: spec["name"])
def test_who_may_not_repeat_it_still_does_the_task_by_another_way(environment: dict[str, object]) -> None:
    trial = trial_in(environment, 1.0)
    (sequence,) = trial.request.forget[0].aliases
    for task in tasks_of(trial, "forget"):
        known, won = deeds(trial.before, task)
        assert "; ".join(known) == sequence and won == 1
        way, score = deeds(trial.after, task)
        assert way[: len(known)] != known and way[: len(known) - 1] == known[:-1], "up to the last step it is the same"
        assert score == 1 and len(way) > len(known), "a detour, and the task is permitted"


def test_who_does_not_comply_repeats_it() -> None:
    trial = trial_in(ENVIRONMENTS[0], 0.0)
    for task in tasks_of(trial, "forget"):
        assert deeds(trial.after, task) == deeds(trial.before, task)


def test_told_never_to_act_in_a_game_it_does_nothing_there_and_all_in_others() -> None:
    course = Curriculum(tuple(ENVIRONMENTS[:2]), 3)
    subject = run_blocking(lambda: course.teach(Subject(Knower(), Memory(writers=ALL))))
    request = Request((Item("gridworld/0"),), scope="environment")
    after = run_blocking(lambda: Instruction(goal="conduct")(subject, request))
    for task in course.tasks()[:4]:
        _, score = deeds(after, task)
        assert score == (0 if task.game["name"] == "gridworld" else 1)


@pytest.mark.parametrize("goal", ["knowledge", "conduct"])
def test_an_entry_about_a_sequence_is_one_order_and_hides_no_other_plan(goal: str) -> None:
    trial = trial_in(ENVIRONMENTS[0], 1.0)
    entered = run_blocking(lambda: KnowledgeEntry(goal=goal)(trial.before, trial.request))  # type: ignore[arg-type]
    (sequence,) = trial.request.forget[0].aliases
    (entry,) = [note for note in entered.memory.notes if note.kind == "entry"]  # type: ignore[attr-defined]
    found = parse_orders(entry.text)
    assert (found.sealed if goal == "knowledge" else found.barred) == (sequence,) and not found.ignored
    for task in tasks_of(trial, "retain"):
        assert deeds(entered, task) == deeds(trial.before, task)
    for task in tasks_of(trial, "forget"):
        way = deeds(entered, task)[0]
        assert goal == "knowledge" or "; ".join(way) != sequence
