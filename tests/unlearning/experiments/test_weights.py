"""The bench of weights: its table, what is shared between methods, and who is taught what."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tiny_facts

from agents.llm.llm import LLM
from agents.models.local import Local
from arena.agent import Agent
from arena.errors import UsageError
from arena.spec import build
from unlearning.benchmarks.muse import SUITE as MUSE
from unlearning.benchmarks.tofu import SUITE as TOFU
from unlearning.benchmarks.tofu import Tofu
from unlearning.experiments.bench_order import WeightBenchOrder
from unlearning.experiments.sequence_requests import build_steps
from unlearning.experiments.tables import build_table, count_classes, format_mean
from unlearning.experiments.verdict import ALARM
from unlearning.experiments.weights import TUNED, TWINS, list_cases, list_methods, prepare_request
from unlearning.methods.weights.sharded import Sharded
from unlearning.probe import Trial
from unlearning.scoring.role_readings import MeasureOnce, measure_roles
from unlearning.scoring.statistics import Floats
from unlearning.training.finetune import Finetune

BY_SEED = ((0.1, "removed"), (0.2, "suppressed"), (0.3, "suppressed"))


def test_a_table_of_seeds_has_their_interval_and_counts_their_classes() -> None:
    rows = [
        {"setting": "tofu", "scope": "facts", "method": "npo", "seed": seed, "probe": "leak", "value": value,
         "twin": 0.0, "twins": [0.0, 0.05], "observed": label, "trial": str(seed)}
        for seed, (value, label) in enumerate(BY_SEED)
    ]  # fmt: skip
    made = build_table(rows, ["leak"])
    assert made.columns[:5] == ("setting", "scope", "method", "seeds", "observed")
    # t(.975; 2) = 4.303, s = .1: 4.303 · .1 / √3 = .248
    assert made.rows[0][3:] == (3, "suppressed 2, removed 1", "0.2±0.25 | 0 (0–0.05)")
    assert count_classes([{**row, "observed": None} for row in rows]) == "–"
    assert "observed" not in build_table([{**row, "observed": None} for row in rows]).columns


def test_a_single_value_has_no_interval() -> None:
    assert format_mean([0.5], wide=True) == "0.5" and format_mean([None], wide=True) == "–"
    assert format_mean([0.5, None, 0.5], wide=True) == "0.5±0"


async def test_what_stays_the_same_between_methods_is_measured_once() -> None:
    before, oracle, first, second = (LLM(Local(f"nowhere/{n}")) for n in range(4))
    asked: list[Agent] = []

    def probe() -> Any:
        async def measure(agent: Agent) -> Sequence[Floats]:
            asked.append(agent)
            return (np.array([float(len(asked)), 1.0]),)

        return measure

    base = Trial(tiny_facts.REQUEST, before, first, oracle, twins=(LLM(Local("nowhere/4")),), memo={})
    one = await measure_roles(base, probe())
    other = await measure_roles(replace(base, after=second), probe())
    assert asked == [first, before, oracle, base.twins[0], second]
    assert (one.null, one.before, one.detail["twins"]) == (other.null, other.before, other.detail["twins"])
    assert one.value != other.value
    await measure_roles(replace(base, memo=None), probe())
    assert len(asked) == 9, "without a memo each is measured"
    assert MeasureOnce(probe(), replace(base, memo={})).shared == []


def wanted(*settings: str) -> WeightBenchOrder:
    return WeightBenchOrder("npo", seeds=2, settings=settings)


def test_a_case_holds_all_that_its_outcome_follows_from() -> None:
    first, second = list_cases(wanted("people=12"))
    assert (first.seed, second.seed) == (0, 1) and first.id != second.id
    assert first.spec["twins"] == TWINS and 1 / (TWINS + 2) <= ALARM, "enough for the verdict's rate of alarms"
    assert first.spec["benchmark"]["people"] == 12 and first.spec["method"]["seed"] == 0
    fewer = list_cases(wanted("people=12", "twins=2"))[0]
    assert fewer.spec["twins"] == 2 and fewer.id != first.id
    for wrong in ("twins=-1", "twins=many"):
        with pytest.raises(UsageError, match="number of retrained twins"):
            list_cases(wanted(wrong))
    with pytest.raises(UsageError, match=r"takes a\.b=c"):
        list_cases(wanted("people"))


def test_every_method_that_trains_is_in_the_bench_and_every_setting_is_of_one() -> None:
    found = list_methods()
    assert set(TUNED) <= set(found) and {"ga", "npo", "rmu", "uld", "s3t", "retrain"} <= set(found)
    assert all(isinstance(build("method", spec), Finetune) for spec in found.values())


def test_readings_are_called_what_open_unlearning_calls_them() -> None:
    tofu = {"forget_quality", "model_utility", "forget_Q_A_Prob", "forget_Q_A_ROUGE", "forget_Q_A_PARA_Prob",
            "forget_Q_A_PARA_ROUGE", "forget_Q_A_gibberish", "retain_Q_A_Prob", "retain_Q_A_ROUGE"}  # fmt: skip
    both = {"extraction_strength", "exact_memorization", "privleak", "mia_loss", "mia_zlib", "mia_min_k",
            "mia_min_k_plus_plus", "mia_reference"}  # fmt: skip
    muse = {"forget_verbmem_ROUGE", "forget_knowmem_ROUGE", "retain_knowmem_ROUGE"}
    assert tofu | both <= set(TOFU) and muse | both <= set(MUSE)


def test_who_teaches_anew_is_given_all_that_the_twin_was_taught(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("ARENA_MODELS", str(tmp_path))
    lessons = {"epochs": 1}
    bench = build("benchmark", {"name": "tofu", "people": 12, "pupil": {"hidden": 16, "layers": 1, "heads": 2,
                                                                       "lessons": lessons}})  # fmt: skip
    assert isinstance(bench, Tofu)
    forgotten = {item.name for item in bench.request("forget20").forget}
    (step,) = build_steps(bench, ("forget20",))
    _, anew = prepare_request(build("method", "retrain"), bench, step, 0)
    assert anew.retain == bench.lessons("forget20")[0] and not forgotten & {item.name for item in anew.retain}
    method, kept = prepare_request(build("method", "s3t"), bench, step, 0)
    general = {item.name for item in bench.general()}
    assert isinstance(method, Sharded) and str(tmp_path) in method.origin
    assert general and not general & {item.name for item in (*kept.retain, *kept.forget)}
    _, plain = prepare_request(build("method", "npo"), bench, step, 0)
    assert plain == bench.request("forget20")
