"""`arena play` against servers that answer in all odd forms at random: no crash, no thought told, no outage scored."""

import json
import re
import sqlite3
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("aiohttp")

import unusual_responses
from cli_runner import Typed, typed
from fake_server import FakeServer, Script, serving
from reply_forms import drawn
from unusual_responses import LOST, SECRET

SLOW = pytest.mark.slow
FORMATS = pytest.mark.parametrize("kind", ["openai", "anthropic"])
GAME = ("--set", "game.turns=3", "--set", "game.moderation=never", "--rounds", "1")


def offers(request: dict[str, Any]) -> dict[str, Any]:
    """A player who talks, thinks aloud and offers twelve dollars: by a tool, or in words where it is offered none."""
    if request.get("tools"):
        return {"text": "Twelve, please.", "tool": "offer", "args": {"price": 12}}
    return {"text": json.dumps({"say": "Twelve, please.", "action": "offer", "price": 12, "thought": SECRET})}


def in_any_form(request: dict[str, Any]) -> dict[str, Any]:
    """The same player; every other reply has its thought and its action in one of the written forms."""
    rng = Random(json.dumps(request, sort_keys=True))
    usual = rng.random() < 0.5
    return offers(request) if usual else drawn(rng, f"My {SECRET}.", "Twelve, please.", "offer", {"price": 12})


@pytest.fixture(autouse=True)
def brief_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.api.retries.FIRST_WAIT", 0.01)


def played(
    folder: Path, server: FakeServer, kind: str, *more: str, seats: tuple[str, ...] = ("buyer", "seller")
) -> Typed:
    url = server.url if kind == "openai" else server.root
    words = ["play", "--db", "odd.db", *GAME]
    for seat in seats:
        words += [f"--{seat}", f"{kind}/m", "--set", f"{seat}.base_url={url}", "--set", f"{seat}.usd_per_million=[1,2]"]
    return typed(folder, *words, *more)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / "odd.db") as connection:
        return connection.execute(query).fetchall()


def number(folder: Path, query: str) -> int:
    [(found,)] = rows(folder, query)
    return int(found)


@pytest.mark.few(1)
@FORMATS
@pytest.mark.parametrize("episodes", [30, pytest.param(200, marks=SLOW)])
def test_no_outage_is_a_move_or_a_score_whatever_form_it_takes(kind: str, episodes: int, tmp_path: Path) -> None:
    everything = unusual_responses.ALL if kind == "openai" else unusual_responses.CLAUDE_ALL
    outages = unusual_responses.OUTAGES if kind == "openai" else unusual_responses.CLAUDE_OUTAGES
    with serving(Script(in_any_form, faults={"odd": 0.6}, seed=11)) as server:
        done = played(tmp_path, server, kind, "-n", str(episodes), "--progress", "plain")
    came = [one.fault.removeprefix("odd/") for one in server.seen]
    assert len(everything.keys() & came) > (0.7 if episodes < 200 else 0.99) * len(everything), "the forms came"
    assert "Traceback" not in done.stdout + done.stderr and done.code == 3, done.stderr
    assert number(tmp_path, "select count(*) from call") == len(server.seen), "every attempt is a row"

    statuses = dict(rows(tmp_path, "select status, count(*) from episode group by status"))
    assert statuses.keys() == {"over", "error"} and sum(statuses.values()) == episodes
    assert statuses["over"] > episodes / 4 and statuses["error"] > 0
    assert number(tmp_path, "select count(*) from turn where refused is not null") == 0, "no outage is a refused move"
    scored = "select status, count(*), count(value) from scores join episode on id = episode group by status"
    assert rows(tmp_path, scored) == [("over", 2 * statuses["over"], 2 * statuses["over"])]
    assert rows(tmp_path, "select distinct tool, args from turn where tool <> ''") == [("offer", '{"price":12}')]

    said = [text for (text,) in rows(tmp_path, "select distinct text from transcript")]
    assert set(said) <= {"Twelve, please.", ""}, "nothing of the forms was spoken"
    assert said and not any(SECRET in str(text) or LOST in str(text) for text in said)
    failed = sum(name in outages for name in came) - came.count("filter-cut-json")
    assert number(tmp_path, "select count(*) from used where failed = 1") == failed
    untold = "outcome in ('filtered', 'truncated') and detail = '' and reply is null"
    assert number(tmp_path, f"select count(*) from call where {untold}") == 0
    assert number(tmp_path, "select count(*) from episodes where (tokens is null) <> (unknown_token_calls > 0)") == 0
    for (error,) in rows(tmp_path, "select error from episode where status = 'error'"):
        assert re.search(r"ModelUnavailable: (openai|anthropic)/m: ", error), error


@FORMATS
def test_a_rival_is_never_told_a_thought_that_came_beside_the_words(kind: str, tmp_path: Path) -> None:
    """What the rival is sent in its prompt, which is where it would hear of it."""
    with serving(Script(in_any_form, faults={"odd": 0.6}, seed=5)) as server:
        played(tmp_path, server, kind, "-n", "10", "-q")
    assert len(server.bodies) > 40
    assert not any(SECRET in json.dumps(body) or LOST in json.dumps(body) for body in server.bodies)


@pytest.mark.few(4)
@pytest.mark.parametrize(("form", "reason"), [
    ("error", "broke the reply off ('error')"), ("abort", "broke the reply off ('abort')"),
    ("error-in-choice", "502: Upstream error"), ("overloaded", "529: Overloaded"), ("page", "check base_url"),
    ("null-content", "neither words nor a tool call"), ("safety", "content filter let no answer through ('SAFETY')"),
    ("azure-prompt", "content filter refused the prompt"), ("limit-thought", "--set buyer.sampling.max_tokens="),
])  # fmt: skip
def test_the_reason_is_told_and_nothing_is_scored(form: str, reason: str, tmp_path: Path) -> None:
    with serving(Script(offers, faults={f"odd/{form}": 1.0})) as server:
        done = played(tmp_path, server, "openai", "--set", "buyer.retries=1", seats=("buyer",))
    assert done.code == 3 and reason in done.stderr + done.stdout, done.stderr
    assert rows(tmp_path, "select status, blame from episode") == [("error", "")]
    assert rows(tmp_path, "select count(*) from score where value is not null") == [(0,)]


def test_a_server_that_takes_no_tools_is_played_with_in_words_and_that_is_said_once(tmp_path: Path) -> None:
    servers = ("vllm-tools", "gemma-template", "short-seed", "new-limit")
    with serving(Script(offers, servers=servers)) as server:
        done = played(tmp_path, server, "openai", "-n", "10", "--progress", "plain")
    assert done.code == 0 and rows(tmp_path, "select distinct status from episode") == [("over",)]
    told = [line for line in done.stderr.splitlines() if "from now on" in line]
    assert (
        len(told) == len(set(told)) == 4
        and sum(".native_tools=false" in line and "SEAT" not in line for line in told) == 1
    ), told
    assert rows(tmp_path, "select distinct tool, args from turn") == [("offer", '{"price":12}')]
    assert rows(tmp_path, "select count(*) from turn where refused is not null") == [(0,)]
    details = rows(tmp_path, "select distinct seat, detail from call where outcome = 'ok'")
    assert len(details) == 2
    for seat, detail in details:
        assert detail.startswith("asked with") and f"tools told in words ({seat}.native_tools=false)" in detail


def test_notices_are_json_lines_where_all_is_json(tmp_path: Path) -> None:
    with serving(Script(offers, servers=("no-seed",))) as server:
        done = played(tmp_path, server, "openai", "-n", "2", "--json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    told = [event["text"] for event in events if event["event"] == "notice"]
    assert len([text for text in told if "copies" not in text]) == 1, told
    assert json.loads(done.stdout)["exit"] == 0


def test_a_budget_that_calls_without_counts_used_up_stays_used_up(tmp_path: Path) -> None:
    with serving(Script(offers, faults={"odd/no-usage": 1.0})) as server:
        first = played(tmp_path, server, "openai", "-n", "20", "--usd", "0.02", "--progress", "plain")
        calls = len(server.seen)
        again = played(tmp_path, server, "openai", "-n", "20", "--usd", "0.02", "--progress", "plain")
        assert (first.code, again.code) == (4, 4) and 3 < calls < 60, first.stderr
        assert len(server.seen) <= calls + 2, "what nobody counted is not forgotten"
        more = played(tmp_path, server, "openai", "-n", "20", "--usd", "1", "--progress", "plain")
    assert more.code == 0 and len(server.seen) > 60
    assert number(tmp_path, "select count(*) from runs where usd is null and tokens is null") == 1
