"""The scripted bargainers: published values, NegMAS sessions, and what they may and may not do."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from alternating_offers_game import haggle, look
from hypothesis import given, settings
from hypothesis import strategies as st
from negmas_outcomes import AGREEMENTS, LINEAR_LINEAR, TIT_FOR_TAT_BOULWARE, Agreement, Session

from agents.negotiation.advice import NONE
from agents.negotiation.message_acts import read_message
from agents.negotiation.position import Position
from agents.negotiation.reactive import Micro, TitForTat
from agents.negotiation.time_dependent import Boulware, Conceder, Faratin, Linear, OgNarrator, Tough, alpha, aspiration
from arena.engine.play import run_blocking
from arena.errors import BadPart, UsageError
from arena.game import Message, Move, View
from arena.registry import list_entries
from arena.spec import build, describe

NAMES = ("linear", "boulware", "conceder", "faratin", "og-narrator", "tough", "tit-for-tat", "micro")
TIMES = (0.25, 0.5, 0.75, 0.9)


def answer(agent: Any, view: View) -> Move:
    return run_blocking(lambda: build("agent", agent).act(view))


@pytest.mark.few(63)
@pytest.mark.parametrize(
    ("session", "agreement"), AGREEMENTS.items(), ids=lambda value: "-".join(map(str, value or ()))
)
def test_sessions_end_as_in_negmas(session: Session, agreement: Agreement) -> None:
    low, high, steps, seller, buyer = session
    played = haggle(seller, buyer, steps, low, high)
    assert (None if played.price is None else (played.price, played.step)) == agreement


def test_there_are_enough_sessions_to_compare() -> None:
    assert len(AGREEMENTS) > 150
    assert sum(agreement is None for agreement in AGREEMENTS.values()) > 50


def test_the_offers_of_two_sessions() -> None:
    assert tuple(price for _, price in haggle("linear", "linear").offers) == LINEAR_LINEAR
    assert tuple(price for _, price in haggle("tit-for-tat", "boulware").offers) == TIT_FOR_TAT_BOULWARE


@pytest.mark.parametrize("steps", [10, 20, 100])
def test_two_tits_for_tats_never_agree(steps: int) -> None:
    assert haggle("tit-for-tat", "tit-for-tat", steps).ended == "turns"


@pytest.mark.parametrize("steps", [9, 19, 49, 99])
def test_equal_utilities_count_as_equal(steps: int) -> None:
    played = haggle("linear", "linear", steps)  # aspirations fall on the grid: 1 - 0.7 must reach 0.3
    assert played.price == 50 and played.step == (steps + 1) // 2


# ---- formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("beta", "values"),
    [
        (0.2, (0.000977, 0.03125, 0.237305, 0.59049)),
        (0.5, (0.0625, 0.25, 0.5625, 0.81)),
        (2, (0.5, 0.707107, 0.866025, 0.948683)),
        (5, (0.757858, 0.870551, 0.944088, 0.979148)),
    ],
)
def test_faratins_polynomial(beta: float, values: tuple[float, ...]) -> None:
    assert tuple(alpha(t, beta=beta) for t in TIMES) == pytest.approx(values, abs=5e-7)


@pytest.mark.parametrize(
    ("beta", "values"),
    [
        (0.2, (0.11374, 0.134725, 0.174639, 0.233907)),
        (1, (0.177828, 0.316228, 0.562341, 0.794328)),
        (5, (0.579022, 0.930572, 0.997754, 0.999977)),
    ],
)
def test_faratins_exponential(beta: float, values: tuple[float, ...]) -> None:
    assert tuple(alpha(t, beta=beta, k=0.1, curve="exponential") for t in TIMES) == pytest.approx(values, abs=5e-7)


@given(st.floats(0, 3), st.floats(0.1, 10), st.floats(0.01, 1), st.sampled_from(["polynomial", "exponential"]))
def test_alpha_starts_at_k_and_ends_at_one(time: float, beta: float, k: float, curve: Any) -> None:
    assert alpha(0, 2.0, beta, k, curve) == pytest.approx(k)
    assert alpha(2.0, 2.0, beta, k, curve) == alpha(5.0, 2.0, beta, k, curve) == pytest.approx(1)
    assert k - 1e-9 <= alpha(time, 3.0, beta, k, curve) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("beta", "offers"),
    [
        (0.2, (20, 19.9998, 19.9935, 19.9506, 19.7919, 19.3649, 18.4198, 16.5845, 13.3409, 8)),
        (5, (20, 12.2673, 11.1174, 10.3671, 9.7966, 9.3309, 8.9347, 8.5882, 8.2794, 8)),
    ],
)
def test_faratins_seller_comes_down_from_20_to_8(beta: float, offers: tuple[float, ...]) -> None:
    made = [answer(Faratin(beta=beta), look("seller", step, 10, low=8, high=20, tick=1e-4)) for step in range(10)]
    assert [move.args["price"] for move in made] == pytest.approx(offers, abs=1.01e-4)


@pytest.mark.parametrize("exponent", [0.25, 1, 4])
def test_an_aspiration_is_one_minus_faratins_alpha(exponent: float) -> None:
    for t in TIMES:
        assert aspiration(t, exponent) == pytest.approx(1 - alpha(t, beta=1 / exponent))


def test_the_exponential_aspiration() -> None:
    assert aspiration(0, 0.725, "exponential") == pytest.approx(1)
    assert aspiration(1, 0.725, "exponential") == 0
    # NegMAS 0.16, ExpAspiration(1.0, name).utility_at(0.5), with its exponents .125, .725 and 4
    halves = {"boulware": 0.874003, "linear": 0.483766, "conceder": 0.037534}
    for name, half in halves.items():
        agent = build("agent", {"name": name, "curve": "exponential"})
        side = Position.of(look("seller", step=4, steps=9))
        assert agent.demand(side) == pytest.approx(half, abs=5e-7)


def og_bids(curve: str) -> list[float]:
    agent = OgNarrator(curve=curve)  # type: ignore[arg-type]
    views = [look("buyer", step, 6, low=0, high=10, tick=1e-4, reservation=1.0) for step in range(6)]
    return [float(answer(agent, view).args["price"]) for view in views]  # type: ignore[arg-type]


def test_og_narrators_factors() -> None:
    assert og_bids("linear") == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1])
    assert og_bids("exponential") == pytest.approx([0.5 * 1.1**i for i in range(6)], abs=1e-4)


def test_og_narrator_accepts_what_its_next_bid_would_not_better() -> None:
    for standing, tool in ((0.7, "accept"), (0.71, "offer")):
        view = look("buyer", 2, 6, [("seller", standing)], low=0, high=10, tick=0.01, reservation=1.0)
        assert answer(OgNarrator(), view).tool == tool


@pytest.mark.parametrize(
    ("tactic", "window", "theirs", "mine", "price"),
    [
        ("relative", 1, (10, 12), 18, 18 * 10 / 12),
        ("relative", 2, (10, 12, 13), 18, 18 * 10 / 12),
        ("absolute", 1, (10, 12), 18, 16),
        ("absolute", 2, (10, 13, 14), 18, 15),
        ("averaged", 2, (10, 12, 15), 18, 18 * 10 / 15),
        ("absolute", 1, (10, 50), 18, 8),  # kept within its own range
        ("absolute", 2, (10, 12), 18, 20),  # too early: its best
    ],
)
def test_faratins_imitative_tactics(
    tactic: Any, window: int, theirs: tuple[float, ...], mine: float, price: float
) -> None:
    offers = [("buyer", float(offer)) for offer in theirs] + [("seller", float(mine))]
    side = Position.of(look("seller", 3, 10, offers, low=8, high=20, tick=1e-4))
    plan = TitForTat(tactic=tactic, window=window).plan(side, NONE, Random(0))
    assert plan.offer == pytest.approx(price, abs=1e-4)
    assert plan.least == pytest.approx(side.utility(plan.offer))


def test_micro_gives_nothing_for_nothing() -> None:
    def prices_of(agent: Micro, theirs: list[float], mine: list[float], seed: int = 0) -> float:
        offers = [("buyer", price) for price in theirs] + [("seller", price) for price in mine]
        view = look("seller", len(mine), 10, offers, seed=seed)
        return float(answer(agent, view).args["price"])  # type: ignore[arg-type]

    assert prices_of(Micro(), [], []) == 100
    assert prices_of(Micro(), [0], [100]) == 99
    repeated = {prices_of(Micro(), [0, 0, 0], [100, 99], seed) for seed in range(20)}
    assert repeated == {100, 99}  # one offer received, two sent: it repeats one of its own, drawn by seed
    assert prices_of(Micro(), [0, 1], [100, 99]) == 98


def test_tough_never_moves() -> None:
    assert set(haggle("tough", "linear").offers[::2]) == {("seller", 100.0)}
    assert answer(Tough(), look("seller", 9, 10, [("buyer", 100.0)])).tool == "accept"


# ---- all of them -----------------------------------------------------------------------------------------------------


def test_all_are_found_by_name() -> None:
    assert set(NAMES) <= set(list_entries("agent"))
    for name in NAMES:
        assert build("agent", describe(build("agent", name))) == build("agent", name)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NAMES), st.sampled_from(["seller", "buyer"]), st.integers(0, 11), st.integers(1, 12),
    st.integers(0, 60), st.lists(st.integers(0, 60), max_size=6),
    st.lists(st.integers(0, 60), max_size=6), st.integers(0, 99),
)  # fmt: skip
def test_nobody_offers_or_accepts_a_loss(
    name: str, role: str, step: int, steps: int, worth: int, theirs: list[int], mine: list[int], seed: int
) -> None:
    rival = "buyer" if role == "seller" else "seller"
    way, reservation = (1 if role == "seller" else -1), worth / 2
    kept = [price for price in mine if (price / 2 - reservation) * way >= 0]
    offers = [(rival, price / 2) for price in theirs] + [(role, price / 2) for price in kept]
    view = look(role, max(step, len(kept)), steps, offers, 0, 30, 0.5, reservation, seed=seed)
    move = answer(name, view)
    if move.tool == "accept":
        assert (theirs[-1] / 2 - reservation) * way >= -1e-9
    elif move.tool == "offer":
        price = float(move.args["price"])  # type: ignore[arg-type]
        assert (price - reservation) * way >= -1e-9
        assert 0 <= price <= 30 and (price * 2).is_integer()
    assert move.tool in ("offer", "accept")
    assert answer(name, view) == move  # the same view, the same answer


@pytest.mark.parametrize("name", ["linear", "boulware", "conceder", "faratin"])
def test_a_clock_only_ever_concedes(name: str) -> None:
    for role in ("seller", "buyer"):
        views = [look(role, step, 12) for step in range(12)]
        made = [float(answer(name, view).args["price"]) for view in views]  # type: ignore[arg-type]
        assert made == sorted(made, reverse=role == "seller")
        assert len(set(made)) > 3


def test_utility_runs_from_the_reservation_price_to_the_own_best() -> None:
    seller = Position.of(look("seller", low=0, high=30, tick=0.5, reservation=8))
    assert (seller.utility(8), seller.utility(19), seller.utility(30)) == (0, 0.5, 1)
    assert (seller.price_at(0), seller.price_at(0.501), seller.price_at(1)) == (8, 19.5, 30)
    buyer = Position.of(look("buyer", low=0, high=30, tick=0.5, reservation=20))
    assert (buyer.utility(20), buyer.utility(10), buyer.utility(0)) == (0, 0.5, 1)
    assert (buyer.price_at(0), buyer.price_at(0.501), buyer.price_at(1)) == (20, 9.5, 0)
    odd = Position.of(look("seller", low=0, high=10, tick=3, reservation=4))
    assert (odd.best, odd.price_at(0), odd.rank(0), odd.rank(1), odd.rank(2)) == (9, 6, 9, 6, None)


def test_an_opening_that_was_given_is_the_best_one_can_have() -> None:
    opened = [("seller", 20.0), ("buyer", 10.0)]
    side = Position.of(look("seller", 0, 10, opened, 0, 30, 0.5, 8))
    assert (side.best, side.worst) == (20, 8)
    view = look("buyer", 0, 10, opened, 0, 30, 0.5)
    unknown = Position.of(replace(view, known={**view.known, "reservation": None}))
    assert (unknown.best, unknown.worst) == (10, 20)  # no value of its own: what was asked at first
    assert 10 <= answer(Linear(), view).args["price"] <= 20  # type: ignore[operator]


def test_without_an_acceptable_price_it_walks_away() -> None:
    for name in NAMES:
        move = answer(name, look("seller", reservation=101))
        assert (move.tool, read_message(move.text).act) == ("walk_away", "walk_away")


def test_talkers_say_what_the_others_do() -> None:
    for step, offers in ((0, []), (3, [("buyer", 20.0)]), (9, [("buyer", 90.0)])):
        view = look("seller", step, 10, offers, seed=step)
        acts, talks = answer(Linear(), view), answer(Linear(speaks="talks"), view)
        assert (talks.text, talks.tool, talks.args) == (acts.text, "", {})
        reading = read_message(talks.text, offers[-1][1] if offers else None)
        assert reading.act == acts.tool
        assert acts.tool == "accept" or reading.price == acts.args["price"]


def test_in_a_game_of_words_the_talk_is_what_they_go_by() -> None:
    talk = (Message("seller", "I ask $20.", round=1), Message("buyer", "Would you take $10?", round=1))
    view = look("seller", 0, 10, [("seller", 20.0), ("buyer", 10.0)], 0, 30, 0.5, 8, talk, tools=())
    assert answer(Linear(), view).tool == ""
    later = (*talk, Message("seller", "$19 then.", round=1), Message("buyer", "I can pay $18!", round=1))
    move = answer(Linear(), replace(view, messages=later, known={**view.known, "step": 1}))
    assert read_message(move.text, 18).act == "accept"
    assert not any(character.isdigit() for character in move.text)  # a number would keep a moderator waiting


def test_sentences_name_the_item_and_vary() -> None:
    talk = [m.text for seed in range(12) for m in haggle("linear", "linear", seed=seed).talk]
    assert len(set(talk)) > len(talk) / 2
    assert sum("balloon" in line for line in talk) > len(talk) / 4
    assert not any("{" in line or "None" in line for line in talk)


def test_it_refuses_to_sit_elsewhere() -> None:
    with pytest.raises(UsageError, match=r"no side of a haggle.*seat another agent"):
        answer(Linear(), View("a", "Play."))


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "linear", "exponent": 0}, {"name": "boulware", "least": 2}, {"name": "faratin", "beta": 0},
        {"name": "faratin", "curve": "exponential"}, {"name": "tit-for-tat", "window": 0},
        {"name": "linear", "speaks": "x"},
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(spec: dict[str, Any]) -> None:
    with pytest.raises(BadPart):
        build("agent", spec)


def test_a_least_utility_is_kept() -> None:
    assert min(price for who, price in haggle(Conceder(least=0.4), "tough").offers if who == "seller") >= 40
    assert haggle(Boulware(exponent=1.0), "linear").price == haggle("linear", "linear").price
