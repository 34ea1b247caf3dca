"""The records: what goes in comes out, nothing acknowledged is lost, and the same plan goes on."""

import asyncio
import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from duel import Chatty, Duel, ask, duel, play_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arena.engine.play import perform
from arena.episode import Episode, Match, Turn
from arena.errors import BadRecord
from arena.game import Move
from arena.store.store import Pending, Store
from arena.usage import Call, Usage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def test_an_episode_comes_back_as_it_was_played(path: Path) -> None:
    match = duel(5, length=9, buyer={"name": "random"}, seller=Chatty(price=None))
    played: list[Episode] = []

    async def play(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        episode = await perform(match, on_turn=lambda turn: store.turn(pending.id, turn))
        await store.record_end(pending.id, episode)
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


def test_an_answer_recorded_twice_keeps_the_later_word_and_is_billed_once(path: Path) -> None:
    call = Call("m", usd=1.0, prompt=(("user", "hi"),), reply="no")
    turn = Turn(0, "buyer", Move("no", usage=Usage((call, call))))

    async def record(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        await store.turn(pending.id, turn)
        await store.turn(pending.id, replace(turn, refused="never say no"))

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([duel()]).pending[0]))
        assert store.episode("last").turns == (replace(turn, refused="never say no"),)
    assert ask(path, "SELECT calls, usd, turns, refused FROM episodes") == [(2, 2.0, 0, 1)]


def test_what_a_database_cannot_hold_is_replaced_and_the_rest_is_kept(path: Path) -> None:
    odd = "a\0b\ud800c\U0001f388"
    facts = {"x": math.inf, "table": [{"y": math.nan, "z\0": odd}], "one": {"w": [1]}}
    call = Call(odd, odd, odd, None, None, math.nan, math.inf, ((odd, odd),), odd, odd)
    turn = Turn(0, "buyer", Move(odd, odd, {odd: [odd, math.inf, True, None, 10**30]}, odd, Usage((call,))), 0, odd)

    async def record(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        await store.turn(pending.id, turn)
        await store.turn(pending.id, Turn(1, "seller", Move("x" * 1_000_000)))
        await store.record_end(pending.id, Episode(pending.match, (), {"buyer": math.inf}, facts, "over", odd, odd))

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
        await store.record_start(pending)
        await asyncio.gather(*(store.turn(pending.id, turn) for turn in turns))

    with Store.open(tmp_path_factory.mktemp("any") / "arena.db") as store:
        asyncio.run(record(store, store.begin([duel()]).pending[0]))
        back = store.episode("last").turns
    assert repr(back) == repr(tuple(turns)).replace(r"\x00", "\ufffd")


LINES = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from("abc")), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["buyer", "seller"]), st.lists(LINES, max_size=3)), max_size=8))
def test_prompts_that_grow_or_turn_elsewhere_come_back(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[str, list[list[tuple[str, str]]]]]
) -> None:
    prompts = [(seat, tuple(Call("m", prompt=tuple(lines)) for lines in calls)) for seat, calls in asked]
    turns = [Turn(step, seat, Move("yes", usage=Usage(calls))) for step, (seat, calls) in enumerate(prompts)]

    async def record(store: Store, pending: Pending) -> None:
        await store.record_start(pending)
        for turn in turns:
            await store.turn(pending.id, turn)

    with Store.open(tmp_path_factory.mktemp("grown") / "arena.db") as store:
        asyncio.run(record(store, store.begin([duel()]).pending[0]))
        back = store.episode("last").turns
    assert [[call.prompt for call in turn.move.usage.calls] for turn in back] == [
        [call.prompt for call in turn.move.usage.calls] for turn in turns
    ]


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
        await store.record_start(pending)
        call = Call("m", detail="401: api_key='verysecret' is wrong")
        await store.record_failure(
            pending.id, "Traceback: header Authorization: Bearer verysecret", Usage((call,)), "seller", 1
        )

    with Store.open(path) as store:
        asyncio.run(record(store, store.begin([match], command).pending[0]))
        assert "length=3" in ask(path, "SELECT command FROM run")[0][0]
        assert store.episode("last").match.build_parts()[1]["seller"].api_key == "***"  # type: ignore[attr-defined]
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
        await store.record_start(pending)
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
        start = time.process_time()
        begun = store.begin(plan)
        assert time.process_time() - start < 20 and len(begun.pending) == 5000
        assert ask(path, "SELECT matches, length(plan) < 50000 FROM runs JOIN run USING (id)") == [(5000, 1)]
        store.end(begun.id, "cut")
        assert store.begin(plan).id == begun.id
        with pytest.raises(BadRecord, match="63 bits"):
            store.begin([duel(2**63)])
