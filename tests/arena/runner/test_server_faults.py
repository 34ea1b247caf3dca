"""Whole runs against servers that fail: nothing is lost, nothing made up, every attempt is on record."""

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer, Script, serving
from typer.testing import CliRunner

from arena.cli.main import app
from arena.episode import Episode, Match
from arena.errors import ModelUnavailable
from arena.runner.run import run
from arena.store.store import Store

MIXED = ("429", "429-wait", "500", "529", "malformed", "cut", "hang", "empty", "tool-cut", "filter")
GAME = {"name": "bargaining", "turns": 3, "moderation": "never"}
KINDS = pytest.mark.parametrize("kind", ["openai", "anthropic"])


def offers(request: dict[str, Any]) -> dict[str, Any]:
    """A player who always wants twelve dollars, and takes a native action."""
    return {"text": "Twelve, please.", "tool": "offer", "args": {"price": 12}}


def seat(kind: str, server: FakeServer, **fields: Any) -> dict[str, Any]:
    url = server.url if kind == "openai" else server.root
    return {"name": f"{kind}/some-model", "base_url": url, "timeout": 2.0, "usd_per_million": [1, 2], **fields}


def played(matches: list[Match], db: Path, **options: Any) -> list[Episode | Exception]:
    async def work(store: Store) -> list[Episode | Exception]:
        results = {p.n: result async for p, result in run(store.begin(matches).pending, store, **options)}
        return [results[n] for n in sorted(results)]

    with Store.open(db) as store:
        return asyncio.run(work(store))


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(db) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.few(1)
@KINDS
def test_a_tenth_of_mixed_faults_loses_no_episode(kind: str, tmp_path: Path) -> None:
    db = tmp_path / "arena.db"
    mixed = {fault: 0.1 / len(MIXED) for fault in MIXED}
    with serving(Script(reply=offers, latency=0.005, spread=0.7, faults=mixed, seed=5)) as server:
        player = seat(kind, server, at_once=32)
        results = played([Match(GAME, {"buyer": player, "seller": player}, k) for k in range(100)], db)
    assert all(isinstance(result, Episode) and result.status == "over" for result in results)
    assert len({one.fault for one in server.seen}) > 6, "the faults did happen"
    assert rows(db, "select count(*) from call") == [(len(server.seen),)], "every attempt is a row"
    if kind == "openai":  # the other format takes no seed, so that equal questions of two episodes look the same
        assert server.asked_twice == []
    failed = sum(one.fault in MIXED[:8] for one in server.seen)
    assert rows(db, "select count(*) from call where outcome not in ('ok', 'filtered', 'truncated')")[0][0] >= failed
    assert rows(db, "select count(distinct episode) from score where value is not null") == [(100,)]


@pytest.mark.few(1)
@KINDS
def test_what_dies_of_faults_has_no_score_and_least_of_all_zero(kind: str, tmp_path: Path) -> None:
    db = tmp_path / "arena.db"
    half = dict.fromkeys(("429", "500", "529", "malformed", "cut"), 0.1)
    with serving(Script(reply=offers, latency=0.002, faults=half, seed=5)) as server:
        player = seat(kind, server, retries=1)
        results = played([Match(GAME, {"buyer": player, "seller": "tough"}, k) for k in range(40)], db, retries=0)
    died = sum(isinstance(result, ModelUnavailable) for result in results)
    assert 5 < died < 35, "some die, some live"
    statuses = rows(db, "select status, count(*) from episode group by status order by status")
    assert statuses == [("error", died), ("over", 40 - died)]
    paid = "select count(*), count(value) from scores join episode on episode.id = episode where status = '{}'"
    assert rows(db, paid.format("error")) == [(0, 0)]
    assert rows(db, paid.format("over")) == [(2 * (40 - died), 2 * (40 - died))]
    assert rows(db, "select sum(episodes), sum(errors) from leaderboard where seat = 'buyer'") == [(40 - died, died)]
    assert rows(db, "select count(*) from call") == [(len(server.seen),)], "calls of episodes that died are on record"


PLAN = """
n = 2
[game]
name = "bargaining"
turns = 3
moderation = "never"
[seats]
seller = "tough"
buyer = {{ name = "{kind}/some-model", retries = 1, timeout = {patience}, usd_per_million = [1, 2] }}
[sweep]
seats.buyer.base_url = ["{bad}", "{good}"]
"""


@pytest.mark.few(3)
@KINDS
@pytest.mark.parametrize("fault", MIXED)
def test_the_command_where_a_server_has_nothing_but_one_fault_plays_the_rest_and_says_so(
    kind: str, fault: str, tmp_path: Path
) -> None:
    begun = time.monotonic()
    wordless = {"tool-cut": {"tool": "offer", "args": {"price": 12}}, "filter": {}}  # what such servers mostly send

    def says(request: dict[str, Any]) -> dict[str, Any]:
        return wordless.get(fault, offers(request))

    with serving(Script(reply=says, faults={fault: 1.0})) as bad, serving(Script(reply=offers)) as good:
        urls = [server.url if kind == "openai" else server.root for server in (bad, good)]
        patience = 0.3 if fault == "hang" else 5.0
        (tmp_path / "plan.toml").write_text(PLAN.format(kind=kind, bad=urls[0], good=urls[1], patience=patience))
        words = ["run", str(tmp_path / "plan.toml"), "--db", str(tmp_path / "arena.db"), "--json", "--retries", "0"]
        done = CliRunner().invoke(app, words)
    assert time.monotonic() - begun < 20
    document, calls = json.loads(done.stdout), rows(tmp_path / "arena.db", "select count(*) from call")
    assert calls == [(len(bad.seen) + len(good.seen),)], "every attempt is a row"
    statuses = [episode["status"] for episode in document["episodes"]]
    assert statuses[2:] == ["over", "over"], "the rest of the plan is played"
    if fault != "tool-cut":  # no reply at all
        assert (done.exit_code, statuses[:2], len(document["errors"])) == (3, ["error"] * 2, 2), done.output
        assert all(episode["scores"] == {} for episode in document["episodes"][:2])
    else:  # replies that are no move: the seat is told so, and in the end it gives up the round
        assert (done.exit_code, statuses[:2], document["errors"]) == (0, ["over"] * 2, []), done.output
        assert [episode["rounds"][0]["ended"] for episode in document["episodes"]] == ["forfeit"] * 2 + ["turns"] * 2
        assert [episode["refused"] for episode in document["episodes"]] == [3, 3, 0, 0]


@KINDS
def test_a_chain_of_models_in_every_seat_is_on_record(kind: str, tmp_path: Path) -> None:
    def talk(request: dict[str, Any]) -> dict[str, Any]:
        names = {tool.get("name") or tool["function"]["name"] for tool in request.get("tools", [])}
        if "suggest" in names:
            return {"text": "", "tool": "suggest", "args": {"suggestions": ["Hold firm.", "Start higher."]}}
        if "read" in names:
            return {"text": "", "tool": "read", "args": {"act": "offer", "price": 15, "evidence": "$15"}}
        if "You are the buyer" in json.dumps(request):
            return {"text": "Done.", "tool": "accept", "args": {}}
        return {"text": "I would say $15."}

    db = tmp_path / "arena.db"
    with serving(Script(reply=talk)) as server:
        player = seat(kind, server, timeout=10)
        seats = dict.fromkeys(("buyer", "seller", "critic", "moderator"), player)
        (episode,) = played([Match({"name": "bargaining", "rounds": 5}, seats)], db)
    assert isinstance(episode, Episode), episode
    table: Any = episode.facts["rounds"]
    assert [row["price"] for row in table] == [15.0] * 5
    assert {turn.seat for turn in episode.turns} == set(seats)
    assert rows(db, "select count(*), count(usd), min(input_tokens) > 0, count(prompt) from call") == [
        (len(server.seen), len(server.seen), 1, len(server.seen))
    ]
    assert rows(db, "select sum(tokens) from rounds") == rows(db, "select sum(input_tokens + output_tokens) from call "
                                                                "where seat <> 'critic'")  # fmt: skip
