"""Models composed as they answer: identities of the rules, generation like that of one model, vocabularies."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
import torch
from tiny_networks import FAMILIES, RECURRENT, network
from torch import Tensor

from agents.chat_model import Line, Sampling
from agents.inference.logit_ensemble import CombinationRule, Composed
from agents.inference.tiny_llama import make_tiny
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.attacks.quantize import quantization
from unlearning.attacks.weight_rounding import quantize_module
from unlearning.methods.weights.logit_composition import truncate_layers
from unlearning.modeling.agent_weights import open_weights
from unlearning.probe import Trial

CHANCE = torch.Generator().manual_seed(1)
B, A, C = (torch.randn(2, 3, 9, generator=CHANCE) * 3 for _ in range(3))


def test_rules_have_their_identities() -> None:
    torch.testing.assert_close(CombinationRule("assist", 0.0)((B, A)), B)
    even = CombinationRule("assist", -0.8)((B, torch.full_like(B, 2.0)))
    torch.testing.assert_close(even.softmax(-1), B.softmax(-1))
    torch.testing.assert_close(CombinationRule("offset", 1.0)((B, A, A)), B)
    torch.testing.assert_close(CombinationRule("offset", 1.0)((B, A, B)), A)
    torch.testing.assert_close(CombinationRule("generic", 5.0)((B, B)), B)
    torch.testing.assert_close(CombinationRule("mean")((B, B)).softmax(-1), B.softmax(-1))
    mean = CombinationRule("mean")((B, A, C)).softmax(-1)
    torch.testing.assert_close(mean, (B.softmax(-1) + A.softmax(-1) + C.softmax(-1)) / 3)


def test_the_generic_rule_lowers_only_what_was_reinforced() -> None:
    told = CombinationRule("generic", 5.0)((B, A))
    torch.testing.assert_close(told, torch.where(A > B, B - 5 * (A - B), B))


def test_the_floor_spares_what_the_base_would_not_say_and_lets_the_first_choice_go() -> None:
    base = torch.tensor([5.0, 4.0, -5.0])
    certain = torch.tensor([100.0, 0.0, 100.0])
    told = CombinationRule("assist", -1.0, floor=0.01)((base, certain))
    assert told.tolist() == [-95.0, 4.0, -5.0], "p of the last is below a hundredth of the greatest"
    assert CombinationRule("assist", -1.0, floor=0.01)((base, torch.zeros(3))).argmax() == 0


def asked(module: Any, ids: Tensor, new: int) -> list[int]:
    """What the module says greedily, reading everything anew for each token."""
    for _ in range(new):
        with torch.no_grad():
            ids = torch.cat([ids, module(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
    return list(ids[0, -new:].tolist())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_composed_model_generates_what_its_rule_says(family: str) -> None:
    """Through the engine, with its cache, in a batch of unequal prompts: as by reading everything anew."""
    from concurrent.futures import Future

    from tiny_networks import TOKENIZER

    from agents.inference.chat_templates import Prompt
    from agents.inference.engine import Engine, Output

    parts = {"base": network(FAMILIES[family], 0), "assistant": network(FAMILIES[family], 1)}
    whole = Composed(parts, CombinationRule("assist", -0.5)).eval()
    engine = Engine(whole, TOKENIZER)
    texts = ["a b c a b", "c", "b a c a b c a b c b b a"]
    futures: list[Future[Output]] = [engine.submit(Prompt(text), Sampling(0.0, max_tokens=6), 8) for text in texts]
    for text, future in zip(texts, futures, strict=True):
        ids = torch.tensor([TOKENIZER(text)["input_ids"]])
        assert future.result(60).text == TOKENIZER.decode(asked(whole, ids, 6), skip_special_tokens=True)


async def test_it_is_saved_with_its_parts_and_played_by_path(tmp_path: Path) -> None:
    found = open_weights(tiny_facts.knower(), "test")
    whole = Composed(
        {"base": found.module, "assistant": truncate_layers(found.module, 2)}, CombinationRule("assist", -0.3, 0.01)
    )
    agent = found.with_module(whole)
    whole.save_pretrained(tmp_path / "it")
    found.model.tokenizer.save_pretrained(tmp_path / "it")
    again = LLM(Local(str(tmp_path / "it")))
    asking = [Line("user", tiny_facts.ITEMS[1].prompt)]
    one = await agent.model.chat(asking, (), Sampling(0.0, max_tokens=8))  # type: ignore[attr-defined]
    other = await again.model.chat(asking, (), Sampling(0.0, max_tokens=8))
    assert one.text == other.text


def test_a_shortened_model_shares_its_weights_and_says_what_its_blocks_say() -> None:
    module = open_weights(tiny_facts.knower(), "test").module
    short = truncate_layers(module, 2)
    assert len(short.model.layers) == 2 == short.config.num_hidden_layers and len(module.model.layers) == 4
    assert {id(p) for p in short.parameters()} <= {id(p) for p in module.parameters()}
    cut = copy.deepcopy(module)
    cut.model.layers = cut.model.layers[:2]
    ids = torch.tensor([[1, 2, 3]])
    torch.testing.assert_close(short(input_ids=ids).logits, cut(input_ids=ids).logits)


def test_vocabularies_that_differ_are_refused(tmp_path: Path) -> None:
    module = open_weights(tiny_facts.knower(), "test").module
    other = make_tiny(tmp_path / "other", texts=["something else entirely, said twice, said twice"], vocab=290)
    with pytest.raises(UsageError, match=r"different vocabularies .base 304, assistant "):
        Composed({"base": module, "assistant": Local(str(other)).module}, CombinationRule("assist"))
    with pytest.raises(UsageError, match="has another vocabulary than the model"):
        tiny_facts.made("offset", assistant=str(other)).job(tiny_facts.study())


def test_a_state_that_cannot_be_shared_is_refused() -> None:
    recurrent = network(RECURRENT["masks"])
    with pytest.raises(UsageError, match=r"'base' .MambaForCausalLM. has a state that cannot be shared"):
        Composed({"base": recurrent}, CombinationRule("mean"))


async def test_quantization_rounds_every_part_and_no_embeddings() -> None:
    found = open_weights(tiny_facts.knower(), "test")
    twice = Composed({"one": found.module, "other": copy.deepcopy(found.module)}, CombinationRule("mean"))
    coarse, plain = quantize_module(twice, 3), quantize_module(found.module, 3)
    for part in coarse.each:
        assert all(torch.equal(tensor, part.state_dict()[name]) for name, tensor in plain.state_dict().items())
    assert torch.equal(plain.get_input_embeddings().weight, found.module.get_input_embeddings().weight)
    alone = Trial(tiny_facts.REQUEST, found.agent, found.agent, tiny_facts.knower(1))
    one, other = (
        await quantization(alone, bits=3),
        await quantization(replace(alone, after=found.with_module(twice)), bits=3),
    )
    assert one.items == other.items and one.detail["same_codes"] == 1.0
    assert other.detail["same_codes"] is None, "the parameters are others"


async def test_an_assistant_without_weight_is_the_model() -> None:
    agent = tiny_facts.knower()
    for settings in ({"name": "uld", "weight": 0.0}, {"name": "whp", "weight": 0.0}, {"name": "offset", "weight": 0.0}):
        name = settings.pop("name")
        after = await tiny_facts.made(str(name), epochs=1, batch=3, **settings)(agent, tiny_facts.REQUEST)
        ids = torch.tensor([[1, 2, 3, 4]])
        with torch.no_grad():
            one, other = (open_weights(who, "test").module(input_ids=ids).logits for who in (agent, after))
        torch.testing.assert_close(one, other)
