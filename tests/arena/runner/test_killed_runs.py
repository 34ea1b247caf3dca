"""The command, killed at random moments: the record ends as if nothing had happened, and nobody is asked twice."""

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from duel import ask
from fake_server import Script, serving
from repository import ROOT, SUPPORT

AGENT = """
import os, time
from arena import Move

def noted(view):
    '''Writes down that it was asked, by the seed of the answer, which names match, seat, step and attempt.'''
    file = os.open("asked.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"%d\\n" % view.seed)
    os.close(file)
    time.sleep(0.0005)
    if view.seed % 7 == 0 and not view.complaint:
        return Move("no")
    return Move(f"answer {view.seed % 997}")
"""
DRIVER = """
import os, random, signal, sqlite3, sys, time
# imported once, before all forks
import arena.cli.run_session, arena.planning.schedule, agents.players.generic, agents.llm.llm, duel
import agents.models.openai, agents.api.http_post
from arena.cli.main import main
from arena.engine.match_loop import seed_of

def play(db):
    '''The process id of a fresh process that types the command.'''
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open("stderr.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
        sys.argv = ["arena", "play", "duel:Duel", *sys.argv[3:], "--set", "game.length=8", "--db", db]
        try:
            main()
        except SystemExit as ended:
            os._exit(ended.code or 0)
        os._exit(0)
    return pid

def recorded(db):
    query = "select e.seed, t.seat, t.step, t.attempt from turn t join episode e on e.id = t.episode"
    connection = sqlite3.connect(db)
    try:
        return {seed_of(*row) for row in connection.execute(query)}
    except sqlite3.OperationalError:  # killed before there was a table
        return set()
    finally:
        connection.close()

def asked():
    return [int(line) for line in open("asked.log")] if os.path.exists("asked.log") else []

def wait(kills, before):
    '''Until a random moment: by the clock, so as to meet the start, or after a number of answers.'''
    if kills % 2:
        return time.sleep(rng.uniform(0.0, 0.08))
    until, more = time.monotonic() + 5, rng.randrange(1, int(sys.argv[2]))
    while len(asked()) < before + more and time.monotonic() < until:
        time.sleep(0.001)

rng, kills, again = random.Random(1), 0, 0
while True:
    before, known = len(asked()), recorded("killed.db") if kills else set()
    pid = play("killed.db")
    if kills < int(sys.argv[1]):
        wait(kills, before)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    kills += os.WIFSIGNALED(status)
    again += len(known & set(asked()[before:]))
    if not os.WIFSIGNALED(status):
        break
print(kills, again, os.waitstatus_to_exitcode(status))
_, status = os.waitpid(play("whole.db"), 0)
print(os.waitstatus_to_exitcode(status))
"""
ROWS = (  # all but ids of runs and times
    "SELECT n, match, game, rules_version, seed, patience, spec, status, blame, error FROM episode ORDER BY n",
    "SELECT e.n, step, attempt, seat, text, tool, args, thought, refused FROM turn JOIN episode e ON e.id = episode "
    "ORDER BY 1, 2, 3, 4",
    "SELECT e.n, seat, scorer, version, value FROM score JOIN episode e ON e.id = episode ORDER BY 1, 2, 3, 4",
    "SELECT e.n, name, f.n, value FROM fact f JOIN episode e ON e.id = episode ORDER BY 1, 2, 3",
    "SELECT e.n, seat, agent, model, s.spec FROM seat s JOIN episode e ON e.id = episode ORDER BY 1, 2",
    "SELECT id, body FROM text ORDER BY id",
    "SELECT plan_hash, plan, status FROM run",
)


CALLS = "SELECT e.n, step, seat, attempt, k, model, outcome, input_tokens, output_tokens, usd, prompt, reply " \
    "FROM call JOIN episode e ON e.id = episode ORDER BY 1, 2, 3, 4"  # fmt: skip
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")


@FORKS
def test_fifty_kills_leave_the_rows_of_an_uninterrupted_run(tmp_path: Path) -> None:
    (tmp_path / "noted.py").write_text(AGENT)
    driven(tmp_path, 50, 80, ["-n", "250", "--seat", "buyer=noted:noted", "--seat", "seller=noted:noted"], ROWS)


@FORKS
@pytest.mark.parametrize("kills", [20, pytest.param(50, marks=pytest.mark.slow)])
def test_killed_again_and_again_it_asks_a_server_for_no_recorded_answer_again(tmp_path: Path, kills: int) -> None:
    log = tmp_path / "asked.log"

    def reply(request: dict[str, Any]) -> dict[str, Any]:
        """What the agent above says; a question is known by its seed."""
        with log.open("a") as file:
            file.write(f"{request['seed']}\n")
        refused = "never say no" in json.dumps(request["messages"])
        return {"text": "no" if request["seed"] % 7 == 0 and not refused else f"answer {request['seed'] % 997}"}

    with serving(Script(reply=reply, latency=0.001)) as server:
        model = ["--seat", "buyer=openai/some-model", "--set", f"buyer.base_url={server.url}"]
        both = [*model, *(word.replace("buyer", "seller") for word in model)]
        n, words = 8 * kills // 5, [*both, "--set", "buyer.usd_per_million=[1,2]"]
        driven(tmp_path, kills, 30, ["-n", str(n), *words], [*ROWS, CALLS])
    assert 2 * n * 8 < len(server.seen) < 2 * n * 8 * 3, "two runs, refusals, and what was in flight at a kill"


def driven(tmp_path: Path, kills: int, apart: int, words: Sequence[str], queries: Sequence[str]) -> None:
    """A run with these words, killed at most `apart` answers apart, equals one that was not in all `queries`."""
    (tmp_path / "driver.py").write_text(DRIVER)
    paths = os.pathsep.join(map(str, (tmp_path, ROOT, SUPPORT)))
    done = subprocess.run(
        [sys.executable, "driver.py", str(kills), str(apart), *words], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    said = (tmp_path / "stderr.log").read_text()
    assert done.returncode == 0, done.stderr + said
    assert done.stdout.split() == [str(kills), "0", "0", "0"], "kills, answers asked for again, exit codes; " + said
    for query in queries:
        whole, killed = ask(tmp_path / "whole.db", query), ask(tmp_path / "killed.db", query)
        assert whole == killed and whole, query
    assert "goes on" in said and not list(tmp_path.glob("*.lock"))


def test_the_terminal_may_close_and_the_turns_in_flight_are_kept(tmp_path: Path) -> None:
    (tmp_path / "noted.py").write_text(AGENT.replace("0.0005", "0.05"))
    paths = os.pathsep.join(map(str, (tmp_path, ROOT, SUPPORT)))
    seats = [word for name in ("buyer", "seller") for word in ("--seat", f"{name}=noted:noted")]
    command = [sys.executable, "-m", "arena", "play", "duel:Duel", *seats, "-n", "40", "--at-once", "2"]
    env = {**os.environ, "PYTHONPATH": paths}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    asked = tmp_path / "asked.log"
    while not asked.exists() or len(asked.read_text().splitlines()) < 5:
        assert process.poll() is None
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    process.stderr.close()  # nobody reads any more, as when a terminal is gone
    process.send_signal(signal.SIGHUP)
    assert process.wait(20) == 130
    turns = ask(tmp_path / "arena.db", "SELECT count(*) FROM turn")[0][0]
    assert turns == len(asked.read_text().splitlines()) >= 5
    assert ask(tmp_path / "arena.db", "SELECT status FROM run") == [("interrupted",)]


@pytest.mark.slow
def test_a_run_that_is_over_is_told_and_not_played_again_where_its_end_was_not_told(tmp_path: Path) -> None:
    (tmp_path / "noted.py").write_text(AGENT)
    paths = os.pathsep.join(map(str, (tmp_path, ROOT, SUPPORT)))
    seats = [word for name in ("buyer", "seller") for word in ("--seat", f"{name}=noted:noted")]
    command = [sys.executable, "-m", "arena", "play", "duel:Duel", *seats, "-n", "40", "--json"]
    env = {**os.environ, "PYTHONPATH": paths}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # nobody reads: the summary does not fit
    ended, until = 0, time.monotonic() + 60
    while ended < 40 and time.monotonic() < until:
        time.sleep(0.02)
        if (tmp_path / "arena.db").exists():
            with suppress(sqlite3.OperationalError):
                ended = ask(tmp_path / "arena.db", "SELECT count(*) FROM episode WHERE status = 'over'")[0][0]
    assert ended == 40 and process.poll() is None
    time.sleep(0.5)  # now it waits for its reader
    process.kill()
    process.wait()
    asked = (tmp_path / "asked.log").read_text()
    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert again.returncode == 0 and (tmp_path / "asked.log").read_text() == asked, again.stderr
    assert len(json.loads(again.stdout)["episodes"]) == 40
    assert ask(tmp_path / "arena.db", "SELECT status FROM run") == [("over",)]


@pytest.mark.slow
def test_of_many_processes_with_one_command_each_run_is_played_by_one(tmp_path: Path) -> None:
    (tmp_path / "noted.py").write_text(AGENT.replace('b"%d\\n" % view.seed', 'b"%d %d\\n" % (os.getpid(), view.seed)'))
    paths = os.pathsep.join(map(str, (tmp_path, ROOT, SUPPORT)))
    seats = [word for name in ("buyer", "seller") for word in ("--seat", f"{name}=noted:noted")]
    command = [sys.executable, "-m", "arena", "play", "duel:Duel", *seats, "-n", "30", "-q"]
    env = {**os.environ, "PYTHONPATH": paths}
    first = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
    log = tmp_path / "asked.log"
    while not log.exists() or log.read_text().count("\n") < 20:
        assert first.poll() is None
        time.sleep(0.01)
    first.kill()
    first.wait()
    many = [subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(120) for process in many] == [0] * 4
    runs = ask(tmp_path / "arena.db", "SELECT id, status FROM run")
    assert 2 <= len(runs) <= 4 and {status for _, status in runs} == {"over"}
    recorded = ask(tmp_path / "arena.db", "SELECT count(*) FROM turn")[0][0]
    asked = log.read_text().splitlines()
    in_flight = 2 * 32  # of the one that was killed
    assert recorded <= len(asked) <= recorded + in_flight
    for process in many:
        own = [line for line in asked if line.startswith(f"{process.pid} ")]
        assert len(own) == len(set(own)), "one process asks nobody twice"
