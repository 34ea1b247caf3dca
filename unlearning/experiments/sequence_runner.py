"""Run sequences of requests on weights: measure, store, print a table, draw a plot."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from agents.inference.weight_loading import stamp_files
from arena.console.exit_codes import OVER, SOME_FAILED
from arena.console.stdio import mark_recorded, print_json, say
from arena.errors import UsageError
from arena.extras import missing, require
from arena.planning.settings import SettablePart, apply_settings, resolve_settings
from arena.reports.output import rows
from arena.spec import build, describe
from arena.store.query_result import QueryResult
from arena.store.store import Store
from unlearning.benchmarks.benchmark import Benchmark, Criteria
from unlearning.experiments.bench_order import choose_parts
from unlearning.experiments.runner import make_progress
from unlearning.experiments.sequence_readings import whole_of
from unlearning.experiments.sequence_trials import Kind, Sequences, build_requests, get_criteria
from unlearning.experiments.tables import format_mean, format_spread, load_readings, write_csv
from unlearning.experiments.trial_records import Case, TrialRecord, find_finished, measure_cases, write
from unlearning.experiments.weights import list_methods
from unlearning.method import ClosedModel, Method
from unlearning.modeling.agent_weights import build_model_agent
from unlearning.training.finetune import Finetune

TWINS = 2  # further twins besides the oracle of each request


@dataclass(frozen=True, slots=True)
class SequenceOrder:
    """Sequences as they were typed. twin: models, or `bench`. settings: of the benchmark, the model, the trial (twins),
    and of each method that has them. seed: the first of `seeds`."""

    model: str
    bench: str
    methods: str
    splits: str
    sizes: bool
    seeds: int
    seed: int = 0
    twin: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    out: Path | None = None
    csv: Path | None = None
    again: bool = False
    json: bool = False

    @property
    def kind(self) -> Kind:
        return "sizes" if self.sizes else "sequence"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order whose parts are built and checked. tables: the specs, by what they are of."""

    benchmark: Benchmark
    criteria: Criteria
    splits: tuple[str, ...]
    cases: tuple[Case, ...]
    tables: Mapping[str, Any]


def run_sequences(db: str, wanted: SequenceOrder) -> int:
    """Measure what is not stored yet and print all; the exit code. Raises UsageError before it begins."""
    draw = import_drawing() if wanted.out else None
    require("a sequence in weights", ("scipy", "nltk"), "evaluation")
    order = prepare_run(wanted)
    sequences = Sequences(build_model_agent(order.tables["model"]) if wanted.model else None, wanted.twin)
    with Store.open(db) as store:
        mark_recorded()
        ids = [case.id for case in order.cases]
        left = len(ids) if wanted.again else len(ids) - len(find_finished(store, ids))
        failed = asyncio.run(
            measure_cases(store, order.cases, sequences.measure_case, make_progress(left), wanted.again)
        )
        sums = summarize_sequences(store, order, wanted.kind)
        if not failed:
            sequences.clear(order.cases)
        found, whole = load_readings(store, ids), load_readings(store, sums)
    if sequences.no_twin:
        say(sequences.no_twin, stderr=True)
    tell(order, wanted, found, whole)
    if draw is not None and found:
        draw(found, order.criteria, wanted.kind, wanted.out)
    return SOME_FAILED if failed else OVER


def prepare_run(wanted: SequenceOrder) -> Prepared:
    """The order's parts, and its cases in the order in which they are measured. Raises UsageError, ClosedModel."""
    if wanted.seeds < 1:
        raise UsageError(f"--seeds counts from 1; got {wanted.seeds}")
    tables, methods = _build_specs(wanted)
    twins = tables["trial"]["twins"]
    if not isinstance(twins, int) or twins < 0:
        raise UsageError(f"--set twins=N is a number of honest twins beside the oracle, 0 or more, not {twins!r}")
    benchmark = build(Benchmark, tables["benchmark"])
    criteria = get_criteria(benchmark)
    usual = benchmark.sizes if wanted.sizes else benchmark.sequence
    splits = tuple(filter(None, (part.strip() for part in wanted.splits.split(",")))) or usual
    steps = build_requests(benchmark, wanted.kind, splits)
    if len(wanted.twin) > 1 and len(wanted.twin) != len(steps):
        raise UsageError(
            f"--twin names one model for each request, in their order, and there are {len(steps)} "
            f"({', '.join(splits)}); {len(wanted.twin)} were given"
        )
    if len(wanted.twin) == 1 and wanted.twin[0] != "bench" and len(steps) > 1:
        raise UsageError(
            f"--twin names one model for each of the {len(steps)} requests ({', '.join(splits)}), or bench"
        )
    base = {"benchmark": describe(benchmark), "kind": wanted.kind, "splits": list(splits), "twins": twins,
            "model": tables.get("model"), "twin": list(wanted.twin), "files": _read_stamps(wanted)}  # fmt: skip
    cases = tuple(
        Case("sequence", f"{wanted.bench}/{'+'.join(splits[:step]) if not wanted.sizes else splits[step - 1]}", "facts",
             label, seed, {**base, "seed": seed, "step": step, "method": _add_seed(spec, seed)})
        for seed in range(wanted.seed, wanted.seed + wanted.seeds)
        for label, spec in _describe_methods(methods).items()
        for step in range(1, len(steps) + 1)
    )  # fmt: skip
    return Prepared(benchmark, criteria, splits, cases, tables)


def summarize_sequences(store: Store, order: Prepared, kind: Kind) -> list[str]:
    """The ids of the trials of whole sequences, rebuilt from the measurements of each request."""
    found = []
    for (method, seed), own in groupby(order.cases, key=lambda case: (case.method, case.seed)):
        cases = list(own)
        told = load_readings(store, [case.id for case in cases])
        steps = [[row for row in told if row["trial"] == case.id] for case in cases]
        if all(steps):
            last = cases[-1]
            setting = f"{last.setting.partition('/')[0]}/{kind} of {len(cases)}"
            case = Case("sequence", setting, last.scope, method, seed, {**last.spec, "step": 0})
            seconds = sum(step[0]["seconds"] for step in steps)
            entry = TrialRecord(", ".join(order.splits), whole_of(kind, order.criteria, steps), seconds)
            write(store, case, entry, "", seconds)
            found.append(case.id)
    return found


def tell(order: Prepared, wanted: SequenceOrder, found: list[dict[str, Any]], whole: list[dict[str, Any]]) -> None:
    """Prints a row for each request and method, then one for each whole sequence; writes the file."""
    if wanted.json:
        print_json([*found, *whole])
    elif found:
        said = "each split by itself" if wanted.sizes else "one request after the other"
        rows(build_table(found, order.criteria), title=f"{said}: after | never-exposed twin (range of the "
             f"honest twins), "
             "means over seeds", keys=3)  # fmt: skip
        if whole:
            rows(build_whole_table(whole), title="as a whole", keys=2)
    else:
        say('no reading was taken; why is told above, and on record: arena sql "select * from trial"', stderr=True)
    if wanted.csv:
        write_csv([*found, *whole], wanted.csv)


def build_table(found: Sequence[Mapping[str, Any]], criteria: Criteria) -> QueryResult:
    """A row for each request and method. earlier: the mean disclosure of the earlier targets."""
    labels = (*criteria.target, *criteria.rest)
    made = []
    again = any("@" in row["probe"] for row in found)
    for setting, method in dict.fromkeys((row["setting"], row["method"]) for row in found):
        own = [row for row in found if (row["setting"], row["method"]) == (setting, method)]
        cells = [_format_cell([row for row in own if row["probe"] == label]) for label in labels]
        if again:
            cells.append(_format_cell([row for row in own if row["probe"].startswith(f"{criteria.told}@")]))
        cells.append(_format_cell([row for row in own if row["probe"] == "ds"]))
        made.append((method, setting, len({row["seed"] for row in own}), *cells))
    return QueryResult(("method", "requests", "seeds", *labels, *(["earlier"] if again else []), "ds"), tuple(made))


def build_whole_table(whole: Sequence[Mapping[str, object]]) -> QueryResult:
    """A row for each method and reading of the whole."""
    made = []
    for method, probe in dict.fromkeys((row["method"], row["probe"]) for row in whole):
        own = [row for row in whole if (row["method"], row["probe"]) == (method, probe)]
        made.append((method, probe, len(own), _format_cell(own)))
    return QueryResult(("method", "reading", "seeds", "after | twin (range)"), tuple(made))


def import_drawing() -> Any:
    """The plot function. Raises MissingExtra without matplotlib."""
    try:
        from unlearning.experiments.sequence_plot import draw
    except ModuleNotFoundError as error:
        raise missing("arena sequence --out", error, "evaluation,plots") from error
    return draw


def _format_cell(own: Sequence[Mapping[str, Any]]) -> str:
    """The mean over seeds, each seed counted once, with the twins' mean."""
    if not own:
        return "–"
    by_seed = [[row for row in own if row["seed"] == seed] for seed in dict.fromkeys(row["seed"] for row in own)]
    values, twins = ([_compute_mean([row[key] for row in each]) for each in by_seed] for key in ("value", "twin"))
    spread = format_spread([one for row in own for one in row["twins"]])
    return f"{format_mean(values, wide=True)} | {format_mean(twins)}{spread}"


def _compute_mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _build_specs(wanted: SequenceOrder) -> tuple[dict[str, Any], dict[str, Any]]:
    """The specs of benchmark, model and trial by prefix, and those of the methods by label, None for `none`; tiny
    models get the settings that they take. Raises UsageError."""
    if wanted.model and not re.match("local/.", wanted.model):
        raise ClosedModel("sequence", wanted.model)
    known = {"none": None, **({} if wanted.model else list_methods())}
    methods = choose_parts("method", wanted.methods, known)
    parts = [SettablePart("benchmark", "benchmark", {"name": wanted.bench}),
             SettablePart("trial", "", {"twins": TWINS}, ("twins",))]  # fmt: skip
    if wanted.model:
        parts.append(SettablePart("model", "agent", {"name": wanted.model}))
    parts += [SettablePart("method", "method", spec) for spec in methods.values()]
    made = apply_settings(parts, resolve_settings(parts, wanted.settings))
    tables = {part.prefix: spec for part, spec in zip(parts, made, strict=True) if part.prefix != "method"}
    return tables, dict(zip(methods, made[len(parts) - len(methods) :], strict=True))


def _describe_methods(specs: Mapping[str, Any]) -> dict[str, Any]:
    """The methods by label, built and described. Raises UsageError for one that changes no weights."""
    found: dict[str, Any] = {}
    for label, spec in specs.items():
        if spec is not None:
            made = build(Method, spec)
            if not isinstance(made, Finetune):
                raise UsageError(
                    f"the method {label!r} changes no weights; of an agent on record: arena sequence NAME --request "
                    f"“forget …” --method {label}"
                )
            spec = describe(made)
        found[label] = spec
    return found


def _read_stamps(wanted: SequenceOrder) -> list[str]:
    """When the files of the models that were named were written: other weights are another trial."""
    folders = [Path(name.removeprefix("local/")).expanduser() for name in (wanted.model, *wanted.twin) if name]
    return [stamp_files(str(folder)) for folder in folders if folder.is_dir()]


def _add_seed(spec: Any, seed: int) -> Any:
    return None if spec is None else {**({"name": spec} if isinstance(spec, str) else spec), "seed": seed}
