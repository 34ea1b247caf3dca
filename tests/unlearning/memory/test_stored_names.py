"""A database of schema 3, whose rows name writers and guards by module and class: every command still works on it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli_runner import arena
from repository import FIXTURES

from agents.guardrails.auditor import Auditor
from agents.guardrails.detector import Detector
from agents.guardrails.name_filter import Filter
from agents.memory import agent_store
from agents.memory.note_writers import ALL
from agents.models.local import Local
from arena.lessons import KINDS
from arena.registry import list_entries
from arena.store.database import VERSION
from arena.store.store import Store
from arena.text.lesson_sentences import read_lesson
from unlearning.memory.influence_set import list_routes

FIXTURE = FIXTURES / "schema_v3.sql"
GUARDS = {
    "s-filter": [Filter],
    "s-dragon": [Detector],
    "s-alu": [Auditor],
    "s-both": [Filter, Auditor],
    "s-write-gate": [],
    "walker": [],
}
TARGET = "Skandror Thaevor"  # whom every seller in the database still knows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "arena.db")) as connection:
        connection.executescript(FIXTURE.read_text(encoding="utf-8"))
    return tmp_path


def asked(folder: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "arena.db")) as connection:
        return connection.execute(question).fetchall()


def test_the_rows_name_modules_and_their_parts_are_found(folder: Path) -> None:
    stored = [spec for (spec,) in asked(folder, "SELECT spec FROM subject")]
    assert all("agents.writers:Records" in str(spec) for spec in stored)
    assert {kind for kind in ("guards:Filter", "detector:Detector", "auditor:Auditor") if kind in str(stored)} == {
        "guards:Filter", "detector:Detector", "auditor:Auditor"}  # fmt: skip
    with Store.open(folder / "arena.db") as store:
        for name in agent_store.list_names(store):
            assert agent_store.get_agent(store, name).memory.writers == ALL
        for name, guards in GUARDS.items():
            assert [type(guard) for guard in agent_store.get_agent(store, name).guards] == guards
        assert agent_store.get_agent(store, "s-both").guards[0].side == "output"  # type: ignore[attr-defined]
        assert not agent_store.get_agent(store, "s-write-gate").memory.gate.admits("Taeven Trava")
        assert agent_store.get_agent(store, "clerk").mind.model == Local("models/base", adapter="models/adapter")  # type: ignore[attr-defined]
    assert asked(folder, "PRAGMA user_version") == [(VERSION,)]


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["seller", "s-filter", "s-dragon", "s-both", "s-write-gate", "s-icul"])
def test_an_agent_of_old_is_read_and_forgets_and_is_stored_by_registered_names(folder: Path, name: str) -> None:
    assert TARGET in arena(folder, "notes", name)
    done = json.loads(arena(folder, "forget", name, "--request", f"forget {TARGET}", "--json"))
    assert done["events"] == 3
    assert TARGET not in arena(folder, "notes", name)
    assert f"{name} forgot 1 target" in arena(folder, "receipt", name)
    spec = json.loads(str(asked(folder, f"SELECT spec FROM subject WHERE name = '{name}'")[0][0]))
    assert {writer["name"] for writer in spec["writers"]} == set(list_entries("writer"))
    assert {guard["name"] for guard in spec["guards"]} <= set(list_entries("guard"))
    assert TARGET not in arena(folder, "notes", name)


def test_events_of_old_get_the_data_that_their_words_say(folder: Path) -> None:
    before = asked(folder, "SELECT owner, n, id, text FROM event ORDER BY owner, n")
    with Store.open(folder / "arena.db") as store:
        for name in agent_store.list_names(store):
            log = agent_store.get_agent(store, name).memory.log
            assert all(event.data == read_lesson(event.kind, event.subject, event.text) for event in log)
            assert all(event.data is not None for event in log if event.kind in KINDS)
    assert asked(folder, "SELECT owner, n, id, text FROM event ORDER BY owner, n") == before
    ((data,),) = asked(folder, "SELECT data FROM event WHERE kind = 'outcome' AND owner = 'reader'")
    assert json.loads(str(data))["actions"][-1] == "finish [1873]"
    ((limits,),) = asked(folder, "SELECT count(*) FROM event WHERE json_extract(data, '$.limit') > 12")
    assert limits


def test_a_task_of_old_is_forgotten_by_its_actions_and_its_plan_goes(folder: Path) -> None:
    with Store.open(folder / "arena.db") as store:
        memory = agent_store.get_agent(store, "reader").memory
        plans = [note for note in memory.notes if note.kind == "plan"]
        episode = next(event.episode for event in memory.log if event.id in plans[0].parents)
        assert list_routes(memory, episode)[0].endswith("finish [1873]")
        anew = memory.without(())  # the keys of groups were cut in the fixture, at the NUL that older keys had
        assert [(note.id, note.text) for note in anew.notes] == [(note.id, note.text) for note in memory.notes]
    done = json.loads(arena(folder, "forget", "--agent", "reader", "--request", f"forget {episode}", "--json"))
    assert done["events"] > 0
    with Store.open(folder / "arena.db") as store:
        left = agent_store.get_agent(store, "reader").memory
        assert plans[0].id not in {note.id for note in left.notes}


def test_a_model_with_an_adapter_is_read_and_forgets_without_its_weights(folder: Path) -> None:
    assert "Zoskosk Thodallen cannot pay" in arena(folder, "notes", "clerk")
    arena(folder, "forget", "clerk", "--request", "forget Zoskosk Thodallen")
    assert "Zoskosk Thodallen" not in arena(folder, "notes", "clerk")
    assert "models/adapter" in str(asked(folder, "SELECT spec FROM subject WHERE name = 'clerk'"))


def test_receipts_of_old_are_shown(folder: Path) -> None:
    assert "walker forgot 1 target (state) by selective-replay" in arena(folder, "receipt", "walker")
    for (request,) in asked(folder, "SELECT id FROM request"):
        assert "Not removed:" in arena(folder, "receipt", str(request))


def test_an_agent_of_old_is_probed_beside_its_twin(folder: Path) -> None:
    told = arena(folder, "probe", "walker", "--request", "forget Trurdor Chapel", "--probes", "leak_answer,residue")
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [["leak_answer", "0"], ["residue", "0"]]


def test_an_agent_of_old_learns_on(folder: Path) -> None:
    arena(folder, "teach", "s-both", "--game", "bargaining", "--lessons", "1", "--seed", "5")
    with Store.open(folder / "arena.db") as store:
        assert len(agent_store.get_agent(store, "s-both").memory.log) > 9
        assert [type(guard) for guard in agent_store.get_agent(store, "s-both").guards] == [Filter, Auditor]


@pytest.mark.slow
def test_episodes_of_old_are_listed_shown_verified_and_forked(folder: Path) -> None:
    episodes = [str(row[0]) for row in asked(folder, "SELECT id FROM episode ORDER BY id")]
    listed = arena(folder, "list", "episodes")
    assert len(episodes) == 8 and all(id in listed for id in episodes)
    assert len(json.loads(arena(folder, "list", "runs", "--json"))) == 7
    for id in episodes:
        assert id in arena(folder, "show", id)
        assert "1 of 1 episodes lead to the same end today" in arena(folder, "verify", id)
    for game in ("kuhn", "bargaining", "gridworld"):
        parent = asked(folder, f"SELECT id FROM episode WHERE game = '{game}' ORDER BY id")[0][0]
        arena(folder, "fork", str(parent), "--at", "1", "-q")
        assert (parent, 1) in asked(folder, "SELECT parent, at FROM fork")


def test_trials_of_old_are_not_measured_again(folder: Path) -> None:
    before = asked(folder, "SELECT id, at FROM trial")
    options = "--methods filter,selective-replay --environments gridworld --scopes state --budgets 1 --games 1"
    table = arena(folder, "bench", "agents", *options.split())
    assert "selective-replay" in table and asked(folder, "SELECT id, at FROM trial") == before
