"""Where an answer ends: taught, generated, scored and saved by the same tokens, whatever a model calls them."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import GenerationConfig

from agents.chat_model import Line, Sampling
from agents.inference.chat_templates import Prompt, render, tokenize_prompt
from agents.inference.end_tokens import (
    choose_pad_token,
    find_all_ends,
    find_end_tokens,
    find_model_ends,
    find_prompt_ends,
)
from agents.inference.tiny_llama import END, make_network, make_tokenizer, save
from agents.learned_policy.policy_model import PolicyModel
from agents.llm.llm import LLM
from agents.models.local import Local
from unlearning.modeling.agent_weights import save as save_agent
from unlearning.modeling.generation import generate_greedy
from unlearning.modeling.item_tokenization import encode
from unlearning.modeling.teach_items import TeachSettings, teach
from unlearning.request import Item

FACT = Item("x", "Where was Xu born?", "Xu was born far up in the high hills of Bex.")
LINES = [Line("user", FACT.prompt)]


def chat(before: str, between: str, after: str) -> str:
    """A template that writes `before` role `between` text `after` for each line."""
    return (
        "{% for m in messages %}" + before + "{{ m.role }}" + between + "{{ m.content | trim }}" + after
        + "{% endfor %}{% if add_generation_prompt %}" + before + "assistant" + between + "{% endif %}"
    )  # fmt: skip


# by family: the template, the tokens it adds to the vocabulary, and how an answer is closed
FAMILIES = {
    "ChatML": (chat("<|im_start|>", "\n", "<|im_end|>\n"), "<|im_end|>"),
    "Llama 3": (chat("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"), "<|eot_id|>"),
    "Gemma": (chat("<start_of_turn>", "\n", "<end_of_turn>\n"), "<end_of_turn>"),
    "Phi": (chat("<|", "|>\n", "<|stop|>\n"), "<|stop|>"),
    "DeepSeek": (chat("<｜", "｜>", "<｜end▁of▁sentence｜>"), "<｜end▁of▁sentence｜>"),
    "brackets": (chat("[", "] ", " [/SAID] "), " [/SAID]"),
    "a line of its own": (chat("<|im_start|>", "\n", "\n<|im_end|>\n"), "\n<|im_end|>"),
}


def words_of(family: str, known: bool = True) -> Any:
    """A tokenizer whose own end token is another one than that of its template. known: whether the template's end is
    among its special tokens; else it was only added."""
    template, closes = FAMILIES[family]
    made = make_tokenizer([FACT.prompt, FACT.answer, "a b c"] * 3, 600)
    mark = closes.strip()
    if known:
        made.add_special_tokens({"additional_special_tokens": [mark]}, replace_extra_special_tokens=False)
    else:
        made.add_tokens([mark])
    made.chat_template = template
    return made


def taught(tokenizer: Any, **settings: Any) -> Any:
    """A network that was taught the fact, and whose generation settings are those given."""
    module = make_network(tokenizer, hidden=48, layers=1, heads=4, context=256)
    teach(module, tokenizer, [FACT] * 4, lessons=TeachSettings(epochs=150, batch=4, enough=1.0))
    module.generation_config = GenerationConfig(**settings)
    return module


@pytest.mark.parametrize("known", [True, False], ids=["special", "added"])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_is_closed_as_the_template_closes_it(family: str, known: bool) -> None:
    words = words_of(family, known)
    closes = find_end_tokens(words)
    assert words.decode(closes) == FAMILIES[family][1], "what stands between the answer and its end is taught as well"
    one = encode(words, FACT)
    assert one.ids[one.words :] == closes and words.decode(one.ids[one.start : one.words]) == FACT.answer
    whole = words.apply_chat_template(
        [{"role": "user", "content": FACT.prompt}, {"role": "assistant", "content": FACT.answer}], tokenize=False
    )
    assert whole.startswith(words.decode(one.ids)), "the tokens are the beginning of what the template renders"
    assert closes[-1] in render(words, LINES).end and words.eos_token_id in render(words, LINES).end


@pytest.mark.parametrize("family", ["ChatML", "Phi", "a line of its own"])
@pytest.mark.parametrize("end", [None, "own", "list"])
async def test_what_is_taught_with_an_end_stops_there(family: str, end: str | None, tmp_path: Path) -> None:
    words = words_of(family)
    own = words.eos_token_id
    module = taught(words, eos_token_id={None: None, "own": own, "list": [own, 0]}[end])
    folder = tmp_path / "it"
    module.save_pretrained(folder)  # as others save: the settings are as they were
    words.save_pretrained(folder)
    reply = await Local(str(folder)).chat(LINES, (), Sampling(0.0, max_tokens=60))
    assert (reply.text.strip(), reply.stop) == (FACT.answer, "end")
    assert reply.usage.calls[0].outcome == "ok"
    assert reply.usage.output_tokens == len(encode(words, FACT).ids) - encode(words, FACT).start
    made = Path(save_agent(LLM(Local(str(folder))), tmp_path / "saved"))
    for place in (made, save(tmp_path / "made", module, words)):
        kept = GenerationConfig.from_pretrained(place).eos_token_id
        kept = kept if isinstance(kept, list) else [kept]
        assert find_end_tokens(words)[-1] in kept and own in kept, "other programs stop there, too"


@pytest.mark.parametrize("family", ["Llama 3", "Gemma"])
async def test_a_template_that_is_given_ends_answers_in_its_own_way(family: str, tmp_path: Path) -> None:
    """The model's own template is another one, with another end."""
    words = words_of(family)
    template = words.chat_template
    module = taught(words, eos_token_id=words.eos_token_id)
    words.chat_template = chat("<|", "|>", END)
    save(tmp_path / "it", module, words)
    model = Local(str(tmp_path / "it"), chat_template=template)
    reply = await model.chat(LINES, (), Sampling(0.0, max_tokens=60))
    assert (reply.text, reply.stop) == (FACT.answer, "end")
    agent = Local(str(save_agent(LLM(model), tmp_path / "again")))
    assert agent.tokenizer.chat_template == template, "what it was asked in is saved with it"
    again = await agent.chat(LINES, (), Sampling(0.0, max_tokens=60))
    assert (again.text, again.stop) == (FACT.answer, "end")


def test_turn_ends_in_the_vocabulary_end_an_answer_without_a_template() -> None:
    words = words_of("Llama 3")
    words.chat_template = None
    turn = words.convert_tokens_to_ids("<|eot_id|>")
    assert find_end_tokens(words) == (words.eos_token_id,), "what is taught ends with the tokenizer's own"
    assert set(find_prompt_ends(words)) == {words.eos_token_id, turn} == set(render(words, LINES).end)


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{% for m in messages %}{{ m.content }}\n{% endfor %}",
        "{% for m in messages %}{{ m.role }}\n{% endfor %}",
        "{% for m in messages %}### {{ m.role }}: {{ m.content }}\n### End\n{% endfor %}",
    ],
    ids=["refuses", "writes no end", "leaves the text out", "writes its end in words"],
)
def test_where_a_template_names_no_end_the_tokenizers_is_taken(template: str) -> None:
    words = words_of("ChatML")
    words.chat_template = template
    assert find_end_tokens(words) == (words.eos_token_id,)


def test_words_in_the_vocabulary_are_no_ends() -> None:
    words = words_of("ChatML")
    words.add_tokens(["\n\n", "born"])
    words.chat_template = chat("<|im_start|>", "\n", "\n\nborn<|im_end|>")
    assert words.decode(find_end_tokens(words)) == "\n\nborn<|im_end|>"


def test_a_model_without_a_padding_token_is_filled_with_an_end() -> None:
    words = words_of("ChatML")
    words.pad_token = None
    module = make_network(words, hidden=16, layers=1, heads=2)
    module.generation_config.eos_token_id = [7, 9]
    assert find_model_ends(module, words) == (7, 9) and choose_pad_token(words, find_model_ends(module, words)) == 7
    assert choose_pad_token(words) == words.eos_token_id
    assert find_all_ends(module, words)[0] == find_end_tokens(words)[-1], "the one that is taught comes first"


def test_a_tokenizer_without_an_end_token_is_given_the_models(tmp_path: Path) -> None:
    words = words_of("ChatML")
    words.chat_template = None
    module = make_network(words, hidden=16, layers=1, heads=2)
    end = words.convert_tokens_to_ids(END)
    words.eos_token = None
    module.generation_config.eos_token_id = end
    module.save_pretrained(tmp_path / "it")
    words.save_pretrained(tmp_path / "it")
    loaded = Local(str(tmp_path / "it")).tokenizer
    assert find_end_tokens(loaded) == (end,) and encode(loaded, FACT).ids[-1] == end


async def test_rows_that_cannot_join_end_each_in_its_own_way(tmp_path: Path) -> None:
    """The library's own loop is told of the ends that all rows share; a row's own are looked at by row."""
    from agents.inference.engine import Engine

    words = words_of("ChatML")
    engine = Engine(taught(words, eos_token_id=words.eos_token_id), words, joins=False)
    asked = render(words, LINES)
    bare = Prompt(asked.text)  # as a text to go on with: nothing says that a turn ends
    one, other = [engine.submit(prompt, Sampling(0.0, max_tokens=30), 8) for prompt in (asked, bare)]
    assert one.result(60).text == FACT.answer and one.result().stop == "end"
    assert other.result(60).output_tokens == 30 or other.result().stop == "end"
    assert other.result().output_tokens > one.result().output_tokens


def test_continuations_and_the_policy_end_as_taught() -> None:
    words = words_of("ChatML")
    module = taught(words, eos_token_id=words.eos_token_id)
    one = encode(words, FACT)
    longer = encode(words, Item("x", FACT.prompt, f"{FACT.answer} {FACT.answer}"))
    (made,) = generate_greedy(module, words, [longer])
    assert made == one.ids[one.start : one.words], "its end is no part of a continuation"
    reply = PolicyModel("it", module, words).reply(render(words, LINES).text, 60)
    assert (reply.text, reply.stop) == (FACT.answer, "end")


def test_an_end_token_that_a_tokenizer_adds_to_prompts_is_not_read() -> None:
    from tokenizers.processors import TemplateProcessing

    words = words_of("ChatML")
    words.chat_template = None
    words.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, words.eos_token_id)]
    )
    prompt = render(words, LINES)
    assert words(prompt.text)["input_ids"][-1] == words.eos_token_id
    assert tokenize_prompt(words, prompt)[-1] != words.eos_token_id
    assert torch.tensor(tokenize_prompt(words, prompt)).numel() == len(words(prompt.text)["input_ids"]) - 1
