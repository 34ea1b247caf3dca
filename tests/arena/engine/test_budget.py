"""Money: never more than the cap, whatever is under way; episodes are cut, not made up, and go on with more."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from duel import Duel, ask
from fake_clock_loop import swiftly
from fake_server import Script, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.api.rate_limits import Limiter, RateLimits
from agents.api.retries import RequestAttempt, attempt_all
from agents.chat_model import Reply, Sampling
from agents.llm.llm import LLM
from arena.engine.budget import GATE, Asking, Budget, CallGate, Halt, Spending
from arena.engine.play import perform
from arena.episode import Episode, Match
from arena.errors import BudgetSpent, Halted, UsageError
from arena.game import Move, View
from arena.planning.cost_estimate import check_prices
from arena.planning.schedule import Cell
from arena.runner.resume import sum_spending
from arena.runner.run import run
from arena.store.store import Run, Store
from arena.usage import Call, Usage


class Dear:
    """Answers after a while for a drawn price below its estimate; `meter` sees what is spent and under way."""

    def __init__(self, meter: list[float] | None = None, answered: list[int] | None = None) -> None:
        self.meter = [0.0, 0.0, 0.0] if meter is None else meter
        self.answered = [] if answered is None else answered
        self.most = 0.10

    async def act(self, view: View) -> Move:
        paid = Random(view.seed).uniform(0, self.most)
        async with Spending(lambda: self.most) as bill:
            self.meter[1] += self.most
            self.meter[2] = max(self.meter[2], self.meter[0] + self.meter[1])
            await asyncio.sleep(0.001 * (view.seed % 3))
            self.meter[1] -= self.most
            self.meter[0] += paid
            bill.paid = paid
        self.answered.append(view.seed)
        return Move(f"answer {view.seed % 997}", usage=Usage((Call("dear/one", usd=paid),)))


def plan(meter: list[float], count: int = 30, **seats: object) -> list[Match]:
    return [Match(Duel(4), {"buyer": Dear(meter), "seller": Dear(meter), **seats}, n) for n in range(count)]


def play(store: Store, matches: Sequence[Match], **options: Any) -> tuple[Run, list[Episode | Exception]]:
    record = store.begin(matches)
    caps = options.pop("usd", None), options.pop("seats", {})
    budget = Budget.of(*caps, sum_spending(store, record.id))

    async def go() -> list[Episode | Exception]:
        return [result async for _, result in run(record.pending, store, budget=budget, **options)]

    results = asyncio.run(go())
    store.end(record.id, "cut" if budget.gone else "over")
    return record, results


def recorded(path: Path) -> list[tuple[Any, ...]]:
    return ask(
        path,
        "SELECT e.seed, e.status, t.step, t.seat, text.body FROM episode e LEFT JOIN turn t ON t.episode = e.id "
        "LEFT JOIN text ON text.id = t.text ORDER BY 1, 3, 4",
    )


def test_calls_under_way_never_overshoot_and_nearly_all_is_used(tmp_path: Path) -> None:
    meter = [0.0, 0.0, 0.0]
    with Store.open(tmp_path / "a.db") as store:
        _, results = play(store, plan(meter), usd=2.0, at_once=20)
    assert meter[2] <= 2.0 + 1e-9, "what was spent and held stayed below the cap at every moment"
    assert meter[0] > 1.9 - 0.10, "what the calls left over was used by others"
    episodes = [result for result in results if isinstance(result, Episode)]
    assert {episode.status for episode in episodes} <= {"over", "cut"} and len(episodes) == len(results)
    assert any(episode.status == "cut" for episode in episodes)
    assert all(set(e.scores.values()) == {None} for e in episodes if e.status == "cut")


def test_a_larger_budget_goes_on_and_ends_as_an_uninterrupted_run(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.db", tmp_path / "parts.db"
    with Store.open(whole) as store:
        play(store, plan([0.0] * 3))
    asked: list[int] = []
    with Store.open(parts) as store:
        for usd in (1.0, 2.0, 3.0, 100.0):
            meter = [0.0] * 3
            dear = Dear(meter, answered=asked)
            record, _ = play(store, plan(meter, buyer=dear, seller=dear), usd=usd)
            total = sum(sum_spending(store, record.id).values())
            assert total <= usd and (total > usd - 0.2 or usd == 100)
            turns = ask(parts, "SELECT count(*) FROM turn")[0][0]
            assert turns == len(asked) == len(set(asked)), "every answer is recorded, none was asked for twice"
    assert recorded(parts) == recorded(whole)
    assert ask(parts, "SELECT count(*), min(status) FROM run") == [(1, "over")]


def test_nothing_starts_once_the_money_is_gone(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a.db") as store:
        record, results = play(store, plan([0.0] * 3), usd=0.05, at_once=3)
        assert len(results) == 3 and all(isinstance(r, Episode) and r.status == "cut" for r in results)
        assert ask(tmp_path / "a.db", "SELECT count(*), (SELECT count(*) FROM turn) FROM episode") == [(3, 0)]
        assert "$0.05" in store.episode(f"{record.id}.1").error


def test_a_seat_has_a_budget_of_its_own(tmp_path: Path) -> None:
    meter = [0.0] * 3
    with Store.open(tmp_path / "a.db") as store:
        record, _ = play(store, plan(meter), seats={"buyer": 1.0})
        by_seat = sum_spending(store, record.id)
    assert 0.85 < by_seat["buyer"] <= 1.0 < by_seat["buyer"] + by_seat["seller"]
    assert ask(tmp_path / "a.db", "SELECT status FROM run") == [("cut",)]


@settings(max_examples=40, deadline=None)
@given(
    calls=st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 1), st.integers(0, 3), st.booleans()), max_size=40),
    cap=st.floats(0, 3),
    seat_cap=st.floats(0, 2),
)
def test_no_order_of_calls_spends_more_than_the_caps(
    calls: list[tuple[float, float, int, bool]], cap: float, seat_cap: float
) -> None:
    budget = Budget.of(cap, {"buyer": seat_cap})
    refused: list[float] = []

    async def one(most: float, share: float, wait: int, known: bool, seat: str) -> None:
        try:
            with Asking(seat):
                async with Spending(lambda: most) as bill:
                    assert all(p.spent + p.held <= p.cap + 1e-6 for p in budget.purses(seat))
                    await asyncio.sleep(wait)
                    bill.paid = most * share if known else None
        except BudgetSpent:
            refused.append(most)

    async def work() -> None:
        GATE.set(CallGate(Halt(), budget))
        await asyncio.gather(*(one(*call, ("buyer", "seller")[n % 2]) for n, call in enumerate(calls)))

    swiftly(work)
    for purse in (*budget.purses("buyer"), *budget.purses("seller")):
        assert purse.spent <= purse.cap + 1e-6 and purse.held < 1e-6
    assert bool(refused) == bool(budget.gone)


def test_a_call_that_is_called_off_counts_as_spent_and_one_that_waits_does_not() -> None:
    budget = Budget.of(1.0, {})

    async def call(seconds: float) -> None:
        async with Spending(lambda: 0.6):
            await asyncio.sleep(seconds)

    async def work() -> None:
        GATE.set(CallGate(Halt(), budget))
        under_way, waiting = asyncio.create_task(call(9)), asyncio.create_task(call(9))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.sleep(1)
        assert budget.total is not None and (budget.total.held, budget.total.spent) == (0.6, 0.0)
        under_way.cancel()
        await asyncio.gather(under_way, waiting, return_exceptions=True)
        assert (budget.total.held, budget.total.spent) == (0.0, 0.6)

    swiftly(work)


def test_attempts_before_the_money_was_gone_are_billed() -> None:
    async def timeout() -> RequestAttempt:
        return RequestAttempt(Call("m", outcome="timeout"))

    async def work() -> BudgetSpent:
        GATE.set(CallGate(Halt(), Budget.of(0.5, {})))
        with pytest.raises(BudgetSpent) as caught:
            await attempt_all(Limiter(RateLimits()), timeout, "m", 9, partial(Random, 0), 0, lambda: 0.2)
        return caught.value

    error = swiftly(work)
    assert error.usage is not None and len(error.usage.calls) == 2, "0.2 + 0.2 fit, a third does not"


def test_a_halted_run_starts_no_call_that_waited_for_its_turn() -> None:
    halt, started = Halt(), []

    async def slow() -> RequestAttempt:
        started.append(1)
        await asyncio.sleep(5)
        return RequestAttempt(Call("m", usd=0.0), Reply("yes"))

    async def work() -> list[Any]:
        GATE.set(CallGate(halt))
        door = Limiter(RateLimits(at_once=2))
        calls = [asyncio.create_task(attempt_all(door, slow, "m", 3, partial(Random, n), 0)) for n in range(10)]
        await asyncio.sleep(1)
        halt.on = True
        return await asyncio.gather(*calls, return_exceptions=True)

    results = swiftly(work)
    assert len(started) == 2 and sum(isinstance(result, Halted) for result in results) == 8


def test_a_server_with_faults_is_paid_no_more_than_the_budget(tmp_path: Path) -> None:
    script = Script(reply=lambda body: {"text": '{"message": "hi"}'}, faults={"500": 0.1, "malformed": 0.1}, seed=3)
    with serving(script) as server, Store.open(tmp_path / "a.db") as store:
        model = {"name": "openai/tiny", "base_url": server.url, "usd_per_million": [100, 300], "native_tools": False}
        player = {"name": "llm", "model": model, "sampling": {"max_tokens": 20}}
        matches = [Match(Duel(6), {"buyer": player, "seller": player}, n) for n in range(12)]
        record, results = play(store, matches, usd=0.5, at_once=8)
        statuses = {result.status for result in results if isinstance(result, Episode)}
        assert "cut" in statuses and statuses <= {"over", "cut"}
        assert 0.3 < sum(sum_spending(store, record.id).values()) <= 0.5
        before = len(server.seen)
        _, results = play(store, matches, usd=50)
        assert all(isinstance(result, Episode) and result.status == "over" for result in results)
        assert len(server.seen) > before
    calls = ask(tmp_path / "a.db", "SELECT count(*) FROM call")
    assert calls == [(len(server.seen),)], "every attempt is a row, those before a cut included"


def test_an_unknown_price_is_refused_with_the_setting_that_tells_it() -> None:
    def cell(buyer: object) -> list[Cell]:
        return [Cell({}, Match("bargaining", {"buyer": buyer}))]

    unknown = {"name": "scripted/fixed", "usd_per_million": None}
    with pytest.raises(UsageError, match=r"scripted/fixed \(buyer\).*--set buyer\.usd_per_million=\[1,2\]"):
        check_prices(cell(unknown), 1.0, {})
    with pytest.raises(UsageError, match=r"--set buyer\.model\.usd_per_million=\[1,2\]"):
        check_prices(cell({"name": "llm", "model": unknown}), 1.0, {})
    with pytest.raises(UsageError, match="--usd-seat needs"):
        check_prices(cell(unknown), None, {"buyer": 1.0})
    check_prices(cell(unknown), None, {"seller": 1.0})
    check_prices(cell("scripted/negotiator"), 1.0, {})
    served = {"name": "openai/mine", "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(UsageError, match="openai/mine"):
        check_prices(cell(served), 1.0, {})
    check_prices(cell({**served, "usd_per_million": [1, 2]}), 1.0, {})
    check_prices(cell("openai/gpt-4o"), 1.0, {})


def test_without_a_run_no_gate_is_in_the_way() -> None:
    player = LLM(_fixed(), sampling=Sampling())
    episode = asyncio.run(perform(Match(Duel(2), {"buyer": player, "seller": player})))
    assert episode.status == "over" and episode.usage.usd is not None and episode.usage.usd > 0


def _fixed() -> Any:
    from arena.spec import build

    return build("model", {"name": "scripted", "replies": ['{"message": "hi"}'], "usd_per_million": [1000, 1000]})
