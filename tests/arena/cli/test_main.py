"""The command, as a newcomer types it in a folder of its own."""

import json
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
from repository import ROOT

GUESS = '''
from dataclasses import dataclass
from arena.game import game
from arena import Game, IllegalMove, Move, View

@game
@dataclass(frozen=True, slots=True)
class Guess(Game[tuple]):
    """Say a number below ten."""
    most: int = 9
    seats = ("you",)
    def start(self, rng): return ()
    def to_act(self, state): return () if state else ("you",)
    def view(self, state, seat): return View(seat, "say a number")
    def apply(self, state, moves):
        if not moves["you"].text.isdigit(): raise IllegalMove("you", "say a number")
        return (int(moves["you"].text),)
    def scores(self, state): return {"you": float(state[0]) if state else None}

def seven(view): return "7"
def broken(view): raise RuntimeError("the model fell over")
def slow(view):
    import time
    time.sleep(0.3)
    return "3"
'''


def process(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "arena", *arguments], cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("played")
    (folder / "mine.py").write_text(GUESS)
    return folder, arena(folder, "play", "--rounds", "5")


def test_the_first_command_tells_five_rounds_and_where_to_look(played: tuple[Path, str]) -> None:
    folder, text = played
    for number in range(1, 6):
        assert f"Round {number} of 5 begins" in text
    assert "critic" in text and "Rounds:" in text and "arena show" in text
    rows = json.loads(arena(folder, "sql", "select * from rounds", "--json"))
    prices = [row["price"] for row in rows if row["deal"]]
    assert len(rows) == 5 and prices[-1] > prices[0], "the critic's advice moves the price"


def test_every_command_of_a_tour_works(played: tuple[Path, str]) -> None:
    folder, text = played
    assert "bargaining" in arena(folder, "list", "games")
    assert "boulware" in arena(folder, "list", "agents")
    assert "openai" in arena(folder, "list", "models")
    assert "bargaining" in arena(folder, "list", "runs") + arena(folder, "list", "episodes")
    shown = arena(folder, "show")
    transcript = text[: text.index("Rounds:")]
    assert transcript.strip() in shown, "an episode told again reads as it was played"
    assert arena(folder, "db", "path").strip() == str((folder / "arena.db").resolve())
    assert arena(folder, "--version").startswith("arena 0")
    assert "keeps the contract" in arena(folder, "check", "bargaining", "--episodes", "2")


def test_a_process_of_its_own_ends_with_the_same_words_and_codes(played: tuple[Path, str]) -> None:
    folder, text = played
    shown = process(folder, "show")
    assert (shown.returncode, shown.stderr) == (0, "") and text[: text.index("Rounds:")].strip() in shown.stdout
    wrong = process(folder, "play", "bargainin")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "did you mean bargaining" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "view", ["rounds", "deals", "transcript", "leaderboard", "spend", "calls", "episodes", "runs", "scores", "forks"]
)
def test_the_views_answer(played: tuple[Path, str], view: str) -> None:
    assert isinstance(json.loads(arena(played[0], "sql", f"select * from {view}", "--json")), list)


def test_a_game_in_one_file_is_played_and_checked(played: tuple[Path, str]) -> None:
    folder, _ = played
    text = arena(folder, "play", "mine:Guess", "--seat", "you=mine:seven")
    assert "7" in text and "Scores" in text
    assert "keeps the contract" in arena(folder, "check", "mine.py:Guess", "--episodes", "2")


def test_json_is_one_document_on_stdout(played: tuple[Path, str]) -> None:
    document = json.loads(arena(played[0], "play", "-n", "3", "--rounds", "2", "--json", "--seed", "7"))
    assert [len(episode["rounds"]) for episode in document["episodes"]] == [2, 2, 2]
    assert document["exit"] == 0 and document["errors"] == []


def test_quiet_says_only_the_result_and_dry_run_plays_nothing(tmp_path: Path) -> None:
    assert "begins" not in arena(tmp_path, "play", "-q")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    assert '"exponent"' in arena(fresh, "play", "--dry-run") or '"linear"' in arena(fresh, "play", "--dry-run")
    assert not (fresh / "arena.db").exists()


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["play", "bargainin"], "did you mean bargaining"),
        (["play", "--buyer", "boulwar"], "did you mean boulware"),
        (["play", "--buyer", "openai/gpt-5"], "OPENAI_API_KEY"),
        (["play", "--buyer", "anthropic/claude"], "ANTHROPIC_API_KEY"),
        (["play", "--buyer", "opnai/gpt-5"], "did you mean openai"),
        (["play", "--buyer", "local/no/such/folder"], "no/such/folder"),
        (["play", "--rounds", "-3"], "rounds is a count"),
        (["play", "--rounds", "x"], "'--rounds'"),
        (["play", "--seed", "abc"], "'--seed'"),
        (["play", "-n", "0"], "1 or more"),
        (["play", "--coach", "judge"], "coach = 'judge'"),
        (["play", "--seat", "buyer"], "NAME=AGENT"),
        (["play", "--seat", "byuer=linear"], "did you mean buyer"),
        (["play", "--set", "cost"], "a.b=c"),
        (["play", "--set", "game.csot=9"], "did you mean cost"),
        (["play", "--set", "sller.heeds=1"], "did you mean seller"),
        (["play", "--set", "game.cost=cheap"], "cost = 'cheap'"),
        (["play", "--plan", "missing.toml"], "cannot be read"),
        (["play", "--plan", "broken.toml"], "not TOML"),
        (["play", "--plan", "typo.toml"], "did you mean seats"),
        (["play", "--plan", "type.toml"], "n takes a whole number"),
        (["list", "gmaes"], "did you mean games"),
        (["show", "nothing"], "nothing"),
        (["check", "nothing"], "no game named 'nothing'"),
        (["sql", "select * from ronds"], "rounds"),
        (["sql", "delete from turn"], "read"),
        (["sql", "attach 'x' as y"], "read"),
    ],
)
def test_bad_input_is_answered_with_what_to_type(played: tuple[Path, str], arguments: list[str], says: str) -> None:
    folder, _ = played
    (folder / "broken.toml").write_text("n = = 3")
    (folder / "typo.toml").write_text("[seets]\nbuyer = 'linear'")
    (folder / "type.toml").write_text("n = 'three'")
    assert says in arena(folder, *arguments, code=2)


def test_a_plan_is_read_and_options_go_before_it(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        'n = 2\nseed = 5\n[game]\nname = "bargaining"\nrounds = 2\n[seats]\nbuyer = "conceder"\n'
    )
    document = json.loads(arena(tmp_path, "play", "--plan", "plan.toml", "-n", "1", "--seller", "boulware", "--json"))
    (episode,) = document["episodes"]
    assert "buyer=conceder" in episode["seats"] and "seller=boulware" in episode["seats"] and episode["seed"] == 5


def test_a_failing_agent_fails_its_episode_only_and_never_scores_zero(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GUESS)
    text = arena(tmp_path, "play", "mine:Guess", "--seat", "you=mine:broken", "--json", code=3)
    (episode,) = json.loads(text)["episodes"]
    assert episode["status"] == "error" and not any(episode["scores"].values())
    assert "the model fell over" in json.loads(text)["errors"][0]
    with sqlite3.connect(tmp_path / "arena.db") as connection:
        assert connection.execute("select count(*) from score where value is not null").fetchone() == (0,)
        assert "RuntimeError" in connection.execute("select error from episode").fetchone()[0]


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_answered_and_the_same_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GUESS)
    command = [
        sys.executable,
        "-m",
        "arena",
        "play",
        "mine:Guess",
        "--seat",
        "you=mine:slow",
        "-n",
        "30",
        "--at-once",
        "1",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=env
    )
    deadline = time.monotonic() + 30
    while answered(tmp_path) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and "the same command goes on" in errors
    before = answered(tmp_path)
    assert 2 <= before < 30
    (tmp_path / "mine.py").write_text(GUESS.replace("sleep(0.3)", "sleep(0)"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0 and "goes on" in done.stderr
    assert answered(tmp_path) == 30


def answered(folder: Path) -> int:
    try:
        with sqlite3.connect(f"file:{folder / 'arena.db'}?mode=ro", uri=True) as connection:
            count: tuple[Any] = connection.execute("select count(*) from turn").fetchone()
            return int(count[0])
    except sqlite3.Error:
        return 0


def test_escapes_in_what_agents_say_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GUESS + '\ndef loud(view): return "\\x1b[2J\\x1b]0;owned\\x07 gone"\n')
    text = arena(tmp_path, "play", "--seller", "mine:loud", "--buyer", "mine:loud", "--set", "game.turns=1")
    assert "\x1b" not in text and "\x07" not in text and "gone" in text
    assert "\x1b" not in arena(tmp_path, "show") + arena(tmp_path, "sql", "select * from transcript")


def test_a_run_of_several_episodes_is_shown_as_a_whole(tmp_path: Path) -> None:
    played = json.loads(arena(tmp_path, "play", "-n", "3", "--json"))
    assert json.loads(arena(tmp_path, "show", played["run"], "--json")) == played
    text = arena(tmp_path, "show", played["run"][:-1])
    assert f"run {played['run']}: 3 over" in text and "Scores:" in text and "Rounds (means" in text
    assert f"episode {played['run']}.2: over" in arena(tmp_path, "show", f"{played['run']}.2")
    (tmp_path / "bad.py").write_text("def bad(view):\n    raise OSError('the [line] is dead')\n")
    arena(tmp_path, "play", "-n", "2", "--seat", "buyer=bad.py:bad", "-q", code=3)
    run = json.loads(arena(tmp_path, "list", "runs", "--json"))[0]["id"]
    assert f"episode {run}.2: OSError: the [line] is dead" in arena(tmp_path, "show", run)
    assert json.loads(arena(tmp_path, "show", run, "--json"))["exit"] == 3
