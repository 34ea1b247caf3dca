"""The same code on every device there is: on a GPU `ARENA_TEST_GPU=1 pytest tests/unlearning/modeling/test_devices.py`.

What is trained, kept, composed, generated, attacked and saved on a device is what the CPU makes of it, up to rounding.
"""

from pathlib import Path
from typing import Any

import pytest
import tiny_facts

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from agents.chat_model import Line, Sampling
from agents.llm.llm import LLM
from agents.models.local import Local
from unlearning.attacks.weight_rounding import quantize_module
from unlearning.modeling.agent_weights import open_weights, reload_agent, save
from unlearning.modeling.weight_arithmetic import measure_distance
from unlearning.scoring.answer_logprobs import score_items

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"))]
on = pytest.mark.parametrize("device", DEVICES)
ASKING = [Line("user", tiny_facts.ITEMS[4].prompt)]
# from each family one, and those that generate, rank or mask as they train
METHODS = ("npo", "kl-ga", "rmu", "idk-dpo", "wagle", "sure", "icu", "pdu", "uld", "offset", "melu", "task-vector")


def knower(device: str) -> LLM:
    return LLM(Local(str(tiny_facts.folder()), device=device, dtype="float32"), sampling=Sampling(temperature=0.0))


def weights(agent: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.cpu() for name, tensor in open_weights(agent, "test").module.state_dict().items()}


@pytest.mark.few(11)
@on
@pytest.mark.parametrize("name", METHODS)
async def test_a_method_goes_the_way_it_goes_on_the_cpu(name: str, device: str) -> None:
    """By plain descent, since Adam makes the sign of a rounding error a whole step."""
    fixed = {"epochs": 2, "batch": 3, "optimiser": "sgd", "lr": 1e-2, "precision": "float32"}
    method = tiny_facts.made(name, **fixed)
    outcome = await method.run(knower(device), tiny_facts.REQUEST)
    after = open_weights(outcome.agent, name).module
    assert after.device.type == device and {p.device.type for p in after.parameters()} == {device}
    expected = await method(knower("cpu"), tiny_facts.REQUEST)
    assert measure_distance(weights(outcome.agent), weights(expected)) < 1e-2
    assert (outcome.spent.memory is not None) == (device == "cuda")


@on
@pytest.mark.parametrize("lora", [None, {"rank": 2, "dropout": 0.1}], ids=["whole", "adapter"])
async def test_what_was_made_there_is_saved_loaded_and_speaks(device: str, lora: Any, tmp_path: Path) -> None:
    agent = knower(device)
    after = await tiny_facts.made("npo", epochs=3, lora=lora)(agent, tiny_facts.REQUEST)
    again = reload_agent(agent, save(after, tmp_path / "it"))
    said = [(await one.model.chat(ASKING, (), Sampling(0.0, max_tokens=8))).text for one in (after, again)]  # type: ignore[attr-defined]
    assert said[0] == said[1]
    drawn = await again.model.chat(ASKING, (), Sampling(1.0, max_tokens=8, seed=3))  # type: ignore[attr-defined]
    assert drawn.text == (await again.model.chat(ASKING, (), Sampling(1.0, max_tokens=8, seed=3))).text  # type: ignore[attr-defined]
    found = [[one.loss for one in score_items(who, tiny_facts.ITEMS)] for who in (after, again)]
    assert found[0] == pytest.approx(found[1], rel=1e-3)


@on
async def test_half_precision_is_trained_and_taken_up_there(device: str, tmp_path: Path) -> None:
    """Weights that came in bfloat16, in mixed precision; killed in the second epoch and taken up in the same bits."""
    agent = LLM(Local(str(tiny_facts.folder()), device=device, dtype="bfloat16"))
    method = tiny_facts.made("grad-diff", epochs=3, batch=2)
    whole = await method(agent, tiny_facts.REQUEST)
    assert {p.dtype for p in open_weights(whole, "test").module.parameters()} == {torch.bfloat16}

    def stop(outlook: Any) -> None:
        if outlook.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await method.run(agent, tiny_facts.REQUEST, tell=stop, folder=tmp_path)
    resumed = weights((await method.run(agent, tiny_facts.REQUEST, folder=tmp_path)).agent)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in weights(whole).items())


@on
def test_rounding_is_the_same(device: str) -> None:
    there, here = (quantize_module(open_weights(knower(one), "test").module, 4).state_dict() for one in (device, "cpu"))
    assert all(torch.equal(tensor.cpu(), here[name]) for name, tensor in there.items())
