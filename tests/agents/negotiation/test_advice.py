"""Advice moves bargainers: words to shifts and back, the critic's plan, and the curve it makes."""

import re
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from alternating_offers_game import chain, haggle, look
from hypothesis import given
from hypothesis import strategies as st

from agents.negotiation.advice import NONE, Advice, collect_advice, compose_advice, parse_advice
from agents.negotiation.advice_lexicon import LINES, PLAIN_LINES, SIZES, STEADY_LINES, Trait
from agents.negotiation.critic import advise
from agents.negotiation.position import Position
from agents.negotiation.time_dependent import Linear
from arena.engine.play import run_blocking
from arena.errors import UsageError
from arena.game import Message, View
from arena.spec import build


@pytest.mark.parametrize(("trait", "sign"), LINES)
@pytest.mark.parametrize("size", SIZES.values())
@pytest.mark.parametrize("role", ["seller", "buyer"])
def test_a_sentence_is_heard_as_it_was_meant(trait: Trait, sign: int, size: float, role: str) -> None:
    for choice in range(len(LINES[trait, sign])):
        assert parse_advice(compose_advice(trait, sign * size, choice), role) == replace(NONE, **{trait: sign * size})


@pytest.mark.parametrize("line", PLAIN_LINES + STEADY_LINES)
def test_a_plain_sentence_is_no_advice(line: str) -> None:
    assert parse_advice(line, "seller") == parse_advice(line, "buyer") == NONE


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("Hold firm.", Advice(firmness=1)),
        ("You should concede more slowly.", Advice(firmness=1)),
        ("Hold your ground a little longer", Advice(firmness=0.5)),
        ("You conceded too early in the last round.", Advice(firmness=1)),
        ("Avoid conceding too quickly", Advice(firmness=1)),
        ("Don't split the difference!", Advice(firmness=1)),
        ("Try smaller concessions", Advice(firmness=1)),
        ("Don't hold firm", Advice(firmness=-1)),
        ("You conceded too slowly", Advice(firmness=-1)),
        ("Meet them halfway", Advice(firmness=-1)),
        ("Be much more flexible", Advice(firmness=-1.5)),
        ("Be patient.", Advice(patience=1)),
        ("Walk away later", Advice(patience=1)),
        ("Let them move first; silence is fine", Advice(patience=1.5)),
        ("Don't rush.", Advice(patience=1)),
        ("Compromise sooner", Advice(patience=-1)),
        ("Close the deal earlier", Advice(patience=-1)),
        ("Aim higher.", Advice(ambition=1)),
        ("Be slightly more ambitious", Advice(ambition=0.5)),
        ("Never settle for less", Advice(ambition=1)),
        ("Lower your expectations", Advice(ambition=-1)),
        ("Start from a more ambitious price. Be patient, and hold firm.", Advice(1, 1, 1)),
        ("Hold firm when they concede faster.", Advice(firmness=1)),
        ("HOLD FIRM! Hold firm! Hold firm!", Advice(firmness=1.5)),  # no more than the most of one piece of advice
        ("Ask how their day was.", NONE),
        ("", NONE),
    ],
)
def test_what_free_text_asks_for(text: str, shift: Advice) -> None:
    assert parse_advice(text, "seller") == parse_advice(text, "buyer") == shift


@pytest.mark.parametrize("text", ["Start higher", "Open with a higher price", "Anchor high", "Don't bid so low"])
def test_a_high_start_is_firm_for_a_seller_and_soft_for_a_buyer(text: str) -> None:
    assert parse_advice(text, "seller") == Advice(ambition=1)
    assert parse_advice(text, "buyer") == Advice(ambition=-1)


@given(st.text())
def test_any_text_can_be_advice(text: str) -> None:
    shift = parse_advice(text, "buyer")
    assert max(map(abs, (shift.firmness, shift.ambition, shift.patience))) <= 1.5


def test_only_suggestions_are_advice_and_they_add_up() -> None:
    messages = (
        Message("critic", "", "suggest", {"suggestions": ["Hold firm.", "Be patient."]}),
        Message("critic", "Hold firm.", "suggest"),
        Message("buyer", "You should concede faster."),
    )
    assert collect_advice(messages, "seller") == Advice(firmness=2, patience=1)
    assert collect_advice(messages, "seller").with_weight(0) == NONE
    assert collect_advice(messages * 10, "seller").with_weight(1).firmness == 4  # at most


# ---- what it does to a bargainer -------------------------------------------------------------------------------------


def told(*lines: str) -> tuple[Message, ...]:
    return (Message("critic", "", "suggest", {"suggestions": lines}),)


SETTING: dict[str, Any] = {"low": 0, "high": 30, "tick": 0.5, "cost": 8, "value": 20}


def price_with(lines: tuple[str, ...], role: str = "seller", agent: Any = "linear") -> float | None:
    sides = {"seller": "linear", "buyer": "linear"} | {role: agent}
    return haggle(**sides, **SETTING, heard={role: told(*lines)}).price


FIRM = ("Hold firm.", "Be more ambitious.", "Take much more time before your first concession.")
SOFT = ("Concede faster.", "Compromise sooner.")


@pytest.mark.parametrize("line", FIRM)
def test_firm_advice_raises_the_price_of_a_seller_and_lowers_a_buyers(line: str) -> None:
    plain = price_with(())
    assert plain is not None
    firm, mirrored = price_with((line, line)), price_with((line, line), "buyer")
    assert firm is not None and mirrored is not None
    assert firm > plain > mirrored


@pytest.mark.parametrize("line", SOFT)
def test_soft_advice_does_the_opposite(line: str) -> None:
    plain = price_with(())
    soft, mirrored = price_with((line,)), price_with((line, "Concede faster."), "buyer")
    assert plain is not None and soft is not None and mirrored is not None
    assert soft < plain < mirrored


def test_who_does_not_heed_is_not_moved() -> None:
    assert price_with(FIRM, agent={"name": "linear", "heeds": 0.0}) == price_with(())
    half = price_with(FIRM[:2], agent={"name": "linear", "heeds": 0.5})
    whole = price_with(FIRM[:2])
    assert whole is not None and half is not None
    assert whole > half > (price_with(()) or 0)


@pytest.mark.parametrize("name", ["linear", "boulware", "conceder", "faratin", "og-narrator", "micro", "tit-for-tat"])
def test_every_bargainer_asks_for_more_when_told_to_be_firm(name: str) -> None:
    agent = build("agent", name)
    offers = [("buyer", 4.0), ("seller", 29.0), ("buyer", 8.0), ("seller", 28.0), ("buyer", 16.0)]

    def plan(*lines: str) -> Any:
        side = Position.of(look("seller", 4, 10, offers, 0, 30, 0.5, 8))
        return agent.plan(side, collect_advice(told(*lines), "seller").with_weight(agent.heeds), Random(1))

    firm = plan("Concede much more slowly.", "Keep much more for yourself.", "Be patient.")
    soft = plan("Concede much faster.", "Compromise sooner.")
    assert firm.least > plan().least or firm.offer > plan().offer
    assert soft.least < plan().least or soft.offer < plan().offer


def test_without_advice_parameters_are_as_configured() -> None:
    side = Position.of(look("seller", 3, 10))
    assert Linear(least=0.3).demand(side) == Linear(least=0.3).demand(side, NONE) == 0.3 + 0.7 * (1 - 4 / 11)
    assert (NONE.multiplier, NONE.floor(0.3), NONE.clock(0.123)) == (1, 0.3, 0.123)


# ---- the critic ------------------------------------------------------------------------------------------------------


def results(*prices: float | None) -> list[dict[str, Any]]:
    return [{"deal": p is not None, "price": p, "surplus": 0.0 if p is None else p - 8} for p in prices]


def test_the_critic_pushes_less_each_time_and_settles() -> None:
    rising = [14.0 + round_ for round_ in range(10)]
    pushes = [advise(results(*rising[: n + 1])).firmness for n in range(10)]
    assert pushes[0] == 1
    assert all(a >= b >= 0 for a, b in pairwise(pushes))
    assert pushes[-1] == 0
    assert advise(results(14.0, 14.0)).ambition > advise(results(14.0, 15.0)).ambition == 0


def test_after_a_lost_round_it_takes_back_what_it_asked_for() -> None:
    asked = advise(results(14.0, 15.0))
    assert advise(results(14.0, 15.0, None)) == asked.with_weight(-1)
    assert advise(results(14.0, 15.0, None, 15.0)) == NONE
    assert advise(results(None)) == advise(results(None, None)) == Advice(firmness=-1, patience=-1)


@pytest.mark.parametrize("seed", range(3))
def test_ten_rounds_rise_and_settle_for_a_coached_seller(seed: int) -> None:
    prices, _ = chain("linear", "linear", "seller", seed=seed)
    agreed = [price for price in prices if price is not None]
    assert len(agreed) >= 9
    assert agreed == sorted(agreed)
    assert agreed[4] >= agreed[0] + 2
    assert agreed[-1] == agreed[-2] == agreed[-3]
    assert agreed[1] - agreed[0] >= agreed[-1] - agreed[-2]


@pytest.mark.parametrize("seed", range(3))
def test_and_fall_for_a_coached_buyer(seed: int) -> None:
    prices, _ = chain("linear", "linear", "buyer", seed=seed)
    agreed = [price for price in prices if price is not None]
    assert len(agreed) >= 9
    assert agreed == sorted(agreed, reverse=True)
    assert agreed[4] <= agreed[0] - 2
    assert agreed[-1] == agreed[-2] == agreed[-3]


@pytest.mark.few(12)
@pytest.mark.parametrize("seller", ["faratin", "boulware", "linear", "conceder", "og-narrator"])
@pytest.mark.parametrize("buyer", ["linear", "og-narrator", "boulware", "conceder", "faratin"])
@pytest.mark.parametrize("coached", ["seller", "buyer"])
def test_against_anybody_who_moves_it_loses_one_round_at_most(seller: str, buyer: str, coached: str) -> None:
    prices, _ = chain(seller, buyer, coached)
    agreed = [price for price in prices if price is not None]
    assert len(agreed) >= 9
    best, first = (max(agreed), agreed[0]) if coached == "seller" else (min(agreed), agreed[0])
    assert agreed[-1] == best
    assert (best - first) * (1 if coached == "seller" else -1) >= 0


def test_advice_that_nobody_heeds_changes_nothing() -> None:
    prices, _ = chain({"name": "linear", "heeds": 0.0}, "linear", "seller", rounds=4)
    assert len(set(prices)) == 1


def test_suggestions_are_three_sentences_without_a_price() -> None:
    for coached, seller in (("seller", "linear"), ("buyer", "boulware"), ("seller", "tough")):
        _, suggestions = chain(seller, "linear", coached, rounds=8)
        for lines in suggestions:
            assert len(lines) == len(set(lines)) == 3
            for line in lines:
                assert re.fullmatch(r"[A-Z][^\d${}]*\.", line) and "  " not in line
        assert len({lines[0] for lines in suggestions}) > 1


def test_the_critic_needs_results() -> None:
    for known in ({}, {"results": ()}):
        with pytest.raises(UsageError, match="seat another agent"):
            run_blocking(lambda known=known: build("agent", "critic").act(View("critic", "", known=known)))  # type: ignore[misc]
