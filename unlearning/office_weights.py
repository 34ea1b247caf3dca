"""Where requests about weights are carried out: a model, a benchmark's split, a method; and a model on disk."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.llm import LLM
from agents.model import Sampling
from agents.models.local import Local
from arena.errors import UsageError
from arena.spec import build
from unlearning.bench import Benchmark
from unlearning.cost import Outlook
from unlearning.finetune import Finetune
from unlearning.method import Method
from unlearning.office import set_all
from unlearning.probe import Reading, probe_of
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
    measure: bool


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: where the model is, what it cost, and the readings, where they were taken."""

    order: WeightOrder
    cost: dict[str, Any]
    seconds: float
    readings: dict[str, Reading]


def forgot_weights(order: WeightOrder) -> Made:
    """Has a model forget the split of a benchmark and saves it. Raises UsageError, ClosedModel."""
    tables: dict[str, dict[str, Any]] = {"benchmark": {"name": order.benchmark}, "method": {"name": order.method}}
    _set(tables, order)
    benchmark: Benchmark = build("benchmark", tables["benchmark"])
    benchmark.check(order.split)
    method: Method = build("method", tables["method"])
    if order.out.exists() and (not order.out.is_dir() or any(order.out.iterdir())):
        raise UsageError(f"--out {order.out} is there already; name a new folder")
    knower = benchmark.knower() if not order.model else _agent(order.model)
    return asyncio.run(_forgot(order, benchmark, method, knower))


def tell_made(made: Made) -> None:
    """What was done, where the model is, and what it is like beside its twin."""
    order, cost = made.order, made.cost
    steps = f", {cost['steps']} steps" if "steps" in cost else ""
    tokens = f", {cost['tokens']:,} tokens read" if "tokens" in cost else ""
    say(f"forgot {order.benchmark}/{order.split} by {order.method} in {made.seconds:.1f} s{steps}{tokens}.")
    say(f"saved to {order.out}; it can play: arena play --buyer local/{order.out}")
    if not made.readings:
        return
    for label, reading in made.readings.items():
        told = [f"{x:.3g}" if x is not None else "–" for x in (reading.value, reading.null, reading.before)]
        say(f"  {label:24} after {told[0]:>9}  twin {told[1]:>9}  before {told[2]:>9}")
    verdict = observed(made.readings)
    say(f"observed: {verdict.label}" + (f" ({'; '.join(verdict.why)})" if verdict.why else ""))


async def _forgot(order: WeightOrder, benchmark: Benchmark, method: Method, knower: LLM) -> Made:
    request, begun = benchmark.request(order.split), time.perf_counter()
    cost: dict[str, Any] = {}
    if isinstance(method, Finetune):
        outcome = await method.run(knower, request, tell=_progress())
        after, cost = outcome.agent, {**outcome.spent.plain(), "steps": outcome.ended.steps}
        if outcome.ended.stopped:
            say(f"training ended before its time: {outcome.ended.stopped}")
    else:
        after = await method(knower, request)
    seconds = time.perf_counter() - begun
    save(after, order.out)
    readings = {}
    if order.measure:
        trial = benchmark.trial(order.split, after, twins=1)
        readings = {label: await probe_of(spec)(trial) for label, spec in benchmark.suite.items() if label != "cost"}
    return Made(order, cost, seconds, readings)


def _agent(name: str) -> LLM:
    """An agent with a local model. Raises UsageError for one behind an API: its weights cannot be changed."""
    kind, _, where = name.partition("/")
    if kind != "local" or not where:
        raise UsageError(
            f"--model takes a model whose weights are here: local/FOLDER or local/OWNER/NAME; got {name!r}"
        )
    return LLM(Local(where), sampling=Sampling(temperature=0.0))


def _set(tables: dict[str, dict[str, Any]], order: WeightOrder) -> None:
    """Puts settings where they belong: `benchmark.people=20`, `method.epochs=3`, or `epochs=3` for the method."""
    if order.lora:
        tables["method"]["lora"] = {}
    if not order.model:
        tables["method"]["preset"] = "tiny"
    for setting in order.settings:
        head, dot, rest = setting.partition(".")
        name = head if dot and head in tables else "method"
        set_all(tables[name], [rest if dot and head in tables else setting])


def _progress() -> Any:
    """Tells how training stands, a line a second at most, on the error stream."""
    told = 0.0

    def tell(outlook: Outlook) -> None:
        nonlocal told
        if outlook.seconds - told >= 1 or outlook.step == outlook.steps:
            told = outlook.seconds
            left = "" if outlook.left is None else f", about {outlook.left:.0f} s left"
            values = " ".join(f"{name} {value:.3g}" for name, value in outlook.values.items())
            print(f"step {outlook.step} of {outlook.steps} {values}{left}", file=sys.stderr, flush=True)

    return tell
