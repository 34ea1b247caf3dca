"""Requests one after the other, of an agent on record: DDS and DUS by hand and in SQL, and nothing is changed."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.memory import agent_store
from agents.memory.subject import Subject
from arena.cli.main import app
from arena.errors import ArenaError
from arena.store.query import query
from arena.store.store import Store
from unlearning.cli.request_sequence import Series, build_readings, make_benign_lessons, measure_sequence
from unlearning.cli.teach_and_forget import teach_agent
from unlearning.memory.influence_set import build_event_test
from unlearning.memory.request_parsing import resolve_request
from unlearning.metrics.sequential import Sequel
from unlearning.tasks.lessons import record_task


@pytest.fixture(scope="module")
def db(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("sequence") / "a.db"
    with Store.open(str(path)) as store:
        teach_agent(store, "pupil", ("gridworld/unknown",), "knower", 4, 0, [])
    return path


@pytest.fixture
def store(db: Path) -> Iterator[Store]:
    with Store.open(str(db)) as store:
        yield store


def words(store: Store, count: int = 3) -> tuple[str, ...]:
    """Requests for the first places that the pupil learned of."""
    subject = agent_store.get_agent(store, "pupil")
    places = dict.fromkeys(event.subject for event in subject.memory.log if event.kind == "place")
    return tuple(f"forget {name}" for name in list(places)[:count])


def run(store: Store, method: str, **settings: Any) -> Sequel:
    return measure_sequence(store, Series("pupil", words(store), method, **settings))


@pytest.mark.parametrize(("method", "dds", "dus", "earlier", "kept"), [
    ("replay", 0.0, 1.0, 0.0, 1.0),  # nothing is told of any target, and all else
    ("noop", 1.0, 1.0, 1.0, 1.0),  # all of every target: s = √(1² + 0²) each time
    ("reset", 1.0, 1.0, 0.0, 0.0),  # nothing of anything: s = √(0² + 1²), as steady as useless
])  # fmt: skip
def test_the_ends_of_the_scale_have_their_numbers(
    store: Store, method: str, dds: float, dus: float, earlier: float, kept: float
) -> None:
    found = run(store, method, benign=0)
    assert (found.dds, found.dus) == (dds, dus)
    assert [step.retain for step in found.steps] == [kept] * 3
    assert [step.earlier for step in found.steps] == [(), (earlier,), (earlier, earlier)]
    assert all(step.twin_forget == 0 and step.twin_retain == 1 for step in found.steps)
    read = build_readings(found)
    assert read["dds"].null == 0 and read["dds"].lift == dds and read["utility"].value == kept
    assert read["earlier_3"].value == earlier and "earlier_1" not in read


def test_what_a_summary_kept_goes_with_the_next_lesson_and_comes_back_with_none(store: Store) -> None:
    left = run(store, "record-deletion", benign=2)
    assert all(2 <= len(step.backflow) <= 3 for step in left.steps), "before any, and after each that is benign"
    assert left.steps[0].backflow[0] == 1 and left.steps[0].backflow[-1] < 1, "the summary is written anew"
    clean = run(store, "replay", benign=2)
    assert not any(sum(step.backflow) + sum(step.twin_backflow) for step in clean.steps)


async def test_benign_lessons_meet_none_of_the_targets(store: Store) -> None:
    subject = agent_store.get_agent(store, "pupil")
    requests = [resolve_request(subject.memory, one) for one in words(store)]
    lessons = make_benign_lessons(agent_store.load_course(store, "pupil"), subject, requests, 3)
    assert len(lessons) == 3 and not {task.seed for task in lessons} & set(range(10))
    for n, task in enumerate(lessons):
        events = await record_task(Subject(subject.mind), task, f"b{n}")
        outcome = [event for event in events if event.kind == "outcome"]
        assert not any(build_event_test(request)(event) for request in requests for event in outcome)
    assert make_benign_lessons({}, subject, requests, 3) == ()


def test_measuring_changes_nothing_and_names_no_target(store: Store, db: Path) -> None:
    before = agent_store.get_agent(store, "pupil")
    run(store, "selective-replay", benign=1)
    assert agent_store.get_agent(store, "pupil") == before
    names = [one.removeprefix("forget ").encode() for one in words(store)]
    with sqlite3.connect(db) as connection:
        told = [repr(row) for table in ("trial", "reading") for row in connection.execute(f"SELECT * FROM {table}")]
    assert told and not any(name.decode() in row for row in told for name in names)


def test_the_command_tells_a_table_and_the_records_have_it(db: Path, store: Store) -> None:
    asked = [part for one in words(store) for part in ("--request", one)]
    done = CliRunner().invoke(app, ["sequence", "pupil", *asked, "--method", "noop", "--db", str(db), "--benign", "0"])
    assert done.exit_code == 0 and "DDS 1.000 (twin 0.000) · DUS 1.000 (twin 1.000)" in done.output
    made = CliRunner().invoke(app, ["sequence", "pupil", *asked, "--db", str(db), "--benign", "0", "--json"])
    table = json.loads(made.output)
    assert table["dds"] == 0 and len(table["steps"]) == 3
    sql = "SELECT probe, value, twin, lift FROM forgetting WHERE bench = 'sequence' AND method = 'noop'"
    found = query(str(db), f"{sql} AND probe IN ('dds', 'told_3', 'earlier_3') GROUP BY probe ORDER BY probe")
    assert found.rows == (("dds", 1.0, 0.0, 1.0), ("earlier_3", 1.0, None, None), ("told_3", 1.0, 0.0, 1.0))


@pytest.mark.parametrize(("series", "says"), [
    (Series("pupil", ()), "--request"),
    (Series("pupil", ("forget everything",)), "asks to forget everything"),
    (Series("nobody", ("forget it",)), "nobody"),
    (Series("pupil", ("forget it",), "replayy"), "replay"),
    (Series("pupil", ("forget it",), benign=-1), "--benign"),
])  # fmt: skip
def test_what_cannot_be_done_is_told(store: Store, series: Series, says: str) -> None:
    with pytest.raises(ArenaError, match=says):
        measure_sequence(store, series)
