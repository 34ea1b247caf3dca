"""A legal text is read from a clear form, and from nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reply_forms import CLEAR, UNCLEAR

from agents.chat_model import Reply
from agents.llm.legal_text_matching import match_legal_text
from agents.llm.reply_parser import parse_reply
from arena.errors import BadReply
from arena.game import View

MOVES = ("bet", "check", "walk_away", "tit for tat", "Rock", "a1 b2")
VIEW = View("a", "", legal=MOVES, seats=("a", "b"))


def meant(text: str) -> str:
    """The legal text that a reply is, or ""."""
    try:
        move = parse_reply(Reply(text), VIEW)
    except BadReply:
        return ""
    return move.text if move.text in MOVES and not move.tool else ""


@pytest.mark.parametrize("form", CLEAR)
def test_a_clear_form_is_the_move(form: str) -> None:
    assert [meant(form.format(move, move)) for move in MOVES] == list(MOVES)


@pytest.mark.parametrize("form", UNCLEAR)
def test_an_unclear_form_is_none(form: str) -> None:
    assert meant(form.format("bet", "check")) == meant(form.format("Rock", "bet")) == ""


@given(
    st.lists(
        st.sampled_from(["not", "never", "no", "but", "or", "instead of", "bet", "check", ",", "I", "will"]), min_size=2
    )
)
def test_two_words_are_never_one_of_them(words: list[str]) -> None:
    text = " ".join(words)
    assert meant(text) == "" or [word for word in words if word not in ("I", "will", ",")] == [meant(text)]


def test_case_and_joints_of_words_are_alike() -> None:
    assert [meant(text) for text in ("BET", "Walk away", "tit-for-tat", "rock!")] == [
        "bet",
        "walk_away",
        "tit for tat",
        "Rock",
    ]


@pytest.mark.parametrize("text", [".3", "-3", "- 3", "3.5", "+3", "3 or 4", "33", "#3", "3%", "1/3"])
def test_a_number_is_not_mistaken(text: str) -> None:
    assert match_legal_text(text, ("3", "4")) == text


@pytest.mark.parametrize("text", ["3", "3.", "[3]", "**3**", "Move: 3", "I play 3.", r"\boxed{3}", "(3)"])
def test_a_number_in_a_clear_form_is_the_move(text: str) -> None:
    assert match_legal_text(text, ("3", "4")) == "3"


def test_two_moves_that_differ_in_case_alone_need_the_very_text() -> None:
    assert match_legal_text("[UP]", ("up", "Up")) == "[UP]"
    assert match_legal_text("Up", ("up", "Up")) == "Up"
