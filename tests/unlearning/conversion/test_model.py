"""The conversion model: what is shipped holds its numbers on what it never met; training works, a seed repeats it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from agents.inference.tiny_llama import make_tiny
from agents.inference.torch_threads import one_thread
from arena.errors import UsageError
from unlearning.conversion.chat import format_input
from unlearning.conversion.conversion import parse_conversion, render_conversion
from unlearning.conversion.data import Instance, draw_pairs, draw_taught_pairs, make_instances
from unlearning.conversion.features import build_nodes, collate_nodes
from unlearning.conversion.grpo import (
    Grid,
    Rounds,
    compute_divergence,
    compute_likelihood,
    compute_reward,
    find_tasks,
    make_grid,
    reinforce_network,
)
from unlearning.conversion.lora import load_tuned, teach
from unlearning.conversion.model import (
    SHIPPED,
    STEERINGS,
    Pointer,
    build_network,
    choose_classes,
    decode_classes,
    load,
    load_shipped,
    save,
)
from unlearning.conversion.scores import score_converter, score_unlearning
from unlearning.conversion.styles import HELD_OUT, TAUGHT
from unlearning.conversion.train import ConversionTrainPlan, train_network
from unlearning.memory.request_parsing import UnclearTarget
from unlearning.memory.twin import twin
from unlearning.methods.memory.converted import Converted


@pytest.fixture(scope="module")
def met() -> list[Instance]:
    return asyncio.run(make_instances(6, held_out=False, seed=77))


@pytest.fixture(scope="module")
def unmet() -> list[Instance]:
    return asyncio.run(make_instances(12, held_out=True, seed=77))


# ---- what is shipped ---------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_shipped_model_holds_its_numbers_on_unmet_worlds_and_styles(unmet: list[Instance]) -> None:
    scores = await score_converter(load_shipped(), list(draw_pairs(unmet, 200, HELD_OUT, 5)))
    assert scores.valid >= 0.99 and scores.edits >= 0.90 and scores.leak <= 0.01


@pytest.mark.slow
async def test_nobody_can_tell_nine_in_ten_of_its_agents_from_the_twin(unmet: list[Instance]) -> None:
    tries = await score_unlearning(load_shipped(), list(draw_pairs(unmet, 100, HELD_OUT, 6)), find_tasks)
    assert tries.at_1 >= 0.90 and tries.at_3 >= tries.at_1 and 1 <= tries.calls <= 3


def test_its_scores_are_beside_it_and_it_is_small() -> None:
    table = json.loads(SHIPPED.with_suffix(".json").read_text())
    scores = table["held_out"]["held_out_styles"]
    assert scores["valid"] >= 0.99 and scores["edits"] >= 0.90 and scores["leak"] <= 0.01
    assert table["held_out"]["unlearned"]["at_1"] >= 0.90
    assert SHIPPED.stat().st_size < 3 * 2**20


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Please forget everything you know.", "reset"),
        ("Please forget Zobugaki Harbour.", "nothing that memory has"),
        ("Forget {name} but keep {name}.", "forgotten and kept"),
        ("  ", "no words"),
    ],
)
async def test_a_bad_request_is_told_and_changes_nothing(met: list[Instance], words: str, says: str) -> None:
    subject = met[0].subject
    name = next(name for name, kind in met[0].names.kinds.items() if kind == "place")
    with pytest.raises(UsageError, match=says):
        await Converted().read(subject, words.format(name=name))


async def test_words_are_understood_as_a_request(met: list[Instance]) -> None:
    name = next(name for name, kind in met[0].names.kinds.items() if kind == "place")
    request, after = await Converted().read(met[0].subject, f"Kindly get rid of all you know about {name}.")
    assert request.targets == (name,) and request.scope == "state" and "Kindly" in request.note
    assert after == replace(met[0].subject, memory=twin(met[0].subject, request).memory)
    with pytest.raises(UnclearTarget):
        await Converted().read(met[0].subject, "Erase your whole memory.")


# ---- training ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_training_lowers_the_loss_and_a_seed_repeats_it(met: list[Instance]) -> None:
    plan = ConversionTrainPlan(pairs=96, passes=5, batch=16, width=32, layers=2)
    first, again, other = (
        train_network(met, plan),
        train_network(met, plan),
        train_network(met, ConversionTrainPlan(96, 1, 16, width=32, layers=2, seed=1)),
    )
    assert first.losses == again.losses and first.losses[:5] != other.losses[:5]
    assert sum(first.losses[-5:]) < 0.6 * sum(first.losses[:5])
    for one, two in zip(first.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(one, two)


def test_every_answer_is_valid_even_of_an_untaught_network(met: list[Instance]) -> None:
    net, chance = build_network(3), torch.Generator().manual_seed(3)
    for pair in draw_taught_pairs(met, 60, 4):
        with one_thread(), torch.no_grad():
            logits = net(collate_nodes([build_nodes(pair.asked)]))
        made = decode_classes(pair.asked, choose_classes(pair.asked, logits, 0, chance))
        assert made.kind != "ambiguous" or len(made.names) > 1
        assert parse_conversion(render_conversion(made), pair.asked) == made


def test_padding_changes_no_answer(met: list[Instance]) -> None:
    found, net = list(draw_taught_pairs(met, 12, 9)), build_network(5)
    with one_thread(), torch.no_grad():
        together = net(collate_nodes([build_nodes(pair.asked) for pair in found]))
        apart = [net(collate_nodes([build_nodes(pair.asked)])) for pair in found]
    for row, (pair, alone) in enumerate(zip(found, apart, strict=True)):
        count = len(pair.asked.headers)
        assert torch.allclose(together.edits[row, :count], alone.edits[0, :count], atol=1e-4)
        assert torch.allclose(together.kind[row], alone.kind[0], atol=1e-4)


def test_weights_are_read_as_they_were_written(tmp_path: Path, met: list[Instance]) -> None:
    net = build_network(2, width=32, layers=2)
    again = load(save(net, tmp_path / "c.safetensors"))
    pair = next(draw_taught_pairs(met, 1, 0))
    assert Pointer(again).convert_sync(pair.asked)[0] == Pointer(net).convert_sync(pair.asked)[0]
    with pytest.raises(UsageError, match=r"unlearning\.conversion\.train"):
        load(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UsageError, match="train one anew"):
        load(tmp_path / "bad.safetensors")


# ---- the reward --------------------------------------------------------------------------------------------


async def test_the_right_answer_earns_most_and_a_name_in_the_words_costs(met: list[Instance]) -> None:
    found = make_grid(met, 12, 3)
    for number, pair in enumerate(found.pairs):
        if pair.request is None or pair.request.scope != "state" or not pair.answer.names:
            continue
        best = await found.reward(number, pair.answer)
        leaky = type(pair.answer)("state", pair.answer.names, pair.answer.edits, f"No {pair.answer.names[0]}.")
        idle = type(pair.answer)("state", pair.answer.names, {}, "")
        assert best == pytest.approx(2.0)
        assert await compute_reward(pair, leaky, found.tasks[number], found.worth) <= best - 1
        assert await found.reward(number, idle) <= best


async def test_the_reward_stage_unlearns_words_that_name_the_target(met: list[Instance]) -> None:
    net = load(SHIPPED)
    with torch.no_grad():
        net.steering.weight.zero_()
        net.steering.bias.copy_(torch.tensor([1.0 if key in ("none", "avoid") else -9.0 for key in STEERINGS]))
    found = make_grid(met, 8, 3)
    known = Grid(found.pairs, tuple({} for _ in found.pairs))
    after, means = await reinforce_network(net, known, Rounds(steps=12, requests=4, group=8, rate=2e-2))
    at = STEERINGS.index("avoid")
    assert len(means) == 12
    assert after.steering.bias.softmax(-1)[at] < 0.95 * net.steering.bias.softmax(-1)[at]


def test_nothing_diverges_from_itself_and_likelihoods_are_probabilities(met: list[Instance]) -> None:
    pair, net = next(draw_taught_pairs(met, 1, 0)), build_network(4)
    with torch.no_grad():
        logits = net(collate_nodes([build_nodes(pair.asked)]))
    assert float(compute_divergence(pair.asked, logits, logits, 0)) == pytest.approx(0.0, abs=1e-5)
    assert float(compute_likelihood(pair.asked, logits, 0, choose_classes(pair.asked, logits, 0))) < 0


# ---- a language model instead ------------------------------------------------------------------------------


async def test_a_local_language_model_is_taught_with_an_adapter(tmp_path: Path, met: list[Instance]) -> None:
    some = sorted(draw_pairs(met, 12, TAUGHT, 8), key=lambda pair: len(pair.asked.headers))[:4]
    texts = [format_input(pair.asked) for pair in some]
    base = make_tiny(tmp_path / "base", texts=texts, hidden=32, layers=1, heads=2, context=8192)
    made = teach(base, some, tmp_path / "tuned", steps=4, batch=2, rate=1e-2)
    again = load_tuned(tmp_path / "tuned")
    for pair in some[:2]:
        answer, usage = await made.convert(pair.asked)
        assert parse_conversion(render_conversion(answer), pair.asked) == answer
        assert usage.output_tokens == 2 + len(pair.asked.entities) + len(pair.asked.headers)
        assert (await again.convert(pair.asked))[0] == answer
    with pytest.raises(UsageError, match="no folder"):
        load_tuned(tmp_path / "none")
