"""Matches on Ray: the same episodes, recorded here, whatever becomes of the workers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from duel import ask, duel
from recording_agents import Fails, Talker, asked
from repository import ROOT, SUPPORT

from arena.engine.budget import Budget, Halt
from arena.engine.play import perform
from arena.episode import Episode, Match, Turn
from arena.errors import ModelUnavailable, UsageError
from arena.runner.backend import Backend, check_backend, open_backend
from arena.runner.run import Watcher, run
from arena.store.store import Pending, Store

ray = pytest.importorskip("ray", reason="Ray is not installed; type: pip install -e '.[ray]'")

Results = list[tuple[Pending, Episode | Exception]]


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """Two workers on this machine."""
    from arena.runner.ray_backend import cluster

    with cluster(2) as backend:
        yield backend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def played(store: Store, matches: list[Match], backend: Backend, **options: Any) -> Results:
    """What came of playing what is left of the plan."""
    record = store.begin(matches)

    async def work() -> Results:
        return [result async for result in run(record.pending, store, backend=backend, **{"retries": 0, **options})]

    results = asyncio.run(work())
    store.end(record.id, "interrupted")
    return results


def bare(episode: Episode | Exception) -> tuple[Any, ...]:
    """What two playings of a match have in common: all but times and bills, and texts as a database holds them."""
    assert isinstance(episode, Episode), episode
    turns = [(t.step, t.seat, t.attempt, t.refused, t.move.text, t.move.tool, t.move.args) for t in episode.turns]
    return episode.match.id, turns, episode.scores, episode.facts, episode.status, episode.blame


def test_episodes_are_those_of_one_process(backend: Backend, path: Path) -> None:
    matches = [duel(seed, length=9, buyer="random") for seed in range(18)]
    matches += [Match("bargaining", {}, seed) for seed in (1, 2)]
    with Store.open(path) as store:
        results = played(store, matches, backend, at_once=16)
        there = {pending.match.id: bare(episode) for pending, episode in results}
        stored = {bare(store.episode(pending.id))[0]: bare(store.episode(pending.id)) for pending, _ in results}
    here = {match.id: bare(asyncio.run(perform(match))) for match in matches}
    assert len(here) == 20 and there == here and stored == here
    assert {row[4] for row in here.values()} == {"over", "forfeit"}, "refusals and forfeits are among them"


def test_a_killed_worker_loses_no_recorded_answer(backend: Backend, path: Path, tmp_path: Path) -> None:
    notes, kept, killed = tmp_path / "notes", {}, []

    def watch(_: Pending, turn: Turn) -> None:
        kept.setdefault(int(turn.move.text), time.monotonic_ns())
        if len(kept) in (40, 110):
            killed.append(asked(notes)[-1].pid)
            os.kill(killed[-1], signal.SIGKILL)

    talker = Talker(str(notes), seconds=0.005)
    matches = [duel(seed, length=9, buyer=talker, seller=talker) for seed in range(20)]
    with Store.open(path) as store:
        results = played(store, matches, backend, at_once=8, watcher=Watcher(turn=watch))
    assert [e.status if isinstance(e, Episode) else e for _, e in results] == ["over"] * 20
    questions = asked(notes)
    again = [q for q in questions if kept[q.seed] < q.at]
    assert not again, "an answer on record was asked for again"
    assert len(kept) == 180 and ask(path, "SELECT count(*) FROM turn") == [(180,)]
    assert len(questions) - 180 <= 2 * 8, "only what was under way at a killed worker was asked again"
    assert len(set(killed)) == 2 and {q.pid for q in questions} > set(killed), "two died, and others took their place"


@pytest.mark.slow
def test_a_match_that_kills_its_workers_fails_and_the_others_are_played(backend: Backend, path: Path) -> None:
    matches = [duel(0, seller=Fails("kill")), *(duel(seed, length=6) for seed in range(1, 5))]
    budget = Budget.of(10.0, {})
    with Store.open(path) as store:
        results = played(store, matches, backend, budget=budget)
        died = store.episode(next(p.id for p, e in results if isinstance(e, Exception)))
    assert sorted(e.status for _, e in results if isinstance(e, Episode)) == ["over"] * 4
    assert died.status == "error" and died.scores == {} and [t.move.text for t in died.turns] == ["hello"]
    assert "5 workers died one after another" in died.error and "the last: " in died.error
    assert budget.total is not None and (budget.total.spent, budget.total.held) == (5 * 0.25, 0.0), "it may be billed"


@pytest.mark.slow
def test_errors_come_back_with_what_they_carry(backend: Backend, path: Path) -> None:
    with Store.open(path) as store:
        results = played(store, [duel(0, seller=Fails()), duel(1, seller=Fails("bug"))], backend)
        errors = {p.n: e for p, e in results if isinstance(e, Exception)}
        bug = store.episode(next(p.id for p, _ in results if p.n == 2)).error
    unavailable = errors[1]
    assert isinstance(unavailable, ModelUnavailable) and str(unavailable) == "tiny/two: no answer"
    assert (unavailable.seat, unavailable.step, unavailable.usage.usd) == ("seller", 1, 0.5)
    assert "ZeroDivisionError: division by zero" in bug and "recording_agents.py" in bug, (
        "with the worker's own traceback"
    )
    assert ask(path, "SELECT failed, usd FROM spend WHERE model = 'tiny/two'") == [(1, 0.5)]
    with pytest.raises(UsageError, match="cannot be imported"):
        asyncio.run(backend(Match({"name": "nowhere:Game"}, {}), (), _nothing, lambda state: None))


async def _nothing(turn: Turn) -> None:
    """Keeps nothing."""


@pytest.mark.slow
def test_a_budget_holds_for_calls_at_workers(backend: Backend, path: Path, tmp_path: Path) -> None:
    talker = Talker(str(tmp_path / "notes"), seconds=0.002, usd=0.25)
    matches = [duel(seed, length=6, seller=talker) for seed in range(8)]
    with Store.open(path) as store:
        budget = Budget.of(2.0, {})
        results = played(store, matches, backend, at_once=8, budget=budget)
    assert len(asked(tmp_path / "notes")) == 8, "two dollars are eight calls"
    assert budget.total is not None and (budget.total.spent, budget.total.held) == (2.0, 0.0)
    assert ask(path, "SELECT sum(usd) FROM call") == [(2.0,)]
    assert "cut" in {e.status for _, e in results if isinstance(e, Episode)}


@pytest.mark.slow
def test_what_a_stop_leaves_goes_on_without_asking_twice(backend: Backend, path: Path, tmp_path: Path) -> None:
    notes, halt = tmp_path / "notes", Halt()
    talker = Talker(str(notes), seconds=0.005)
    matches = [duel(seed, length=6, buyer=talker, seller=talker) for seed in range(6)]

    def stop(pending: Pending, turn: Turn) -> None:
        halt.on = halt.on or turn.step == 2

    with Store.open(path) as store:
        played(store, matches, backend, at_once=6, halt=halt, watcher=Watcher(turn=stop))
        ((before,),) = ask(path, "SELECT count(*) FROM turn")
        results = played(store, matches, backend)
    assert 3 <= before <= 30 and len(results) == 6
    assert sorted(e.status for _, e in results if isinstance(e, Episode)) == ["over"] * 6
    seeds = [question.seed for question in asked(notes)]
    assert len(seeds) == len(set(seeds)) == 36


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named_before_anything_is_played(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": "127.0.0.1:1"}
    command = [sys.executable, "-m", "arena", "play", "-n", "2", "--backend", "ray"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "no Ray answers at 127.0.0.1:1; check RAY_ADDRESS" in done.stderr
    assert ask(tmp_path / "arena.db", "SELECT count(*) FROM episode") == [(0,)]


class Broken:
    """A worker whose messages cannot be had; it stands for all that a cluster may do."""

    def __getattr__(self, name: str) -> Any:
        return self

    async def remote(self, *_: object) -> list[Any]:
        raise OSError("the network is gone")


def test_whatever_keeps_a_workers_messages_away_no_match_waits_for_ever(path: Path) -> None:
    from arena.runner.ray_backend import Cluster
    from arena.runner.ray_worker_proxy import Desk

    with warnings.catch_warnings(), Store.open(path) as store:
        warnings.simplefilter("ignore")  # calls that nobody waits for
        results = played(store, [duel(0), duel(1)], Cluster([Desk(Broken)]))
    assert [str(error).endswith("the last: OSError: the network is gone") for _, error in results] == [True, True]
    assert ask(path, "SELECT status, count(*) FROM episode GROUP BY status") == [("error", 2)]


def test_a_backend_has_a_name() -> None:
    with pytest.raises(UsageError, match="no backend named 'rya'; did you mean ray"), open_backend("rya"):
        pass


@pytest.mark.slow
def test_ctrl_c_reaches_all_processes_and_the_run_goes_on_elsewhere(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    words = [
        "play",
        "duel:Duel",
        "-n",
        "6",
        "--seat",
        "buyer=recording_agents:Talker",
        "--seat",
        "seller=says/hi",
        "--json",
    ]
    words += ["--set", "game.length=30", "--set", f"buyer.notes={notes}", "--set", "buyer.seconds=0.03"]

    def start(*more: str) -> "subprocess.Popen[str]":
        paths = os.pathsep.join((str(ROOT), str(SUPPORT)))
        return subprocess.Popen(
            [sys.executable, "-m", "arena", *words, *more], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    process = start("--backend", "ray")
    while len(asked(notes)) < 20:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to Ray's processes, too
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(out)["exit"] == 130, err
    before = len(asked(notes))
    out, err = start("--backend", "here").communicate(timeout=60)
    assert [item["status"] for item in json.loads(out)["episodes"]] == ["over"] * 6, err
    seeds = [question.seed for question in asked(notes)]
    assert 20 <= before < 90 and len(seeds) == len(set(seeds)) == 90


def test_a_person_stays_at_this_terminal() -> None:
    with pytest.raises(UsageError, match="a person cannot sit at a worker's terminal"):
        check_backend("ray", "human")
