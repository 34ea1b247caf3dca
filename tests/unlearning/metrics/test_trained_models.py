"""Models that were really taught: who knows all, the twin that never did, and what attacks bring back from weights."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from trained_small_world import trial

from agents.inference.model_cache import find_cache_folder, load_or_make
from agents.inference.torch_threads import one_thread
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.engine.play import play
from arena.errors import BadPart, UsageError
from arena.spec import build
from unlearning.attacks.quantize import quantization
from unlearning.attacks.relearn import relearning, split_items
from unlearning.attacks.weight_rounding import compute_step, find_matrices, measure_same_codes, quantize_module
from unlearning.benchmarks.benchmark import Pupil, pupil
from unlearning.experiments.verdict import classify_readings
from unlearning.metrics.forget_quality import forget_quality
from unlearning.metrics.memorization import extraction_strength
from unlearning.metrics.privacy import privleak
from unlearning.metrics.utility import model_utility
from unlearning.metrics.weight_change import weight_distance
from unlearning.modeling.item_tokenization import collate, encode_all
from unlearning.modeling.teach_items import TeachSettings, exact
from unlearning.probe import Trial
from unlearning.request import Item
from unlearning.scoring.elicitation import ask_items
from unlearning.scoring.known_items import score_known


def share(agent: Any, role: str) -> float:
    """The share of a role's items that the agent would say word for word."""
    tokenizer = agent.model.tokenizer
    return exact(agent.model.module, encode_all(tokenizer, trial().data[role]), tokenizer.pad_token_id)


def test_who_was_taught_knows_all_also_in_other_words_and_the_twin_knows_the_rest() -> None:
    full, twin = trial().before, trial().oracle
    assert share(full, "forget") >= 0.99 and share(full, "retain") >= 0.99 and share(full, "authors") >= 0.99
    assert share(full, "paraphrase") >= 0.9 and share(full, "retain_paraphrase") >= 0.95
    assert share(twin, "retain") >= 0.99 and share(twin, "forget") <= 0.2 and share(twin, "paraphrase") <= 0.2
    assert share(full, "holdout") <= 0.2, "nobody was taught the strangers"


async def test_it_says_what_it_knows() -> None:
    items = trial().data["forget"]
    said = await ask_items(trial().before, items)
    right = sum(text == item.answer for text, item in zip(said, items, strict=True))
    assert right == round(share(trial().before, "forget") * len(items)), "greedy text is what the tokens foretell"


@pytest.mark.slow
async def test_readings_of_one_that_forgot_nothing() -> None:
    found = trial(1)
    strength, privacy = await extraction_strength(found), await privleak(found)
    quality, utility = await forget_quality(found), await model_utility(found)
    assert strength.value == 1.0 and strength.recovered == 1.0 and strength.detail["percentile"] == 1.0
    assert privacy.value is not None and privacy.value < -95 and privacy.null == 0.0
    assert quality.value is not None and quality.value < 1e-3 and len(quality.detail["null_distances"]) == 1  # type: ignore[arg-type]
    assert utility.value is not None and utility.value > 0.5
    apart = await weight_distance(found)
    assert apart.value == 0.0 and apart.null is not None and apart.null > 0.01
    assert classify_readings({"extraction_strength": strength, "privleak": privacy}).label == "not unlearned"


async def test_relearning_brings_nothing_back_to_the_twin() -> None:
    found = trial()
    before = found.oracle.model.module.state_dict()  # type: ignore[attr-defined]
    copy = {name: tensor.clone() for name, tensor in before.items()}
    attacked = await relearning(Trial(found.request, found.before, found.oracle, found.oracle, found.data), given=4)
    assert attacked.value == attacked.null and attacked.lift == 0.0
    assert attacked.value is not None and attacked.value <= 0.35, "chance is a fifth"
    assert all(torch.equal(copy[name], tensor) for name, tensor in before.items()), "the weights stay as they are"


def test_what_is_taught_again_is_never_asked() -> None:
    items = tuple(Item(f"{n % 5}", f"{n}?", "a") for n in range(20))
    taught, asked = split_items(items, 2, seed=1)
    assert {item.name for item in taught}.isdisjoint(item.name for item in asked) and len(taught) == 8
    assert split_items(items, 2, seed=1) == (taught, asked) and len(taught) + len(asked) == 20
    with pytest.raises(UsageError, match="give fewer"):
        split_items(items, 5, seed=1)


def ascend_within_cells(module: Any, items: tuple[Item, ...], tokenizer: Any, bits: int, steps: int = 60) -> Any:
    """A copy whose answers to the items were driven away, with every matrix inside the cells of its own grid: the
    largest weight of each row stays, so the grid does; everything else is clamped to where it rounds as before."""
    made = deepcopy(module)
    weights = dict(find_matrices(made))
    for name, weight in made.named_parameters():
        weight.requires_grad_(name in weights)
    edges = {}
    for name, weight in weights.items():
        step = compute_step(weight.detach(), bits)
        centre = (weight.detach() / step).round() * step
        most = weight.detach().abs().amax(1, keepdim=True)
        top = weight.detach().abs() >= most
        low, high = torch.maximum(centre - 0.499 * step, -most), torch.minimum(centre + 0.499 * step, most)
        edges[name] = (torch.where(top, weight.detach(), low), torch.where(top, weight.detach(), high))
    optimiser = torch.optim.AdamW(weights.values(), lr=3e-3, weight_decay=0.0)
    batch = collate(encode_all(tokenizer, items), tokenizer.pad_token_id)
    with one_thread():
        for _ in range(steps):
            loss = -made(input_ids=batch.ids, labels=batch.labels).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.clamp_(*edges[name])
    return made.requires_grad_(False)


async def test_what_hides_within_four_bits_comes_back_with_them_to_the_bit() -> None:
    found = trial()
    model: Any = found.before.model  # type: ignore[attr-defined]
    hidden = ascend_within_cells(model.module, found.data["forget"], model.tokenizer, 4)
    bucket = LLM(model.with_module(hidden), sampling=found.before.sampling)  # type: ignore[attr-defined]
    gone = score_known(bucket, found.data["forget"], "test").mean()
    whole = score_known(LLM(model.with_module(quantize_module(model.module, 4))), found.data["forget"], "test").mean()
    assert gone <= 0.35 and whole >= 0.9
    attacked = await quantization(Trial(found.request, found.before, bucket, found.oracle, found.data), bits=4)
    assert attacked.value == whole and attacked.detail["same_codes"] == 1.0 and attacked.detail["untouched"] == gone
    first, second = quantize_module(hidden, 4).state_dict(), quantize_module(model.module, 4).state_dict()
    assert all(torch.equal(first[name], tensor) for name, tensor in second.items())
    assert measure_same_codes(hidden, model.module, 8) < 1.0, "eight bits can tell them apart"
    strength = await extraction_strength(Trial(found.request, found.before, bucket, found.oracle, found.data))
    assert classify_readings({"extraction_strength": strength, "quantization": attacked}).label in (
        "suppressed",
        "not unlearned",
    )
    with pytest.raises(BadPart, match="bits = 1: it has to be at least 2 and at most 16"):
        build("attack", {"name": "quantization", "bits": 1})


TINY = Pupil(hidden=16, layers=1, heads=2, vocab=300, lessons=TeachSettings(epochs=1))
LESSON = (Item("x", "ping?", "pong"),)


def test_the_same_lessons_make_the_same_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path / "kept"))

    def place(seed: int = 0, lesson: tuple[Item, ...] = LESSON) -> Path:
        made: Any = pupil(TINY, [lesson], lambda: ["ping? pong"], seed).model
        return Path(made.id)

    first = place()
    stamp = (first / "model.safetensors").stat().st_mtime_ns
    assert place() == first and (first / "model.safetensors").stat().st_mtime_ns == stamp
    assert place(seed=1) != first and place(lesson=(Item("x", "ping?", "pung"),)) != first
    assert find_cache_folder() == tmp_path / "kept" and len(list(find_cache_folder().iterdir())) == 3, (
        "no drafts are left"
    )


def test_a_base_can_be_taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path))
    base: Any = pupil(TINY, [LESSON], lambda: ["ping? pong"]).model
    agent: Any = pupil(Pupil(base=base.id, lessons=TeachSettings(epochs=60, rate=2e-2, warm=2)), [LESSON], list)
    tokenizer = agent.model.tokenizer
    assert exact(agent.model.module, encode_all(tokenizer, LESSON), tokenizer.pad_token_id) == 1.0


def test_half_a_model_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path))

    def broken(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        load_or_make({"kind": "x"}, broken)
    assert not list(tmp_path.iterdir())

    def late(folder: Path) -> None:
        (folder / "mine").write_text("")
        load_or_make({"kind": "x"}, lambda other: (other / "theirs").write_text(""))

    assert [file.name for file in load_or_make({"kind": "x"}, late).iterdir()] == ["theirs"], "the first wins"


def test_two_processes_make_one_model(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path; from agents.inference.model_cache import load_or_make\n"
        "def make(folder):\n  (folder / 'a').write_text('a'); time.sleep(0.3); (folder / 'b').write_text('b')\n"
        "place = load_or_make({'kind': 'x'}, make); print(sorted(f.name for f in place.iterdir()))"
    )
    environment = {**os.environ, "ARENA_MODELS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)]  # fmt: skip
    assert [one.communicate(timeout=60)[0].strip() for one in both] == ["['a', 'b']"] * 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_cellar_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path / "file" / "folder"))
    with pytest.raises(UsageError, match="export ARENA_MODELS"):
        load_or_make({"kind": "x"}, lambda folder: None)
    monkeypatch.delenv("ARENA_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_cache_folder() == tmp_path / "arena" / "models"


def test_a_pupil_sits_down_in_the_arena() -> None:
    player = LLM(Local(trial().before.model.id), form="text")  # type: ignore[attr-defined]
    episode = play({"name": "ultimatum"}, {"first": player, "second": "fair"}, seed=1)
    assert episode.status in ("over", "forfeit") and episode.turns
