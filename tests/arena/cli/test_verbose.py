"""`arena -v`: the log of a command on stderr, before or behind the command's name."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from cli_runner import typed
from fake_server import Script, serving

KEY = "sk-test-4242424242424242"
LINE = re.compile(r"\d\d:\d\d:\d\d (info|debug) (arena|agents|games|unlearning)[\w.]*: .+")


def split_price(_: object) -> dict[str, str]:
    return {"text": "I can offer $12."}


def play(folder: Path, url: str, *options: str) -> list[str]:
    """A command whose buyer is a model of that server."""
    sets = [f"buyer.base_url={url}", "buyer.sampling.temperature=0"]
    words = [word for setting in sets for word in ("--set", setting)]
    return ["play", "--rounds", "1", "--buyer", "openai/tiny", *words, *options]


@pytest.mark.few(2)
@pytest.mark.parametrize("fault, reason", [("500", "internal error"), ("429", "too many requests"), ("cut", "")])
@pytest.mark.parametrize("before", [True, False])
def test_a_retry_is_shown_with_its_reason(fault: str, reason: str, before: bool, tmp_path: Path) -> None:
    with serving(Script(reply=split_price, plan=(fault,))) as server:
        words = play(tmp_path, server.url, "-q")
        done = typed(tmp_path, *(["-v", *words] if before else [*words, "-v"]))
    [line] = [line for line in done.stderr.splitlines() if "retry 1" in line]
    assert LINE.fullmatch(line), line
    assert "agents.api.retries: openai/tiny: " in line and reason in line


def test_without_v_the_same_run_prints_nothing_new(tmp_path: Path) -> None:
    outputs = []
    for folder, flags in ((tmp_path / "with", ["-v"]), (tmp_path / "without", [])):
        folder.mkdir()
        with serving(Script(reply=split_price, plan=("500",))) as server:
            outputs.append(typed(folder, *flags, *play(folder, server.url, "-q")))
    verbose, plain = outputs
    assert plain.code == verbose.code
    assert not [line for line in plain.stderr.splitlines() if LINE.match(line)]
    assert [line for line in verbose.stderr.splitlines() if not LINE.match(line)] == plain.stderr.splitlines()


def test_a_key_in_the_text_of_an_error_is_redacted(tmp_path: Path) -> None:
    """The fake server quotes the key that it was sent, as real ones do."""
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": ""}
    with serving(Script(reply=split_price, plan=("401", "401", "401"))) as server:
        env["OPENAI_BASE_URL"] = server.url
        words = ["play", "--rounds", "1", "--buyer", "openai/tiny", "--retries", "1", "-q", "-vv"]
        done = typed(tmp_path, *words, env=env)
    assert KEY not in done.stderr + done.stdout
    assert "info arena.runner.run: episode" in done.stderr and "[key]" in done.stderr


def test_what_is_done_already_is_said_to_be_skipped(tmp_path: Path) -> None:
    words = ["play", "-n", "3", "--rounds", "1", "-q"]
    assert typed(tmp_path, *words).code == 0
    with sqlite3.connect(tmp_path / "arena.db") as database:
        database.execute("update run set status = 'interrupted', ended = NULL")
        database.execute("update episode set status = 'running' where n = 3")
    done = typed(tmp_path, "-v", *words)
    assert "resumes: 2 episodes are done and skipped, 1 are left" in done.stderr
    assert re.search(r"episode \w+\.3 resumes after \d+ recorded answers", done.stderr), done.stderr
    assert re.search(r"arena.store.database: opened arena.db", done.stderr)


@pytest.mark.few(1)
@pytest.mark.parametrize("first", [[], ["-vv"], ["--verbose"]])
def test_a_changed_plan_is_refused_with_and_without_v(first: list[str], tmp_path: Path) -> None:
    """`-v` is no part of what is played: a command with it is the same command."""
    plan = tmp_path / "plan.toml"
    plan.write_text("n = 2\nrounds = 1\n")
    assert typed(tmp_path, *first, "run", "plan.toml", "-q").code == 0
    with sqlite3.connect(tmp_path / "arena.db") as database:
        database.execute("update run set status = 'interrupted'")
    plan.write_text("n = 2\nrounds = 1\n[game]\nname = 'bargaining'\ncost = 7\n")
    for before, behind in (([], []), (["-v"], []), ([], ["-vv"]), (["--verbose"], ["-v"])):
        done = typed(tmp_path, *before, "run", "plan.toml", "-q", *behind)
        assert (done.code, "the plan has changed since" in done.stderr) == (2, True), done.stderr


def test_with_json_stderr_is_json_line_by_line(tmp_path: Path) -> None:
    done = typed(tmp_path, "play", "--rounds", "1", "--json", "-v")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"log", "launch", "done"} <= {event["event"] for event in events}


def test_v_stands_once_in_the_help_of_every_command(tmp_path: Path) -> None:
    for words in (["--help"], ["play", "--help"], ["db", "path", "--help"], ["forget", "--help"]):
        assert typed(tmp_path, *words).stdout.count("--verbose") == 1, words
