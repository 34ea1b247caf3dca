"""The standard streams: pipes that are closed, disks that are full, terminals of 80 columns, numbers beyond 2^53."""

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from cli_runner import STYLE, typed
from duel import ask, duel
from repository import ROOT

from arena.console.stdio import build_objects, print_json, print_objects, to_json
from arena.runner.run import Watcher, run
from arena.store.store import Store

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
NOISY = """
import sys
def noisy(view):
    print("thinking " * 2000)
    print("→ 漢", file=sys.stderr, flush=True)
    return "I would pay $3."
"""


def shell(folder: Path, words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """The words typed in a shell, where `arena` is the command; its exit code is that of the command."""
    command = f'set -o pipefail; arena() {{ {sys.executable} -m arena "$@"; }}; {words}'
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**ENVIRONMENT, **env}, stdin=subprocess.DEVNULL)  # fmt: skip


def on_terminal(folder: Path, *words: str, columns: int = 80) -> tuple[int, str]:
    """The exit code and the screen of a command on a terminal of that width."""
    child, descriptor = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(folder)
        environment = {name: value for name, value in ENVIRONMENT.items() if name not in ("COLUMNS", "NO_COLOR")}
        os.execve(sys.executable, [sys.executable, "-m", "arena", *words], {**environment, "TERM": "xterm-256color"})
    screen = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not part:
            break
        screen += part
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(descriptor)
    return code, re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", screen.decode()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "mine.py").write_text(NOISY)
    assert typed(folder, "play", "-n", "3", "--rounds", "2", "-q").code == 0
    return folder


@pytest.mark.few(2)
@pytest.mark.parametrize("words", ["list games", "sql 'select * from transcript'", "show last", "list runs --json"])
def test_a_reader_that_has_read_enough_is_no_error(folder: Path, words: str) -> None:
    done = shell(folder, f"arena {words} | head -1")
    assert (done.returncode, done.stderr) == (0, "") and len(done.stdout.splitlines()) == 1


@pytest.mark.few(1)
@pytest.mark.parametrize("words", ["list games", "sql 'select 1'", "show last", "verify", "--help"])
def test_a_full_disk_is_one_line_and_a_failure_of_what_only_reads(folder: Path, words: str) -> None:
    done = shell(folder, f"arena {words} > /dev/full")
    assert (
        done.returncode == 1 and done.stderr.strip() == "arena: the output cannot be written: No space left on device"
    )


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "to", ["> /dev/full", "2> /dev/full", "> /dev/full 2>&1", "| head -1", ">&-", "2>&-", "2>&1 | true"]
)
def test_no_output_costs_a_match(folder: Path, to: str) -> None:
    """Neither ours, nor what an agent prints by itself; in an encoding that has few characters."""
    words = "arena play --seat buyer=mine.py:noisy --rounds 2 --again"
    done = shell(folder, f"{words} {to}", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "Traceback" not in done.stderr
    status, turns = ask(folder / "arena.db", "SELECT status, turns FROM episodes ORDER BY id DESC LIMIT 1")[0]
    assert status == "over" and turns > 8
    if to == "> /dev/full":
        assert done.stderr.splitlines()[-1].endswith("No space left on device; all of it is on record")


def test_who_looks_on_cannot_fail_an_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*told: Any) -> None:
        raise [ValueError("a [/b] \x1b[2J"), BrokenPipeError(32, "gone"), UnicodeEncodeError("ascii", "ü", 0, 1, "no")][
            len(told) % 3
        ]

    async def work(store: Store, watcher: Watcher) -> list[Any]:
        pending = store.begin([duel(seed) for seed in range(3)]).pending
        return [episode async for _, episode in run(pending, store, watcher=watcher)]

    with Store.open(tmp_path / "watched.db") as store:
        watched = asyncio.run(work(store, Watcher(fails, fails, fails, fails)))
    with Store.open(tmp_path / "alone.db") as store:
        alone = asyncio.run(work(store, Watcher()))
    assert [one.status for one in watched] == ["over"] * 3
    seed = lambda episode: episode.match.seed  # noqa: E731
    assert [e.turns for e in sorted(watched, key=seed)] == [e.turns for e in sorted(alone, key=seed)]
    assert capsys.readouterr().err.count("what is told of this run is not complete") == 1


@pytest.mark.slow
def test_a_terminal_of_80_columns_shows_everything(folder: Path) -> None:
    run_id = ask(folder / "arena.db", "SELECT run FROM episodes ORDER BY id LIMIT 1")[0][0]
    for words, needed in (
        (("list", "runs"), (run_id, "play -n 3 --rounds 2 -q")),
        (("list", "episodes"), (f"{run_id}.1", "bargaining", "buyer=linear")),
        (("sql", "select * from rounds"), (f"{run_id}.3", "buyer_surplus", "decided_by")),
        (("sql", "select * from runs", "--wide"), ("arena_version", "play -n 3 --rounds 2 -q")),
        (("list", "games"), ("bargaining", "`traders` seats offer each other")),
        (("show", f"{run_id}.1"), (f"episode {run_id}.1: over", "Rounds:", "seller_")),
    ):
        code, screen = on_terminal(folder, *words)
        assert code == 0 and "…" not in screen, screen
        assert all(word in screen for word in needed), screen
        assert "--wide" in words or max(map(len, screen.splitlines()[:-1])) <= 80, screen
    assert max(map(len, on_terminal(folder, "sql", "select * from rounds", columns=200)[1].splitlines())) > 80


def test_a_run_is_watched_on_a_terminal(folder: Path) -> None:
    code, screen = on_terminal(folder, "play", "-n", "5", "--rounds", "2", "--again", columns=60)
    assert code == 0 and "5 over" in screen and "Traceback" not in screen


def test_csv_has_every_column_and_value_whole(folder: Path) -> None:
    from csv import DictReader

    values = "9223372036854775807 as id, 'a\nb, \"c\"' as words, null as none, 0.1 + 0.2 as x"
    text = typed(folder, "sql", f"select {values}", "--csv").stdout
    assert list(DictReader(text.splitlines(keepends=True))) == [
        {"id": "9223372036854775807", "words": 'a\nb, "c"', "none": "", "x": "0.30000000000000004"}
    ]
    listed = list(DictReader(typed(folder, "list", "episodes", "--csv").stdout.splitlines()))
    assert {"id", "started", "seconds", "refused"} <= listed[0].keys()
    assert "type one of them" in typed(folder, "list", "runs", "--csv", "--json").stderr


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63 - 1, 9007199254740993])
def test_numbers_that_most_readers_of_json_round_are_texts(folder: Path, number: int) -> None:
    done = typed(folder, "sql", f"select {number} as big, 7 as small, 2.5 as real union all select 1, 2, 3", "--json")
    assert json.loads(done.stdout) == [
        {"big": str(number), "small": 7, "real": 2.5},
        {"big": "1", "small": 2, "real": 3},
    ]
    assert json.loads(to_json({"a": [number, True, 2**53 - 1, {"b": number}]})) == {
        "a": [str(number), True, 2**53 - 1, {"b": str(number)}]
    }


def test_tables_are_written_in_the_form_of_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    row = (1, 2.5, None, 'a "b"\n\u2028\x9b é', b"\x00", 2**60, "last")
    columns = ("n", "x", "none", "odd", "bytes", "large", "n")
    for table in ((), (row,), (row, *[(None,) * 7] * 2_500)):
        print_objects(columns, table)
        streamed = capsys.readouterr().out
        print_json(build_objects(columns, table))
        assert streamed == capsys.readouterr().out


def test_ids_are_texts_in_json_and_are_found_by_them(folder: Path) -> None:
    (row, *_) = json.loads(typed(folder, "sql", "select id, body from text", "--json").stdout)
    assert isinstance(row["id"], str)
    again = json.loads(typed(folder, "sql", f"select id, body from text where id = '{row['id']}'", "--json").stdout)
    assert (
        again
        == [row]
        == json.loads(typed(folder, "sql", f"select * from text where id = {row['id']}", "--json").stdout)
    )
    assert build_objects(("prompt", "n"), ((5, 5), (None, 6))) == [{"prompt": "5", "n": 5}, {"prompt": None, "n": 6}]
    seed = 2**62 + 1
    played = json.loads(typed(folder, "play", "kuhn", "--seed", str(seed), "--json", "-q").stdout)
    assert [episode["seed"] for episode in played["episodes"]] == [str(seed)]
    shown = json.loads(typed(folder, "show", played["episodes"][0]["id"], "--json").stdout)
    assert shown["match"]["seed"] == str(seed)


def test_json_hides_nothing_and_is_not_obeyed() -> None:
    text = "\x9b2J \x7f \u202e \U000e0041 \ud800 漢"
    for encoding in ("utf-8", "ascii"):
        written = to_json({"a": text}, None, encoding)
        assert json.loads(written) == {"a": text}
        assert not STYLE.search(written) and not {"\x9b", "\x7f", "\u202e", "\U000e0041"} & set(written)
