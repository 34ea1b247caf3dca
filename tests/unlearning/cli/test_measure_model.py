"""A model that was named is measured against itself before, and against a twin of its own base or none."""

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_facts
import torch
from cli_runner import Typed, arena, typed
from published_dataset_files import tofu_folder
from trained_small_world import FOLDER, SMALL, SPLIT, trial

from agents.inference.tiny_llama import make_network, make_tokenizer, save
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.errors import UsageError
from unlearning.benchmarks.benchmark import Pupil
from unlearning.benchmarks.tofu import Tofu
from unlearning.experiments.model_twins import compute_cosine, describe_difference, find_twins
from unlearning.experiments.verdict import classify_readings
from unlearning.modeling.agent_weights import open_weights
from unlearning.probe import NoTwin, Reading, Trial
from unlearning.scoring.answer_logprobs import score_items

SHORT = """
from dataclasses import dataclass
from unlearning.benchmarks.tofu import Tofu

@dataclass(frozen=True, slots=True)
class Short(Tofu):
    @property
    def suite(self):
        return {"forget_Q_A_Prob": "probability", "extraction_strength": "extraction_strength",
                "forget_quality": "forget_quality", "weight_distance": "weight_distance"}
"""
WORLD = ("--bench", "short.py:Short", "--split", SPLIT, "--set", f"benchmark.people={SMALL.people}",
         "--set", f"benchmark.relations={SMALL.relations}", "--set", "preset=tiny", "--set", "epochs=1")  # fmt: skip
HERE = {"ARENA_MODELS": FOLDER.name}


def copied(agent: Any, place: Path) -> Path:
    return Path(shutil.copytree(agent.model.id, place))


def stranger(place: Path, hidden: int = 64) -> LLM:
    """A random model in the words of the small world."""
    tokenizer = trial().before.model.tokenizer  # type: ignore[attr-defined]
    return LLM(Local(str(save(place, make_network(tokenizer, 99, hidden=hidden), tokenizer)), dtype="float32"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "short.py").write_text(SHORT)
    trial()
    return tmp_path


def forget(folder: Path, *arguments: str) -> Typed:
    return typed(folder, "forget-weights", *WORLD, *arguments, "--out", "it", env=HERE)


def measured(folder: Path, *arguments: str) -> dict[str, Any]:
    done = forget(folder, *arguments, "--measure", "--json")
    assert done.code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def probability(agent: Any) -> float:
    found = score_items(agent, trial().data["forget"])
    return sum(one.probability for one in found) / len(found)


def test_before_is_the_model_that_was_named_and_a_stranger_has_no_twin(folder: Path) -> None:
    named = stranger(folder / "mine")
    told = measured(folder, "local/mine", "--method", "ga")
    read = told["readings"]["forget_Q_A_Prob"]
    assert read["before"] == pytest.approx(probability(named), rel=1e-4) and read["before"] < 0.1
    assert read["twin"] is None and told["observed"] is None and "--twin local/TWIN" in told["no_twin"]
    assert told["readings"]["weight_distance"]["before"] == 0 and told["readings"]["weight_distance"]["after"] < 1
    assert told["readings"]["forget_quality"]["why"] == NoTwin.reason


def test_why_there_is_no_verdict_is_told_in_words(folder: Path) -> None:
    stranger(folder / "mine")
    said = forget(folder, "local/mine", "--method", "npo", "--measure").stdout
    assert f"not read: forget_quality: {NoTwin.reason}" in said and "observed" not in said
    assert "there is no never-exposed twin of local/mine (the benchmark did not teach it)" in said


@pytest.mark.slow
def test_the_model_that_the_benchmark_taught_has_its_twin_wherever_it_lies(folder: Path) -> None:
    copied(trial().before, folder / "mine")
    told = measured(folder, "local/mine", "--method", "grad-diff")
    read = told["readings"]["forget_Q_A_Prob"]
    assert read["before"] == pytest.approx(probability(trial().before), rel=1e-4)
    assert read["twin"] == pytest.approx(probability(trial().oracle), rel=1e-4) and told["observed"]


def test_a_twin_can_be_named_and_a_model_that_knew_nothing_has_forgotten_nothing(folder: Path) -> None:
    stranger(folder / "mine")
    copied(trial().oracle, folder / "twin")
    told = measured(folder, "local/mine", "--method", "ga", "--twin", "local/twin")
    assert told["readings"]["forget_Q_A_Prob"]["twin"] == pytest.approx(probability(trial().oracle), rel=1e-4)
    assert told["observed"] == "unknown" and told["no_twin"] is None


@pytest.mark.parametrize(
    ("twin", "says"),
    [("local/wide", "is no twin of local/mine"), ("local/words", "different vocabularies"),
     ("openai/gpt-x", "does not show them"), ("local/nowhere", "there is no folder"),
     ("bench", "is not of the base that the benchmark teaches")],
)  # fmt: skip
def test_a_twin_of_another_base_is_refused_before_training(twin: str, says: str, folder: Path) -> None:
    hidden = 32 if twin == "bench" else 64
    named = stranger(folder / "mine", hidden)
    stranger(folder / "wide", 48)
    other = make_tokenizer(["other words altogether " * 3], 700, words=True)
    other.add_tokens([f"<{n}>" for n in range(len(named.model.tokenizer) - len(other))])  # type: ignore[attr-defined]
    save(folder / "words", make_network(other, 1, hidden=64), other)
    done = forget(folder, "local/mine", "--method", "ga", "--measure", "--twin", twin)
    assert done.code == 2 and says in done.stderr, done.stderr
    assert not list(folder.glob("it*"))


def test_a_twin_without_measuring_is_refused(folder: Path) -> None:
    stranger(folder / "mine")
    done = forget(folder, "local/mine", "--method", "ga", "--twin", "bench")
    assert done.code == 2 and "type --measure as well" in done.stderr


def test_models_are_related_where_one_was_trained_on_the_other(tmp_path: Path) -> None:
    base, other = tiny_facts.knower(), LLM(Local(str(tiny_facts.folder(seed=1))))
    found = open_weights(base, "test")
    with torch.no_grad():
        moved = found.with_module(deepcopy(found.module))
        for parameter in open_weights(moved, "test").module.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    assert compute_cosine(base, moved) > 0.9 and abs(compute_cosine(base, other)) < 0.3  # type: ignore[arg-type]
    assert not describe_difference(base, other)


def test_a_base_that_is_named_gives_the_twin_of_what_was_trained_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path / "models"))
    base = stranger(tmp_path / "base")
    assert isinstance(base.model, Local)
    near, far = make_network(base.model.tokenizer, 99), make_network(base.model.tokenizer, 5)
    save(tmp_path / "near", near, base.model.tokenizer), save(tmp_path / "far", far, base.model.tokenizer)
    bench = Tofu(people=8, relations=2, pupil=Pupil(base=base.model.id))
    assert not find_twins(bench, SPLIT, LLM(Local(str(tmp_path / "near")))).why
    assert "other weights" in find_twins(bench, SPLIT, LLM(Local(str(tmp_path / "far")))).why


def test_no_verdict_without_a_twin_nor_of_what_was_never_known() -> None:
    def read(after: float, twin: float | None, before: float) -> dict[str, Reading]:
        return {"extraction_strength": Reading(after, (after,) * 20, null=twin, before=before, detail={"twins": []})}

    assert classify_readings(read(0.0, None, 1.0)).label == "unknown"
    assert "no never-exposed twin" in classify_readings(read(0.0, None, 1.0)).why[0]
    assert classify_readings(read(0.01, 0.02, 0.02)).label == "unknown"
    assert "knew no more" in classify_readings(read(0.01, 0.02, 0.01)).why[0]
    assert classify_readings(read(0.02, 0.02, 0.9)).label == "removed"


def test_a_trial_without_a_twin_says_who_asked_for_one() -> None:
    one = Trial(tiny_facts.REQUEST, tiny_facts.knower(), tiny_facts.knower(), None)
    with pytest.raises(NoTwin, match="forget_quality cannot be read: it compares with"):
        one.twin("forget_quality")
    with pytest.raises(UsageError, match="oracle"):
        one.agent("oracle")


# what fails is said before training, and the same command goes on


@pytest.mark.slow
def test_a_missing_file_of_what_is_measured_is_named_before_training(tmp_path: Path) -> None:
    data = tofu_folder(tmp_path / "data")
    for name in ("holdout10", "world_facts_perturbed", "retain_perturbed"):
        gone = data / f"{name}.json"
        kept = gone.read_text()
        gone.unlink()
        command = ("forget-weights", f"local/{tiny_facts.folder()}", "--bench", "tofu", "--set",
                   "benchmark.source=data", "--method", "ga", "--set", "epochs=1", "--out", "it")  # fmt: skip
        done = typed(tmp_path, *command, "--measure")
        assert done.code == 2 and f"no file {name}.jsonl" in done.stderr
        assert not list(tmp_path.glob("it*"))
        gone.write_text(kept)
    assert typed(tmp_path, *command, "--measure").code == 0


def test_measuring_that_was_broken_off_is_taken_up_without_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger(folder / "mine")
    command = ("local/mine", "--method", "ga", "--measure")
    with monkeypatch.context() as patched:
        patched.setattr(Tofu, "trial_of", lambda *_, **__: 1 / 0)
        assert forget(folder, *command).code == 1
    weights = (folder / "it" / "model.safetensors").read_bytes()
    assert forget(folder, *command, "--set", "lr=1").code == 2, "another order finds the folder taken"
    done = forget(folder, *command)
    assert done.code == 0 and "trained already" in done.stderr and "forget_Q_A_Prob" in done.stdout
    assert (folder / "it" / "model.safetensors").read_bytes() == weights
    assert sorted(file.name for file in folder.glob("it*")) == ["it"]
    assert forget(folder, *command).code == 2


@pytest.mark.parametrize("method", ["npo", "altpo", "wagle", "meow", "rmu"])
def test_a_trial_run_teaches_and_writes_nothing(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was taught")

    monkeypatch.setattr("unlearning.benchmarks.benchmark.teach", never)
    monkeypatch.setattr("unlearning.training.alternate_answers.generate_texts", never)
    monkeypatch.setattr("unlearning.training.saliency.gradients", never)
    monkeypatch.setattr("unlearning.methods.weights.masked.gradients", never)
    said = arena(tmp_path, "forget-weights", "--bench", "tofu", "--set", "benchmark.people=10", "--method", method,
                 "--dry-run", env={"ARENA_MODELS": str(tmp_path / "models")})  # fmt: skip
    assert "A step costs" in said and not (tmp_path / "forgotten").exists()
