"""Forget a benchmark's split with a method that changes weights, and save the model."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.inference.weight_loading import release_weights
from agents.llm.llm import LLM
from arena.console.long_work import waiting
from arena.console.notices import notify
from arena.console.stdio import say
from arena.errors import UsageError
from arena.extras import require
from arena.planning.settings import SettablePart, apply_settings, resolve_settings
from arena.registry import find
from arena.spec import build
from unlearning.benchmarks.benchmark import Benchmark
from unlearning.experiments.bench_order import parse_probes
from unlearning.experiments.finished_training import Finished
from unlearning.experiments.model_twins import Twins, find_twins
from unlearning.experiments.sequence_requests import SequenceStep, build_steps
from unlearning.experiments.suite_settings import ANY_PROBE, build_probe_parts, set_probes
from unlearning.experiments.weights import prepare_request, take_reading
from unlearning.method import ClosedModel, Method
from unlearning.modeling.agent_weights import build_model_agent, reload_agent, save
from unlearning.modeling.training_cost import Outlook
from unlearning.probe import Probe, Reading, build_probe
from unlearning.training.checkpoints import FILE
from unlearning.training.finetune import Finetune


@dataclass(frozen=True, slots=True)
class WeightOrder:
    """A request as it was typed. model: local/FOLDER or local/OWNER/NAME; "" is the one the benchmark teaches. twins:
    models of the same base that were never taught what is to be forgotten, or `bench` for the benchmark's own. metrics:
    what is measured besides the benchmark's suite, as typed."""

    model: str
    benchmark: str
    split: str
    method: str
    lora: bool
    settings: Sequence[str]
    out: Path
    measure: bool = False
    dry_run: bool = False
    twins: Sequence[str] = ()
    metrics: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """The result. losses: each term at the first step and at the last. stopped: why training ended before its
    time. readings: where they were taken; no_twin: why there is none to compare them with."""

    order: WeightOrder
    cost: dict[str, Any]
    seconds: float
    losses: Mapping[str, tuple[float, float]]
    stopped: str = ""
    diverged: bool = False
    readings: Mapping[str, Reading] = field(default_factory=dict)
    no_twin: str = ""


@dataclass(frozen=True, slots=True)
class ForgetOrder:
    """An order whose parts are built and checked. named: the model that was named, as an agent."""

    order: WeightOrder
    benchmark: Benchmark
    method: Finetune
    step: SequenceStep
    named: LLM | None
    suite: Mapping[str, Probe]
    tables: Mapping[str, Any]


def forget_weights(order: WeightOrder) -> Made | None:
    """Has a model forget the split of a benchmark and saves it; None where that was only to be tried.

    A training that was killed is taken up again by the same order, and so is one whose measuring was. Raises
    UsageError, ClosedModel, before anything is taught or trained.
    """
    work = prepare_order(order)
    if order.dry_run:
        _tell_plan(work)
        return None
    finished = Finished.of(order.out, {"order": work.tables, "split": order.split})
    if not finished.there and order.out.exists() and (not order.out.is_dir() or any(order.out.iterdir())):
        raise UsageError(f"--out {order.out} is there already; name a new folder")
    twins = find_twins(work.benchmark, order.split, work.named, order.twins) if order.measure else Twins()
    if order.twins:
        release_weights()  # weights that were only probed need not stay in memory during training
    return asyncio.run(_run_forgetting(work, finished, twins))


def prepare_order(order: WeightOrder) -> ForgetOrder:
    """The order's parts, and every file that it will read, looked at. Raises UsageError, ClosedModel."""
    if order.model and not re.match("local/.", order.model):
        raise ClosedModel(order.method, order.model)
    if order.lora:
        require("--lora", ("peft",), "lora")
    if order.measure:
        require("--measure", ("scipy", "nltk"), "evaluation")
    if order.twins and not order.measure:
        raise UsageError("--twin is what readings are compared with; type --measure as well, or leave it out")
    named = parse_probes(order.metrics)
    parts = _build_parts(order)
    probes = [*ANY_PROBE, *build_probe_parts(named, named)] if order.measure else []
    settings = resolve_settings([*parts, *probes], order.settings)
    made = apply_settings(parts, settings)
    tables: dict[str, Any] = {part.prefix: spec for part, spec in zip(parts, made, strict=True)}
    benchmark = build(Benchmark, tables["benchmark"])
    benchmark.check(order.split)
    method = build(Method, tables["method"])
    if not isinstance(method, Finetune):
        raise UsageError(
            f"the method {order.method!r} changes no weights; type: arena forget NAME --request “forget …” "
            f"--method {order.method}"
        )
    model = build_model_agent(tables["model"]) if order.model else None
    (step,) = build_steps(benchmark, (order.split,), order.measure)  # broken files are named before anything is loaded
    suite: dict[str, Probe] = {}
    if order.measure:
        specs = set_probes({**benchmark.suite, **named}, named, settings)
        suite = {label: build_probe(spec) for label, spec in specs.items() if label != "cost"}
    elif order.metrics:
        raise UsageError("--metric says what is measured besides; type --measure as well, or leave it out")
    return ForgetOrder(order, benchmark, method, step, model, suite, tables)


def _tell_plan(work: ForgetOrder) -> None:
    order, method, request = work.order, work.method, work.step.request
    bill = method.estimate_cost(work.named or work.benchmark.find_knower() or work.benchmark.untaught(), request)
    say(f"{order.benchmark}/{order.split} by {order.method}: {len(request.forget)} items to forget, "
        f"{len(request.retain)} to keep; {method.epochs} epochs, batches of {method.batch}.")  # fmt: skip
    say(f"A step costs {bill.total:.3g} forwards of a batch (fine-tuning: 3). Nothing was changed.")


async def _run_forgetting(work: ForgetOrder, finished: Finished, twins: Twins) -> Made:
    order = work.order
    if work.named is None and work.benchmark.find_knower() is None:
        notify(f"teaching a model {order.benchmark}, once")
    with waiting(f"teaching a model {order.benchmark}"):
        before = work.named or work.benchmark.knower()
    if finished.there:
        say(f"trained already: {order.out} is measured", stderr=True)
        after, told = reload_agent(before, order.out), finished.read()
    else:
        after, told = await _train_and_save(work, before, finished)
    made = Made(order, told["cost"], told["seconds"], told["losses"], told["stopped"], told["diverged"])
    if order.measure:
        with waiting(f"measuring {order.out}"):
            trial = work.benchmark.trial_of(order.split, before, after, twins.make())
            readings = {label: await take_reading(probe, trial, label) for label, probe in work.suite.items()}
        made = replace(made, readings=readings, no_twin=twins.why)
    finished.clear()
    return made


async def _train_and_save(work: ForgetOrder, before: LLM, finished: Finished) -> tuple[LLM, dict[str, Any]]:
    """The agent after unlearning, saved, and the summary of its training."""
    begun, kept = time.perf_counter(), finished.folder
    if (kept / FILE).is_file():
        say(f"taken up again from {kept}", stderr=True)
    seen: list[Mapping[str, float]] = []
    method, request = prepare_request(work.method, work.benchmark, work.step, taught_here=work.named is None)
    assert isinstance(method, Finetune)
    try:
        outcome = await method.run(before, request, tell=_make_progress(seen), folder=kept, give=True)
    except UsageError:
        finished.clear()  # an empty folder; a checkpoint stays
        raise
    for note in filter(None, (*outcome.ended.notes, outcome.ended.stopped)):
        say(f"note: {note}", stderr=True)
    seconds = time.perf_counter() - begun
    save(outcome.agent, work.order.out)
    told = {
        "cost": {**outcome.spent.plain(), "steps": outcome.ended.steps},
        "seconds": seconds,
        "losses": {name: (first, seen[-1][name]) for name, first in seen[0].items() if name in seen[-1]}
        if seen
        else {},
        "stopped": outcome.ended.stopped,
        "diverged": outcome.ended.diverged,
    }
    if work.order.measure:
        finished.write(told)
    assert isinstance(outcome.agent, LLM)
    return outcome.agent, told


def _build_parts(order: WeightOrder) -> list[SettablePart]:
    """The parts of the order: the benchmark, the method, and the model where one is named."""
    method: dict[str, Any] = {"name": order.method}
    if not order.model and "tiny" in getattr(find("method", order.method)[0], "presets", {}):
        method["preset"] = "tiny"
    if order.lora:
        method["lora"] = {}
    own = [SettablePart("benchmark", "benchmark", {"name": order.benchmark}), SettablePart("method", "method", method)]
    return [*own, *([SettablePart("model", "agent", {"name": order.model})] if order.model else ())]


def _make_progress(seen: list[Mapping[str, float]]) -> Any:
    """Reports training progress on stderr, one line a second at most; keeps the first and last values."""
    told = 0.0

    def tell(outlook: Outlook) -> None:
        nonlocal told
        seen[1:] = [outlook.values]
        if outlook.seconds - told >= 1 or outlook.step == outlook.steps:
            told = outlook.seconds
            notify(str(outlook))

    return tell
