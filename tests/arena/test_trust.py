"""Code from outside: only parts that the user names are run, and files of the current folder shadow nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import arena, typed

from arena.external_parts import Outside

PART = """
from pathlib import Path
from arena import Game, IllegalMove, View

Path(__file__).with_name("ran").touch()

def bets(view): return view.legal[0]

class Trap(Game):
    pass

def scores(game, state): return {}
"""
GAME = """
from dataclasses import dataclass
from pathlib import Path
from arena.game import game
from arena import Game, View

Path(__file__).with_name("ran").touch()

@game
@dataclass(frozen=True, slots=True)
class Once(Game[int]):
    '''One word is said.'''
    seats = ("one",)
    cast = {"one": "random"}
    def start(self, rng): return 0
    def to_act(self, state): return () if state else ("one",)
    def view(self, state, seat): return View(seat, "Say something.", legal=("a", "b"))
    def apply(self, state, moves): return 1
    def scores(self, state): return {"one": 1.0}
    def bounds(self): return {"one": (0.0, 1.0)}
"""
READING = [("show", "last"), ("verify", "last"), ("rescore", "last"), ("fork", "last", "--at", "0")]


def ran(folder: Path) -> bool:
    """Whether the file of that folder was run since it was last asked."""
    mark = folder / "ran"
    found = mark.exists()
    mark.unlink(missing_ok=True)
    return found


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stranger's database, whose game and agents are code beside it, and a new user's settings."""
    (tmp_path / "theirs.py").write_text(GAME + PART)
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "stranger"))
    arena(tmp_path, "play", "theirs.py:Once", "--seat", "one=theirs:bets", "-q")
    monkeypatch.setenv("ARENA_CONFIG", str(tmp_path / "mine"))
    assert ran(tmp_path)
    return tmp_path


@pytest.mark.few(1)
@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_a_record_runs_no_code_that_only_it_names(stranger: Path, command: tuple[str, ...]) -> None:
    done = typed(stranger, *command)
    assert not ran(stranger)
    assert "--trust" in done.stdout + done.stderr and "SHA-256" in done.stdout + done.stderr
    assert done.code == {"show": 0, "verify": 3, "rescore": 3, "fork": 2}[command[0]]


def test_show_tells_the_answers_without_the_game(stranger: Path) -> None:
    told = arena(stranger, "show")
    assert "one  a" in told and "episode" in told and not ran(stranger)


def test_verify_does_not_call_unchecked_episodes_equal(stranger: Path) -> None:
    found = json.loads(typed(stranger, "verify", "--json").stdout)
    assert (found["exit"], found["equal"], found["diverged"], found["unchecked"]) == (3, 0, 0, 1)


@pytest.mark.few(2)
@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_what_was_trusted_is_remembered_until_the_file_changes(stranger: Path, command: tuple[str, ...]) -> None:
    arena(stranger, *command, "--trust")
    assert ran(stranger)
    arena(stranger, "verify")
    assert ran(stranger)
    file = stranger / "theirs.py"
    file.write_text(file.read_text() + "\n# another line\n")
    typed(stranger, "verify")
    assert not ran(stranger)


def test_the_same_part_on_the_command_line_is_trust_enough(stranger: Path) -> None:
    arena(stranger, "fork", "last", "--at", "0", "--seat", "one=random", "--set", "game.name=theirs.py:Once", "-q")
    assert ran(stranger)


def test_another_thing_in_the_named_file_is_not_named(stranger: Path) -> None:
    done = typed(stranger, "rescore", "--scorer", "theirs.py:nothing_of_that_name")
    assert done.code and ("Once" in done.stdout + done.stderr or "nothing_of" in done.stderr)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "builtins:eval", "this:s", "antigravity:fly"])
def test_a_module_of_the_library_is_code_from_outside_too(tmp_path: Path, name: str) -> None:
    arena(tmp_path, "play", "kuhn", "-q")
    import sqlite3

    with sqlite3.connect(tmp_path / "arena.db") as connection:
        for id, spec in connection.execute("SELECT id, spec FROM episode").fetchall():
            changed = json.loads(spec)
            changed["game"] = {"name": name}
            connection.execute("UPDATE episode SET spec = ? WHERE id = ?", (json.dumps(changed), id))
    for command in READING:
        done = typed(tmp_path, *command)
        assert "only the record names it" in done.stdout + done.stderr, done


def test_the_first_run_of_a_plan_says_what_code_it_runs(stranger: Path) -> None:
    (stranger / "plan.toml").write_text('n = 2\n[game]\nname = "theirs.py:Once"\n[seats]\none = "theirs.py:bets"\n')
    shown = arena(stranger, "run", "plan.toml", "--dry-run")
    assert "theirs.py:Once" in shown and "theirs.py:bets" in shown and not ran(stranger)
    assert json.loads(arena(stranger, "run", "plan.toml", "--dry-run", "--json"))["not_imported"]
    first = typed(stranger, "run", "plan.toml", "-q")
    digest = Outside.parse("theirs.py:Once")
    assert first.code == 0 and first.stderr.count("runs code of its own") == 2 and ran(stranger) and digest
    second = typed(stranger, "run", "plan.toml", "-q", "--again")
    assert second.code == 0 and "code of its own" not in second.stderr
    assert "2 episode(s)" in arena(stranger, "run", "plan.toml", "--dry-run")


def test_sweeps_and_tournaments_of_a_plan_are_looked_through(stranger: Path) -> None:
    (stranger / "cup.toml").write_text(
        'n = 1\n[game]\nname = "kuhn"\n'
        '[tournament]\nagents = ["random", "theirs.py:bets(x=1)", {name = "theirs:other"}]\n'
    )
    shown = arena(stranger, "run", "cup.toml", "--dry-run")
    assert "theirs.py:bets" in shown and "theirs:other" in shown and not ran(stranger)


@pytest.mark.slow
def test_files_of_the_current_folder_take_no_library_s_place(tmp_path: Path) -> None:
    for name in ("pydantic", "secrets", "queue", "sqlite3", "rich", "typer", "sqlmodel", "json", "random", "tomllib",
                 "numpy", "orjson", "genai_prices"):  # fmt: skip
        (tmp_path / f"{name}.py").write_text(f"print('taken: {name}')")
    for name in ("agents", "games", "unlearning", "sqlalchemy", "pydantic_core"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"print('taken: {name}')")
    commands = (["list", "games"], ["play", "-q"], ["show"], ["sql", "select 1"], ["verify"], ["--help"])
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    for start in ([str(Path(sys.executable).with_name("arena"))], [sys.executable, "-m", "arena"]):
        for command in commands:
            done = subprocess.run([*start, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert "taken: " not in done.stdout + done.stderr and done.returncode == 0, (start, command, done)


def test_a_part_in_the_current_folder_finds_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "helper_of_mine.py").write_text("WORD = 'pass'")
    (tmp_path / "random.py").write_text("raise SystemExit('taken')")
    (tmp_path / "mine.py").write_text("import random, helper_of_mine\ndef says(view): return view.legal[0]")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "rich.py").write_text("def says(view): return view.legal[-1]")
    arena(tmp_path, "play", "kuhn", "--seat", "first=mine:says", "--seat", "second=inner/rich.py:says", "-q")
    names = json.loads(arena(tmp_path, "sql", "select seats from episodes", "--json"))
    assert "inner/rich.py:says" in str(names) and "mine:says" in str(names)
    assert "1 of 1 episodes" in arena(tmp_path, "verify")
