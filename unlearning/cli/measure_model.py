"""Measure an existing model: no training, nothing saved."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.llm.llm import LLM
from arena.console.long_work import waiting
from arena.errors import UsageError
from arena.extras import require
from arena.planning.settings import SettablePart, apply_settings, resolve_settings
from arena.spec import build
from unlearning.benchmarks.benchmark import Benchmark
from unlearning.experiments.bench_order import parse_probes
from unlearning.experiments.model_twins import OWN, describe_difference, find_twins
from unlearning.experiments.suite_settings import ANY_PROBE, build_probe_parts, set_probes
from unlearning.experiments.weights import take_reading
from unlearning.modeling.agent_weights import build_model_agent
from unlearning.probe import Reading, Trial, build_probe

COMPARING = ("weight_distance",)  # readings that say nothing without the model that knew


@dataclass(frozen=True, slots=True)
class MeasureOrder:
    """A measurement as it was typed. model: local/FOLDER or local/OWNER/NAME, as it is now. before: the model that
    still knew, or `bench` for the one that the benchmark teaches; "" where there is none. twins: as in `WeightOrder`.
    metrics: what is measured besides the benchmark's suite, as typed; only: these alone."""

    model: str
    benchmark: str
    split: str
    before: str = ""
    twins: Sequence[str] = ()
    settings: Sequence[str] = ()
    metrics: Sequence[str] = ()
    only: bool = False


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """The readings, whether there was a model before, and why there is no twin, if there is none."""

    order: MeasureOrder
    readings: Mapping[str, Reading] = field(default_factory=dict)
    no_twin: str = ""
    knew: bool = False


def measure_model(order: MeasureOrder) -> MeasuredModel:
    """The readings of the model as it is. Raises UsageError before anything is loaded or taught."""
    require("arena measure", ("scipy", "nltk"), "evaluation")
    _check_names(order)
    named = parse_probes(order.metrics)
    own = [SettablePart("benchmark", "benchmark", {"name": order.benchmark}),
           SettablePart("model", "agent", {"name": order.model})]  # fmt: skip
    settings = resolve_settings([*own, *ANY_PROBE, *build_probe_parts(named, named)], order.settings)
    of_benchmark, of_model = apply_settings(own, settings)
    benchmark = build(Benchmark, of_benchmark)
    benchmark.check(order.split)
    left = ("cost", *(() if _find_knower_name(order) else COMPARING))
    specs = {} if order.only else {label: spec for label, spec in benchmark.suite.items() if label not in left}
    if not {**specs, **named}:
        raise UsageError("--only measures what --metric names, and it names nothing")
    suite = {label: build_probe(spec) for label, spec in set_probes({**specs, **named}, named, settings).items()}
    benchmark.data(order.split)  # a file that is broken is named before anything is loaded
    after = build_model_agent(of_model)
    with waiting(f"measuring {order.model} on {order.benchmark}/{order.split}"):
        twins = find_twins(benchmark, order.split, after, order.twins)
        trial = _make_trial(benchmark, order, after, twins.make())
        readings = asyncio.run(_run_probes(suite, trial))
    if trial.before is after:
        readings = {label: replace(reading, before=None) for label, reading in readings.items()}
    return MeasuredModel(order, readings, twins.why, trial.before is not after)


def _make_trial(benchmark: Benchmark, order: MeasureOrder, after: LLM, twins: Sequence[LLM]) -> Trial:
    """The trial; without a model that knew, this one takes its place, and probes that need the former are skipped."""
    chosen = _find_knower_name(order)
    if not chosen:
        trial = benchmark.trial_of(order.split, after, after, twins)
        return replace(trial, data={role: items for role, items in trial.data.items() if role != "derived"})
    before = benchmark.knower() if chosen == OWN else build_model_agent({"name": chosen})
    if odd := describe_difference(after, before):
        raise UsageError(f"--before {chosen} is no earlier state of {order.model}: {odd}")
    return benchmark.trial_of(order.split, before, after, twins)


def _find_knower_name(order: MeasureOrder) -> str:
    """The model that knew, as it was typed; with the benchmark's own twin the one that it teaches; "" for none."""
    return order.before or (OWN if OWN in order.twins else "")


async def _run_probes(suite: Mapping[str, Any], trial: Trial) -> dict[str, Reading]:
    return {label: await take_reading(probe, trial, label) for label, probe in suite.items()}


def _check_names(order: MeasureOrder) -> None:
    """Raises UsageError for a model that does not show its weights."""
    for name, option in ((order.model, ""), (order.before, "--before ")):
        if name and name != OWN and not re.match("local/.", name):
            raise UsageError(f"{option}{name}: only a local model shows its weights; name one: {option}local/FOLDER")
