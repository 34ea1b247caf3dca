"""SURE: at each step one order of all rows and entries by that step's forget gradient, and nothing else moves."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import tiny_facts
import torch
from torch import Tensor

from arena.errors import BadPart
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.training_cost import CostMeter
from unlearning.training.saliency import at_percentile, salient_rows
from unlearning.training.trainer import Training


def weights(agent: Any) -> dict[str, Tensor]:
    return {name: one.detach().clone() for name, one in open_weights(agent, "test").module.named_parameters()}


@pytest.mark.parametrize("percentile", [0, 12.5, 50, 90, 95, 99.9, 100])
@pytest.mark.parametrize("size", [1, 2, 7, 64, 1001])
def test_a_percentile_is_numpys(percentile: float, size: int) -> None:
    values = torch.randn(size, generator=torch.Generator().manual_seed(size))
    assert float(at_percentile(values, percentile)) == pytest.approx(
        np.percentile(values.numpy(), percentile), abs=1e-6
    )


def test_rows_and_entries_stand_in_one_order_by_hand() -> None:
    gradient = {
        "matrix": torch.tensor([[3.0, 4.0], [0.0, 1.0], [0.6, 0.8]]),  # rows of length 5, 1, 1
        "vector": torch.tensor([-2.0, 0.5]),
        "kernel": torch.tensor([[[6.0]], [[0.1]]]),
    }
    # 6, 5, 2, 1, 1, .5, .1: the 50th percentile is the fourth of seven, 1
    masks = salient_rows(gradient, 50)
    assert masks["matrix"].shape == (3, 1) and masks["matrix"][:, 0].tolist() == [True, True, True]
    assert masks["vector"].tolist() == [True, False]
    assert masks["kernel"].shape == (2, 1, 1) and masks["kernel"].flatten().tolist() == [True, False]
    top = salient_rows(gradient, 100)
    assert [int(mask.sum()) for mask in top.values()] == [0, 0, 1], "a parameter may have no row at all"
    assert all(mask.all() for mask in salient_rows(gradient, 0).values())


def watched(percentile: float = 90.0, **settings: Any) -> tuple[list[dict[str, Tensor]], list[Mapping[str, Tensor]]]:
    """The weights before each step and after the last, and the masks of each step, of a training by SURE."""
    method = tiny_facts.made("sure", percentile=percentile, epochs=3, batch=1, **settings)
    job = method.job(tiny_facts.study(), CostMeter())
    seen: list[dict[str, Tensor]] = []
    made: list[Mapping[str, Tensor]] = []
    masking = job.masking

    def spying(gradient: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        seen.append({name: p.detach().clone() for name, p in job.module.named_parameters()})
        made.append(masking(gradient))
        return made[-1]

    Training(replace(job, masking=spying), CostMeter()).run()
    seen.append({name: p.detach().clone() for name, p in job.module.named_parameters()})
    return seen, made


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_in_each_step_what_is_masked_stays_bit_for_bit(decay: float) -> None:
    """Momentum and weight decay would move what an earlier step had chosen."""
    seen, made = watched(decay=decay)
    assert len(made) == 9
    for (before, after), masks in zip(pairwise(seen), made, strict=True):
        moved = 0
        for name, tensor in before.items():
            changed = tensor != after[name]
            assert not (changed & ~masks[name]).any()
            moved += int(changed.sum())
        assert moved > 0
    assert sum(int(mask.sum()) for mask in made[0].values()) == pytest.approx(
        0.1 * sum(mask.numel() for mask in made[0].values()), abs=2
    )
    assert any(not torch.equal(made[0][name], made[1][name]) for name in made[0]), "another batch, another mask"


@pytest.mark.parametrize("host", ["grad-diff", "npo", "kl-ga", "ga"])
async def test_the_mask_is_that_of_the_forget_loss_of_the_batch_alone(host: str) -> None:
    method = tiny_facts.made("sure", host={"name": host, "preset": "tiny"}, batch=3)
    job = method.job(tiny_facts.study(), CostMeter())
    caught: list[dict[str, Tensor]] = []

    def catching(gradient: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        caught.append({name: one.clone() for name, one in gradient.items()})
        return method_masking(gradient)

    method_masking = job.masking
    Training(replace(job, masking=catching, settings=replace(job.settings, epochs=1)), CostMeter()).run()
    alone = tiny_facts.made("npo", alpha=0.0) if host == "npo" else tiny_facts.made("ga")
    other = alone.job(tiny_facts.study(), CostMeter())
    draw = {"forget": tiny_facts.first_draw(other)["forget"]}
    other.objective.learn(other.module, [draw], other.reference, pad=other.lens.pad, device=other.lens.device)
    for name, p in other.module.named_parameters():
        if p.grad is not None and float(p.grad.norm()) > 1e-6:
            assert float((caught[0][name].abs() - p.grad.abs()).norm() / p.grad.norm()) < 1e-3


async def test_percentile_0_is_the_host_and_the_retain_weight_its_alpha() -> None:
    agent = tiny_facts.knower()
    for settings in ({"decay": 0.1}, {"micro": 1}):
        one = await tiny_facts.made("sure", host="grad-diff", percentile=0, epochs=2, **settings)(
            agent, tiny_facts.REQUEST
        )
        two = await tiny_facts.made("grad-diff", epochs=2, **settings)(agent, tiny_facts.REQUEST)
        for name, tensor in weights(one).items():
            assert torch.allclose(tensor, weights(two)[name], atol=1e-6)
    heavy = await tiny_facts.made("sure", host={"name": "grad-diff", "alpha": 2.0}, retain_weight=5.0, epochs=2)(
        agent, tiny_facts.REQUEST
    )
    same = await tiny_facts.made("sure", host={"name": "grad-diff", "alpha": 10.0}, epochs=2)(agent, tiny_facts.REQUEST)
    assert all(torch.equal(tensor, weights(same)[name]) for name, tensor in weights(heavy).items())
    without = await tiny_facts.made("sure", retain_weight=0.0, epochs=2)(agent, tiny_facts.REQUEST)
    bare = await tiny_facts.made("sure", host="ga", epochs=2)(agent, tiny_facts.REQUEST)
    assert all(torch.equal(tensor, weights(bare)[name]) for name, tensor in weights(without).items())


@pytest.mark.parametrize("settings", [{"percentile": 101}, {"percentile": -1}, {"retain_weight": -1}, {"lora": {}}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadPart, match=next(iter(settings))):
        tiny_facts.made("sure", **settings)
