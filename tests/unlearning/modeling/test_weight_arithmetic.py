"""Weight arithmetic as theorems, and the two methods that are made of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
import torch

from agents.inference.tiny_llama import make_tiny
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.trainable_parameters import Scope, copy_trainable
from unlearning.modeling.weight_arithmetic import add_vector, measure_distance, negate_vector, subtract_weights

CHANCE = torch.Generator().manual_seed(1)
ONE, TWO = ({"a": torch.randn(3, 4, generator=CHANCE), "b": torch.randn(5, generator=CHANCE)} for _ in range(2))


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name])


def test_negation_has_its_identities() -> None:
    close(negate_vector(ONE, TWO, 0.0), ONE)
    vector = subtract_weights(TWO, ONE)
    close(add_vector(TWO, vector, -1.0), ONE)
    close(add_vector(add_vector(ONE, vector), vector, -1.0), ONE)
    assert add_vector(ONE, {"b": TWO["b"]})["a"] is ONE["a"], "what is not named is the very tensor"
    assert measure_distance(ONE, ONE) == 0 and measure_distance(ONE, {**ONE, "b": ONE["b"] + 1}) == pytest.approx(
        5**0.5
    )


def test_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match="c … stands in one of them only"):
        subtract_weights(ONE, {**TWO, "c": TWO["a"]})
    with pytest.raises(UsageError, match=r"a is \(3, 4\) in one model and \(4, 3\) in the other"):
        subtract_weights(ONE, {**TWO, "a": TWO["a"].T})


def weights(agent: Any) -> dict[str, torch.Tensor]:
    return dict(open_weights(agent, "test").module.state_dict())


@pytest.mark.parametrize("where", ["", r"layers\.2"])
async def test_a_task_vector_of_the_other_sign_is_the_fine_tuning_itself(where: str) -> None:
    agent = tiny_facts.knower()
    tuned = weights(await tiny_facts.made("task-vector", scale=-1.0, epochs=3, where=where)(agent, tiny_facts.REQUEST))
    back = weights(await tiny_facts.made("task-vector", scale=1.0, epochs=3, where=where)(agent, tiny_facts.REQUEST))
    before = weights(agent)
    assert measure_distance(tuned, before) > 0
    close({name: (tuned[name] + back[name]) / 2 for name in before}, before)
    same = weights(await tiny_facts.made("task-vector", scale=0.0, epochs=3, where=where)(agent, tiny_facts.REQUEST))
    close(same, before)


async def test_an_adapter_is_turned_round() -> None:
    agent, ids = tiny_facts.knower(), torch.tensor([[1, 2, 3]])
    told = []
    for scale in (-1.0, 0.0):
        method = tiny_facts.made("task-vector", scale=scale, epochs=2, lora={"rank": 2})
        told.append(open_weights(await method(agent, tiny_facts.REQUEST), "test").module(input_ids=ids).logits)
    torch.testing.assert_close(told[1], open_weights(agent, "test").module(input_ids=ids).logits)
    assert not torch.allclose(told[0], told[1])


async def test_first_epoch_ascent_undoes_one_step_of_descent_on_the_embeddings(tmp_path: Path) -> None:
    """Untied, so that the head does not move with them; rows of tokens that do not occur stay bit for bit."""
    origin = str(untied(tmp_path))
    before = tiny_facts.LLM(Local(origin))
    study = replace(tiny_facts.study(), module=before.model.module, tokenizer=before.model.tokenizer)
    method = tiny_facts.made("embedding-ascent", rate=0.5, origin=origin)
    recorded = method.get_gradient(study)["model.embed_tokens.weight"]
    taught = copy_trainable(study.module, Scope("embed_tokens"))
    with torch.no_grad():
        taught.model.embed_tokens.weight -= 0.5 * recorded
    after = await method(replace(before, model=before.model.with_module(taught)), tiny_facts.REQUEST)
    torch.testing.assert_close(
        open_weights(after, "test").module.model.embed_tokens.weight, before.model.module.model.embed_tokens.weight
    )
    seen = {token for one in study.forget for token in one.ids[:-1]}
    unseen = [token for token in range(len(recorded)) if token not in seen]
    assert unseen and not recorded[unseen].any() and recorded[sorted(seen)].any()


def untied(folder: Path) -> Path:
    from transformers import LlamaForCausalLM

    place = make_tiny(
        folder / "tied", texts=[item.prompt + item.answer for item in tiny_facts.ITEMS], vocab=400, hidden=32
    )
    model = Local(str(place))
    config = type(model.module.config)(**{**model.module.config.to_dict(), "tie_word_embeddings": False})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder / "untied")
    model.tokenizer.save_pretrained(folder / "untied")
    return folder / "untied"
