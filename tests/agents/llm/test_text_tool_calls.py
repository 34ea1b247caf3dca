"""Actions that are written into the text in the formats of tool calls."""

import json

import pytest
from reply_forms import CALLS, UNREAD

from agents.chat_model import Reply
from agents.llm.reply_parser import parse_reply
from arena.engine.move_validation import well_formed
from arena.errors import BadReply, IllegalMove
from arena.game import Move, Tool, View

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
TEXT = {"type": "string"}
TELL = Tool("tell", "Tell.", {"whom": TEXT, "words": TEXT, "loud": {"type": "boolean"}}, ("loud",))
TOOLS = (OFFER, Tool("accept", "Accept."), TELL)
VIEW = View("buyer", "Haggle.", tools=TOOLS, seats=("buyer", "seller"))
WORDS = "I could pay $12; what do you say?"


@pytest.mark.parametrize("form", CALLS)
@pytest.mark.parametrize("before", ["", f"{WORDS}\n\n"])
def test_an_action_in_any_format_is_read(form: str, before: str) -> None:
    for tool, args in (("offer", {"price": 12.5}), ("accept", {}), ("tell", {"whom": "Bo", "words": "it's $3, ok?"})):
        move = well_formed(VIEW, parse_reply(Reply(before + CALLS[form](tool, args)), VIEW))
        assert (move.tool, move.args, move.text) == (tool, args, before.strip())


@pytest.mark.parametrize("form", ["hermes", "mistral", "glm", "openai", "react", "python, quoted", "claude"])
def test_an_action_within_what_an_object_says_is_read(form: str) -> None:
    said = f"<|START_THINKING|>My limit is 20.<|END_THINKING|>{WORDS}\n{CALLS[form]('offer', {'price': 12})}"
    move = parse_reply(Reply(json.dumps({"say": said})), VIEW)
    assert (move.text, move.tool, move.args, move.thought) == (WORDS, "offer", {"price": 12}, "My limit is 20.")


@pytest.mark.parametrize("text", UNREAD)
def test_a_call_that_cannot_be_read_is_refused_saying_how_to_write_it(text: str) -> None:
    with pytest.raises(BadReply, match=r'write \{"say": "…", "action": "offer", "price": <number>\}'):
        parse_reply(Reply(f"Twelve? {text}"), VIEW)


@pytest.mark.parametrize("form", ["hermes", "mistral", "qwen-coder", "claude", "react", "llama", "python", "glm"])
def test_an_action_that_there_is_not_is_refused_and_not_spoken(form: str) -> None:
    move = parse_reply(Reply(CALLS[form]("bribe", {"price": 12})), VIEW)
    assert (move.tool, move.text) == ("bribe", "")
    with pytest.raises(IllegalMove, match=r"no action named 'bribe'.*offer"):
        well_formed(VIEW, move)
    silent = View("a", "", seats=("a", "b"))
    assert form == "react" or parse_reply(Reply(CALLS[form]("bribe", {"price": 12})), silent).text == ""


@pytest.mark.parametrize("form", ["hermes", "mistral, list", "qwen-coder", "claude", "deepseek 3.1", "python"])
def test_two_different_calls_are_refused_and_the_same_twice_is_one(form: str) -> None:
    write = CALLS[form]
    with pytest.raises(BadReply, match=r"two actions in one reply, offer\(price=12\) and accept\(\)"):
        parse_reply(Reply(write("offer", {"price": 12}) + "\n" + write("accept", {})), VIEW)
    assert parse_reply(Reply(write("accept", {}) + "\n" + write("accept", {})), VIEW).tool == "accept"


@pytest.mark.parametrize("name", ["functions.offer", "Offer", "offer:0", "default_api.offer"])
def test_what_stands_around_a_name_is_left_out(name: str) -> None:
    assert (
        parse_reply(Reply(f'<tool_call>{{"name": "{name}", "arguments": {{"price": 3}}}}</tool_call>'), VIEW).tool
        == "offer"
    )


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "say", "arguments": {"text": "Twelve?"}}</tool_call>',
        "Action: Final Answer\nAction Input: Twelve?",
        '{"action": "respond", "content": "Twelve?"}',
        "<function=send_message><parameter=text>Twelve?</parameter></function>",
    ],
)
def test_a_call_that_only_speaks_is_speech(text: str) -> None:
    move = parse_reply(Reply(text), VIEW)
    assert (move.text, move.tool) == ("Twelve?", "")


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("Action: offer[12]", {"price": 12}),
        ("Action: offer(price=12)", {"price": 12}),
        ("Action: offer\nPrice: 12", {"price": 12}),
        ("Action: offer\nAction Input: 12", {"price": 12}),
        ('Action: offer\nAction Input:\n```json\n{"price": 12}\n```', {"price": 12}),
        ("Say: Hm.\nAction: accept", {}),
    ],
)
def test_react_in_short(text: str, args: dict[str, object]) -> None:
    move = well_formed(VIEW, parse_reply(Reply(text), VIEW))
    assert move.tool in ("offer", "accept") and move.args == args and move.text in ("", "Hm.")


@pytest.mark.parametrize(
    "text",
    [
        "offer(12)",
        "I [offer] you (12).",
        "Take {it} or {leave it}.",
        "Action speaks louder: no.",
        "Action: I wait.",
    ],
)
def test_prose_stays_prose(text: str) -> None:
    assert parse_reply(Reply(text), VIEW) == Move(text)


def test_a_call_that_is_cut_off_says_so() -> None:
    for text in ('<tool_call>{"name": "offer", "argum', '[TOOL_CALLS]offer{"pri', "<function=tell><parameter=whom>Bo"):
        try:
            move = well_formed(VIEW, parse_reply(Reply(text, stop="length"), VIEW))
        except BadReply as error:
            assert "cut off at the token limit" in error.why
        except IllegalMove as error:
            assert "needs the argument" in error.why
        else:
            raise AssertionError(move)
