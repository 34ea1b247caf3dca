"""Where requests about weights are carried out: a model, a benchmark's split, a method; and a model on disk."""

import asyncio
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.llm import LLM
from agents.model import Sampling
from arena.errors import UsageError
from arena.registry import find
from arena.spec import build, ready
from arena.tell import print_json
from unlearning.bench import Benchmark
from unlearning.bench_weights import reading_of
from unlearning.checkpoints import FILE
from unlearning.cost import Outlook
from unlearning.finetune import Finetune
from unlearning.method import ClosedModel, Method
from unlearning.office import set_all
from unlearning.probe import Reading, probe_of
from unlearning.request import Request
from unlearning.telling import say
from unlearning.verdict import observed
from unlearning.weights import save


@dataclass(frozen=True, slots=True)
class WeightOrder:
    """A request as it was typed. model: local/FOLDER or local/OWNER/NAME; "" is the one the benchmark teaches."""

    model: str
    benchmark: str
    split: str
    method: str
    lora: bool
    settings: Sequence[str]
    out: Path
    measure: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: what it cost, how the loss went (each term at the first step and at the last), and the readings,
    where they were taken."""

    order: WeightOrder
    cost: dict[str, Any]
    seconds: float
    losses: Mapping[str, tuple[float, float]]
    readings: Mapping[str, Reading]


def forgot_weights(order: WeightOrder) -> Made | None:
    """Has a model forget the split of a benchmark and saves it; None where that was only to be tried.

    A training that was killed is taken up again by the same order. Raises UsageError, ClosedModel.
    """
    if order.model and not re.match("local/.", order.model):
        raise ClosedModel(order.method, order.model)
    tables = _tables(order)
    benchmark: Benchmark = build("benchmark", tables["benchmark"])
    benchmark.check(order.split)
    method: Method = build("method", tables["method"])
    if not isinstance(method, Finetune):
        raise UsageError(
            f"the method {order.method!r} changes no weights; type: arena forget --agent NAME --request “forget …” "
            f"--method {order.method}"
        )
    if order.out.exists() and (not order.out.is_dir() or any(order.out.iterdir())):
        raise UsageError(f"--out {order.out} is there already; name a new folder")
    model = build("model", tables["model"]) if order.model else None
    ready(model)
    request = benchmark.request(order.split)  # a file that is broken is named before anything is loaded
    knower = benchmark.knower() if model is None else LLM(model, sampling=Sampling(temperature=0.0))
    if order.dry_run:
        _tell_plan(order, method, knower, request)
        return None
    return asyncio.run(_forgot(order, benchmark, method, knower, request))


def tell_made(made: Made, as_json: bool = False) -> None:
    """What was done, where the model is, and what it is like beside its twin."""
    order, cost = made.order, made.cost
    verdict = observed(made.readings) if made.readings else None
    if as_json:
        readings = {name: {"after": one.value, "twin": one.null, "before": one.before}
                    for name, one in made.readings.items()}  # fmt: skip
        print_json({"model": f"local/{order.out}", "method": order.method, "split": f"{order.benchmark}/{order.split}",
                    "seconds": made.seconds, "cost": cost, "losses": made.losses, "readings": readings,
                    "observed": verdict and verdict.label})  # fmt: skip
        return
    say(f"{order.benchmark}/{order.split} by {order.method}: {cost['steps']} steps, {cost['tokens']:,} tokens read, "
        f"{made.seconds:.1f} s.")  # fmt: skip
    if made.losses:
        told = ", ".join(f"{name} {first:.3g} → {last:.3g}" for name, (first, last) in made.losses.items())
        say(f"loss from the first step to the last: {told}")
        first, last = next(iter(made.losses.values()))
        if abs(last - first) < 0.02 * abs(first):
            say("It hardly moved: try --set lr=1e-3, more epochs, or for a tiny model --set preset=tiny.")
    say(f"saved to {order.out}; it can play: arena play --buyer local/{order.out}")
    for label, reading in made.readings.items():
        values = [f"{x:.3g}" if x is not None else "–" for x in (reading.value, reading.null, reading.before)]
        say(f"  {label:24} after {values[0]:>9}  twin {values[1]:>9}  before {values[2]:>9}")
    if verdict is not None:
        say(f"observed: {verdict.label}" + (f" ({'; '.join(verdict.why)})" if verdict.why else ""))


def _tell_plan(order: WeightOrder, method: Finetune, knower: LLM, request: Request) -> None:
    bill = method.bill(knower, request)
    say(f"{order.benchmark}/{order.split} by {order.method}: {len(request.forget)} items to forget, "
        f"{len(request.retain)} to keep; {method.epochs} epochs, batches of {method.batch}.")  # fmt: skip
    say(f"A step costs {bill.total:.3g} forwards of a batch (fine-tuning: 3). Nothing was changed.")


async def _forgot(order: WeightOrder, benchmark: Benchmark, method: Finetune, knower: LLM, request: Request) -> Made:
    begun, kept = time.perf_counter(), order.out.with_name(f"{order.out.name}.training")
    if (kept / FILE).is_file():
        print(f"taken up again from {kept}", file=sys.stderr, flush=True)
    seen: list[Mapping[str, float]] = []
    outcome = await method.run(knower, request, tell=_progress(seen), folder=kept)
    after, cost = outcome.agent, {**outcome.spent.plain(), "steps": outcome.ended.steps}
    for note in filter(None, (*outcome.ended.notes, outcome.ended.stopped)):
        print(f"note: {note}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - begun
    save(after, order.out)
    if kept.is_dir() and not any(kept.iterdir()):
        kept.rmdir()
    readings = {}
    if order.measure:
        trial = benchmark.trial(order.split, after, twins=1)
        suite = {label: probe_of(spec) for label, spec in benchmark.suite.items() if label != "cost"}
        readings = {label: await reading_of(probe, trial) for label, probe in suite.items()}
    losses = {name: (first, seen[-1][name]) for name, first in seen[0].items() if name in seen[-1]} if seen else {}
    return Made(order, cost, seconds, losses, readings)


def _tables(order: WeightOrder) -> dict[str, dict[str, Any]]:
    """The specs, with settings where they belong: `benchmark.people=20`, `model.dtype=bfloat16`, `method.epochs=3`, or
    `epochs=3` for the method."""
    tables: dict[str, dict[str, Any]] = {"benchmark": {"name": order.benchmark}, "method": {"name": order.method}}
    if order.model:
        tables["model"] = {"name": order.model}
    elif "tiny" in getattr(find("method", order.method)[0], "presets", {}):
        tables["method"]["preset"] = "tiny"
    if order.lora:
        tables["method"]["lora"] = {}
    for setting in order.settings:
        head, dot, rest = setting.partition(".")
        name = head if dot and head in tables else "method"
        set_all(tables[name], [rest if dot and head in tables else setting])
    return tables


def _progress(seen: list[Mapping[str, float]]) -> Any:
    """Tells how training stands, a line a second at most, on the error stream; keeps what it saw first and last."""
    told = 0.0

    def tell(outlook: Outlook) -> None:
        nonlocal told
        seen[1:] = [outlook.values]
        if outlook.seconds - told >= 1 or outlook.step == outlook.steps:
            told = outlook.seconds
            print(outlook, file=sys.stderr, flush=True)

    return tell
