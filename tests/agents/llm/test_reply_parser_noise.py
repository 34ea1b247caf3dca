"""Replies that are rubble, noise, or a megabyte long."""

import string
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.chat_model import Reply, Stop, ToolCall
from agents.llm.prompts import Form, render_own_message
from agents.llm.reply_parser import parse_reply
from arena.errors import BadReply
from arena.game import Message, Move, Tool, View

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
TOOLS = (OFFER, Tool("accept", "Accept."), Tool("walk_away", "Leave."))
JUDGE = Tool("read", "", {"act": {"type": "string"}, "price": {"type": "number"}, "why": {"type": "array"}}, ("price",))
VIEW = View("buyer", "Haggle.", tools=TOOLS, seats=("buyer", "seller"))
VIEWS = (VIEW, View("judge", "", tools=(JUDGE,)), View("a", "", legal=("Hold", "3")), View("b", ""))


def settle(reply: Reply) -> None:
    """Read a reply for each view: a move or a bad reply comes of it, and text that can be stored."""
    for view in VIEWS:
        try:
            found = parse_reply(reply, view)
        except BadReply as error:
            assert error.why
            found = error.move
        found.text.encode()


def test_controls_are_stripped_and_lone_surrogates_replaced() -> None:
    assert parse_reply(Reply("a\x00b\x1b[31m\tc\r\nd\ud800"), VIEW) == Move("ab[31m\tc\nd\ufffd")
    assert parse_reply(Reply('{"action": "offer", "price": "\\ud800\\u0007"}'), VIEW).args == {"price": "\ufffd"}


@given(st.text(), st.sampled_from(["end", "length", "filter", "refusal"]))
def test_any_text_is_a_move_or_a_bad_reply(text: str, stop: Stop) -> None:
    settle(Reply(text, stop=stop))


PIECES = st.sampled_from(
    ["{", "}", '"', "[", "]", ":", ",", "\\", "<", "/", ">", "\n", "say", "action", "offer", "price", "accept", "12",
     "think", "```", "Seller", "null", "=", "'", " ", "\\ud800", "tool_call", "name", "args", "move"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_rubble_of_json_and_tags_is_a_move_or_a_bad_reply(text: str) -> None:
    settle(Reply(text))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(
    ToolCall,
    st.text(max_size=9) | st.just("offer"),
    st.dictionaries(st.text(max_size=5) | st.sampled_from(["say", "args"]), VALUES, max_size=3),
)


@given(st.lists(CALLS, max_size=2).map(tuple))
def test_any_tool_calls_are_a_move_or_a_bad_reply(calls: tuple[ToolCall, ...]) -> None:
    settle(Reply("", calls))


ALPHABET = string.ascii_letters + string.digits + " .,!?$äß…"


def has_words(text: str) -> bool:
    """Whether nothing is said, or more than a mark: a comma beside an action is taken for what parted the two."""
    return not text or any(map(str.isalnum, text))


@pytest.mark.parametrize("form", ["json", "tag", "tool"])
@given(st.text(ALPHABET, max_size=50).map(str.strip).filter(has_words), st.sampled_from(TOOLS), st.integers(0, 10**6))
def test_what_is_written_in_a_form_is_read_back_from_it(form: Form, words: str, tool: Tool, price: int) -> None:
    args = {"price": price} if tool is OFFER else {}
    line = render_own_message(Message("buyer", words, tool.name, args), form)
    calls = (line.call,) if line.call else ()
    assert parse_reply(Reply(line.text, calls), VIEW) == Move(words, tool.name, args)


@pytest.mark.few(7)
@pytest.mark.parametrize(
    "piece",
    ["{", "}", "<", "<offer ", "<offer>", "<accept/>", "<think>", '{"', '{"a":', '{"a":1}', '"', '{"\\"', "```", "\n",
     " ", "Buyer:", "Buyer:\n", "a", "<offer a", "{ ", "[", "\\", '{"say":"a"}', "\n *", "<say>", "==", "x ",
     "</think>"],
)  # fmt: skip
def test_a_long_text_is_read_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = process_time()
    try:
        parse_reply(Reply(text), VIEW)
    except BadReply:
        pass
    assert process_time() - start < 10, "quadratic work on 200,000 characters takes minutes"
