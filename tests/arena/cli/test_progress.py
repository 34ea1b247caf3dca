"""What a run says while it plays: few lines, a live display on a terminal only, JSON lines for programs."""

import json
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cli_runner import typed
from duel import duel
from rich.console import Console

from arena.cli.progress import LINES, Progress, Tally, format_dollars
from arena.episode import Turn
from arena.game import Move
from arena.store.store import Pending
from arena.usage import Call, Usage

PENDING = Pending(1, "r.1", duel())


def answer(*calls: Call) -> Turn:
    return Turn(0, "buyer", Move("x", usage=Usage(calls)))


def test_numbers_are_those_of_the_calls_and_unknown_stays_unknown() -> None:
    tally = Tally(10, before=2)
    tally.start(PENDING)
    tally.turn(PENDING, answer(Call("m", input_tokens=10, output_tokens=5, usd=0.25), Call("m", usd=0.5)))
    numbers = tally.numbers()
    assert (numbers["done"], numbers["in_flight"], numbers["calls"], numbers["tokens"]) == (2, 1, 2, 15)
    assert numbers["usd"] == 0.75 and "$0.7500" in tally.line() and numbers["left"] is None
    tally.turn(PENDING, answer(Call("m", outcome="timeout")))
    assert tally.numbers()["usd"] is None and "$0.7500 and 1 calls of unknown price" in tally.line()
    tally.end("error")
    tally.end("cut")
    assert "3 of 10 episodes done, 1 failed, 1 cut" in tally.line() and tally.numbers()["left"] is not None
    assert format_dollars(0.0, 0) == "$0"


def test_an_answer_that_the_rules_refuse_after_all_counts_once() -> None:
    tally, calls = Tally(10), (Call("m", input_tokens=10, output_tokens=5, usd=0.25),)
    one = answer(*calls)
    other, later = replace(one, seat="seller"), replace(one, step=1)
    unread = replace(one, attempt=1, refused="no JSON")  # told of once, refused from the beginning
    for turn in (one, other, replace(one, refused="not now"), unread, later, replace(later, refused="no"), other):
        tally.turn(PENDING, turn)
    tally.turn(replace(PENDING, id="r.2"), replace(one, refused="no JSON"))
    assert (tally.answers, tally.calls, tally.tokens, tally.usd) == (6, 6, 90, 1.5)
    tally.leave(PENDING)
    tally.leave(replace(PENDING, id="r.2"))
    assert not tally.latest


def test_speed_is_that_of_late_and_endpoints_are_shown() -> None:
    tally = Tally(10)
    tally.samples.append((time.monotonic() - 10.0, 0, 0, 0))
    for _ in range(50):
        tally.turn(PENDING, answer(Call("m", usd=0.0)))
    assert tally.speeds()[2] == pytest.approx(5, rel=0.05)
    tally.sample(lambda: [("http://here/v1", 7, 16)])
    assert "http://here/v1 7/16 calls under way" in tally.line()
    assert tally.numbers()["endpoints"] == [{"at": "http://here/v1", "under_way": 7, "width": 16}]


@pytest.mark.parametrize("total", [2, 19, 20, 21, 333])
def test_a_run_of_any_length_is_told_in_few_lines(total: int) -> None:
    out = StringIO()
    progress = Progress(Tally(total), console=Console(file=out))
    with progress.display():
        for _ in range(total):
            progress.tally.start(PENDING)
            progress.tally.leave(PENDING)
            progress.tally.end("over")
            progress.update()
    lines = out.getvalue().splitlines()
    assert min(total, LINES) / 2 <= len(lines) <= LINES and f"{total} of {total} episodes done" in lines[-1]


def test_failures_are_told_one_by_one_but_not_without_end() -> None:
    out = StringIO()
    progress = Progress(Tally(1000), console=Console(file=out))
    for n in range(500):
        progress.fail(f"r.{n}", "the server said \x1b[2J")
    lines = out.getvalue().splitlines()
    assert len(lines) == LINES + 1 and "\x1b" not in out.getvalue() and "on record" in lines[-1]


def test_a_terminal_sees_it_live_and_a_file_sees_no_escapes() -> None:
    def shown(terminal: bool) -> str:
        out = StringIO()
        progress = Progress(Tally(50), console=Console(file=out, force_terminal=terminal, width=200))
        with progress.display():
            for _ in range(50):
                progress.tally.start(PENDING)
                progress.tally.leave(PENDING)
                progress.tally.end("over")
                progress.update()
        return out.getvalue()

    assert "\x1b" in shown(True) and "50 of 50 episodes done" in shown(True)
    assert "\x1b" not in shown(False)


def test_json_is_one_document_on_stdout_and_json_lines_on_stderr(tmp_path: Path) -> None:
    done = typed(tmp_path, "play", "-n", "100", "--json", "--at-once", "8")
    document = json.loads(done.stdout)
    records: list[dict[str, Any]] = [json.loads(line) for line in done.stderr.splitlines()]
    assert [records[0]["event"], records[-1]["event"]] == ["launch", "done"]
    assert records[0]["run"] == records[-1]["run"] == document["run"] and records[0]["matches"] == 100
    assert max(record.get("in_flight", 0) for record in records) <= 8 and records[-1]["in_flight"] == 0
    assert records[-1]["done"] == 100 and records[-1]["exit"] == 0 and records[-1]["usd"] == 0
    told = [record for record in records[1:-1] if record["event"] != "progress"]
    assert [record["event"] for record in told] == ["notice"] and "copies" in told[0]["text"]
    assert len(records) <= LINES + 3
    quiet = typed(tmp_path, "play", "-n", "31", "--json", "--progress", "none")
    assert [json.loads(line)["event"] for line in quiet.stderr.splitlines()] == ["launch", "done"]
    assert typed(tmp_path, "play", "-n", "32", "--progress", "none").stderr == ""
