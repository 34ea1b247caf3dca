"""A taught agent takes a seat by its name: recorded without its memory, verified, forked, resumed, asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena, typed

from agents.memory.taught_agent import TaughtAgent
from arena.engine.play import play
from arena.errors import UsageError
from arena.spec import check_ready, describe

GRID = ("gridworld", "--set", "game.preset=unknown")
TARGET = "Sosten Harbour"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database keeps a walker and a seller."""
    folder = tmp_path_factory.mktemp("school")
    arena(folder, "teach", "walker")
    arena(folder, "teach", "linear", "--game", "bargaining", "--lessons", "3")
    return folder


@pytest.fixture
def folder(school: Path, tmp_path: Path) -> Path:
    (tmp_path / "arena.db").write_bytes((school / "arena.db").read_bytes())
    return tmp_path


def asked(folder: Path, sql: str) -> Any:
    return json.loads(arena(folder, "sql", sql, "--json"))


def test_it_walks_straight_to_what_it_knows_and_wanders_where_it_forgot(folder: Path) -> None:
    def steps() -> int:
        arena(folder, "play", *GRID, "--seat", "agent=walker", "-n", "8", "-q")
        rows = asked(folder, "select avg(turns) as steps from episodes where run = (select max(id) from runs)")
        return float(rows[0]["steps"])  # type: ignore[return-value]

    knows = steps()
    arena(folder, "forget", "walker", "--request", "forget everything", "--method", "reset")
    assert steps() > knows + 1


def test_the_record_holds_a_state_and_no_memory(folder: Path) -> None:
    arena(folder, "play", *GRID, "--seat", "agent=walker", "-q")
    spec = json.loads(asked(folder, "select spec from seat")[0]["spec"])
    assert (
        spec["name"] == "taught/walker" and spec["state"].startswith("146 events") and spec["mind"]["name"] == "knower"
    )
    assert TARGET not in json.dumps(spec)
    assert "equal" in arena(folder, "verify")


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "change",
    [("forget", "walker", "--request", f"forget {TARGET}"), ("teach", "walker", "--seed", "5"),
     ("forget", "walker", "--request", f"forget {TARGET}", "--method", "instruction")],
    ids=["forgot", "learned", "steered"],
)  # fmt: skip
def test_an_earlier_state_is_verified_but_not_played_on(folder: Path, change: tuple[str, ...]) -> None:
    arena(folder, "play", *GRID, "--seat", "agent=walker", "-q")
    arena(folder, "fork", "last", "--at", "1", "-q")
    arena(folder, *change)
    assert "equal" in arena(folder, "verify")
    told = arena(folder, "fork", "last", "--at", "1", "--again", "-q", code=2)
    assert "walker has learned or forgotten since" in told and "--seat SEAT=walker" in told
    arena(folder, "fork", "last", "--at", "1", "--seat", "agent=walker", "-q")


@pytest.mark.slow
def test_a_run_goes_on_and_is_another_after_the_agent_changed(folder: Path) -> None:
    command = ("play", *GRID, "--seat", "agent=walker", "-n", "3", "-q")
    arena(folder, *command)
    first = asked(folder, "select plan_hash from run")
    arena(folder, "forget", "walker", "--request", f"forget {TARGET}")
    arena(folder, *command)
    hashes = {row["plan_hash"] for row in asked(folder, "select plan_hash from run")}
    assert len(first) == 1 and len(hashes) == 2


def test_questions_are_answered_and_recorded(folder: Path) -> None:
    told = arena(folder, "ask", "walker", f"Where is {TARGET}?", "Where is Kraennime Market?").splitlines()
    assert told[0].startswith(f"{TARGET} is at (6, 4)") and told[1].startswith("Kraennime Market is at (2, 9)")
    answers = json.loads(arena(folder, "ask", "walker", "Where is Trurdor Chapel?", "--json"))
    assert "(5, 9)" in answers[0]["answer"] and answers[0]["episode"] in arena(folder, "verify")
    assert "Trurdor Chapel" in arena(folder, "show", "last")
    arena(folder, "forget", "walker", "--request", f"forget {TARGET}")
    assert "do not know" in arena(folder, "ask", "walker", f"Where is {TARGET}?")


def test_any_agent_can_be_asked_and_a_failure_is_no_answer(folder: Path) -> None:
    assert "hello" in arena(folder, "ask", "scripted/echo", "hello")
    done = typed(folder, "ask", "linear", "What is your price?")
    assert done.code == 3 and not done.stdout.strip() and "no answer" in done.stderr


@pytest.mark.slow
def test_a_registered_name_goes_first_and_the_taught_one_is_spelled_out(folder: Path) -> None:
    arena(folder, "play", "--seller", "linear", "-q")
    arena(folder, "play", "--seller", "taught/linear", "-q")
    names = {row["agent"] for row in asked(folder, "select agent from seat where seat = 'seller'")}
    assert names == {"linear", "taught/linear"}
    assert "ask taught/linear" in arena(folder, "teach", "linear", "--game", "bargaining", "--seed", "1")


@pytest.mark.slow
def test_sweeps_and_tournaments_take_it_by_name(folder: Path) -> None:
    (folder / "s.toml").write_text(
        'n = 2\ngame = {name = "gridworld", preset = "unknown"}\n[sweep]\nseats.agent = ["walker", "random"]\n'
    )
    assert "seats.agent=walker" in arena(folder, "run", "s.toml")
    arena(folder, "tournament", "gridworld", "walker", "pathfinder", "-n", "2", "-q")


def test_who_is_not_there_is_named_with_who_is(folder: Path) -> None:
    assert "did you mean walker" in arena(folder, "play", *GRID, "--seat", "agent=wlaker", code=2)
    told = arena(folder, "play", *GRID, "--seat", "agent=taught/wlaker", code=2)
    assert "did you mean walker" in told and "arena teach wlaker" in told
    told = arena(folder, "play", *GRID, "--seat", "agent=walker", "--db", "other.db", code=2)
    assert "no agent named 'walker'" in told


def test_what_is_on_record_is_listed(folder: Path) -> None:
    arena(folder, "forget", "walker", "--request", f"forget {TARGET}")
    subjects = json.loads(arena(folder, "list", "subjects", "--json"))
    assert {row["name"]: row["taught_in"] for row in subjects} == {"walker": "gridworld", "linear": "bargaining"}
    assert [row["agent"] for row in json.loads(arena(folder, "list", "requests", "--json"))] == ["walker"]


def test_from_python_it_sits_by_the_database_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_DB", str(folder / "arena.db"))
    episode = play({"name": "question", "question": f"Where is {TARGET}?"}, {"agent": "walker"})
    assert "(6, 4)" in str(episode.facts["answer"])
    agent = TaughtAgent("walker")
    assert describe(agent)["state"] == agent.state
    with pytest.raises(UsageError, match="learned or forgotten"):
        check_ready(TaughtAgent("walker", state="2 events"))
