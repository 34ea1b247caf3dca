"""Trials of sequential requests on weights: after each request, probe its target and all earlier ones."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from agents.inference.model_cache import find_model_folder, load_or_make
from agents.llm.llm import LLM
from arena.agent import Agent
from arena.errors import UsageError
from arena.spec import build, dump_canonical
from unlearning.benchmarks.benchmark import Benchmark, Criteria, filter_known
from unlearning.experiments.model_twins import find_twins
from unlearning.experiments.sequence_requests import Data, SequenceStep, build_steps, select_kept_data
from unlearning.experiments.trial_records import Case, TrialRecord
from unlearning.experiments.weights import prepare_request, run_method, take_reading
from unlearning.method import Method
from unlearning.metrics.sequential import deviation
from unlearning.modeling.agent_weights import reload_agent, save
from unlearning.probe import Reading, Trial, build_probe

Kind: TypeAlias = Literal["sequence", "sizes"]
COST = "cost.json"


@dataclass(frozen=True, slots=True)
class SequenceCase:
    """Data shared by the trials of one seed: the requests, and whom each is compared with.

    before: the agent before the first request. twins: of each request the never-exposed twin and further ones, () where
    there are none. kept: what is asked of that which no request names.
    """

    benchmark: Benchmark
    criteria: Criteria
    steps: tuple[SequenceStep, ...]
    before: LLM
    twins: tuple[tuple[LLM, ...], ...]
    kept: Data


def build_requests(benchmark: Benchmark, kind: Kind, splits: Sequence[str]) -> tuple[SequenceStep, ...]:
    """The requests: one after the other, or each by itself, of the agent that knew."""
    if kind == "sequence":
        return build_steps(benchmark, splits)
    return tuple(step for split in splits for step in build_steps(benchmark, (split,)))


def get_criteria(benchmark: Benchmark) -> Criteria:
    """The benchmark's readings after each request. Raises UsageError where it defines none."""
    if benchmark.criteria is None:
        raise UsageError(
            f"the benchmark {type(benchmark).__name__} does not say what is read after each request of a sequence: it "
            "lacks the property `criteria`"
        )
    return benchmark.criteria


@dataclass
class Sequences:
    """Measures requests: those of one method and seed in their order.

    named: the model that shall forget; None for the one that the benchmark teaches. given: its twins as they were
    typed, none, `bench`, or one for each request. Agents are trained each from the one before, and kept in the model
    cache until `clear` removes them, so that a command that was ended goes on where it was. What was measured of twins
    is not measured again for another method. no_twin: why there is none, once that is known.
    """

    named: LLM | None = None
    given: Sequence[str] = ()
    shared: dict[str, Any] = field(default_factory=dict)
    no_twin: str = ""

    async def measure_case(self, case: Case) -> TrialRecord:
        """The result of a request: its readings by label, those of an earlier target as `knowmem@sust_1`."""
        asked, place = self._get_case(case), case.spec["step"] - 1
        agent, cost = await self._agent(case, asked, place)
        shutil.rmtree(find_model_folder(build_recipe(case, place - 2)), ignore_errors=True)  # its parent may be needed
        readings = {}
        for split, data, labels, mark in self._groups(case, asked, place):
            for label in labels:
                trial = self._trial(asked, place, data, f"{place} {split} {label}")
                trial = replace(trial, after=agent, cost=cost, played=[])
                read = await take_reading(build_probe(asked.benchmark.suite[label]), trial)
                detail = {**read.detail, "label": label, "target": split}
                readings[f"{label}{mark}"] = replace(read, detail=detail)
        told = asked.criteria
        readings["ds"] = compute_deviation(readings[told.told], readings[told.kept], told.whole)
        return TrialRecord(asked.steps[place].split, readings, cost["seconds"], cost)

    def clear(self, cases: Iterable[Case]) -> None:
        """Remove the agents of these cases from the model cache."""
        for case in cases:
            shutil.rmtree(find_model_folder(build_recipe(case, case.spec["step"] - 1)), ignore_errors=True)

    def _get_case(self, case: Case) -> SequenceCase:
        """The data that the case shares with others of its kind and seed, made once."""
        key = dump_canonical([case.spec[name] for name in ("kind", "splits", "benchmark", "twins")] + [case.seed])
        if key not in self.shared:
            self.shared.clear()
            self.shared[key] = self._make_case(case)
        found: SequenceCase = self.shared[key]
        return found

    def _make_case(self, case: Case) -> SequenceCase:
        benchmark = build(Benchmark, case.spec["benchmark"])
        splits, seeds = case.spec["splits"], range(case.seed, case.seed + 1 + case.spec["twins"])
        steps = build_requests(benchmark, case.spec["kind"], splits)
        given = [(one,) for one in self.given] if len(self.given) > 1 else [tuple(self.given)] * len(steps)
        found = [
            find_twins(benchmark, step.split, self.named, typed, partial(step.twins, benchmark, seeds))
            for step, typed in zip(steps, given, strict=True)
        ]
        twins = tuple(tuple(one.make()) for one in found)
        self.no_twin = next((one.why for one in found if one.why), "")
        before = self.named or benchmark.knower(case.seed)
        return SequenceCase(
            benchmark, get_criteria(benchmark), steps, before, twins, select_kept_data(benchmark, splits)
        )

    async def _agent(self, case: Case, asked: SequenceCase, place: int) -> tuple[Agent, dict[str, Any]]:
        """The agent after a request, and the request's cost: from the model cache, or trained from the one before."""
        if case.spec["method"] is None:
            return asked.before, {"seconds": 0.0}
        recipe = build_recipe(case, place)
        if not find_model_folder(recipe).is_dir():
            first = place == 0 or case.spec["kind"] == "sizes"
            before = asked.before if first else (await self._agent(case, asked, place - 1))[0]
            method = build(Method, case.spec["method"])
            method, request = prepare_request(
                method, asked.benchmark, asked.steps[place], case.seed, self.named is None
            )
            assert isinstance(before, LLM)
            agent, cost, seconds = await run_method(method, before, request)
            load_or_make(recipe, lambda folder: _write(folder, agent, {**cost, "seconds": seconds}))
        folder = find_model_folder(recipe)
        return reload_agent(asked.before, folder), json.loads((folder / COST).read_text(encoding="utf-8"))

    def _groups(self, case: Case, asked: SequenceCase, place: int) -> Iterator[tuple[str, Data, tuple[str, ...], str]]:
        """The evaluation after a request: its target, what is kept, and in a sequence each earlier target."""
        step, criteria = asked.steps[place], asked.criteria
        yield step.split, step.data, criteria.target, ""
        yield "kept", asked.kept, criteria.rest, ""
        for earlier in asked.steps[:place] if case.spec["kind"] == "sequence" else ():
            yield earlier.split, earlier.data, criteria.target, f"@{earlier.split}"

    def _trial(self, asked: SequenceCase, place: int, data: Data, key: str) -> Trial:
        """The trial of that probe after that request, with what was measured of those who stay the same."""
        if key not in self.shared:
            twins = asked.twins[place]
            self.shared[key] = Trial(
                asked.steps[place].request, asked.before, asked.before, twins[0] if twins else None,
                filter_known(data, asked.before), twins=tuple(twins[1:]), memo={},
            )  # fmt: skip
        found: Trial = self.shared[key]
        return found


def compute_deviation(told: Reading, kept: Reading, whole: float) -> Reading:
    """DRAGON's deviation after a request, with that of the twin and of the agent before; None where one of its two
    readings is missing."""

    def at(first: float | None, second: float | None) -> float | None:
        return None if first is None or second is None else deviation(first / whole, second / whole)

    others = [read.detail.get("twins") or [] for read in (told, kept)]
    twins = [at(first, second) for first, second in zip(*others, strict=False)]
    return Reading(
        at(told.value, kept.value), null=at(told.null, kept.null), before=at(told.before, kept.before),
        detail={"label": "ds", "target": told.detail.get("target"), "twins": twins},
    )  # fmt: skip


def build_recipe(case: Case, place: int) -> dict[str, Any]:
    """The inputs that determine the agent after that request."""
    return {"kind": "sequence", "trial": dict(case.spec) | {"step": place + 1}, "model": case.spec["model"]}


def _write(folder: Path, agent: Agent, cost: Mapping[str, object]) -> None:
    save(agent, folder)
    (folder / COST).write_text(json.dumps(cost), encoding="utf-8")
