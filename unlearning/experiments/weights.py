"""Benchmark of all methods that change weights: train, forget, probe; the table of weights.

Each seed trains its own agent and its twin. Further twins, with the seeds that follow, are the null of every
distance to the twin; they are trained once and kept in the model cache.
"""

import gc
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agents.llm.llm import LLM
from agents.models.local import Local
from arena.console.long_work import doing
from arena.errors import UsageError
from arena.planning.settings import SettablePart, apply_settings, resolve_settings
from arena.registry import list_entries
from arena.spec import build, describe, dump_canonical
from unlearning.benchmarks.benchmark import Benchmark
from unlearning.experiments.bench_order import WeightBenchOrder, choose_parts, parse_probes
from unlearning.experiments.sequence_requests import SequenceStep, build_steps
from unlearning.experiments.suite_settings import ANY_PROBE, build_probe_parts, set_probes
from unlearning.experiments.trial_records import Case, TrialRecord
from unlearning.experiments.verdict import classify_readings
from unlearning.method import Method
from unlearning.methods.weights.sharded import S3T
from unlearning.methods.weights.task_vectors import EmbeddingAscent
from unlearning.probe import NoTwin, Probe, Reading, Trial, build_probe, check_reading
from unlearning.request import Request
from unlearning.training.finetune import Finetune
from unlearning.training.retrain import RetrainedWithout

LOGGER = logging.getLogger(__name__)

TWINS = 18  # besides the oracle: of 19 twins and the agent after, each is the most extreme with probability 1 / 20
HOSTED = {"melu", "coreset", "su", "offset"}  # methods that change how another one trains
# What tiny models take, found on another world (seed 7, agents 200 and on) than the bench is run on: learning rates are
# a hundred times those of the papers, whose models are ten thousand times as large. Methods with one knob keep it.
TINY: Mapping[str, Any] = {"preset": "tiny", "epochs": 15}
TUNED: Mapping[str, Mapping[str, Any]] = {
    "adaptive-rmu": {"layer": 1, "alpha": 30.0, "lr": 1e-2, "epochs": 40},
    "altpo": {"epochs": 30},
    "ce-u": {"lr": 3e-4, "epochs": 30},
    "coreset": {"ratio": 0.3, "choose": "grand"},
    "embedding-ascent": {"rate": 2.0},
    "idk-dpo": {"lr": 3e-3, "epochs": 40},
    "idk-nll": {"lr": 3e-3, "epochs": 30},
    "kl-ga": {"alpha": 3.0, "positions": "answer"},
    "melu": {"direct": 8, "indirect": 8, "general": 16},
    "meow": {"alpha": 1.0},
    "retrain": {"epochs": 40},
    "rmu": {"layer": 1, "alpha": 10.0, "lr": 1e-2, "epochs": 60},
    # as many slices as the two blocks have room for; whole people in a slice, else each slice holds a forgotten fact
    "s3t": {"epochs": 60, "by": "subject", "shards": 3, "slices": 2, "orders": 2},
    "satimp": {"lr": 3e-3, "epochs": 40, "gamma": 0.3},
    "simnpo": {"gamma": 0.5, "epochs": 20},
    "sisa": {"epochs": 40, "by": "subject", "slices": 2},
    "su": {"lr": 2e-3},
    "sure": {"lr": 3e-3, "epochs": 20},
    "task-vector": {"lr": 3e-3, "epochs": 10, "scale": 1.5},
    "uld": {"layers": 2, "lr": 4e-3, "epochs": 40},
    "undial": {"alpha": 1.0, "beta": 20.0, "lr": 3e-3, "epochs": 30},
}
SHOWN = (
    "value_extraction_strength", "exact_memorization", "forget_Q_A_Prob", "paraphrased_question_ROUGE",
    "forget_quality", "model_utility", "retain_Q_A_ROUGE", "privleak", "relearning", "quantization_4bit", "rewrites",
    "leak_at_8", "verbmem", "knowmem", "retain_knowmem",
)  # fmt: skip


def list_methods() -> dict[str, Any]:
    """Every registered method that changes weights, with the settings that tiny models take, by its name."""
    found: dict[str, Any] = {}
    for name in list_entries("method"):
        spec: dict[str, Any] = {"name": name, **TINY, **TUNED.get(name, {})}
        if name in HOSTED:
            spec["host"] = {"name": "npo", **TINY}
        if isinstance(_try_build(spec), Finetune):
            found[name] = spec
    return found


def list_cases(wanted: WeightBenchOrder) -> list[Case]:
    """The trials that were asked for. Raises UsageError for a wrong name or setting, before any is begun.

    The setting `twins` is how many are retrained besides the oracle: fewer where models are large, at the price of
    verdicts with a weaker estimate of training noise.
    """
    named = parse_probes(wanted.metrics)
    methods = choose_parts("method", wanted.methods, {"none": None, **list_methods()})
    own = [SettablePart("benchmark", "benchmark", {"name": wanted.benchmark}),
           SettablePart("trial", "", {"twins": TWINS}, ("twins",)),
           *(SettablePart("method", "method", spec) for spec in methods.values())]  # fmt: skip
    settings = resolve_settings([*own, *ANY_PROBE, *build_probe_parts(named, named)], wanted.settings)
    table, trial, *specs = apply_settings(own, settings)
    twins, made = trial["twins"], dict(zip(methods, specs, strict=True))
    if not isinstance(twins, int) or twins < 0:
        raise UsageError(f"--set twins=N is a number of retrained twins beside the oracle, 0 or more, not {twins!r}")
    benchmark = build(Benchmark, table)
    benchmark.check(wanted.split)
    suite = {**benchmark.suite, **named}
    changed = set_probes(suite, named, settings)
    metrics = {label: spec for label, spec in changed.items() if label in named or spec != suite[label]}
    for spec in metrics.values():
        build_probe(spec)
    more = {"metrics": metrics} if metrics else {}
    return [
        Case("weights", f"{wanted.benchmark}/{wanted.split}", "facts", label, seed, {
            "benchmark": describe(benchmark), "split": wanted.split, "seed": seed, "twins": twins,
            "method": None if spec is None else describe(build(Method, _add_seed(spec, seed))), **more,
        })
        for seed in range(wanted.seeds) for label, spec in made.items()
    ]  # fmt: skip


async def measure_case(case: Case, kept: dict[str, Trial]) -> TrialRecord:
    """The result of a case: trained or taken from the model cache, forgotten, and measured with the benchmark's suite.

    `kept` holds the trials of the last seed, one for each probe, whose agents all methods share: what was measured of
    the agent that knew and of the twins is not measured again.
    """
    benchmark = build(Benchmark, case.spec["benchmark"])
    split, seed = case.spec["split"], case.spec["seed"]
    specs = {**benchmark.suite, **case.spec.get("metrics", {})}
    suite = {label: build_probe(spec) for label, spec in specs.items()}
    key = dump_canonical([case.spec["benchmark"], split, seed, case.spec["twins"]])
    if key not in kept:
        gc.unfreeze()
        kept.clear()
        kept[key] = benchmark.trial(split, seed=seed, twins=case.spec["twins"])
        kept |= {label: replace(kept[key], memo={}) for label in suite}
        gc.collect()
        gc.freeze()  # libraries and shared agents need not be looked through by each collection
    knower = kept[key].before
    assert isinstance(knower, LLM)
    after, seconds = knower, 0.0
    cost: dict[str, Any] = {}
    if case.spec["method"] is not None:
        (step,) = build_steps(benchmark, (split,))
        method, request = prepare_request(build(Method, case.spec["method"]), benchmark, step, seed)
        after, cost, seconds = await run_method(method, knower, request)
    cost["seconds"] = seconds
    readings = {
        label: await take_reading(probe, replace(kept[label], after=after, cost=cost, played=[]), label)
        for label, probe in suite.items()
    }
    verdict = classify_readings(readings)
    told = {**cost, "observed": verdict.label, "why": list(verdict.why), "damaged": verdict.damaged}
    told["chance"] = verdict.chance
    return TrialRecord(f"{len(kept[key].request.forget)} items", readings, seconds, told)


def prepare_request(
    method: Method, benchmark: Benchmark, step: SequenceStep, seed: int = 0, taught_here: bool = True
) -> tuple[Method, Request]:
    """The method and its request. A method that retrains is given all that the twin was taught, not only what is
    tested. Where the benchmark taught the agent (`taught_here`), S3T, whose layers are put on a model, begins with one
    that was taught what no request may name, and ascent of the first epoch is given the gradient recorded then."""
    request = step.request
    if taught_here and isinstance(method, S3T) and benchmark.general():
        origin = benchmark.origin(seed).model
        assert isinstance(origin, Local)
        return replace(method, origin=origin.id), request
    if taught_here and isinstance(method, EmbeddingAscent) and not (method.origin or method.gradient):
        recorded = benchmark.first_gradient(request.forget, seed, method.where)
        return replace(method, gradient=str(recorded)), request
    if isinstance(method, RetrainedWithout):
        request = replace(request, retain=tuple(item for stage in step.lessons for item in stage))
    return method, request


async def take_reading(probe: Probe, trial: Trial, label: str = "") -> Reading:
    """The reading; without a value, and with the reason in its detail, where a probe cannot be put to such a model.

    label: the name of the work in progress reports. Raises UsageError for a probe that gives no Reading.
    """
    doing("probe", label)
    try:
        return check_reading(label, await probe(trial))
    except NoTwin as error:
        return Reading(None, detail={"why": error.reason})
    except UsageError as error:
        return Reading(None, detail={"why": str(error)})


async def run_method(method: Method, agent: LLM, request: Request) -> tuple[Any, dict[str, Any], float]:
    """The agent that has forgotten, what it cost, and the seconds."""
    begun = time.perf_counter()
    if not isinstance(method, Finetune):
        return await method(agent, request), {}, time.perf_counter() - begun
    outcome = await method.run(agent, request)
    told = {**outcome.spent.plain(), "steps": outcome.ended.steps, "stopped": outcome.ended.stopped}
    return outcome.agent, told, time.perf_counter() - begun


def _add_seed(spec: Any, seed: int) -> Any:
    return {**({"name": spec} if isinstance(spec, str) else spec), "seed": seed}


def _try_build(spec: Mapping[str, object]) -> Any:
    """The method, or None where it takes no such settings: then it is none that trains."""
    try:
        return build(Method, dict(spec))
    except UsageError as error:
        LOGGER.debug("no method of these settings: %s", error)
        return None
