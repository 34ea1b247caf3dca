"""Going on: the same plan, open episodes, failures, killed processes, several processes."""

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from duel import ask, child, duel, killed_after, play_all

from arena.engine.play import perform
from arena.episode import Episode, Turn
from arena.errors import ModelUnavailable
from arena.game import Move, View
from arena.runner.run import run
from arena.store.query import query
from arena.store.store import Pending, Store
from arena.usage import Call, Usage

WHAT_COUNTS = (  # all that has to be equal between two recordings of the same plan: no times, no run ids
    "SELECT substr(t.episode, instr(t.episode, '.')), t.step, t.attempt, t.seat, t.text, t.tool, t.args, t.thought, "
    "t.refused FROM turn t ORDER BY 1, 2, 3, 4",
    "SELECT substr(episode, instr(episode, '.')), step, seat, k, prompt, reply, usd FROM call ORDER BY 1, 2, 3, 4",
    "SELECT substr(episode, instr(episode, '.')), seat, value FROM score ORDER BY 1, 2",
    "SELECT substr(episode, instr(episode, '.')), name, n, value FROM fact ORDER BY 1, 2, 3",
    "SELECT n, match, status, spec FROM episode ORDER BY 1",
    "SELECT id, body FROM text ORDER BY 1",
    "SELECT id, parent, role, text FROM message ORDER BY 1",
)


def recorded(path: Path) -> list[list[tuple[Any, ...]]]:
    return [ask(path, sql) for sql in WHAT_COUNTS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def test_the_same_plan_goes_on_until_it_is_over(path: Path) -> None:
    plan = [duel(seed) for seed in range(4)]
    with Store.open(path) as store:
        first = store.begin(plan)
        assert not first.resumed and [item.n for item in first.pending] == [1, 2, 3, 4]
        asyncio.run(play_some(store, first.pending[:2]))
        store.end(first.id, "interrupted")
        other = store.begin([*plan, duel(9)])
        assert other.id != first.id
        again = store.begin([duel(seed) for seed in range(4)])
        assert again.resumed and again.id == first.id and again.done == 2
        assert [item.id for item in again.pending] == [f"{first.id}.3", f"{first.id}.4"]
        assert play_all(store, plan).id == first.id
        assert store.begin(plan).id != first.id
    assert ask(path, f"SELECT status, ended IS NULL FROM run WHERE id = '{first.id}'") == [("over", 0)]


async def play_some(store: Store, pending: Any) -> list[Any]:
    return [result async for _, result in run(pending, store, retries=0)]


def test_an_open_episode_goes_on_from_its_answers_refused_ones_included(path: Path) -> None:
    match, asked = duel(3, length=6, buyer="random"), []

    async def half(store: Store, pending: Pending) -> list[Turn]:
        turns: dict[Any, Turn] = {}

        async def keep(turn: Turn) -> None:
            await store.turn(pending.id, turn)
            turns[turn.step, turn.seat, turn.attempt] = turn
            if turn.step == 3:
                raise KeyboardInterrupt

        await store.record_start(pending)
        with pytest.raises(KeyboardInterrupt):
            await perform(match, on_turn=keep)
        return list(turns.values())

    async def rest(pending: Pending) -> Episode:
        async def ask_again(turn: Turn) -> None:
            asked.append((turn.step, turn.attempt))

        return await perform(pending.match, history=pending.history, on_turn=ask_again)

    with Store.open(path) as store:
        turns = asyncio.run(half(store, store.begin([match]).pending[0]))
    with Store.open(path) as store:
        (pending,) = store.begin([match]).pending
    assert list(pending.history) == turns and any(turn.refused for turn in turns)
    assert asyncio.run(rest(pending)).turns == asyncio.run(perform(match)).turns
    assert min(asked) == (4, 0)


@dataclass(frozen=True, slots=True)
class Breaks:
    """Answers once, then its model is unavailable."""

    async def act(self, view: View) -> Move:
        if view.rules.startswith("3"):
            raise ModelUnavailable("tiny/two", "no answer", Usage((Call("tiny/two", outcome="timeout", usd=0.5),) * 2))
        return Move("hi")


def test_a_failure_is_an_error_without_scores_and_its_calls_are_kept(path: Path) -> None:
    plan = [duel(1, seller=Breaks()), duel(2)]
    with Store.open(path) as store:
        first = play_all(store, plan)
        died = store.episode(f"{first.id}.1")
        assert died.status == "error" and "ModelUnavailable: tiny/two: no answer" in died.error
        assert died.scores == {} and [turn.move.text for turn in died.turns] == ["hello", "hi", "hello"]
        new = store.begin(plan)
        assert new.id != first.id, "what is over stays over"
        store.end(new.id, "over")
        again = store.begin(plan, retry_errors=True)
        assert again.id == first.id and [item.n for item in again.pending] == [1] and again.done == 1
        assert len(again.pending[0].history) == 3
        asyncio.run(play_some(store, again.pending))
        store.end(again.id, "failed")
    spent = "SELECT calls, failed, usd FROM spend WHERE model = 'tiny/two'"
    assert ask(path, spent) == [(4, 4, 2.0)], "both times are on the bill"
    assert ask(path, "SELECT count(*) FROM score WHERE episode LIKE '%.1'") == [(0,)]
    board = "SELECT agent, episodes, score, errors FROM leaderboard WHERE agent LIKE '%:Breaks'"
    assert [row[1:] for row in ask(path, board)] == [(0, None, 1)]


def test_a_cut_episode_has_no_scores_and_goes_on(path: Path) -> None:
    async def cut(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        await store.record_end(pending.id, Episode(pending.match, (), {"buyer": 3.0}, {"luck": 3}, "cut"))

    with Store.open(path) as store:
        (pending,) = store.begin([duel()]).pending
        asyncio.run(cut(store, pending))
        store.end(pending.id.rpartition(".")[0], "cut")
        assert store.episode("last").scores == {"buyer": None}
        assert store.begin([duel()]).pending[0].id == pending.id


PLAY = """
plan = [duel(seed, length=6, buyer="random") for seed in range(40)]
with Store.open(sys.argv[1]) as store:
    play_all(store, plan, lambda pending, turn: print(pending.n, turn.step, turn.attempt, turn.seat, flush=True))
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a process that was not killed."""
    path = tmp_path_factory.mktemp("whole") / "arena.db"
    process = child(PLAY, path)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    return path


@pytest.mark.parametrize("acknowledged", [1, 17, 90])
def test_a_killed_process_loses_nothing_it_was_told_is_recorded(whole: Path, tmp_path: Path, acknowledged: int) -> None:
    killed = tmp_path / "killed.db"
    for kill_after in (acknowledged, 3):  # the second time while it takes up the first
        told = killed_after(child(PLAY, killed), kill_after)
        rows = ask(killed, "SELECT substr(episode, instr(episode, '.') + 1), step, attempt, seat FROM turn")
        assert len(told) >= kill_after and set(told) <= {" ".join(map(str, row)) for row in rows}
    process = child(PLAY, killed)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    assert recorded(killed) == recorded(whole)
    assert ask(killed, "SELECT count(*), min(status) FROM run") == [(1, "over")]
    assert not list(tmp_path.glob("*.lock"))


def test_processes_write_and_a_reader_reads_at_the_same_time(path: Path) -> None:
    code = "f = int(sys.argv[2])\nwith Store.open(sys.argv[1]) as s: play_all(s, [duel(n) for n in range(f, f + 200)])"
    workers = [child(code, path, 1000 * n) for n in range(4)]
    counts = [0]
    while any(worker.poll() is None for worker in workers):
        if path.exists() and path.stat().st_size:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader:
                if reader.execute("SELECT count(*) FROM sqlite_master WHERE name = 'turn'").fetchone()[0]:
                    counts.append(reader.execute("SELECT count(*) FROM turn").fetchone()[0])
        time.sleep(0.01)
    assert [worker.communicate()[1] for worker in workers] == [""] * 4
    assert counts == sorted(counts) and len(set(counts)) > 2
    assert ask(path, "SELECT count(*), sum(turns), count(DISTINCT run) FROM episodes WHERE status = 'over'") == [
        (800, 3200, 4)
    ]


def test_readers_never_block_the_writer(path: Path) -> None:
    stop, answers = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            answers.append(query(path, "select count(*), sum(turns) from episodes").rows[0])

    with Store.open(path, wait=0.0) as store:  # any lock in its way is an error at once
        play_all(store, [duel(0)])
        with closing(sqlite3.connect(path, isolation_level=None)) as slow, ThreadPoolExecutor(2) as pool:
            slow.execute("BEGIN")
            assert slow.execute("SELECT count(*) FROM turn").fetchone() == (4,)
            looking = [pool.submit(look) for _ in range(2)]
            try:
                play_all(store, [duel(n) for n in range(1, 150)])
            finally:
                stop.set()
            assert slow.execute("SELECT count(*) FROM turn").fetchone() == (4,), "one reader was there all the time"
            assert [done.result() for done in looking] == [None, None]
        assert ask(path, "SELECT count(*), sum(turns) FROM episodes WHERE status = 'over'") == [(150, 600)]
    assert len(set(answers)) > 2, "the others saw the run grow"


def test_a_run_that_another_process_plays_is_left_to_it(path: Path) -> None:
    code = "s = Store.open(sys.argv[1]); print(s.begin([duel()]).id, flush=True); sys.stdin.read()"
    process = child(code.replace("sys.stdin.read()", "__import__('time').sleep(60)"), path)
    assert process.stdout is not None
    theirs = process.stdout.readline().strip()
    with Store.open(path) as store:
        mine = store.begin([duel()])
        assert mine.id != theirs
        store.end(mine.id, "over")
        process.kill()
        process.communicate()
        assert store.begin([duel()]).id == theirs
