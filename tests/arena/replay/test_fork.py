"""Other futures: the past is shared exactly, the game's chance is the same, the agents' is another."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena
from duel import Keyed, ask, duel, play_all
from editable_game import PLAY, edit, ladder, told
from repository import FIXTURES, ROOT

from arena.episode import Match, parse_match, to_json
from arena.errors import UsageError
from arena.replay.fork import Forks, plan_fork
from arena.runner.run import run
from arena.store.store import Store

ANSWERS = (
    "select step, attempt, seat, text, tool, args, refused, thought from transcript where episode = '{}' order by 1, 2"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One episode of the ladder of six transitions; the tests fork it, and leave it as it is."""
    folder = ladder(tmp_path_factory.mktemp("forked"))
    arena(folder, *PLAY, "--seed", "3")
    return folder


@pytest.fixture(scope="module")
def parent(folder: Path) -> str:
    return str(ask(folder / "arena.db", "SELECT min(id) FROM episode")[0][0])


def answers(folder: Path, episode: str, before: int = 99) -> list[tuple[Any, ...]]:
    """Step, attempt, seat, text and the rest of each answer, refused ones included."""
    columns = "step, attempt, seat, text, tool, args, refused, thought"
    return ask(
        folder / "arena.db",
        f"SELECT {columns} FROM transcript WHERE episode = '{episode}' AND step < {before} ORDER BY step, attempt",
    )


def fact(folder: Path, episode: str, name: str) -> list[tuple[Any, ...]]:
    return ask(folder / "arena.db", f"SELECT n, value FROM fact WHERE episode = '{episode}' AND name = '{name}'")


def test_forks_share_the_past_and_differ_from_there(folder: Path, parent: str) -> None:
    done = told(folder, "fork", parent, "--at", "3", "-n", "4", "-q")
    ids = [episode["id"] for episode in done["episodes"]]
    assert len(ids) == 4 and parent not in ids
    past = answers(folder, parent, before=3)
    assert {row[0] for row in past} == {0, 1, 2} and any(row[6] for row in past)
    assert all(answers(folder, id, before=3) == past for id in ids)
    futures = [str(answers(folder, id)) for id in (parent, *ids)]
    assert len(set(futures)) == 5, "each fork draws on chance of its own"
    assert all(fact(folder, id, "start") == fact(folder, parent, "start") for id in ids), (
        "the game's chance is the parent's"
    )
    rows = [row for row in done["forks"] if row["seat"] == "left"]
    assert [(row["parent"], row["at"], row["seed"]) for row in rows] == [(parent, 3, seed) for seed in range(4)]
    scores = {episode["id"]: episode["scores"]["left"] for episode in done["episodes"]}
    assert all(row["score"] == scores[row["episode"]] for row in rows)
    assert len({row["parent_score"] for row in rows} | set(scores.values())) == 5
    assert told(folder, "verify", done["run"])["equal"] == 4


def test_other_agents_go_on_from_a_moment(folder: Path, parent: str) -> None:
    text = arena(folder, "fork", "--trust", parent, "--at", "2", "--seat", "left=rungs.py:steps", "-n", "2", "-q")
    assert "Forks:" in text and "forked at 2" in text and "mean of forks" in text
    (one,), (two,) = ask(folder / "arena.db", "SELECT DISTINCT episode FROM forks WHERE at = 2 AND agent LIKE '%steps'")
    assert answers(folder, one) == answers(folder, two), "nobody draws on chance any more"
    third = answers(folder, one)[3]
    assert (third[0], int(third[3])) == (2, int(answers(folder, parent, before=2)[-1][3]) + 1)
    longer = told(folder, "fork", parent, "--at", "6", "--set", "game.length=8", "-q")["episodes"][0]
    assert longer["turns"] == 8 and answers(folder, longer["id"], before=6) == answers(folder, parent)


def test_at_the_start_everything_is_played_anew_and_at_the_end_nothing(folder: Path, parent: str) -> None:
    (start,) = told(folder, "fork", parent, "--at", "0", "-q")["episodes"]
    assert start["turns"] == 6 and answers(folder, start["id"]) != answers(folder, parent)
    assert fact(folder, start["id"], "start") == fact(folder, parent, "start")
    (end,) = told(folder, "fork", parent, "--at", "6", "--seat", "left=rungs.py:falls", "-q")["episodes"]
    assert answers(folder, end["id"]) == answers(folder, parent) and end["status"] == "over"
    assert fact(folder, end["id"], "calls") == fact(folder, parent, "calls")


def test_a_fork_is_forked(folder: Path, parent: str) -> None:
    (child,) = told(folder, "fork", parent, "--at", "2", "--seed", "40", "-q")["episodes"]
    (grandchild,) = told(folder, "fork", child["id"], "--at", "4", "--seed", "40", "-q")["episodes"]
    assert answers(folder, grandchild["id"], before=4) == answers(folder, child["id"], before=4)
    assert answers(folder, grandchild["id"]) != answers(folder, child["id"])
    rows = ask(folder / "arena.db", f"SELECT DISTINCT parent, at FROM forks WHERE episode = '{grandchild['id']}'")
    assert rows == [(child["id"], 4)]
    assert told(folder, "verify", grandchild["id"])["equal"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", "7"), "0 (its start) to 6; got 7"),
        (("--at", "-1"), "0 (its start) to 6; got -1"),
        (("--at", "4", "--set", "game.length=3"), "step 3, right: the game is over"),
        (("--at", "4", "--seat", "middle=random"), "no seat"),
    ],
)
def test_what_cannot_be_forked_is_told_before_anything_is_played(
    folder: Path, parent: str, options: tuple[str, ...], said: str
) -> None:
    before = ask(folder / "arena.db", "SELECT count(*) FROM run")
    assert said in arena(folder, "fork", "--trust", parent, *options, code=2)
    assert ask(folder / "arena.db", "SELECT count(*) FROM run") == before


def test_a_dry_run_plays_nothing(folder: Path, parent: str) -> None:
    before = ask(folder / "arena.db", "SELECT count(*) FROM run")
    assert told(folder, "fork", parent, "--at", "2", "-n", "3", "--dry-run")["episodes"] == 3
    assert ask(folder / "arena.db", "SELECT count(*) FROM run") == before


def test_moves_of_other_rules_are_not_kept(tmp_path: Path) -> None:
    folder = ladder(tmp_path)
    arena(folder, *PLAY)
    edit(folder, "float(calls[-1] - calls[0])", "2.0 * (calls[-1] - calls[0])")
    rules = (folder / "rungs.py").read_text()
    (folder / "rungs.py").write_text(rules.replace("rules_version = 1", "rules_version = 2"))
    text = arena(folder, "fork", "--trust", "last", "--at", "2", code=2)
    assert "rules_version 1, and this is 2, which leads elsewhere: scores differ" in text
    edit(folder, "if not move.text.isdigit() or", "if len(calls) == 2 or")
    text = arena(folder, "fork", "--trust", "last", "--at", "3", code=2)
    assert "step 1, right: an answer that was taken is refused" in text


def test_moves_that_lead_to_the_same_end_under_other_rules_are_kept(tmp_path: Path) -> None:
    folder = ladder(tmp_path)
    arena(folder, *PLAY)
    edit(folder, "rules_version = 1", "rules_version = 2")
    assert told(folder, "fork", "last", "--at", "2", "-n", "1")["episodes"][0]["status"] == "over"


@pytest.mark.slow
def test_killed_forks_go_on_with_the_same_command(tmp_path: Path) -> None:
    folder = ladder(tmp_path)
    arena(folder, *PLAY)
    command = ("fork", "last", "--at", "2", "--seat", "left=rungs.py:slow", "-n", "2", "--at-once", "1", "-q")
    process = subprocess.Popen(
        [sys.executable, "-m", "arena", *command], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    fresh = "SELECT count(*) FROM turn JOIN fork USING (episode) WHERE step > 1 AND refused IS NULL"
    deadline = time.monotonic() + 60
    while ask(folder / "arena.db", fresh)[0][0] < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = "SELECT episode, step, attempt, seat, text, at FROM turn WHERE episode LIKE '%.1' ORDER BY 1, 2, 3"
    before = ask(folder / "arena.db", kept)
    (run_id,) = ask(folder / "arena.db", "SELECT id FROM run WHERE status = 'running'")[0]
    done = told(folder, *command)
    assert done["run"] == run_id and [episode["status"] for episode in done["episodes"]] == ["over", "over"]
    after = ask(folder / "arena.db", kept)
    assert len(before) > 2 and set(before) < set(after), "what was answered stays as it was recorded"
    (parent,) = ask(folder / "arena.db", "SELECT DISTINCT parent FROM fork")[0]
    assert all(answers(folder, e["id"], before=2) == answers(folder, parent, before=2) for e in done["episodes"])


def fork_all(store: Store, forks: Forks) -> list[Any]:
    """The episodes of the forks, played."""
    record = forks.add_history(store.begin(forks.matches, "fork"), store)

    async def work() -> list[Any]:
        return [episode async for _, episode in run(record.pending, store, retries=0)]

    return asyncio.run(work())


def test_kept_answers_are_billed_once(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    with Store.open(path) as store:
        name = f"{play_all(store, [duel(1, length=6)]).id}.1"
        (fork,) = fork_all(store, plan_fork(store, name, 4))
        again = store.episode(fork.id)
        original = store.episode(name)
    assert [t.move.text for t in again.turns[:4]] == [t.move.text for t in original.turns[:4]]
    assert [t.move.thought for t in again.turns[:4]] == [t.move.thought for t in original.turns[:4]]
    assert ask(path, f"SELECT step FROM call WHERE episode = '{name}' ORDER BY 1") == [(1,), (3,), (5,)]
    assert ask(path, f"SELECT step FROM call WHERE episode = '{fork.id}'") == [(5,)]
    assert again.match.branch and again.match.seed == original.match.seed


def test_an_episode_that_died_goes_on_in_its_forks(tmp_path: Path) -> None:
    with Store.open(tmp_path / "arena.db") as store:
        name = f"{play_all(store, [duel(1, buyer=duel_dies)]).id}.1"
        assert store.episode(name).status == "error"
        (fork,) = fork_all(store, plan_fork(store, name, 2, {"buyer": "says/well"}))
        assert fork.status == "over" and [turn.move.text for turn in fork.turns if turn.seat == "buyer"] == [
            "ha",
            "well",
        ]
        with pytest.raises(UsageError, match="to 2; got 3"):
            plan_fork(store, name, 3)


def duel_dies(view: Any) -> str:
    if view.rules.startswith("2"):
        raise RuntimeError("the model fell over")
    return "ha"


def test_equal_parents_have_equal_futures_and_runs_of_their_own(tmp_path: Path) -> None:
    """The chance of forks hangs on what was played, not on the ids under which it was recorded."""
    futures = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        arena(ladder(folder), *PLAY, "--seed", "3")
        arena(folder, *PLAY, "--seed", "3", "--again")
        first, second = (row[0] for row in ask(folder / "arena.db", "SELECT id FROM episode ORDER BY id"))
        for parent in (first, second):
            done = told(folder, "fork", parent, "--at", "3", "-n", "2", "-q")
            futures.append([answers(folder, episode["id"]) for episode in done["episodes"]])
        assert len(ask(folder / "arena.db", "SELECT DISTINCT run FROM episode")) == 4
    assert futures[0] == futures[1] == futures[2] == futures[3]
    assert futures[0][0] != futures[0][1], "seeds tell them apart"


def test_an_unfinished_fork_is_not_gone_on_with_as_that_of_another_parent(tmp_path: Path) -> None:
    with Store.open(tmp_path / "arena.db") as store:
        parents = [f"{play_all(store, [duel(1, length=6)]).id}.1" for _ in range(2)]
        one, two = (plan_fork(store, parent, 4) for parent in parents)
        assert [match.id for match in one.matches] == [match.id for match in two.matches]
        begun = store.begin(one.matches, origin=one.parent)
        store.end(begun.id, "interrupted")
        assert store.begin(two.matches, origin=two.parent).id != begun.id
        assert store.begin(one.matches, origin=one.parent).id == begun.id
        assert plan_fork(store, one.parent, 2).matches[0].branch != one.matches[0].branch


def test_secrets_are_not_taken_from_the_record(tmp_path: Path) -> None:
    with Store.open(tmp_path / "arena.db") as store:
        name = f"{play_all(store, [duel(1, buyer=Keyed(api_key='sk-secret-1234567'))]).id}.1"
        spec = plan_fork(store, name, 2).matches[0].resolved["seats"]["buyer"]
        assert spec["api_key"] == "", "the field is back at its default, not at the mask"
        url = Keyed(base_url="https://me:word@example.org/v1")
        other = f"{play_all(store, [duel(2, buyer=url)]).id}.1"
        with pytest.raises(UsageError, match="had a password"):
            plan_fork(store, other, 2)
        forks = plan_fork(store, other, 2, settings=["buyer.base_url=https://me:other@example.org"])
        assert forks.matches[0].resolved["seats"]["buyer"]["base_url"] == "https://me:other@example.org"


def test_ids_of_matches_are_what_they_were_before_there_were_forks(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((FIXTURES / "schema_v1.sql").read_text())
    assert ask(path, "SELECT match FROM episode WHERE seed = 0") == [(duel(0).id,)]
    plain, fork = Match("bargaining", seed=4), Match("bargaining", seed=4, branch=9)
    assert "branch" not in to_json(plain) and "branch" not in plain.resolved and plain.id != fork.id
    assert parse_match(to_json(fork)) == fork and parse_match(to_json(fork)).id == fork.id
    assert fork.with_seed(5).resolved == Match("bargaining", seed=5, branch=9).resolved
