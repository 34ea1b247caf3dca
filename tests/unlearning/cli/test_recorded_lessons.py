"""Agents taught on record: course upon course, for a user, with a model's reflections."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.memory import agent_store
from arena.cli.main import app
from arena.engine.play import run_blocking
from arena.errors import UsageError
from arena.store.store import Store
from unlearning.cli.teach_and_forget import Order, forget_request, teach_agent
from unlearning.memory.twin import twin
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum, course_of

GRID, SHOP = "gridworld/unknown", "shopping"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "a.db")) as store:
        yield store


def teach(store: Store, game: str, seed: int = 0, settings: tuple[str, ...] = (), model: str = "") -> Any:
    return teach_agent(store, "pupil", (game,), "knower", 3, seed, settings, (), model)


def test_courses_one_after_the_other_are_one_course(store: Store) -> None:
    teach(store, GRID)
    teach(store, SHOP)
    last = teach(store, GRID, 1)
    course = course_of(agent_store.load_course(store, "pupil"))
    assert [(len(one.tasks()), one.seed) for one in course.whole] == [(3, 0), (3, 0), (3, 1)]
    assert [task.name for task in course.tasks()] == list(dict.fromkeys(e.episode for e in last.memory.log))
    again = run_blocking(lambda: course.teach(type(last)(last.mind, type(last.memory)(writers=last.memory.writers))))
    assert again == last, "taught anew from what is on record it is the same agent"
    with pytest.raises(UsageError, match="had these lessons"):
        teach(store, GRID)
    first = last.memory.log[0].episode
    exam = course.exam(Request((Item(first),), scope="trajectory"), 2)
    assert [task.name for task in exam["forget"]] == [first, first]
    goods = next(e.subject for e in last.memory.log if e.environment == "shopping" and e.kind != "outcome")
    assert {task.game["name"] for task in course.exam(Request((Item(goods),), scope="state"), 2)["forget"]} == {
        "shopping"
    }


def test_an_agent_taught_in_two_places_is_probed_in_both(store: Store, tmp_path: Path) -> None:
    teach(store, GRID)
    learned = teach(store, SHOP)
    place = next(e.subject for e in learned.memory.log if e.environment == "gridworld" and e.kind == "place")
    done = forget_request(store, Order("pupil", f"forget {place}"))
    assert done.receipt["exact"]
    made = CliRunner().invoke(
        app,
        ["probe", "pupil", "--request", f"forget {place}", "--probes", "leak_answer", "--db", str(tmp_path / "a.db")],
    )
    assert made.exit_code == 0 and "leak_answer" in made.output, made.output
    store.close()
    assert not any(place.encode() in file.read_bytes() for file in tmp_path.iterdir()), "the reading does not name it"


def test_what_is_learned_for_a_user_is_that_users(store: Store) -> None:
    ann = teach(store, GRID, settings=("user=ann",))
    assert {event.user for event in ann.memory.log} == {note.user for note in ann.memory.notes} == {"ann"}
    assert all("@ann" in event.episode for event in ann.memory.log)
    assert agent_store.get_agent(store, "pupil").user == "ann"
    course = course_of(agent_store.load_course(store, "pupil"))
    episode = ann.memory.log[0].episode
    assert len(course.exam(Request((Item(episode),), scope="trajectory"), 2)["forget"]) == 2


def test_a_models_reflections_are_marked_and_forgotten_with_their_episode(store: Store, tmp_path: Path) -> None:
    learned = teach(store, GRID, model="scripted/echo")
    words = [note for note in learned.memory.notes if not note.exact]
    assert len(words) == 3 and all(note.writer == "model:reflection" and note.parents for note in words)
    told = CliRunner().invoke(app, ["notes", "pupil", "--db", str(tmp_path / "a.db")]).output
    assert told.count("reflection (not exact)") == 3
    episode = learned.memory.log[0].episode
    done = forget_request(store, Order("pupil", f"forget {episode}"))
    left = agent_store.get_agent(store, "pupil")
    assert sum(not note.exact for note in left.memory.notes) == 2 == done.receipt["approximate"]
    assert left == twin(learned, Request((Item(episode),), scope="trajectory"))


@pytest.mark.parametrize("earlier", [(), ({"environments": [SHOP], "lessons": 2, "seed": 4},)])
def test_a_course_is_read_back_from_plain_data(earlier: tuple[Any, ...]) -> None:
    course = Curriculum(({"name": "gridworld", "preset": "unknown"},), 3, 2, earlier)
    from arena.spec import describe

    found = course_of(describe(course))
    assert [task.name for task in found.tasks()] == [task.name for task in course.tasks()]
