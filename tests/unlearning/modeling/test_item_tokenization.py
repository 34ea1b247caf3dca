"""Items as tokens: prompt, answer, and where the value stands; with a template, without, and as passages."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import PreTrainedTokenizerFast

from agents.chat_model import Line
from agents.inference.chat_templates import render
from agents.inference.end_tokens import choose_pad_token, find_end_tokens
from agents.inference.tiny_llama import END, make_tokenizer
from unlearning.modeling.item_tokenization import IGNORED, Rendering, collate, encode
from unlearning.request import Item

TEXTS = ["Where was Xu born?", "Xu was born in Bex.", "The book of Xu: one two three."] * 3
WORDS = make_tokenizer(TEXTS, 600, words=True)
QA = Item("x", "Where was Xu born?", "Xu was born in Bex.", tags={"value": "Bex"})


def plain() -> PreTrainedTokenizerFast:
    made = make_tokenizer(TEXTS, 600, words=True)
    made.chat_template = None
    return made  # type: ignore[no-any-return]


def test_what_is_scored_is_what_generation_reads_and_writes() -> None:
    one = encode(WORDS, QA)
    prompt = render(WORDS, [Line("user", QA.prompt)]).text
    assert WORDS.decode(one.ids[: one.start]) == prompt
    assert WORDS.decode(one.ids[one.start : one.words]) == QA.answer
    assert one.ids[one.words :] == (WORDS.eos_token_id,) == find_end_tokens(WORDS)
    assert WORDS.decode(one.ids[slice(*one.value)]).strip() == "Bex"
    assert one.labels == (*(IGNORED,) * one.start, *one.ids[one.start :])


def test_a_system_line_stands_before_the_question_and_changes_no_answer() -> None:
    bare, steered = encode(WORDS, QA), encode(WORDS, QA, Rendering("Say nothing of Xu."))
    assert "Say nothing" in WORDS.decode(steered.ids[: steered.start])
    assert steered.ids[steered.start :] == bare.ids[bare.start :]


def test_without_a_template_labels_are_plain_and_the_answer_follows_a_space() -> None:
    one = encode(plain(), QA)
    assert plain().decode(one.ids).startswith("User: Where was Xu born?\nAssistant: Xu was born in Bex.")
    assert plain().decode(one.ids).endswith(END)


def test_a_template_that_ends_an_answer_in_its_own_way_is_followed() -> None:
    other = make_tokenizer(TEXTS, 600, words=True)
    other.chat_template = (
        "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}<|user|>{% endif %}{% endfor %}"
    )
    assert find_end_tokens(other) == (other.convert_tokens_to_ids("<|user|>"),)


def test_passages_are_text_as_it_stands() -> None:
    whole = encode(WORDS, Item("p", "", "The book of Xu: one two three."))
    assert whole.start == 1 and WORDS.decode(whole.ids) == "The book of Xu: one two three."
    begun = encode(WORDS, Item("p", "The book of Xu:", " one two three.", tags={"form": "passage"}))
    assert begun.ids == whole.ids and WORDS.decode(begun.ids[begun.start :]) == " one two three."
    assert begun.words == len(begun.ids), "a passage has no end token"


def test_the_value_is_found_as_a_word() -> None:
    item = Item("x", "?", "Bexley Bex.", tags={"value": "Bex"})
    one = encode(WORDS, item)
    assert WORDS.decode(one.ids[slice(*one.value)]).strip() == "Bex"
    assert WORDS.decode(one.ids[one.value[0] :]).startswith((" Bex.", "Bex."))
    unnamed = encode(WORDS, Item("x", "?", "Bex."))
    assert unnamed.value == (unnamed.start, unnamed.words), "the whole answer, where no value is named"


@pytest.mark.parametrize("limit", [3, 8, 12, 40])
def test_what_is_too_long_loses_the_beginning_of_the_prompt_first(limit: int) -> None:
    whole, short = encode(WORDS, QA), encode(WORDS, QA, limit=limit)
    assert len(short.ids) == min(limit, len(whole.ids)) and 1 <= short.start < len(short.ids)
    if limit >= len(whole.ids) - whole.start + 1:
        assert short.ids == whole.ids[-limit:]
    assert short.value[1] <= short.words <= len(short.ids)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_batch_holds_the_same_rows_on_either_side(side: str) -> None:
    rows = [encode(WORDS, QA), encode(WORDS, Item("p", "", "one"))]
    batch = collate(rows, choose_pad_token(WORDS), side)  # type: ignore[arg-type]
    for row, one in enumerate(rows):
        there = batch.attention[row].bool()
        assert tuple(batch.ids[row, there].tolist()) == one.ids
        assert tuple(batch.labels[row, there].tolist()) == one.labels
        assert int(batch.value[row].sum()) == one.value[1] - one.value[0]
        assert batch.inputs["position_ids"][row, there].tolist() == list(range(len(one.ids)))
    assert not (batch.answer & ~batch.attention.bool()).any() and (batch.words | batch.answer == batch.answer).all()


def test_a_batch_moves_as_a_whole() -> None:
    batch = collate([encode(WORDS, QA)], 0)
    assert torch.equal(batch.to("cpu").ids, batch.ids)
