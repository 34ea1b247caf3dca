"""Running a bench: cases are measured, written down, and told as a table."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.console.exit_codes import OVER, SOME_FAILED
from arena.console.notices import notify
from arena.console.stdio import mark_recorded, print_json, say
from arena.errors import UsageError, unknown
from arena.extras import missing, require
from arena.registry import list_entries
from arena.reports.output import rows
from arena.spec import build, describe
from arena.spec_syntax import format_spec, parse_specs, split
from arena.store.query import QueryResult
from arena.store.store import Store
from unlearning.experiments import agents as bench_agents
from unlearning.experiments.dry_runs import open_for_reading
from unlearning.experiments.tables import build_table, load_readings, write_csv
from unlearning.experiments.trial_records import Case, Measure, TrialRecord, find_finished, measure_cases
from unlearning.probe import Trial, build_probe

TOLD = (25, 100)  # budgets of the adversary that stand in the table; the picture has all


@dataclass(frozen=True, slots=True)
class BenchOrder:
    """A bench as it was typed."""

    what: str
    methods: str | None
    environments: str | None
    scopes: str | None
    budgets: str
    mind: str
    benchmark: str
    split: str
    seeds: int
    games: int
    settings: tuple[str, ...]
    list: bool
    out: Path | None
    csv: Path | None
    again: bool
    json: bool
    metrics: tuple[str, ...] = ()
    dry_run: bool = False


def run_bench(db: str, wanted: BenchOrder) -> int:
    """Measures what is not in the records yet, tells all as a table; the exit code."""
    if wanted.seeds < 1 or wanted.games < 1:
        raise UsageError(f"--seeds and --games count from 1; got {wanted.seeds} and {wanted.games}")
    if wanted.list:
        return list_parts(wanted)
    named = parse_probes(wanted.metrics)
    draw = import_drawing(wanted.what) if wanted.out else None  # what is missing is said before anything is measured
    cases, measure, shown = plan_agent_bench(wanted) if wanted.what == "agents" else plan_weight_bench(wanted)
    if wanted.dry_run:
        return tell_plan(db, cases, wanted)
    with Store.open(db) as store:
        mark_recorded()
        left = len(cases) if wanted.again else len(cases) - len(find_finished(store, [case.id for case in cases]))
        notify(f"{left} trials to measure, {len(cases) - left} on record already")
        failed = asyncio.run(measure_cases(store, cases, measure, make_progress(left), wanted.again))
        found = load_readings(store, [case.id for case in cases])
    tell(found, wanted, (*shown, *named), draw)
    return SOME_FAILED if failed else OVER


def tell_plan(db: str, cases: Sequence[Case], wanted: BenchOrder) -> int:
    """Says what would be measured; nothing is taught, trained or written."""
    with open_for_reading(db) as store:
        known = set() if wanted.again else find_finished(store, [case.id for case in cases])
    left = [case for case in cases if case.id not in known]
    if wanted.json:
        told = ({"setting": one.setting, "scope": one.scope, "method": one.method, "seed": one.seed} for one in left)
        print_json({"trials": len(left), "on_record": len(known), "left": list(told)})
        return OVER
    say(f"{len(left)} trials would be measured, {len(known)} are on record already.")
    for what in ("setting", "scope", "method", "seed"):
        names = dict.fromkeys(str(getattr(case, what)) for case in left)
        say(f"  {what}: {', '.join(names)}") if any(names) else None
    return OVER


def plan_agent_bench(wanted: BenchOrder) -> tuple[list[Case], Measure, Sequence[str]]:
    """The cases of the bench of agents, how each is measured, and which readings the table and the picture show."""
    bench = bench_agents.Bench(
        choose_parts("method", wanted.methods, bench_agents.METHODS),
        choose_parts("environment", wanted.environments, bench_agents.ENVIRONMENTS),
        tuple(choose_parts("scope", wanted.scopes, dict.fromkeys(bench_agents.SCOPES, ""))),
        parse_counts("--budgets", wanted.budgets),
        wanted.mind,
        games=wanted.games,
        seeds=wanted.seeds,
        metrics=parse_probes(wanted.metrics),
    )
    school = bench_agents.School()
    told = [budget for budget in TOLD if budget in bench.budgets] or bench.budgets[-2:]
    shown = ["steps_forget", "steps_retain", "success_forget", "success_retain", "exact_match", "leak", "residue",
             "refusal", *(f"{what}_{budget}" for what in ("adversary", "advantage") for budget in told)]  # fmt: skip
    return list(bench.cases()), lambda case: bench_agents.measure_case(case, school), shown


def plan_weight_bench(wanted: BenchOrder) -> tuple[list[Case], Measure, Sequence[str]]:
    """The same of the bench of weights. Raises MissingExtra without torch."""
    try:
        import unlearning.experiments.weights as bench_weights
    except ModuleNotFoundError as error:
        raise missing("arena bench weights", error, "evaluation") from error
    require("arena bench weights", ("scipy", "nltk"), "evaluation")
    kept: dict[str, Trial] = {}
    return bench_weights.list_cases(wanted), lambda case: bench_weights.measure_case(case, kept), bench_weights.SHOWN


def list_parts(wanted: BenchOrder) -> int:
    """Lists what can be measured, and with what."""
    kinds = ("method", "benchmark", "metric", "attack")
    found = [(kind, entry.name, entry.about) for kind in kinds for entry in list_entries(kind).values()]
    rows(QueryResult(("kind", "name", "about"), tuple(found)), wanted.json)
    return OVER


def import_drawing(what: str) -> Any:
    """What draws the picture. Raises MissingExtra without matplotlib."""
    try:
        from unlearning.experiments.plot import draw
    except ModuleNotFoundError as error:
        raise missing("arena bench --out", error, "plots" if what == "agents" else "evaluation,plots") from error
    return draw


def tell(found: Sequence[dict[str, Any]], wanted: BenchOrder, shown: Sequence[str], draw: Any) -> None:
    """Prints the table; draws the picture and writes the file, where they are asked for."""
    labels = [label for label in shown if any(row["probe"] == label for row in found)]
    if not found:
        undrawn = f", and {wanted.out} was not drawn" if wanted.out else ""
        say(
            f'no reading was taken{undrawn}; why is told above, and on record: arena sql "select * from trial"',
            stderr=True,
        )
    if wanted.json:
        print_json(found)
    elif found:
        rows(
            build_table(found, labels),
            title="after | never-exposed twin (range of the honest twins), means over seeds",
            keys=3,
        )
    if wanted.csv:
        write_csv(found, wanted.csv)
    if wanted.out and found:
        draw(found, labels, wanted.out)


def choose_parts(kind: str, names: str | None, known: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the known that are named, or all; of methods and probes any that is registered or in a file.

    names: with commas between, each alone or with settings as tournaments have them: `npo(lr=1e-3), npo(lr=0.1|0.3)`.
    What is known keeps its other settings. Raises UsageError.
    """
    if names is None:
        return dict(known)
    found: dict[str, Any] = {}
    for spec in (spec for text in split(names, ",") if text.strip() for spec in parse_specs(text)):
        table = {"name": spec} if isinstance(spec, str) else dict(spec)
        name = table.pop("name")
        if name in known:
            found[format_spec(spec)] = known[name] if not table else _change_settings(kind, name, known[name], table)
        elif kind not in ("method", "probe"):
            raise UsageError(unknown(kind, name, known))
        else:
            found[format_spec(spec)] = spec
        if kind in ("method", "probe") and found[format_spec(spec)] is not None and (table or name not in known):
            made = found[format_spec(spec)]
            found[format_spec(spec)] = describe(build("method", made) if kind == "method" else build_probe(made))
    return found


def parse_probes(typed: Sequence[str]) -> dict[str, Any]:
    """The specs of metrics and attacks as they were typed: by name, with settings, or in a file. Raises UsageError."""
    return {label: spec for text in typed for label, spec in choose_parts("probe", text, {}).items()}


def _change_settings(kind: str, name: str, spec: Any, settings: Mapping[str, Any]) -> Any:
    """A known spec with other settings. Raises UsageError for one that has none."""
    if not spec:
        raise UsageError(f"the {kind} {name!r} takes no settings; got {', '.join(settings)}")
    return {**({"name": spec} if isinstance(spec, str) else spec), **settings}


def parse_counts(option: str, words: str) -> tuple[int, ...]:
    """Counts with commas between. Raises UsageError."""
    try:
        found = tuple(int(word) for word in words.split(",") if word.strip())
    except ValueError:
        found = (0,)
    if any(number < 1 for number in found):
        raise UsageError(f"{option} takes counts with commas between, such as 25,100; got {words!r}")
    return found


def make_progress(total: int) -> Any:
    """Tells of each case in a line, on the error stream, with the time that is left."""
    begun, done = time.monotonic(), 0

    def report_case(case: Case, entry: TrialRecord | None, why: str) -> None:
        nonlocal done
        done += 1
        spent = time.monotonic() - begun
        left = spent / done * (total - done)
        what = "done" if entry else f"failed: {why.splitlines()[-1] if why else ''}"
        notify(f"{done}/{total} {case.setting} {case.scope} {case.method} seed {case.seed}: {what} "
               f"({spent:.0f} s, about {left:.0f} s left)")  # fmt: skip

    return report_case
