"""The models without a model, alone and in whole games."""

import json
from typing import Any

import pytest

from agents.chat_model import ChatModel, Line, Reply, ToolCall
from agents.llm.llm import LLM
from agents.models.scripted import Echo, Negotiator, Scripted
from arena.engine.play import play
from arena.errors import BadPart
from arena.game import Move, View
from arena.spec import build, describe
from arena.text.price_extraction import find_prices
from arena.usage import Call, Usage

SYSTEM, USER, OWN = Line("system", "Be kind."), Line("user", "Hello there."), Line("assistant", "Hi.")


async def test_the_number_of_own_lines_picks_the_reply() -> None:
    model = Scripted(replies=("one", "two"))
    prompts = [[USER], [USER, OWN, USER], [USER, OWN, USER, OWN, USER]]
    assert [(await model.chat(lines)).text for lines in prompts] == ["one", "two", "two"]
    assert (await model.chat([USER])).text == "one", "it keeps no count of its own"


async def test_a_function_of_the_lines_answers() -> None:
    model = Scripted(function=lambda lines: Reply(lines[-1].text.upper(), stop="length"))
    reply = await model.chat([USER])
    assert (reply.text, reply.stop, reply.usage.calls[0].outcome) == ("HELLO THERE.", "length", "truncated")


async def test_words_are_counted_and_priced() -> None:
    reply = await Scripted("dear", ("three words here",), usd_per_million=(1.0, 10.0)).chat([SYSTEM, USER])
    assert reply.usage.calls == (
        Call("scripted/dear", "scripted/dear", "ok", 4, 3, 34e-6, 0.0,
             (("system", "Be kind."), ("user", "Hello there.")), "three words here"),
    )  # fmt: skip
    assert (await Scripted(usd_per_million=None).chat([USER])).usage.usd is None
    assert (await Scripted().chat([USER])).usage.usd == 0.0


async def test_a_reply_may_hold_calls_refusals_and_its_own_usage() -> None:
    usage = Usage((Call("other", usd=0.25),))
    model = Scripted(replies=(Reply("", (ToolCall("offer", broken="{"),)), Reply("No.", stop="refusal", usage=usage)))
    first, second = await model.chat([USER]), await model.chat([USER, OWN, USER])
    assert first.calls[0].broken == "{" and "offer" in first.usage.calls[0].reply
    assert second.stop == "refusal" and second.usage == usage


def test_replies_are_configuration() -> None:
    table = {
        "name": "scripted",
        "id": "x",
        "replies": ["hi", {"text": "", "calls": [{"name": "accept"}], "stop": "tool"}],
    }
    built = build("model", table)
    assert built == Scripted("x", ("hi", Reply("", (ToolCall("accept"),), "tool")))
    spec = json.loads(json.dumps(describe(built)))
    assert spec["name"] == "scripted/x" and build("model", spec) == built
    with pytest.raises(BadPart, match="one reply at least"):
        build("model", {"name": "scripted", "replies": []})


@pytest.mark.parametrize("name", ["scripted", "scripted/echo", "scripted/negotiator"])
def test_they_are_found_by_name(name: str) -> None:
    built = build("model", name)
    assert isinstance(built, ChatModel) and build("model", describe(built)) == built


@pytest.mark.parametrize("name", ["scripted/x", "scripted/echo", "scripted/negotiator"])
def test_a_models_name_stands_for_the_agent_that_uses_it(name: str) -> None:
    assert build("agent", name) == LLM(build("model", name))


async def test_the_echo_speaks_for_nobody_else() -> None:
    lines = [Line("user", "Seller: It is $20.\nYour turn.")]
    assert (await Echo().chat(lines)).text == "I heard: Seller: It is $20. Your turn."
    assert (await LLM(Echo()).act(View("buyer", "", seats=("buyer", "seller")))).text == "I heard: Your turn."


def listen(view: View) -> Move:
    """A moderator that takes "accept" and the last price at their word."""
    words = view.messages[-1].text
    if "accept" in words:
        return Move(tool="read", args={"act": "accept", "evidence": words})
    return Move(tool="read", args={"act": "offer", "price": find_prices(words)[-1].amount, "evidence": words})


@pytest.mark.parametrize("form", ["json", "tag", "tool", "text"])
def test_two_negotiators_reach_deals_by_reading_alone(form: Any) -> None:
    llm = LLM(Negotiator(native_tools=form == "tool"), form=form)
    game = {"name": "bargaining", "rounds": 2, "feedback": "goal", "spread": 2.0}
    episode = play(game, {"buyer": llm, "seller": llm, "moderator": listen}, seed=3)
    rounds = episode.facts["rounds"]
    assert isinstance(rounds, list) and len(rounds) == 2
    assert all(row["ended"] == "accept" for row in rounds)
    assert all(score is None or score > 0 for score in episode.scores.values())
    assert not [turn for turn in episode.turns if turn.refused]
    acts = {turn.move.tool for turn in episode.turns if turn.seat != "moderator"}
    assert acts == ({""} if form == "text" else {"offer", "accept"})


def test_a_negotiator_never_goes_beyond_its_own_value() -> None:
    llm = LLM(Negotiator())
    episode = play(
        {"name": "bargaining", "cost": 15.0, "value": 12.0}, {"buyer": llm, "seller": llm, "moderator": listen}
    )
    asks = {seat: [t.move.args["price"] for t in episode.turns if t.seat == seat] for seat in ("buyer", "seller")}
    assert max(asks["buyer"]) == 12.0 and min(asks["seller"]) == 15.0  # type: ignore[type-var]
    assert asks["seller"] == sorted(asks["seller"], reverse=True), "it only concedes"  # type: ignore[type-var]
    assert episode.scores["buyer"] == 0.0, "no room for a deal, no deal"


async def test_a_negotiator_without_a_side_says_so() -> None:
    assert (await Negotiator().chat([SYSTEM, USER])).text == "I have nothing to say here."
