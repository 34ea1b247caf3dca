"""Thoughts are no words, however they are marked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reply_forms import CALLS, CUT, THOUGHTS

from agents.chat_model import Reply, ToolCall
from agents.llm.reply_parser import parse_reply
from agents.llm.thought_parsing import find_closing_mark, split_thought
from arena.errors import BadReply
from arena.game import Tool, View

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
VIEW = View("buyer", "Haggle.", tools=(OFFER, Tool("accept", "Accept.")), seats=("buyer", "seller"))
THOUGHT, WORDS = "My limit is 20, and he must not know.", "I could pay $12."
PLAIN = st.text("abcdefgh ABCXYZ.,!?'$0123456789äß中\n", min_size=1, max_size=60).map(str.strip).filter(bool)


@pytest.mark.parametrize("form", THOUGHTS)
def test_a_thought_stands_apart_from_the_words(form: str) -> None:
    thought, words = split_thought(THOUGHTS[form](THOUGHT, WORDS))
    assert words == WORDS
    assert THOUGHT in thought
    move = parse_reply(Reply(THOUGHTS[form](THOUGHT, WORDS)), VIEW)
    assert (move.text, move.tool) == (WORDS, "") and THOUGHT in move.thought


FORMS, DEEDS, TOOLS = map(st.sampled_from, (sorted(THOUGHTS), sorted(CALLS), ["", "offer", "accept"]))


@given(FORMS, PLAIN, TOOLS, DEEDS)
def test_no_thought_is_ever_spoken(form: str, thought: str, tool: str, call: str) -> None:
    secret = f"QQ {thought} QQ"
    deed = CALLS[call](tool, {"price": 12} if tool == "offer" else {}) if tool else ""
    move = parse_reply(Reply(THOUGHTS[form](secret, f"{WORDS}\n{deed}")), VIEW)
    assert (move.text, move.tool) == (WORDS, tool)
    assert "QQ" not in str(move.args) and secret.strip() in move.thought


@given(FORMS, FORMS, PLAIN)
def test_separating_twice_is_separating_once(first: str, second: str, thought: str) -> None:
    words = split_thought(THOUGHTS[first](thought, THOUGHTS[second](thought, WORDS)))[1]
    assert split_thought(words) == ("", words)


@pytest.mark.parametrize("form", CUT)
def test_a_thought_that_is_cut_off_is_refused_saying_so(form: str) -> None:
    with pytest.raises(BadReply, match=r"all thought; it was cut off at the token limit") as caught:
        parse_reply(Reply(CUT[form](THOUGHT), stop="length"), VIEW)
    assert caught.value.move.text == "" and THOUGHT in caught.value.move.thought


def test_a_prompt_that_began_the_thought_makes_all_of_it_thought() -> None:
    with pytest.raises(BadReply, match="all thought"):
        parse_reply(Reply(THOUGHT, stop="length", opened=True), VIEW)
    for text in (f"{THOUGHT}</think>{WORDS}", f"<think>\n{THOUGHT}</think>{WORDS}", f"{THOUGHT}[/THINK]\n{WORDS}"):
        move = parse_reply(Reply(text, opened=True), VIEW)
        assert (move.text, move.thought) == (WORDS, THOUGHT)


@pytest.mark.parametrize(
    "words",
    [
        "I <b>mean</b> it: <offering> and [smiles] and (thinking of you).",
        "My reasoning: it cost me $8. So $12 is fair.",
        "Reasoning: balloons cost $8, so I offer $12.",
        "analysis shows that $12 is fair; finally, a deal?",
        "What do you think? I thought of $12. [thinking] 12?",
        "Your `<think>` tag shows, friend.",
        "Let me think: $12?",
        "A plan: I pay $12 --> you smile.",
        "a < b and c > d, thinking of 3 < 4",
        "The assistant finally said: final offer.",
        "```\nprice = 12\n```",
    ],
)
def test_what_only_looks_like_a_thought_is_spoken(words: str) -> None:
    assert split_thought(words) == ("", words)
    assert parse_reply(Reply(words), VIEW).text == words


def test_a_tag_of_the_games_own_is_no_thought() -> None:
    reason = Tool("decide", "", {"winner": {"type": "string"}, "reason": {"type": "string"}}, ("reason",))
    view = View("judge", "", tools=(reason, Tool("reflect", "")))
    move = parse_reply(Reply("<decide><winner>a</winner><reason>It was clear.</reason></decide>"), view)
    assert move.args == {"winner": "a", "reason": "It was clear."}
    assert parse_reply(Reply("<reflect/>"), view).tool == "reflect"
    assert parse_reply(Reply("<think>Hm.</think><reflect/>"), view).thought == "Hm."


def test_thoughts_within_what_is_said_or_given_are_thoughts() -> None:
    said = parse_reply(
        Reply('{"say": "\\u003cthink\\u003eTwenty.\\u003c/think\\u003eTwelve?", "action": "accept"}'), VIEW
    )
    assert (said.text, said.tool, said.thought) == ("Twelve?", "accept", "Twenty.")
    told = View("a", "", tools=(Tool("tell", "", {"words": {"type": "string"}}),))
    called = parse_reply(Reply("", (ToolCall("tell", {"words": "[THINK]Twenty.[/THINK]Twelve?"}),)), told)
    assert (called.args, called.thought) == ({"words": "Twelve?"}, "Twenty.")
    keyed = parse_reply(Reply('{"scratchpad": "Twenty.", "say": "Twelve?", "action": "accept"}'), VIEW)
    assert (keyed.text, keyed.args, keyed.thought) == ("Twelve?", {}, "Twenty.")


def test_what_a_server_set_apart_is_thought() -> None:
    move = parse_reply(Reply(f"<think>More.</think>{WORDS}", thought=THOUGHT), VIEW)
    assert (move.text, move.thought) == (WORDS, f"{THOUGHT}\nMore.")
    with pytest.raises(BadReply, match="all thought"):
        parse_reply(Reply("", stop="length", thought=THOUGHT), VIEW)


def test_a_refused_reply_keeps_its_thought_as_thought() -> None:
    with pytest.raises(BadReply) as caught:
        parse_reply(Reply(f'<think>{THOUGHT}</think>{{"action": "offer", "price": '), VIEW)
    assert THOUGHT not in caught.value.move.text and caught.value.move.thought == THOUGHT


@pytest.mark.parametrize(
    ("ending", "closed"),
    [
        ("<|im_start|>assistant\n<think>\n", "</think>"),
        ("<｜Assistant｜><think>\n", "</think>"),
        ("[/INST][THINK]", "[/THINK]"),
        ("<|im_assistant|>assistant◁think▷", "◁/think▷"),
        ("<seed:bos>assistant\n<seed:think>", "</seed:think>"),
        ("<|CHATBOT_TOKEN|><|START_THINKING|>", "<|END_THINKING|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|turn>model\n<|channel>thought\n", "<channel|>"),
        ("assistant\n<think>\nOkay, ", "</think>"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", ""),
        ("<|Assistant|></think>", ""),
        ("<|start|>assistant", ""),
        ("Assistant:", ""),
    ],
)
def test_a_prompt_that_begins_a_thought_is_known_by_its_end(ending: str, closed: str) -> None:
    said = "What is a <think> tag?"
    assert find_closing_mark(f"<|user|>{said}<|end_of_line|>{ending}", said) == closed


@pytest.mark.parametrize("form", ["think", "behind", "begun by the prompt", "harmony", "command", "notes", "react"])
def test_a_thought_in_what_an_object_says_is_none_of_its_words(form: str) -> None:
    move = parse_reply(Reply(json.dumps({"say": THOUGHTS[form](THOUGHT, WORDS), "action": "accept"})), VIEW)
    assert (move.text, move.tool, move.thought) == (WORDS, "accept", THOUGHT)
    parts = [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": WORDS}]
    move = parse_reply(Reply(json.dumps({"say": parts})), VIEW)
    assert (move.text, move.thought) == (WORDS, THOUGHT)
