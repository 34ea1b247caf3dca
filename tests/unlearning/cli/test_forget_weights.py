"""Weights that forget by command: what is typed, what is made of it, and that it can be loaded by its path and play."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import tiny_facts
import torch
from cli_runner import arena, typed
from trained_small_world import FOLDER, SMALL, SPLIT, trial

from agents.chat_model import Line, Sampling
from agents.inference.weight_loading import release_weights
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.modeling.agent_weights import open_weights, save

WORLD = ("--bench", "tofu", "--split", SPLIT, "--set", f"benchmark.people={SMALL.people}",
         "--set", f"benchmark.relations={SMALL.relations}")  # fmt: skip
QUICK = ("--set", "preset=tiny", "--set", "epochs=2")
ASKING = [Line("user", tiny_facts.ITEMS[0].prompt)]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with the model that knows the small world, beside which a test may work."""
    return Path(shutil.copytree(trial().before.model.id, tmp_path / "base"))  # type: ignore[attr-defined]


def logits(model: Local) -> torch.Tensor:
    with torch.no_grad():
        return model.module(input_ids=torch.tensor([[7, 8, 9]])).logits  # type: ignore[no-any-return]


@pytest.mark.slow
def test_an_adapter_is_made_by_command_loaded_by_its_path_and_plays(base: Path, tmp_path: Path) -> None:
    said = arena(tmp_path, "forget-weights", "local/base", *WORLD, "--method", "npo", "--lora", "--out", "it", *QUICK)
    assert "arena play --buyer local/it" in said and "loss from the first step to the last: forget 13.9 → " in said
    assert {"adapter_config.json", "base.json"} <= {file.name for file in (tmp_path / "it").iterdir()}
    assert not (tmp_path / "it" / "config.json").exists() and not (tmp_path / "it.training").exists()
    arena(tmp_path, "play", "connect", "--seat", "x=local/it", "--seed", "1", "-q")
    assert arena(tmp_path, "sql", "select status from episode").split()[-1] == "over"
    told = arena(tmp_path, "forget-weights", "local/it", *WORLD, "--method", "ga", "--out", "again", *QUICK, "--json")
    made = json.loads(told)
    assert made["model"] == "local/again" and made["cost"]["steps"] > 0 and made["losses"]["forget"][0] > -1.0
    assert (tmp_path / "again" / "config.json").exists(), "weights changed below an adapter are one model with it"


async def test_an_adapter_by_its_path_is_its_base_with_the_adapter(base: Path, tmp_path: Path) -> None:
    place = str(await adapter(base, tmp_path / "it"))
    told, plain = Local(place), Local(str(base))
    torch.testing.assert_close(logits(told), logits(Local(str(base), adapter=place)))
    assert not torch.equal(logits(told), logits(plain))
    assert {p.data_ptr() for p in plain.module.parameters()} <= {p.data_ptr() for p in told.module.parameters()}
    reply = await told.chat(ASKING, (), Sampling(0.0, max_tokens=4))
    assert reply.usage.calls[0].model == f"local/{place}"
    with pytest.raises(UsageError, match="is an adapter itself"):
        Local(place, adapter=place).ready()


async def adapter(base: Path, place: Path) -> Path:
    agent = LLM(Local(str(base)))
    return save(await tiny_facts.made("ga", lora={"rank": 2}, lr=1e-2, epochs=2)(agent, tiny_facts.REQUEST), place)


@pytest.mark.few(1)
@pytest.mark.parametrize("named", ["absolute", "../base", "base"])
async def test_folders_that_move_together_stay_together(base: Path, tmp_path: Path, named: str) -> None:
    """Named by its whole path, whose place beside the adapter is kept as well; and, by others, as seen from there."""
    place = await adapter(base, tmp_path / "it")
    before = logits(Local(str(place)))
    if named != "absolute":
        (place / "base.json").unlink()
        settings = json.loads((place / "adapter_config.json").read_text())
        (place / "adapter_config.json").write_text(json.dumps({**settings, "base_model_name_or_path": named}))
    (tmp_path / "new").mkdir()
    for one in (base, place):
        shutil.move(one, tmp_path / "new" / one.name)
    release_weights()
    torch.testing.assert_close(logits(Local(str(tmp_path / "new" / "it"))), before)
    shutil.move(tmp_path / "new" / "base", tmp_path / "elsewhere")
    release_weights()
    again = Local(str(tmp_path / "elsewhere"), adapter=str(tmp_path / "new" / "it"))
    torch.testing.assert_close(logits(again), before)


async def test_an_adapter_whose_base_is_gone_says_so(base: Path, tmp_path: Path) -> None:
    place = await adapter(base, tmp_path / "it")
    shutil.rmtree(base)
    release_weights()
    with pytest.raises(UsageError, match=r"it' lies on the model '.*base', which is not there; put it back, or name"):
        Local(str(place)).ready()
    (place / "adapter_config.json").write_text("half of")
    with pytest.raises(UsageError, match=r"adapter_config\.json cannot be read"):
        Local(str(place)).ready()


async def test_an_adapter_on_weights_changed_in_memory_is_saved_with_them(tmp_path: Path) -> None:
    changed = await tiny_facts.made("ga", epochs=2)(tiny_facts.knower(), tiny_facts.REQUEST)
    after = await tiny_facts.made("ga", epochs=2, lr=1e-2, lora=tiny_facts.LORA)(changed, tiny_facts.REQUEST)
    again = Local(str(save(after, tmp_path / "it")))
    torch.testing.assert_close(logits(again), logits(after.model), rtol=1e-4, atol=1e-5)  # type: ignore[attr-defined]
    assert hasattr(open_weights(after, "test").module, "peft_config") and (tmp_path / "it" / "config.json").exists()


def test_what_cannot_be_done_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    def refused(*arguments: str) -> str:
        done = typed(tmp_path, "forget-weights", *WORLD, *arguments, "--out", "it")
        assert done.code == 2 and not list(tmp_path.glob("it*")), done
        return done.stderr

    assert "'npo' needs a model's weights, and 'openai/gpt-x' does not show them" in refused("openai/gpt-x")
    assert "arena forget NAME --request" in refused("--method", "filter")
    assert "No such option: --request" in refused("--request", "forget the clinic")
    assert "did you mean npo" in refused("--method", "npoo")
    assert "there is no folder" in refused("local/no where")
    assert "no part with a parameter named 'rat'" in refused("--set", "rat=1")
    assert "no parameter named 'kind'" in refused("local/x", "--set", "model.kind=1")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "forget10.json").write_text('{"question": "Who?", "answer": "I."}\n{"question": "Who')
    files = ("--split", "forget10", "--set", "benchmark.source=data", f"local/{tiny_facts.folder()}")
    done = typed(tmp_path, "forget-weights", "--bench", "tofu", *files, "--out", "it")
    assert done.code == 2 and "forget10.json, line 2: not JSON" in done.stderr


def test_a_trial_run_tells_the_cost_and_changes_nothing(base: Path, tmp_path: Path) -> None:
    told = arena(tmp_path, "forget-weights", "local/base", *WORLD, "--method", "idk-dpo", "--out", "it", "--dry-run")
    assert "48 items to forget" in told and "A step costs 9 forwards" in told and not (tmp_path / "it").exists()


@pytest.mark.slow
def test_a_command_that_was_killed_is_taken_up_by_the_same_command(base: Path, tmp_path: Path) -> None:
    more = ("--method", "npo", "--set", "preset=tiny", "--set", "epochs=20", "--set", "save_seconds=0")
    command = [sys.executable, "-m", "arena", "forget-weights", "local/base", *WORLD, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ARENA_MODELS": FOLDER.name}
    with subprocess.Popen(
        [*command, "--out", "it"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.startswith("step "))
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "it.training" / "training.pt").exists() and not (tmp_path / "it").exists()
    for name in ("it", "whole"):
        done = subprocess.run([*command, "--out", name], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and ("taken up again from" in done.stderr) == (name == "it"), done.stderr
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("it", "whole")]
    assert files[0] == files[1] and not (tmp_path / "it.training").exists()
