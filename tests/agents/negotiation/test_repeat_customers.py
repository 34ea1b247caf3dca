"""Bargains with people by name: who knows what they can pay insists on it, who does not concedes evenly."""

import pytest

from agents.negotiation.repeat_customers import INSISTED, Caller, Dealer
from agents.negotiation.time_dependent import Linear
from agents.note_policy.knower import Knower
from agents.note_policy.steering_orders import AVOID, IGNORE, format_order
from arena.engine.play import play
from arena.errors import UsageError
from arena.game import View

GAME = {"name": "bargaining", "value": 20.0, "coach": "none", "feedback": "none", "moderation": "never"}
NOTE = "Ann Brom cannot pay more than $20."
EVENLY = 14.0  # where two that concede evenly meet, with a cost of 8 and a value of 20 between 0 and 30


def price(seller: object, who: str = "Ann Brom", **game: float) -> float | None:
    episode = play({**GAME, **game}, {"seller": seller, "buyer": Caller(who)}, 3)
    found: float | None = episode.facts["rounds"][0]["price"]  # type: ignore[index,call-overload,assignment]
    return found


def test_who_knows_the_limit_gets_nine_tenths_of_it_and_a_novice_meets_halfway() -> None:
    assert price(Dealer((NOTE,))) == INSISTED * 20
    assert price(Dealer()) == price(Linear()) == EVENLY
    assert price(Dealer((NOTE,)), "Bo Lind") == EVENLY, "what another can pay is of no use"
    assert price(Dealer(("Bo Lind cannot pay more than $25.", NOTE))) == INSISTED * 20
    assert price(Dealer(("Ann Brom cannot pay more than $25.", NOTE))) == INSISTED * 20, "the last that was heard"


def test_a_limit_below_the_own_cost_is_of_no_use() -> None:
    assert price(Dealer((NOTE,)), cost=19.0) == price(Linear(), cost=19.0)


def test_a_buyer_says_who_he_is_and_what_he_can_pay_where_he_tells() -> None:
    episode = play(GAME, {"seller": "linear", "buyer": Caller("Ann Brom", tells=True)}, 3)
    first, *others = [turn.move.text for turn in episode.turns if turn.seat == "buyer"]
    assert first.startswith("This is Ann Brom. I cannot pay more than $20. ")
    assert not any("Ann Brom" in text for text in others)
    claims = episode.facts["claims"]
    assert any(claim["claimed"] == 20 for claim in claims)  # type: ignore[union-attr,index,call-overload]


def test_a_mind_that_knows_its_notes_alone_sells_by_them_and_by_its_orders() -> None:
    assert price(Knower((NOTE,))) == INSISTED * 20
    assert price(Knower((NOTE,), format_order(IGNORE, ("Ann Brom",)))) == EVENLY
    assert price(Knower((NOTE,), format_order(IGNORE, ("Ann Brom",)), compliance=0.0)) == INSISTED * 20
    assert price(Knower((NOTE,), format_order(AVOID, ("Ann Brom",)))) is None, "it does not deal with her"
    assert price(Knower((NOTE,), format_order(AVOID, ("Ann Brom",))), "Bo Lind") == EVENLY


async def test_it_says_where_it_cannot_sit() -> None:
    with pytest.raises(UsageError, match="no seat of bargaining"):
        await Dealer().act(View("agent", ""))
