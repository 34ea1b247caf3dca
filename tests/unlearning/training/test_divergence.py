"""Training that runs away is told as such and leaves nothing broken; weights are held once, and saved as they came."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import tiny_facts
import torch
from cli_runner import Typed, typed

from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.losses.loss_terms import Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.token_weights import ascent, learning
from unlearning.modeling.agent_weights import open_weights, save
from unlearning.training import checkpoints
from unlearning.training.divergence import DivergenceMonitor
from unlearning.training.finetune import FinetuneResult

WORLD = ("--bench", "tofu", "--split", "forget20", "--set", "benchmark.people=8", "--set", "benchmark.relations=2",
         "--set", "preset=tiny")  # fmt: skip


def forget(folder: Path, *arguments: str) -> Typed:
    return typed(folder, "forget-weights", f"local/{tiny_facts.folder()}", *WORLD, *arguments, "--out", "it")


def tensors(agent: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in open_weights(agent, "test").module.state_dict().items()}


def equal(one: Any, other: Any) -> bool:
    mine, yours = tensors(one), tensors(other)
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


@pytest.mark.parametrize(
    ("method", "lr"), [("npo", "100"), ("ga", "1e9"), ("rmu", "1e4"), ("idk-dpo", "37"), ("undial", "1e5")]
)
def test_a_learning_rate_beyond_reason_diverges_and_saves_nothing(method: str, lr: str, tmp_path: Path) -> None:
    done = forget(tmp_path, "--method", method, "--set", f"lr={lr}", "--set", "epochs=4", "--set", "batch=2")
    assert done.code == 2 and "training diverged at step" in done.stderr and "a far smaller" in done.stderr, done
    assert "hardly moved" not in done.stdout and "saved" not in done.stdout
    assert not list(tmp_path.glob("it*")), "nothing is left in the way of the next try"


def test_with_one_step_the_end_is_looked_at(tmp_path: Path) -> None:
    done = forget(tmp_path, "--method", "grad-diff", "--set", "lr=50", "--set", "epochs=1", "--set", "batch=64")
    assert done.code == 2 and "training diverged at step 1 (epoch 1)" in done.stderr
    assert not list(tmp_path.glob("it*"))


def test_an_adapter_that_runs_away_is_told_too(tmp_path: Path) -> None:
    done = forget(tmp_path, "--method", "npo", "--lora", "--set", "lr=80", "--set", "batch=2")
    assert done.code == 2 and "diverged" in done.stderr and not list(tmp_path.glob("it*"))


def test_what_comes_behind_training_is_looked_at_as_well(tmp_path: Path) -> None:
    done = forget(tmp_path, "--method", "task-vector", "--set", "scale=1e300")
    assert done.code == 2 and "not finite" in done.stderr and not list(tmp_path.glob("it*"))


# a rate that goes well for some epochs: each step doubles what the one before did
async def _running_away(folder: Path | None, **settings: Any) -> FinetuneResult:
    method = tiny_facts.made(
        "grad-diff", batch=3, schedule="constant", warmup=0.0, **{"lr": 0.1, "epochs": 12, **settings}
    )
    outcome: FinetuneResult = await method.run(tiny_facts.knower(), tiny_facts.REQUEST, folder=folder)
    return outcome


@pytest.mark.parametrize("kind", ["checkpoint", "memory", "file", "full disk"])
async def test_the_last_good_weights_are_what_is_kept(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "file":
        monkeypatch.setattr(checkpoints, "MEMORY", 0)
    if kind == "full disk":
        monkeypatch.setattr(checkpoints.Checkpoints, "put", _refuses)
    outcome = await _running_away(None if kind in ("memory", "file") else tmp_path / "kept")
    ended = outcome.ended
    assert ended.diverged and "the last good ones, are kept" in ended.stopped, ended
    step = int(ended.stopped.partition("the weights after step ")[2].partition(",")[0])
    assert 0 < step < ended.steps + 1
    assert equal(outcome.agent, (await _running_away(None, epochs=step)).agent), "one step an epoch"
    assert not list(tmp_path.glob("kept/*"))  # noqa: ASYNC240


def _refuses(self: Any, state: Any) -> None:
    raise UsageError("the disk is full")


def test_a_diverged_training_that_has_good_weights_says_so_and_ends_in_another_code(tmp_path: Path) -> None:
    done = forget(tmp_path, "--method", "grad-diff", "--set", "lr=0.1", "--set", "epochs=16", "--set", "batch=64",
                  "--set", "schedule=constant", "--set", "warmup=0")  # fmt: skip
    assert done.code == 3 and "It diverged: " in done.stdout and "hardly moved" not in done.stdout, done
    assert (tmp_path / "it" / "model.safetensors").exists() and not (tmp_path / "it.training").exists()
    assert all(one.isfinite().all() for one in tensors(LLM(Local(str(tmp_path / "it")))).values())


def watched(**first: float) -> DivergenceMonitor:
    watch = DivergenceMonitor(Objective(Weighted("forget", ascent()), Weighted("retain", learning())), 400, 10.0)
    assert not watch.broken(first)
    return watch


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"forget": float("nan"), "retain": 1.0}, "is nan"),
        ({"forget": float("-inf"), "retain": 1.0}, "is -inf"),
        ({"forget": -2000.0, "retain": 1.0}, "-2e\\+03, after -1 at the first"),
        ({"forget": -5.0, "retain": 19.0}, "19 nats a token, where a blind guess is 5.99"),
        ({"forget": -300.0, "retain": 12.0}, ""),
    ],
)
def test_what_no_sane_training_does(values: Mapping[str, float], says: str) -> None:
    found = watched(forget=-1.0, retain=0.5).broken(values)
    assert re.search(says, found) if says else found == ""


def test_weights_that_grow_beyond_reason_are_told() -> None:
    watch = watched(forget=-1.0, retain=0.5)
    assert watch.worse({"forget": -2.0}, 101.0).startswith("the trained weights are 10.1 times")
    assert watch.worse({"forget": -2.0}, 30.0) == "" and "times" in watch.worse({}, float("nan"))


# weights are held once


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("npo", {}),
        ("sure", {}),
        ("grad-diff", {}),
        ("rmu", {}),
        ("kl-ga", {"reference": "live"}),
        ("wagle", {}),
        ("task-vector", {}),
        ("npo", {"where": r"layers\.1\."}),
        ("ga", {"lora": tiny_facts.LORA}),
        ("retrain", {"epochs": 1}),
    ],
)
async def test_weights_that_are_given_to_training_end_in_the_same_bits(name: str, settings: dict[str, Any]) -> None:
    method = tiny_facts.made(name, **{"epochs": 2, "batch": 2, **settings})
    before = tensors(tiny_facts.knower())
    kept = await method.run(tiny_facts.knower(), tiny_facts.REQUEST)
    given = await method.run(tiny_facts.knower(), tiny_facts.REQUEST, give=True)
    assert equal(kept.agent, given.agent)
    assert all(torch.equal(one, before[key]) for key, one in tensors(tiny_facts.knower()).items()), "loaded again"


async def test_no_second_copy_is_made_of_weights_that_are_given() -> None:
    found = open_weights(tiny_facts.knower(), "test")
    place = {parameter.data_ptr() for parameter in found.module.parameters()}
    after = (await tiny_facts.made("npo", epochs=1).run(tiny_facts.knower(), tiny_facts.REQUEST, give=True)).agent
    assert {parameter.data_ptr() for parameter in open_weights(after, "test").module.parameters()} == place


# models of 16 bits


def halved(place: Path, dtype: torch.dtype = torch.bfloat16) -> Path:
    found = open_weights(tiny_facts.knower(), "test")
    module = deepcopy(found.module).to(dtype)
    module.save_pretrained(place), found.model.tokenizer.save_pretrained(place)
    return place


def size(place: Path) -> int:
    return (place / "model.safetensors").stat().st_size


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_of_16_bits_is_saved_in_16_bits(dtype: torch.dtype, tmp_path: Path) -> None:
    base = halved(tmp_path / "base", dtype)
    done = typed(tmp_path, "forget-weights", "local/base", *WORLD, "--method", "ga", "--out", "it")
    assert done.code == 0 and "smaller changes than that can hold are rounded away" in done.stderr, done
    assert size(tmp_path / "it") == pytest.approx(size(base), rel=0.02)
    config = json.loads((tmp_path / "it" / "config.json").read_text())
    assert str(dtype).removeprefix("torch.") in (config.get("dtype"), config.get("torch_dtype"))
    assert not equal(LLM(Local(str(tmp_path / "it"))), LLM(Local(str(base))))
    wide = typed(tmp_path, "forget-weights", "local/base", "--set", "model.dtype=float32", *WORLD, "--method", "ga",
                 "--out", "wide")  # fmt: skip
    assert wide.code == 0 and size(tmp_path / "wide") > 1.8 * size(base)


async def test_what_is_measured_is_what_is_saved(tmp_path: Path) -> None:
    agent = LLM(Local(str(halved(tmp_path / "base"))))
    for name in ("npo", "task-vector"):
        after = await tiny_facts.made(name, epochs=2)(agent, tiny_facts.REQUEST)
        assert {one.dtype for one in tensors(after).values()} == {torch.float32}
        assert equal(after, LLM(Local(str(save(after, tmp_path / name)))))
    pure = replace(agent, model=Local(str(tmp_path / "base"), dtype="bfloat16"))
    after = await tiny_facts.made("npo", epochs=2)(pure, tiny_facts.REQUEST)
    assert {one.dtype for one in tensors(after).values()} == {torch.bfloat16}
