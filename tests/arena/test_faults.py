"""Whole runs against servers that fail: nothing is lost, nothing made up, every attempt is on record."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer, Script, serving

from arena.episode import Episode, Match
from arena.errors import ModelUnavailable
from arena.run import run
from arena.store import Store

ROOT = Path(__file__).parent.parent.parent
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


@KINDS
def test_a_tenth_of_mixed_faults_loses_no_episode(kind: str, tmp_path: Path) -> None:
    db = tmp_path / "arena.db"
    script = Script(reply=offers, faults={fault: 0.1 / len(MIXED) for fault in MIXED}, seed=5)
    with serving(script) as server:
        player = seat(kind, server, at_once=32)
        results = played([Match(GAME, {"buyer": player, "seller": player}, k) for k in range(100)], db)
    assert all(isinstance(result, Episode) and result.status == "over" for result in results)
    assert len({one.fault for one in server.seen}) > 6, "the faults did happen"
    assert rows(db, "select count(*) from call") == [(len(server.seen),)], "every attempt is a row"
    if kind == "openai":  # the other format takes no seed, so that equal questions of two episodes look the same
        assert server.asked_twice == []
    failed = sum(one.fault in MIXED[:8] for one in server.seen)
    assert rows(db, "select count(*) from call where outcome not in ('ok', 'filtered', 'truncated')")[0][0] >= failed


@KINDS
@pytest.mark.parametrize("fault", MIXED[:8])
def test_nothing_but_one_fault_ends_soon_and_the_rest_of_the_plan_is_played(
    kind: str, fault: str, tmp_path: Path
) -> None:
    db, begun = tmp_path / "arena.db", time.monotonic()
    with serving(Script(reply=offers, faults={fault: 1.0})) as bad, serving(Script(reply=offers)) as good:
        plan = [
            Match(GAME, {"buyer": seat(kind, server, retries=1, timeout=0.3), "seller": "tough"}, k)
            for k, server in enumerate((bad, good, bad, good))
        ]
        results = played(plan, db, retries=0)
    assert time.monotonic() - begun < 20
    assert [type(result) for result in results] == [ModelUnavailable, Episode, ModelUnavailable, Episode]
    assert rows(db, "select status from episode order by n") == [("error",), ("over",), ("error",), ("over",)]
    assert rows(db, "select count(*) from score join episode on episode.id = score.episode "
                    "where episode.status = 'error' and value is not null") == [(0,)]  # fmt: skip
    assert rows(db, "select count(*) from call") == [(len(bad.seen) + len(good.seen),)]


def test_the_command_says_that_episodes_failed(tmp_path: Path) -> None:
    with serving(Script(reply=offers, faults={"500": 1.0})) as server:
        command = [sys.executable, "-m", "arena", "play", "-n", "3", "--json", "--buyer", "openai/some-model"]
        sets = ["--set", f"buyer.base_url={server.url}", "--set", "buyer.retries=0"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([*command, *sets], cwd=tmp_path, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert [episode["status"] for episode in document["episodes"]] == ["error"] * 3
    assert all("500" in error for error in document["errors"])


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
