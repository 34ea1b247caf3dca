"""Tiny models: the same every time, able to read anything, able to learn; and a whole chain played by one."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from cli_runner import arena
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from agents.chat_model import Line, Sampling, ToolCall
from agents.inference.chat_templates import render
from agents.inference.tiny_llama import TEMPLATE, encode_conversation, make_tiny, make_tokenizer, train
from agents.inference.weight_loading import hash_weights
from agents.models.local import Local

NOISE = ("", "plain", "Grüße, 世界 🙂", "\x00\x01\x1b[31m\n\n\t", "$1,500.00 for 2", "a\r\nb\u2028c", "x" * 500)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_arguments_make_the_same_files_and_leave_the_global_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    taught = [[Line("user", "ping"), Line("assistant", "pong")]]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_tiny(tmp_path / name, seed=seed, conversations=taught, steps=3, batch=2)
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a") != files(tmp_path / "c")
    assert Local(str(tmp_path / "a")).module.config.max_position_embeddings == 4096


@pytest.mark.parametrize("texts", [(), ("to be or not to be",) * 3], ids=["bytes", "merges"])
def test_any_text_can_be_written_and_read_back(texts: tuple[str, ...], tmp_path: Path) -> None:
    make_tokenizer(texts, 400).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in (*NOISE, *texts):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    digits = tokenizer.convert_ids_to_tokens(tokenizer("1234")["input_ids"])
    assert digits == ["1", "2", "3", "4"]
    assert len(tokenizer("to be or not to be")["input_ids"]) == (1 if texts else 18)


def test_what_is_taught_is_what_the_template_shows() -> None:
    tokenizer = make_tokenizer(["hello"], 300)
    lines = [Line("system", "Be kind."), Line("user", "hi"), Line("assistant", "yes", ToolCall("go", {"n": 1})),
             Line("user", "more"), Line("assistant", "no")]  # fmt: skip
    ids, labels = encode_conversation(tokenizer, lines)
    assert tokenizer.decode(ids) == render(tokenizer, lines).text.removesuffix("<|assistant|>")
    assert render(tokenizer, lines).text.endswith("<|assistant|>") and "add_generation_prompt" in TEMPLATE
    learnt = tokenizer.decode([label for label in labels if label >= 0])
    assert learnt == 'yes\n{"tool": "go", "arguments": {"n": 1}}<|end|>no<|end|>'


def test_training_lowers_the_loss_and_stops_when_it_is_low_enough() -> None:
    talks = [[Line("user", f"say {n}"), Line("assistant", f"{n}!")] for n in range(10)]
    tokenizer = make_tokenizer(["say"], 300)
    shape = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    module = LlamaForCausalLM(LlamaConfig(num_attention_heads=2, **shape))
    before = hash_weights(module)
    first = train(module, tokenizer, talks, steps=1)
    assert hash_weights(module) != before and not module.training
    assert train(module, tokenizer, talks, steps=200, enough=0.2) < 0.2 < first
    settled = hash_weights(module)
    train(module, tokenizer, talks, steps=200, enough=10.0)
    assert hash_weights(module) != settled, "one step is always taken"


async def test_a_model_that_was_not_trained_talks_noise_that_is_text(tmp_path: Path) -> None:
    model = Local(str(make_tiny(tmp_path, texts=["to be"], spread=0.06)))
    texts = {(await model.chat([Line("user", "hi")], (), Sampling(seed=n, max_tokens=20))).text for n in range(4)}
    assert len(texts) == 4


@pytest.mark.slow
def test_a_chain_of_five_rounds_is_played_by_a_model_in_two_seats(haggler: Path, tmp_path: Path) -> None:
    name = f"local/{haggler}"
    settings = [
        f"--set={seat}.sampling.{key}" for seat in ("buyer", "seller") for key in ("temperature=0", "max_tokens=80")
    ]
    arena(
        tmp_path,
        "play",
        "--rounds=5",
        "--quiet",
        f"--buyer={name}",
        f"--seller={name}",
        "--set=game.turns=5",
        *settings,
    )
    rounds = json.loads(arena(tmp_path, "sql", "select * from rounds", "--json"))
    assert [row["round"] for row in rounds] == [1, 2, 3, 4, 5]
    assert {row["buyer"] for row in rounds} == {row["seller"] for row in rounds} == {name}
    deals = [row for row in rounds if row["deal"]]
    assert len(deals) >= 3 and all(0 <= row["price"] <= 30 for row in deals)
    calls = json.loads(arena(tmp_path, "sql", "select * from calls", "--json"))
    assert {call["seat"] for call in calls} == {"buyer", "seller"} and {call["usd"] for call in calls} == {0.0}
    assert {call["resolved"] for call in calls} == {"LlamaForCausalLM float32 cpu"}
    assert all(call["input_tokens"] > 20 and call["output_tokens"] > 0 and call["reply"] for call in calls)
    said = arena(tmp_path, "sql", "select seat, tool, text from transcript where refused is null", "--json")
    assert {"offer", "accept"} <= {row["tool"] for row in json.loads(said) if row["seat"] in ("buyer", "seller")}
