"""What takes long says what it waits for and how to stop it; prompts that were sent are one command away."""

import json
import time
from pathlib import Path

import pytest
from cli_runner import arena, typed

from arena.console.long_work import doing, waiting
from arena.console.notices import NOTICE

DEAD = ("--set", "agent.base_url=http://127.0.0.1:9/v1")
KEYS = {"OPENAI_API_KEY": "sk-secret-words"}


def test_long_work_is_told_with_its_details_and_short_work_is_not() -> None:
    told: list[str] = []
    before = NOTICE.set(told.append)
    try:
        with waiting("short", first=30):
            doing("lesson", "1 of 2")
        assert not told
        with waiting("teaching walker", first=0.01):
            doing("lesson", "3 of 12")
            doing("epoch", "1 of 4")
            doing("epoch")
            deadline = time.monotonic() + 20
            while not told and time.monotonic() < deadline:
                time.sleep(0.01)
        doing("lesson", "nobody waits")
    finally:
        NOTICE.reset(before)
    assert told[0].startswith("teaching walker, lesson 3 of 12: ") and "Ctrl-C" in told[0]


def test_retries_at_a_closed_port_say_what_they_wait_for(tmp_path: Path) -> None:
    few = ("--set", "agent.retries=3")
    done = typed(tmp_path, "ask", "openai/x", "hello", *DEAD, *few, env=KEYS)
    assert done.code == 3 and "no answer" in done.stderr
    line = next(line for line in done.stderr.splitlines() if "retry" in line and "Ctrl-C" in line)
    assert "openai/x: connection" in line and "of 3 in" in line and "retries=0" in line


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    arena(folder, "play", "--buyer", "scripted/negotiator", "--set", "game.rounds=1", "-q")
    return folder


def test_prompts_are_shown_attempt_by_attempt(played: Path) -> None:
    told = arena(played, "show", "last", "--prompts", "--seat", "buyer")
    assert told.count("system: You are the buyer") == 1 and "messages as in the prompt before)" in told and "→ " in told
    rows = json.loads(arena(played, "show", "last", "--prompts", "--json"))
    calls = json.loads(arena(played, "sql", "select count(*) as n from calls", "--json"))
    assert len(rows) == calls[0]["n"] and all(row["messages"][0]["role"] == "system" for row in rows)
    assert {row["seat"] for row in rows} == {"buyer"}
    run = rows[0]["episode"].partition(".")[0]
    assert json.loads(arena(played, "show", run, "--prompts", "--json")) == rows


def test_who_sent_none_and_who_is_not_there(played: Path) -> None:
    done = typed(played, "show", "last", "--prompts", "--seat", "seller")
    assert not done.stdout and "no model was asked" in done.stderr
    assert "did you mean seller" in arena(played, "show", "last", "--prompts", "--seat", "seler", code=2)
    assert "--prompts" in arena(played, "show", "last", "--seat", "buyer", code=2)


def test_an_attempt_without_an_answer_is_shown_with_its_reason_and_no_key(tmp_path: Path) -> None:
    typed(tmp_path, "ask", "openai/x", "hello", *DEAD, "--set", "agent.retries=0", env=KEYS)
    told = arena(tmp_path, "show", "last", "--prompts")
    assert "no answer came of it" in told and "127.0.0.1" in told and "sk-secret" not in told
