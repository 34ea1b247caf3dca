"""Going on with the command: stopped by money, by Ctrl-C once and twice, by errors; and a plan that has changed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_runner import typed
from duel import ask
from repository import ROOT, SUPPORT
from typer.testing import CliRunner, Result

from arena.cli.main import app
from arena.runner.resume import list_differences

AGENTS = """
import asyncio, os, time
from dataclasses import dataclass
from arena.agent import agent
from arena import Move

@agent
@dataclass(frozen=True, slots=True)
class Shy:
    '''Says yes, unless there is a file that says it may not.'''
    words: str = "yes"
    async def act(self, view):
        if os.path.exists("broken") and view.seed % 3 == 0:
            raise ConnectionError("the server is gone")
        return Move(self.words)

async def slow(view):
    with open("slow.log", "a") as log:
        log.write("asked ")
    await asyncio.sleep(0.1)
    return "yes"

def stuck(view):
    open("stuck", "w").close()
    time.sleep(60)
    return "never"
"""
PRICED = ["--buyer", "scripted/negotiator", "--set", "buyer.usd_per_million=[100,300]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("shy", None)
    (tmp_path / "shy.py").write_text(AGENTS)
    return tmp_path


def arena(monkeypatch: pytest.MonkeyPatch, *arguments: str, code: int = 0) -> Result:
    monkeypatch.setattr(sys, "argv", ["arena", *arguments])
    done = CliRunner().invoke(app, list(arguments))
    assert (2 if isinstance(done.exception, Exception) else done.exit_code) == code, (done.output, done.exception)
    return done


def query(sql: str) -> list[tuple[Any, ...]]:
    return ask(Path("arena.db"), sql)


def started(*arguments: str) -> "subprocess.Popen[str]":
    paths = os.pathsep.join(map(str, (Path.cwd(), ROOT, SUPPORT)))
    return subprocess.Popen(
        [sys.executable, "-m", "arena", *arguments], env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(condition: Any) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def turns() -> int:
    return int(query("SELECT count(*) FROM turn")[0][0]) if Path("arena.db").exists() and query(
        "SELECT 1 FROM sqlite_master WHERE name = 'turn'") else 0  # fmt: skip


def test_the_budget_ends_a_run_with_code_4_and_more_money_goes_on(folder: Path, monkeypatch: Any) -> None:
    first = arena(monkeypatch, "play", *PRICED, "-n", "5", "--usd", "0.5", "--json", code=4)
    document = json.loads(first.stdout)
    assert document["exit"] == 4 and "cut" in {episode["status"] for episode in document["episodes"]}
    assert query("SELECT status FROM run") == [("cut",)] and query("SELECT sum(usd) <= 0.5 FROM call") == [(1,)]
    done = json.loads(first.stderr.splitlines()[-1])
    assert done["event"] == "done" and done["status"] == "cut" and "of $0.5 are spent" in done["text"]
    arena(monkeypatch, "play", *PRICED, "-n", "5", "--usd", "0.6", code=4)
    assert query("SELECT sum(usd) <= 0.6 AND sum(usd) > 0.5 FROM call") == [(1,)]
    arena(monkeypatch, "play", *PRICED, "-n", "5", "--usd-seat", "buyer=50")
    assert query("SELECT count(*), min(status) FROM run") == [(1, "over")]
    whole = folder / "whole.db"
    arena(monkeypatch, "play", *PRICED, "-n", "5", "--db", str(whole))
    same = "SELECT e.n, step, seat, text, tool, args FROM turn JOIN episode e ON e.id = episode ORDER BY 1, 2"
    assert query(same) == ask(whole, same)
    assert query("SELECT sum(usd) FROM call")[0] == pytest.approx(ask(whole, "SELECT sum(usd) FROM call")[0])


def test_a_budget_needs_prices_and_real_seats(folder: Path, monkeypatch: Any) -> None:
    unknown = ["play", "--buyer", "scripted/negotiator", "--set", "buyer.usd_per_million=[1,2]"]
    served = ["play", "--buyer", "openai/mine", "--set", "buyer.base_url=http://127.0.0.1:9/v1", "--usd", "1"]
    assert "buyer.usd_per_million=[1,2]" in str(arena(monkeypatch, *served, code=2).exception)
    assert "did you mean buyer" in str(arena(monkeypatch, *unknown, "--usd-seat", "byer=1", code=2).exception)
    assert "NAME=DOLLARS" in str(arena(monkeypatch, *unknown, "--usd-seat", "buyer", code=2).exception)
    assert "0 or more" in str(arena(monkeypatch, *unknown, "--usd", "-3", code=2).exception)
    assert not Path("arena.db").exists()


def test_errors_are_taken_up_again_when_asked_for(folder: Path, monkeypatch: Any) -> None:
    command = [
        "play",
        "duel:Duel",
        "--seat",
        "buyer=shy:Shy",
        "--seat",
        "seller=says/hi",
        "-n",
        "12",
        "--retries",
        "0",
    ]
    Path("broken").touch()
    arena(monkeypatch, *command, code=3)
    failed = query("SELECT id FROM episode WHERE status = 'error'")
    assert 0 < len(failed) < 12 and query("SELECT status FROM run") == [("failed",)]
    Path("broken").unlink()
    arena(monkeypatch, *command, "--retry-errors")
    assert query("SELECT count(*), count(DISTINCT run), min(status) FROM episode") == [(12, 1, "over")]
    assert query("SELECT status FROM run") == [("over",)]


def test_again_begins_a_new_run_although_one_is_open(folder: Path, monkeypatch: Any) -> None:
    command = ["play", *PRICED, "-n", "2"]
    arena(monkeypatch, *command, "--usd", "0.01", code=4)
    arena(monkeypatch, *command, "--again")
    assert [status for (status,) in query("SELECT status FROM run ORDER BY id")] == ["cut", "over"]
    arena(monkeypatch, *command)
    assert query("SELECT count(*), min(status) FROM run") == [(2, "over")], "the open one was gone on with"


def test_a_changed_plan_is_refused_with_what_differs(folder: Path, monkeypatch: Any) -> None:
    plan = folder / "plan.toml"
    text = "# Asked.\nn = 4\n[game]\nname = 'bargaining'\ncost = 8\n[seats]\nbuyer = 'scripted/negotiator'\n"
    plan.write_text(text)
    price = ["--set", "buyer.usd_per_million=[100,300]"]
    arena(monkeypatch, "run", "plan.toml", *price, "--usd", "0.1", code=4)
    plan.write_text(text.replace("cost = 8", "cost = 9").replace("n = 4", "n = 3"))
    said = str(arena(monkeypatch, "run", "plan.toml", *price, "--usd", "9", code=2).exception)
    assert "game.cost: 8.0 then, 9.0 now" in said and "matches: 4 then, 3 now" in said and "--again" in said
    assert query("SELECT count(*), min(status) FROM run") == [(1, "cut")]
    arena(monkeypatch, "run", "plan.toml", *price, "--again")
    plan.write_text(text)
    arena(monkeypatch, "run", "plan.toml", *price, "--usd", "9")
    assert query("SELECT count(*), min(status) FROM run") == [(2, "over")], "undone, it was gone on with"


def test_a_new_rules_version_is_refused(folder: Path, monkeypatch: Any) -> None:
    from duel import Duel

    command = [
        "play",
        "duel:Duel",
        *[f"--seat={seat}=scripted/echo" for seat in ("buyer", "seller")],
        "-n",
        "3",
    ]
    price = ["--set", "buyer.usd_per_million=[1e6,1e6]"]
    arena(monkeypatch, *command, *price, "--usd", "10", code=4)
    monkeypatch.setattr(Duel, "rules_version", 2)
    said = str(arena(monkeypatch, *command, *price, "--usd", "20", code=2).exception)
    assert "rules_version: 1 then, 2 now" in said
    arena(monkeypatch, *command, *price, "--again")


def test_differences_are_told_key_by_key() -> None:
    then = {"game": {"a": 1, "b": [1, 2]}, "gone": True}
    now = {"game": {"a": 1, "b": [1, 3], "c": "x"}}
    assert list(list_differences(then, now)) == [
        "game.b.2: 2 then, 3 now", 'game.c: not there then, "x" now', "gone: true then, gone now",
    ]  # fmt: skip


@pytest.mark.slow
def test_ctrl_c_once_keeps_the_turns_in_flight_and_twice_leaves_at_once(folder: Path) -> None:
    command = ["play", "duel:Duel", *[f"--seat={seat}=shy:slow" for seat in ("buyer", "seller")], "-n", "50"]
    process = started(*command, "--at-once", "8")
    until(lambda: turns() >= 16)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130 and "stopping after the answers in flight" in said
    assert turns() == len(Path("slow.log").read_text().split()) >= 16, "all that was asked for came in"
    assert query("SELECT status FROM run") == [("interrupted",)]
    stuck = started("play", "duel:Duel", "--seat=buyer=shy:stuck", "--seat=seller=says/x")
    until(lambda: Path("stuck").exists())
    stuck.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert stuck.poll() is None, "the answer in flight is waited for"
    stuck.send_signal(signal.SIGINT)
    began = time.monotonic()
    stuck.communicate(timeout=20)
    assert stuck.returncode == 130 and time.monotonic() - began < 5


def test_what_was_ignored_stays_ignored(folder: Path) -> None:
    seats = [f"--seat={seat}=shy:slow" for seat in ("buyer", "seller")]
    code = (
        "import signal, os, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    paths = os.pathsep.join(map(str, (Path.cwd(), ROOT, SUPPORT)))
    process = subprocess.Popen(
        [sys.executable, "-c", code, sys.executable, "-m", "arena", "play", "duel:Duel", *seats, "-n", "4"],
        env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: turns() >= 1)
    process.send_signal(signal.SIGHUP)
    assert process.wait(20) == 0 and query("SELECT status FROM run") == [("over",)]


REASONS = """
async def many(view):
    raise ConnectionError(["the server is gone", "the [/b] server :free: says \\x1b[2J no", "ü"][view.seed % 3])
async def each(view):
    raise ValueError(f"seed {view.seed}")
"""


@pytest.mark.few(2)
@pytest.mark.parametrize("quiet", [["-q"], ["--progress", "none"], ["-q", "--json"], ["-q", "--progress", "plain"]])
def test_quiet_does_not_hide_why(tmp_path: Path, quiet: list[str]) -> None:
    (tmp_path / "dies.py").write_text(REASONS)
    command = ["play", "kuhn", "--seat", "first=dies.py:many", "-n", "9", "--retries", "0", *quiet]
    said = typed(tmp_path, *command)
    assert said.code == 3 and "ConnectionError: the server is gone" in said.stderr
    assert "\x1b" not in said.stderr and "[/b] server :free:" in said.stderr
    lines = [line for line in said.stderr.splitlines() if "failed" in line]
    counts = [
        json.loads(line)["episodes"] if "--json" in quiet else int(line.split()[0]) for line in lines if "Conn" in line
    ]
    assert sum(counts) == 9 and counts == sorted(counts, reverse=True) and len(counts) == 3
    other = typed(tmp_path, "play", "kuhn", "--seat", "first=dies.py:each", "-n", "9", "--retries", "0", *quiet)
    assert "4 more failed for 4 other reasons; all of them: arena show" in other.stderr


def test_quiet_does_not_hide_why_a_run_stopped(tmp_path: Path) -> None:
    said = typed(tmp_path, "play", *PRICED, "-n", "3", "--usd", "0.01", "-q")
    assert said.code == 4 and "$0.01 are spent" in said.stderr
    watched = typed(tmp_path, "play", *PRICED, "-n", "3", "--usd", "0.01", "--again")
    assert watched.code == 4 and watched.stderr.count("are spent") == 1
