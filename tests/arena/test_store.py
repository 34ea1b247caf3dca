"""The records: what goes in comes out, nothing acknowledged is lost, and the same plan goes on."""

import asyncio
import math
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from duel import Chatty, Duel, child, duel, play_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from arena.database import VERSION, connect, upgrade, writing
from arena.episode import Episode, Match, Turn
from arena.errors import BadRecord, ModelUnavailable
from arena.game import Move, View
from arena.place import Place
from arena.play import perform
from arena.run import run
from arena.store import Pending, Store
from arena.usage import Call, Usage

FIXTURES = Path(__file__).parent.parent / "fixtures"
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


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def recorded(path: Path) -> list[list[tuple[Any, ...]]]:
    return [ask(path, sql) for sql in WHAT_COUNTS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def test_an_episode_comes_back_as_it_was_played(path: Path) -> None:
    match = duel(5, length=9, buyer={"name": "random"}, seller=Chatty(price=None))
    played: list[Episode] = []

    async def play(store: Store, pending: Pending) -> None:
        await store.started(pending)
        episode = await perform(match, on_turn=lambda turn: store.turn(pending.id, turn))
        await store.ended(pending.id, episode)
        played.append(episode)

    with Store.open(path) as store:
        (pending,) = store.begin([match]).pending
        asyncio.run(play(store, pending))
    with Store.open(path, create=False) as store:
        back = store.episode(pending.id)
    assert any(turn.refused for turn in back.turns) and back.usage.usd is None
    assert back == replace(played[0], id=pending.id, match=back.match)
    assert back.match.id == match.id
    assert back.turns[1].move.usage.calls[0].prompt[0] == ("system", "talk about prices")


def test_each_text_is_stored_once_and_a_growing_chat_adds_only_its_new_messages(path: Path) -> None:
    with Store.open(path) as store:
        play_all(store, [duel(1, length=40), duel(1, length=40)])
    assert ask(path, "SELECT count(*) - count(DISTINCT body) FROM text") == [(0,)]
    assert ask(path, "SELECT count(*) FROM call") == [(40,)]
    assert ask(path, "SELECT count(*) FROM message") == [(1 + 39,)]  # the system's line, and what was said before


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

        await store.started(pending)
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


def test_an_answer_recorded_twice_keeps_the_later_word_and_is_billed_once(path: Path) -> None:
    call = Call("m", usd=1.0, prompt=(("user", "hi"),), reply="no")
    turn = Turn(0, "buyer", Move("no", usage=Usage((call, call))))

    async def record(store: Store, pending: Pending) -> None:
        await store.started(pending)
        await store.turn(pending.id, turn)
        await store.turn(pending.id, replace(turn, refused="never say no"))

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([duel()]).pending[0]))
        assert store.episode("last").turns == (replace(turn, refused="never say no"),)
    assert ask(path, "SELECT calls, usd, turns, refused FROM episodes") == [(2, 2.0, 0, 1)]


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
        await store.started(pending)
        await store.ended(pending.id, Episode(pending.match, (), {"buyer": 3.0}, {"luck": 3}, "cut"))

    with Store.open(path) as store:
        (pending,) = store.begin([duel()]).pending
        asyncio.run(cut(store, pending))
        store.end(pending.id.rpartition(".")[0], "cut")
        assert store.episode("last").scores == {"buyer": None}
        assert store.begin([duel()]).pending[0].id == pending.id


def test_what_a_database_cannot_hold_is_replaced_and_the_rest_is_kept(path: Path) -> None:
    odd = "a\0b\ud800c\U0001f388"
    facts = {"x": math.inf, "table": [{"y": math.nan, "z\0": odd}], "one": {"w": [1]}}
    call = Call(odd, odd, odd, None, None, math.nan, math.inf, ((odd, odd),), odd, odd)
    turn = Turn(0, "buyer", Move(odd, odd, {odd: [odd, math.inf, True, None, 10**30]}, odd, Usage((call,))), 0, odd)

    async def record(store: Store, pending: Pending) -> None:
        await store.started(pending)
        await store.turn(pending.id, turn)
        await store.turn(pending.id, Turn(1, "seller", Move("x" * 1_000_000)))
        await store.ended(pending.id, Episode(pending.match, (), {"buyer": math.inf}, facts, "over", odd, odd))

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([duel()], odd).pending[0]))
        back = store.episode("last")
    fine = "a\ufffdb\ufffdc\U0001f388"
    first = back.turns[0]
    assert first.move.text == first.move.thought == first.refused == first.move.tool == back.blame == fine
    assert first.move.args == {fine: [fine, None, True, None, 10**30]}
    assert first.move.usage.calls == (Call(fine, fine, fine, None, None, None, 0.0, ((fine, fine),), fine, fine),)
    assert back.facts == {"x": None, "table": [{"y": None, "z\ufffd": fine}], "one": {"w": [1]}}
    assert back.scores == {"buyer": None} and len(back.turns[1].move.text) == 1_000_000
    assert ask(path, "SELECT json_extract(value, '$.y') FROM fact WHERE name = 'table'") == [(None,)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=5), st.text(max_size=30)), max_size=6))
def test_any_answers_come_back(tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[str, str, str]]) -> None:
    turns = [
        Turn(step, "seller", Move(text, tool, {"a": thought} if tool else {}, thought), step % 2)
        for step, (text, tool, thought) in enumerate(answers)
    ]

    async def record(store: Store, pending: Pending) -> None:
        await store.started(pending)
        await asyncio.gather(*(store.turn(pending.id, turn) for turn in turns))

    with Store.open(tmp_path_factory.mktemp("any") / "arena.db") as store:
        asyncio.run(record(store, store.begin([duel()]).pending[0]))
        back = store.episode("last").turns
    assert repr(back) == repr(tuple(turns)).replace(r"\x00", "\ufffd")


def test_secrets_are_not_stored(path: Path) -> None:
    secret, agent = (
        "sk-verysecret123",
        {"name": "duel:Keyed", "api_key": "sk-verysecret123", "token": "sk-verysecret123"},
    )
    agent |= {"headers": {"X-Key": "verysecret"}, "base_url": "https://me:verysecret@host/v1"}
    match = Match(Duel(2, api_key=secret), {"seller": agent, "buyer": "says/hi"})
    command = (
        "--set buyer.api_key=verysecret --set a.token=verysecret --set n.length=3 -H Authorization: Bearer verysecret"
    )

    async def record(store: Store, pending: Pending) -> None:
        await store.started(pending)
        call = Call("m", detail="401: api_key='verysecret' is wrong")
        await store.failed(
            pending.id, "Traceback: header Authorization: Bearer verysecret", Usage((call,)), "seller", 1
        )

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([match], command).pending[0]))
        assert "length=3" in ask(path, "SELECT command FROM run")[0][0]
        assert store.episode("last").match.built()[1]["seller"].api_key == "***"  # type: ignore[attr-defined]
    assert b"verysecret" not in path.read_bytes()


def test_ids_sort_by_time_and_are_found_by_prefix_by_last_and_by_near_misses(path: Path) -> None:
    with Store.open(path) as store:
        with pytest.raises(BadRecord, match="holds no episode yet"):
            store.episode("last")
        ids = []
        for seed in range(3):
            ids.append(play_all(store, [duel(seed)]).id)
            time.sleep(0.002)
        many = play_all(store, [duel(seed) for seed in range(12)]).id
        assert sorted(ids) == ids and ids[-1] < many and len(set(ids)) == 3
        assert store.episode(ids[1]).id == f"{ids[1]}.1" and store.episode("last").id.startswith(many)
        assert store.episode(f"{many}.1").id == f"{many}.1"
        with pytest.raises(BadRecord, match=rf"may be any of: {many}\.1, {many}\.2"):
            store.episode(many)
        with pytest.raises(BadRecord, match=rf"did you mean.*{ids[0]}\.1"):
            store.episode(f"{ids[0][:-1]}_.1")


def test_many_loops_and_threads_write_through_one_store(path: Path) -> None:
    errors: list[BaseException] = []

    def work(n: int) -> None:
        try:
            play_all(store, [duel(seed, length=6) for seed in range(n, n + 5)])
        except BaseException as error:
            errors.append(error)

    with Store.open(path) as store:
        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert not errors and ask(path, "SELECT count(*) FROM turn") == [(6 * 5 * 6,)]


def test_a_waiter_that_gives_up_disturbs_nobody(path: Path) -> None:
    async def work(store: Store, pending: Pending) -> None:
        await store.started(pending)
        turns = [Turn(step, "buyer", Move("x")) for step in range(200)]
        tasks = [asyncio.create_task(store.turn(pending.id, turn)) for turn in turns]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in done) == 100
        assert done[1::2] == [None] * 100

    with Store.open(path) as store:
        asyncio.run(work(store, store.begin([duel()]).pending[0]))
        assert len(store.episode("last").turns) == 200
        store.close()
        with pytest.raises(BadRecord, match="closed"):
            store.end("x", "over")


def test_a_large_plan_begins_quickly_and_a_seed_has_to_fit(path: Path) -> None:
    plan = [duel(seed) for seed in range(5000)]
    assert all(match.id for match in plan)
    with Store.open(path) as store:
        start = time.perf_counter()
        begun = store.begin(plan)
        assert time.perf_counter() - start < 2 and len(begun.pending) == 5000
        assert ask(path, "SELECT matches, length(plan) < 50000 FROM runs JOIN run USING (id)") == [(5000, 1)]
        store.end(begun.id, "cut")
        assert store.begin(plan).id == begun.id
        with pytest.raises(BadRecord, match="63 bits"):
            store.begin([duel(2**63)])


PLAY = """
plan = [duel(seed, length=6, buyer="random") for seed in range(40)]
with Store.open(sys.argv[1]) as store:
    play_all(store, plan, lambda pending, turn: print(pending.n, turn.step, turn.attempt, turn.seat, flush=True))
"""


@pytest.mark.parametrize("acknowledged", [1, 17, 90])
def test_a_killed_process_loses_nothing_it_was_told_is_recorded(tmp_path: Path, acknowledged: int) -> None:
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    process = child(PLAY, whole)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    for kill_after in (acknowledged, 3):  # the second time while it takes up the first
        process = child(PLAY, killed)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(kill_after)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
        process.communicate(timeout=60)
        told = [line.strip() for line in lines if line.endswith("\n")]
        rows = ask(killed, "SELECT substr(episode, instr(episode, '.') + 1), step, attempt, seat FROM turn")
        assert len(told) >= kill_after and set(told) <= {" ".join(map(str, row)) for row in rows}
    process = child(PLAY, killed)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0
    assert recorded(killed) == recorded(whole)
    assert ask(killed, "SELECT count(*), min(status) FROM run") == [(1, "over")]
    assert not list(tmp_path.glob("*.lock"))


def test_processes_write_and_a_reader_reads_at_the_same_time(path: Path) -> None:
    code = "with Store.open(sys.argv[1]) as s: play_all(s, [duel(n) for n in range(int(sys.argv[2]), 10**6)][:100])"
    workers = [child(code.replace("10**6", "int(sys.argv[2]) + 100"), path, 1000 * n) for n in range(4)]
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
        (400, 1600, 4)
    ]


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


def old(path: Path) -> Path:
    """A database as schema 1 left it, with one finished episode, one open, and one that died."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FIXTURES / "schema_v1.sql").read_text(encoding="utf-8"))
    return path


def test_a_database_of_schema_1_is_opened_read_and_gone_on_with(path: Path) -> None:
    with Store.open(old(path)) as store:
        done = store.episode("mabc00000000.1")
        assert (done.status, done.scores) == ("over", {"buyer": 995.0, "seller": None})
        assert done.turns[1].move.usage.calls[0].prompt[-1] == ("user", "line 0")
        assert done.facts["luck"] == 995 and len(done.facts["rounds"]) == 2  # type: ignore[arg-type]
        assert "ValueError" in store.episode("mabc00000000.3").error
        assert play_all(store, [duel(7)]).pending
    tables = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') ORDER BY name"
    new = path.with_name("new.db")
    Store.open(new).close()
    assert ask(path, tables) == ask(new, tables)
    assert ask(path, "PRAGMA user_version") == [(VERSION,)]


def test_a_migration_is_all_or_nothing(path: Path) -> None:
    def add(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN note TEXT")

    def stumble(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (x)")
        raise ZeroDivisionError

    engine = connect(Place.of(old(path)))
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        upgrade(connection, 1, (add, stumble))
    assert ask(path, "PRAGMA user_version") == [(1,)] and "note" not in str(ask(path, "PRAGMA table_info(run)"))
    with writing(engine) as connection:
        upgrade(connection, 1, (add,))
    engine.dispose()
    assert ask(path, "PRAGMA user_version") == [(2,)] and "note" in str(ask(path, "PRAGMA table_info(run)"))


def test_views_that_differ_from_the_present_ones_are_made_anew(path: Path) -> None:
    with closing(sqlite3.connect(old(path))) as connection:
        connection.executescript("DROP VIEW deals; DROP VIEW rounds; CREATE VIEW rounds AS SELECT 1 AS x;")
    Store.open(path, create=False).close()
    assert ask(path, "SELECT count(price) FROM deals") == [(1,)]
