"""Every way in which a reply can come, and what becomes of it."""

import pytest

from agents.chat_model import Reply, ToolCall
from agents.llm.reply_parser import parse_reply
from arena.errors import BadReply
from arena.game import Move, Tool, View
from arena.usage import Call, Usage

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
TOOLS = (OFFER, Tool("accept", "Accept."), Tool("walk_away", "Leave."))
VIEW = View("buyer", "Haggle.", tools=TOOLS, seats=("buyer", "seller", "moderator"))
READ = Tool(
    "read", "Judge.", {"act": {"type": "string"}, "price": {"type": "number"}, "sure": {"type": "boolean"}}, ("price",)
)
USAGE = Usage((Call("m", usd=0.5),))


def move(text: str, view: View = VIEW, calls: tuple[ToolCall, ...] = (), stop: str = "end") -> Move:
    return parse_reply(Reply(text, calls, stop, USAGE), view)  # type: ignore[arg-type]


def refusal(text: str, view: View = VIEW, calls: tuple[ToolCall, ...] = (), stop: str = "end") -> BadReply:
    with pytest.raises(BadReply) as caught:
        move(text, view, calls, stop)
    assert caught.value.move.usage == USAGE, "what a bad reply cost is kept"
    return caught.value


def offers(price: object, text: str = "") -> Move:
    return Move(text, "offer", {"price": price}, usage=USAGE)  # type: ignore[dict-item]


# ---- tool calls --------------------------------------------------------------------------------------------------


def test_one_tool_call_is_the_action_and_the_text_the_words() -> None:
    assert move("Twelve.", calls=(ToolCall("offer", {"price": 12}),)) == offers(12, "Twelve.")


def test_words_in_a_tool_call_that_takes_none_are_said() -> None:
    assert move("", calls=(ToolCall("accept", {"message": "Fine."}),)) == Move("Fine.", "accept", usage=USAGE)


def test_two_tool_calls_are_refused_naming_both() -> None:
    error = refusal("Hm.", calls=(ToolCall("offer", {"price": 12}), ToolCall("accept")))
    assert "offer(price=12)" in error.why and "accept()" in error.why
    assert error.move.text == "Hm." and not error.move.tool


def test_the_same_tool_call_twice_is_one_action() -> None:
    assert move("", calls=(ToolCall("accept"), ToolCall("accept"))).tool == "accept"


def test_a_tool_call_with_broken_arguments_is_refused_and_says_when_it_was_cut_off() -> None:
    broken = (ToolCall("offer", broken='{"price": 1'),)
    assert "offer" in refusal("", calls=broken).why and "cut off" not in refusal("", calls=broken).why
    assert "cut off at the token limit" in refusal("", calls=broken, stop="length").why


def test_a_tool_call_and_another_action_in_the_text_are_two_actions() -> None:
    assert "two actions" in refusal('{"action": "accept"}', calls=(ToolCall("offer", {"price": 12}),)).why


# ---- JSON --------------------------------------------------------------------------------------------------------

TWELVE = '{"say": "Twelve?", "action": "offer", "price": 12}'


@pytest.mark.parametrize(
    "text",
    [
        TWELVE,
        f"Here is my answer:\n{TWELVE}\nI hope it helps.",
        f"```json\n{TWELVE}\n```",
        f"Buyer: {TWELVE}",
        f"**Buyer**: {TWELVE}\nSeller: No! {{}}",
        f"{TWELVE}\n{TWELVE}",
        f"Well {{hm}} {TWELVE}",
        '{"action": "Offer", "args": {"price": 12}, "say": "Twelve?"}',
        '{"say": "Twelve?", "offer": {"price": 12}}',
        '{"say": "Twelve?", "offer": 12, "accept": false}',
        '{"message": "Twelve?", "tool": "offer", "arguments": {"price": 12}}',
        '<tool_call>{"name": "offer", "arguments": {"price": 12, "say": "Twelve?"}}</tool_call>',
        '{\n  "say": "Twelve?",\n  "action": "offer",\n  "price": 12\n}',
    ],
)
def test_json_is_found_and_its_say_is_what_is_said(text: str) -> None:
    assert move(text) == offers(12, "Twelve?")


def test_words_around_json_without_say_are_said() -> None:
    assert move('Twelve?\n```json\n{"action": "offer", "price": 12}\n```') == offers(12, "Twelve?")


@pytest.mark.parametrize("silent", ['"action": null', '"action": "none"', '"action": ""', '"action": "say"'])
def test_json_without_an_action_only_speaks(silent: str) -> None:
    assert move(f'{{"say": "Too much.", {silent}}}') == Move("Too much.", usage=USAGE)
    assert move('{"say": "Too much."}') == Move("Too much.", usage=USAGE)


def test_json_thought_is_kept_apart() -> None:
    assert move('{"thought": "Up to 20.", "say": "No.", "action": null}') == Move(
        "No.", thought="Up to 20.", usage=USAGE
    )


def test_an_argument_of_its_own_name_is_no_speech() -> None:
    view = View("x", "", tools=(Tool("send", "", {"message": {}, "to": {}}),))
    sent = move('{"say": "Done.", "action": "send", "message": "Hi", "to": "bob"}', view)
    assert (sent.text, sent.args) == ("Done.", {"message": "Hi", "to": "bob"})


def test_arguments_alone_are_the_action_where_there_is_one_tool() -> None:
    assert move('{"act": "talk", "sure": true}', View("m", "", tools=(READ,))).tool == "read"
    assert "no action" in refusal('{"say": "ok", "price": 12}').why


def test_two_json_objects_with_different_actions_are_refused_naming_both() -> None:
    error = refusal(f'{TWELVE} {{"action": "offer", "price": 13}}')
    assert "offer(price=12)" in error.why and "offer(price=13)" in error.why
    assert "two actions" in refusal('{"offer": 12, "accept": true}').why


def test_a_key_given_twice_is_refused() -> None:
    assert "'action' twice" in refusal('{"action": "offer", "price": 12, "action": "accept"}').why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"say": "hi", "action": "offer", "price": 12,}', "line 1 column"),
        ("{'say': 'hi', 'action': 'accept'}", "line 1 column 2"),
        ('{"say": "hi", "action": "offer", "price": ', "does not end"),
        ('{"say": "hi", "args": {"price": 1}, "act', "does not end"),
        ('{"response": "hi"}', 'neither "say" nor "action"'),
        ('{"say": "hi", "action": {"name": "offer"}}', '"action" holds no name'),
        ('{"action": "offer", "price": ' + "9" * 5000 + "}", "endless number"),
        ('{"action": "offer", "price": ' + '{"a":' * 50 + "1" + "}" * 51, "nested deeper"),
        ('{"action": "offer", "price": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested without end"),
    ],
)
def test_broken_json_is_refused_and_never_mended(text: str, said: str) -> None:
    assert said in refusal(text).why


def test_json_cut_off_by_the_token_limit_is_refused_saying_so() -> None:
    assert "cut off at the token limit" in refusal(TWELVE[:-5], stop="length").why
    assert "filter cut it off" in refusal(TWELVE[:-5], stop="filter").why
    assert move("I would rather", stop="length").text == "I would rather"


# ---- tags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        "<offer>12</offer>",
        '<offer price="12"/>',
        "<offer price='12'></offer>",
        "<OFFER> 12 </OFFER>",
        "<offer><price>12</price></offer>",
        "<offer price=12 />",
    ],
)
def test_a_tag_is_the_action_and_the_rest_the_words(tag: str) -> None:
    assert move(f"Twelve?\n{tag}") == offers(12, "Twelve?")
    assert move(f"Noise <say>Twelve?</say> {tag}") == offers(12, "Twelve?")


def test_tags_without_arguments() -> None:
    for text in ("<accept/>", "<accept></accept>", "<accept>", "<say><accept/></say>"):
        assert move(text) == Move("", "accept", usage=USAGE)


def test_tags_of_several_arguments_and_types() -> None:
    judged = move("<read><act>offer</act><price>$12</price><sure>yes</sure></read>", View("m", "", tools=(READ,)))
    assert judged.args == {"act": "offer", "price": "$12", "sure": True}
    advise = View("c", "", tools=(Tool("suggest", "", {"lines": {"type": "array"}}),))
    assert move("<suggest>\n1. Hold.\n- Wait.\n</suggest>", advise).args == {"lines": ["Hold.", "Wait."]}
    assert move('<suggest>["Hold.", "Wait."]</suggest>', advise).args == {"lines": ["Hold.", "Wait."]}


def test_bad_tags_are_refused() -> None:
    assert "two actions" in refusal("<offer>12</offer> or <accept/>").why
    assert "not closed" in refusal("Twelve <offer>12").why
    assert "cut off" in refusal("Twelve <offer pri", stop="length").why
    assert "price twice" in refusal('<offer price="1" price="2"/>').why


def test_tags_of_no_tool_are_words() -> None:
    assert move("I <b>mean</b> it. <offering>").text == "I <b>mean</b> it. <offering>"


# ---- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["I accept your offer!", "I offer $12.", "offer(12)", "accept", "Take {it} or {leave it}."]
)
def test_no_action_is_guessed_from_prose(text: str) -> None:
    assert move(text) == Move(text, usage=USAGE)


def test_nothing_is_nothing() -> None:
    assert move("") == move(" \n\x00 ") == Move("", usage=USAGE)


def test_a_refusal_is_its_text() -> None:
    assert move("I can't help with that.", stop="refusal") == Move("I can't help with that.", usage=USAGE)
    assert move("", stop="filter") == Move("", usage=USAGE)


@pytest.mark.parametrize(
    ("text", "thought", "words"),
    [
        ("<think>He needs it.</think>No.", "He needs it.", "No."),
        ("He needs it.</think>\n\nNo.", "He needs it.", "No."),
        ("<Reasoning>A</Reasoning> No <think>B</think>.", "AB", "No ."),
        ('<think>{"action": "accept"} <accept/></think>No.', '{"action": "accept"} <accept/>', "No."),
    ],
)
def test_thought_is_no_part_of_the_words(text: str, thought: str, words: str) -> None:
    assert move(text) == Move(words, thought=thought, usage=USAGE)


def test_thought_without_end() -> None:
    assert move("<think>Hm, what") == Move("", thought="Hm, what", usage=USAGE)
    assert "all thought; it was cut off" in refusal("<think>Hm, what", stop="length").why


@pytest.mark.parametrize(
    "text",
    [
        "No.\nSeller: Then 11?\nBuyer: Deal.",
        "Buyer: No.\n\n**Seller**: Then 11?",
        "**Buyer:** No.\nUser: Then 11?",
        "[Buyer]: No.\n### Seller:\nThen 11?",
        "assistant: No.\nModerator: A deal!",
        '{"say": "Buyer: No.\\nSeller: Then 11?"}',
        'No.\nSeller: {"action": "accept"}',
    ],
)
def test_a_reply_ends_where_it_speaks_for_another(text: str) -> None:
    assert move(text) == Move("No.", usage=USAGE)


def test_a_reply_that_is_all_anothers_is_refused() -> None:
    assert "speaks for Seller" in refusal("Seller: I take it.").why


def test_colons_that_name_nobody_stay() -> None:
    text = "My reasons:\nPrice: too high.\nThe seller: a friend."
    assert move(text).text == text


def test_a_seat_may_bear_a_roles_name() -> None:
    view = View("user", "", seats=("user", "assistant"))
    assert move("User: Hi.\nAssistant: Hello.", view).text == "Hi."


# ---- legal texts -------------------------------------------------------------------------------------------------

LEGAL = View("a", "", legal=("Hold", "3", "a1 b2"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Hold", "Hold"),
        (" `hold`. ", "Hold"),
        ('{"move": "a1 b2"}', "a1 b2"),
        ('{"move": 3}', "3"),
        ('{"say": "hold"}', "Hold"),
        ('{"say": "I hold now.", "move": "Hold"}', "Hold"),
        ('{"action": "hold"}', "Hold"),
        ("I hold", "I hold"),
        ("Hold or 3", "Hold or 3"),
    ],
)
def test_a_legal_text_is_taken_whole_or_not_at_all(text: str, meant: str) -> None:
    assert move(text, LEGAL) == Move(meant, usage=USAGE)
