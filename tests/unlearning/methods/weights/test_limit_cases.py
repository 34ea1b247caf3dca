"""Limit cases of all methods that train: no steps, no weight, one item, nearly all, the same twice, nothing at all."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from dataclasses import replace
from typing import Any

import tiny_facts
import torch

from agents.llm.llm import LLM
from arena.errors import ArenaError, UsageError
from arena.spec import describe
from unlearning.modeling.agent_weights import open_weights
from unlearning.request import Item, Request

METHODS = tiny_facts.trained_methods()
PAIRED = [name for name in METHODS if {"gamma", "alpha"} <= describe(tiny_facts.made(name)).keys()]
NO_TRAINING = {
    "embedding-ascent": "one sum of a recorded gradient, which no epoch changes",
    "retrain": "begins with weights that were taught nothing",
    "uld": "subtracts an assistant, which says something untrained as well: weight 0 is its identity",
}
RENAMED = tuple(replace(item, name=f"{item.name} again") for item in tiny_facts.ITEMS[:3])


def scores(agent: Any) -> torch.Tensor:
    """(3, V) log-probabilities of the first token of three answers."""
    found, told = open_weights(agent, "test"), []
    for item in tiny_facts.ITEMS[:3]:
        ids = found.model.tokenizer(f"<|user|>{item.prompt}<|end|><|assistant|>", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            told.append(found.module(input_ids=ids).logits[0, -1].log_softmax(-1))
    return torch.stack(told)


async def after(name: str, request: Request = tiny_facts.REQUEST, **settings: Any) -> LLM:
    agent: LLM = await tiny_facts.made(name, **settings)(tiny_facts.knower(), request)
    return agent


@pytest.mark.parametrize("name", sorted(set(METHODS) - set(NO_TRAINING)))
async def test_no_epoch_is_the_identity(name: str) -> None:
    torch.testing.assert_close(scores(await after(name, epochs=0)), scores(tiny_facts.knower()), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("name", "settings"), [
    ("task-vector", {"scale": 0.0}), ("uld", {"weight": 0.0}),
    ("undial", {"beta": 0.0, "teacher": "self", "decay": 0.0}),
    ("undial", {"beta": 0.0, "optimiser": "sgd", "decay": 0.0}),  # AdamW makes steps of rounding alone
    *((name, {"gamma": 0.0, "alpha": 0.0}) for name in PAIRED),
])  # fmt: skip
async def test_no_weight_is_the_identity(name: str, settings: dict[str, Any]) -> None:
    found = scores(await after(name, epochs=2, **settings))
    torch.testing.assert_close(found, scores(tiny_facts.knower()), rtol=0, atol=2e-4)


async def test_a_mask_that_leaves_nothing_out_is_the_host() -> None:
    host = {"name": "npo", "preset": "tiny", "epochs": 2}
    expected = scores(await after("npo", epochs=2))
    for settings in ({"name": "wagle", "share": 1.0}, {"name": "coreset", "ratio": 1.0}, {"name": "su", "eta": 0.0}):
        found = scores(await after(**settings, host=host, epochs=2))  # type: ignore[arg-type]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4, msg=str(settings))


@pytest.mark.few(3)
@pytest.mark.parametrize("name", METHODS)
async def test_one_item_nearly_all_and_the_same_twice_are_taken(name: str) -> None:
    for request in (
        Request(tiny_facts.ITEMS[:1], tiny_facts.ITEMS[1:2]),
        Request(tiny_facts.ITEMS[:7], tiny_facts.ITEMS[7:]),
        Request((tiny_facts.ITEMS[0], RENAMED[0]), tiny_facts.ITEMS[1:]),
        Request(
            tiny_facts.ITEMS[:3], (*RENAMED, *tiny_facts.ITEMS[3:])
        ),  # what is to be kept is word for word to be forgotten
    ):
        found = scores(await after(name, request, epochs=1))
        assert found.isfinite().all() and not torch.equal(found, scores(tiny_facts.knower()))


def test_what_asks_for_nothing_or_for_both_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing is named to forget"):
        Request((), tiny_facts.ITEMS)
    with pytest.raises(UsageError, match=r"'ann', 'bob', 'cat' cannot be forgotten and kept at once"):
        Request(tiny_facts.ITEMS[:3], tiny_facts.ITEMS)
    with pytest.raises(UsageError, match="scope is one of"):
        Request(tiny_facts.ITEMS[:3], scope="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "retrain"])  # which does not look at it
async def test_an_item_that_says_nothing_is_named(name: str) -> None:
    for item in (Item("mute", "What?", ""), Item("blank", "What?", " \n")):
        with pytest.raises(ArenaError, match=item.name):
            await after(name, Request((item,), tiny_facts.ITEMS), epochs=1)
