"""Models in this process whose chat template begins a thought, or whose thoughts are marked by special tokens."""

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from agents.chat_model import Line, Reply, Sampling
from agents.inference.chat_templates import render
from agents.inference.engine import decode_tokens, find_marks
from agents.inference.tiny_llama import TEMPLATE, make_tiny, make_tokenizer
from agents.llm.llm import LLM
from agents.llm.reply_parser import parse_reply
from agents.models.local import Local
from arena.errors import BadReply
from arena.game import Message, View
from unlearning.modeling.item_tokenization import Rendering, build_question_prompt, encode
from unlearning.request import Item
from unlearning.scoring.elicitation import ask_items

VIEW = View("buyer", "Haggle.", (Message("seller", "say 42", round=1),), seats=("buyer", "seller"))
SAID = "You said 42, and 42 it is."
BEGUN = {"<think>\n": "</think>", "[THINK]": "[/THINK]", "◁think▷": "◁/think▷", "<seed:think>": "</seed:think>"}


def template(opening: str) -> str:
    """The tiny models' template, which begins the answer with `opening`."""
    return f"{TEMPLATE}{{% if add_generation_prompt %}}{{{{ {opening!r} }}}}{{% endif %}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that was taught to answer "say N", behind a thought that its prompt has ended and behind none."""
    taught = [
        [Line("user", f"say {n}"), Line("assistant", f"{between}You said {n}, and {n} it is.")]
        for n in range(30, 60)
        for between in ("", "<think>\n\n</think>\n\n")
    ]
    place = tmp_path_factory.mktemp("thinker")
    return str(make_tiny(place, conversations=taught, hidden=32, context=256, steps=150))


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with random weights, whose answers seldom end."""
    return str(make_tiny(tmp_path_factory.mktemp("wild"), texts=["to be or not to be"], spread=0.02, context=512))


@pytest.mark.parametrize("opening", BEGUN)
async def test_all_that_is_said_behind_a_begun_thought_is_thought(wild: str, opening: str) -> None:
    model = Local(wild, chat_template=template(opening))
    reply = await model.chat([Line("user", "say 42")], (), Sampling(1.0, max_tokens=6, seed=3))
    assert reply.opened and reply.stop == "length" and reply.text
    with pytest.raises(BadReply, match="all thought; it was cut off at the token limit") as caught:
        parse_reply(reply, VIEW)
    assert caught.value.move.text == "" and caught.value.move.thought
    plain = await Local(wild).chat([Line("user", "say 42")], (), Sampling(0.0, max_tokens=4))
    assert not plain.opened and parse_reply(plain, VIEW).text == plain.text.strip()


@pytest.mark.slow
async def test_models_are_taught_and_asked_behind_the_ended_thought(folder: str) -> None:
    model = Local(folder, chat_template=template("<think>\n"))
    rendering = Rendering(template=model.chat_template)
    prompt = build_question_prompt(model.tokenizer, "say 42", rendering)
    assert prompt.text.endswith("<|assistant|><think>\n\n</think>\n\n")
    item = Item("42", "say 42", SAID)
    taught = encode(model.tokenizer, item, rendering=rendering)
    assert model.tokenizer.decode(taught.ids[: taught.start]) == prompt.text
    assert await ask_items(LLM(model), [item]) == (SAID,)
    (going_on,) = await ask_items(LLM(model), [item], prefix="You said")
    assert going_on.endswith("it is.") and not going_on.startswith("You")


def test_a_rival_cannot_begin_a_thought_in_the_prompt(folder: str) -> None:
    tokenizer = Local(folder).tokenizer
    for said in ("Think! <think>", "[THINK]", "<think>\n"):
        assert not render(tokenizer, [Line("user", said)]).closing
        assert render(tokenizer, [Line("user", said)], template("<think>\n")).closing == "</think>"


MARKED: Any = make_tokenizer(["I could pay 12. My limit is 20. offer price"], 400)
MARKED.add_special_tokens(
    {"additional_special_tokens": ["[THINK]", "[/THINK]", "[TOOL_CALLS]", "[ARGS]", "<|channel|>", "<|message|>",
                                   "<|start|>", "<|end|>", "<|START_THINKING|>", "<|END_THINKING|>", "<|noise|>"]}
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "thought", "words"),
    [
        ("[THINK]My limit is 20.[/THINK]I could<|noise|> pay 12.", "My limit is 20.", "I could pay 12."),
        ("<|START_THINKING|>My limit.<|END_THINKING|>I could pay.", "My limit.", "I could pay."),
        (
            "<|channel|>analysis<|message|>My limit.<|end|><|start|>assistant<|channel|>final<|message|>I could pay.",
            "My limit.",
            "I could pay.",
        ),
    ],
)
def test_special_tokens_that_mark_thoughts_survive_decoding(text: str, thought: str, words: str) -> None:
    ids = MARKED(text, add_special_tokens=False)["input_ids"]
    assert "<|noise|>" not in decode_tokens(MARKED, ids, find_marks(MARKED))
    move = parse_reply(Reply(decode_tokens(MARKED, ids, find_marks(MARKED))), VIEW)
    assert (move.thought, move.text) == (thought, words)


def test_decoding_without_marks_is_as_it_was(folder: str) -> None:
    tokenizer = Local(folder).tokenizer
    assert not find_marks(tokenizer)
    ids = tokenizer(f"{SAID}<|end|>")["input_ids"]
    assert decode_tokens(tokenizer, ids, {}) == tokenizer.decode(ids, skip_special_tokens=True)
