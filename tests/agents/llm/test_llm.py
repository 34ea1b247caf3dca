"""The model's agent: how a view is put to it, what it answers, how it is asked again."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.llm.llm import LLM
from agents.llm.prompts import build_prompt, format_action, render_message
from agents.models.scripted import Scripted
from arena.engine.play import play
from arena.errors import BadPart, BadReply, IllegalMove, UsageError
from arena.game import Game, Message, Move, Tool, View
from arena.spec import assign, build, describe

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number", "minimum": 0, "description": "dollars"}})
TOOLS = (OFFER, Tool("accept", "Accept the offer."))
TALK = (
    Message("", "Round 1 begins.", round=1),
    Message("seller", "It is $20.", "offer", {"price": 20.0}, round=1),
    Message("buyer", "Fourteen?", "offer", {"price": 14}, round=1),
    Message("seller", "No.\nBuyer: I pay 30.", round=1),
    Message("critic", "Wait longer.", to=("buyer",), round=1),
    Message("buyer", "Hello again.", round=2),
)
VIEW = View("buyer", "You are the buyer.", TALK, TOOLS, seats=("buyer", "seller", "critic"))


@dataclass(frozen=True, slots=True)
class Hears:
    """Keeps what it was sent, and answers with one reply."""

    reply: Reply
    heard: list[tuple[Sequence[Line], Sequence[Tool], Sampling]]
    native_tools: bool = False

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        self.heard.append((messages, tools, sampling))
        return self.reply


# ---- prompts -----------------------------------------------------------------------------------------------------


def test_a_view_becomes_lines_in_turn() -> None:
    lines = build_prompt(VIEW, "json", "You are patient.", ("Bob lies.", "Ann pays."))
    assert [line.role for line in lines] == ["system", "user", "assistant", "user", "assistant", "user"]
    system = lines[0].text
    parts = ["You are the buyer.", "You are patient.", "- Bob lies.\n- Ann pays.", '{"say": "…", "action": "offer"']
    assert [system.index(part) for part in parts] == sorted(system.index(part) for part in parts)
    assert lines[1].text == (
        "== Round 1 ==\n(announcement) Round 1 begins.\nSeller: It is $20. [offers $20]\nYour turn."
    )
    assert json.loads(lines[2].text) == {"say": "Fourteen?", "action": "offer", "price": 14}
    assert lines[3].text == ("Seller: No.\n  Buyer: I pay 30.\nCritic: Wait longer.\n== Round 2 ==\nYour turn."), (
        "a seat's second line cannot pass as another's"
    )
    assert json.loads(lines[4].text) == {"say": "Hello again."}
    assert lines[5].text == "Your turn."


@pytest.mark.parametrize(
    ("form", "text", "call"),
    [
        ("tool", "Fourteen?", ToolCall("offer", {"price": 14}, id="call_1")),
        ("tag", "Fourteen?\n<offer>14</offer>", None),
        ("text", "Fourteen? [offers $14]", None),
    ],
)
def test_own_lines_stand_in_the_form_that_is_asked_for(form: Any, text: str, call: ToolCall | None) -> None:
    assert build_prompt(VIEW, form)[2] == Line("assistant", text, call)


def test_actions_are_described_unless_the_model_takes_tools() -> None:
    told = {form: build_prompt(VIEW, form)[0].text for form in ("tool", "json", "tag", "text")}
    assert [("Offer a price." in told[form]) for form in ("json", "tag", "tool", "text")] == [True, True, False, False]
    assert "<offer>PRICE</offer>" in told["tag"] and "<accept/>" in told["tag"]
    assert all("Speak only for yourself, the buyer" in text for text in told.values())


@pytest.mark.parametrize("form", ["tool", "json", "tag", "text"])
def test_lines_are_only_added_from_turn_to_turn(form: Any) -> None:
    views = [replace(VIEW, messages=TALK[:count]) for count in (0, 2, 4, 5, 6)]
    for before, after in pairwise(views):
        old, new = build_prompt(before, form), build_prompt(after, form)
        assert new[: len(old) - 1] == old[:-1]
        heard = old[-1].text.removesuffix("Your turn.")
        assert new[len(old) - 1].text.startswith(heard), "the last line may only grow"
    asked, answered = build_prompt(views[1], form), build_prompt(replace(VIEW, messages=TALK[:3]), form)
    assert answered[: len(asked)] == asked, "what was sent stays as it was sent"


SAID = st.builds(
    Message,
    st.sampled_from(["buyer", "seller", ""]),
    st.sampled_from(["a", "b", ""]),
    st.sampled_from(["", "offer"]),
    st.sampled_from([{}, {"price": 1}, {"price": 2}]),
    round=st.integers(1, 2),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(SAID, max_size=10), st.data())
def test_a_prompt_does_not_depend_on_what_was_asked_before(log: list[Message], data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["tool", "json", "tag", "text"]))
    for end in range(len(log) + 1):  # seats take turns, each with a window that may change
        seat, first = data.draw(st.sampled_from(["buyer", "seller"])), data.draw(st.integers(0, 2))
        tools = data.draw(st.sampled_from([TOOLS, (), (replace(OFFER, parameters={"price": {"type": "number"}}),)]))
        view = View(seat, "Haggle.", tuple(log[first:end]), tools, seats=("buyer", "seller"))
        fresh = replace(view, messages=deepcopy(view.messages), tools=deepcopy(view.tools))
        assert build_prompt(view, form) == build_prompt(fresh, form)


def test_a_complaint_only_extends_the_last_line() -> None:
    plain, again = build_prompt(VIEW, "json"), build_prompt(replace(VIEW, complaint="that is too low."), "json")
    assert again[:-1] == plain[:-1]
    assert again[-1].text == plain[-1].text + "\nYour last answer was refused: that is too low. Answer again."


def test_legal_texts_stand_with_the_turn() -> None:
    view = View("a", "Choose.", legal=("left", "right"))
    assert build_prompt(view, "tag")[-1].text == "Your turn.\nYour moves: left, right"
    assert '{"move": "…"}' in build_prompt(view, "json")[0].text


def test_actions_in_words() -> None:
    assert format_action("walk_away", {}) == "walks away"
    assert format_action("deny", {}) == "denies"
    assert format_action("pass", {}) == "passes"
    assert format_action("bid", {"item": "lamp", "price": 3.5}) == "bids: item lamp, price $3.50"
    assert render_message(Message("player_1", "", "say_so", {"loud": True})) == "Player 1:  [says so yes]"


# ---- answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "form", "sent", "reply"),
    [
        (True, "auto", TOOLS, Reply("Ok.", (ToolCall("accept"),))),
        (False, "auto", (), Reply('{"say": "Ok.", "action": "accept"}')),
        (True, "tag", (), Reply("Ok. <accept/>")),
    ],
)
async def test_the_form_follows_the_model_unless_it_is_named(
    native: bool, form: Any, sent: tuple[Tool, ...], reply: Reply
) -> None:
    model = Hears(reply, [], native)
    assert await LLM(model, form=form).act(VIEW) == Move("Ok.", "accept")
    ((_, tools, _),) = model.heard
    assert tuple(tools) == sent


async def test_the_seed_is_the_views_unless_one_is_set() -> None:
    model = Hears(Reply("hi"), [])
    await LLM(model).act(replace(VIEW, seed=7))
    await LLM(model, sampling=Sampling(temperature=0.5, seed=3)).act(replace(VIEW, seed=7))
    assert [sampling for _, _, sampling in model.heard] == [Sampling(seed=7), Sampling(temperature=0.5, seed=3)]


async def test_what_a_bad_reply_cost_is_in_its_move() -> None:
    with pytest.raises(BadReply) as caught:
        await LLM(Scripted(replies=('{"say": "hi',))).act(VIEW)
    (call,) = caught.value.move.usage.calls
    assert call.reply == '{"say": "hi' and call.prompt[-1] == ("user", "Your turn.")


def test_tool_calls_need_a_model_that_takes_them() -> None:
    LLM(Scripted(native_tools=True), form="tool").ready()
    with pytest.raises(UsageError, match="set form to json"):
        LLM(Scripted(), form="tool").ready()


# ---- asked again, in a game --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """How many answers came."""

    said: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Even(Game[Count]):
    """Two seats name even numbers, twice each."""

    seats = ("ann", "bob")

    def start(self, rng: Random) -> Count:
        return Count()

    def to_act(self, state: Count) -> tuple[str, ...]:
        return (self.seats[len(state.said) % 2],) if len(state.said) < 4 else ()

    def view(self, state: Count, seat: str) -> View:
        return View(seat, "Name even numbers.", state.said, (Tool("name", "Name it.", {"n": {"type": "integer"}}),))

    def apply(self, state: Count, moves: Any) -> Count:
        ((seat, move),) = moves.items()
        if not move.tool or move.args["n"] % 2:
            raise IllegalMove(seat, f"{move.args.get('n', 'that')} is not even")
        return Count((*state.said, Message(seat, move.text, move.tool, move.args)))

    def scores(self, state: Count) -> dict[str, float | None]:
        return {seat: float(sum(m.args["n"] for m in state.said if m.sender == seat)) for seat in self.seats}  # type: ignore[misc]


def stubborn(lines: Sequence[Line]) -> str:
    """Garbled at first, then odd, then as told."""
    if "not even" in lines[-1].text:
        return '{"say": "Sorry.", "action": "name", "n": 4}'
    return '{"action": "name", "n": 3}' if "refused" in lines[-1].text else '{"action": "name", "n": 3,}'


def test_a_model_is_told_why_and_asked_again() -> None:
    episode = play(Even(), {"ann": LLM(Scripted(function=stubborn)), "bob": LLM(Scripted(replies=('{"n": 2}',)))})
    assert (episode.status, episode.scores) == ("over", {"ann": 8.0, "bob": 4.0})
    reasons = [turn.refused for turn in episode.turns if turn.refused]
    assert len(reasons) == 4 and "JSON is broken" in reasons[0] and reasons[1] == "3 is not even"
    assert len(episode.usage.calls) == 8, "refused answers are billed too"


def test_a_model_that_never_learns_forfeits() -> None:
    episode = play(Even(), {"ann": LLM(Scripted(replies=("",))), "bob": LLM(Scripted())})
    assert (episode.status, episode.blame) == ("forfeit", "ann")
    assert "empty" in episode.turns[0].refused


def test_a_number_without_end_is_refused_before_the_game_sees_it() -> None:
    huge = LLM(Scripted(replies=('{"n": 1' + "0" * 400 + "}",)))
    episode = play(Even(), {"ann": huge, "bob": huge})
    assert episode.blame == "ann" and "n takes" in episode.turns[0].refused


# ---- as configuration --------------------------------------------------------------------------------------------


def test_sampling_is_set_from_a_table_and_described_again() -> None:
    seats: dict[str, Any] = {"buyer": "scripted/echo"}
    assign(seats, "buyer.sampling.temperature", 0.2)
    assign(seats, "buyer.persona", "Kind.")
    agent = build("agent", seats["buyer"])
    assert (agent.sampling, agent.persona) == (Sampling(temperature=0.2), "Kind.")
    spec = json.loads(json.dumps(describe(agent)))
    assert spec["name"] == "llm" and spec["model"]["name"] == "scripted/echo"
    assert build("agent", spec) == agent


@pytest.mark.parametrize(
    ("sampling", "said"),
    [
        ({"temprature": 0.2}, "did you mean temperature"),
        ({"temperature": "hot"}, "sampling.temperature = 'hot'"),
        (3, "sampling = 3"),
    ],
)
def test_wrong_sampling_is_named(sampling: Any, said: str) -> None:
    with pytest.raises(BadPart, match=said):
        build("agent", {"name": "scripted/echo", "sampling": sampling}, "seats.buyer")
