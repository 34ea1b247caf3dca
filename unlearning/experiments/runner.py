"""Run a benchmark: measure cases, store the results, print a table."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from arena.console.exit_codes import OVER, SOME_FAILED
from arena.console.notices import notify
from arena.console.stdio import mark_recorded, print_json, say
from arena.errors import UsageError
from arena.extras import missing, require
from arena.planning.settings import SettablePart, apply_settings, resolve_settings
from arena.registry import FOLDERS, list_all_entries, list_entries
from arena.reports.output import rows
from arena.store.query_result import QueryResult
from arena.store.store import Store
from unlearning.experiments import agents
from unlearning.experiments.bench_order import (
    AgentBenchOrder,
    BenchOrder,
    WeightBenchOrder,
    choose_parts,
    parse_counts,
    parse_probes,
)
from unlearning.experiments.dry_runs import open_for_reading
from unlearning.experiments.suite_settings import ANY_PROBE, build_probe_parts
from unlearning.experiments.tables import build_table, load_readings, write_csv
from unlearning.experiments.trial_records import Case, Measure, TrialRecord, find_finished, measure_cases
from unlearning.probe import Trial

OF_WEIGHTS = f"{FOLDERS['method']}.weights."  # the modules of methods that change weights
TOLD = (25, 100)  # budgets of the adversary in the table; the plot has all


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """The cases of a bench, how each is measured, and which readings the table and the picture show."""

    cases: Sequence[Case]
    measure: Measure
    shown: Sequence[str]


def run_agent_bench(db: str, wanted: AgentBenchOrder) -> int:
    """Measure the cases that are not stored yet and print all as a table; the exit code."""
    if wanted.games < 1:
        raise UsageError(f"--games counts from 1; got {wanted.games}")
    return _run_bench(db, wanted, lambda: plan_agent_bench(wanted), "plots")


def run_weight_bench(db: str, wanted: WeightBenchOrder) -> int:
    """The same of weights. Raises MissingExtra without torch."""
    return _run_bench(db, wanted, lambda: plan_weight_bench(wanted), "evaluation,plots")


def _run_bench(db: str, wanted: BenchOrder, make_plan: Callable[[], BenchPlan], extras: str) -> int:
    """extras: what drawing the picture needs, as it is installed."""
    if wanted.seeds < 1:
        raise UsageError(f"--seeds counts from 1; got {wanted.seeds}")
    named = parse_probes(wanted.metrics)
    draw = import_drawing(extras) if wanted.out else None  # missing extras are reported before anything is measured
    plan = make_plan()
    cases = plan.cases
    if wanted.dry_run:
        return tell_plan(db, cases, wanted)
    with Store.open(db) as store:
        mark_recorded()
        left = len(cases) if wanted.again else len(cases) - len(find_finished(store, [case.id for case in cases]))
        notify(f"{left} trials to measure, {len(cases) - left} on record already")
        failed = asyncio.run(measure_cases(store, cases, plan.measure, make_progress(left), wanted.again))
        found = load_readings(store, [case.id for case in cases])
    tell(found, wanted, (*plan.shown, *named), draw)
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


def plan_agent_bench(wanted: AgentBenchOrder) -> BenchPlan:
    """The bench of agents. Raises UsageError for a wrong name or setting."""
    named = parse_probes(wanted.metrics)
    methods = choose_parts("method", wanted.methods, agents.METHODS)
    places = choose_parts("environment", wanted.environments, agents.ENVIRONMENTS)
    own = [SettablePart("mind", "agent", wanted.mind),
           *(SettablePart("method", "method", spec) for spec in methods.values()),
           *(SettablePart("game", "game", spec) for spec in places.values())]  # fmt: skip
    settings = resolve_settings([*own, *ANY_PROBE, *build_probe_parts(named, named)], wanted.settings)
    mind, *specs = apply_settings(own, settings)
    bench = agents.Bench(
        dict(zip(methods, specs, strict=False)),
        dict(zip(places, specs[len(methods) :], strict=True)),
        tuple(choose_parts("scope", wanted.scopes, dict.fromkeys(agents.SCOPES, ""))),
        parse_counts("--budgets", wanted.budgets),
        mind,
        games=wanted.games,
        seeds=wanted.seeds,
        metrics=named,
        settings=settings,
    )
    school = agents.School()
    told = [budget for budget in TOLD if budget in bench.budgets] or bench.budgets[-2:]
    shown = ["steps_forget", "steps_retain", "success_forget", "success_retain", "exact_match", "leak", "residue",
             "refusal", *(f"{what}_{budget}" for what in ("adversary", "advantage") for budget in told)]  # fmt: skip
    return BenchPlan(list(bench.cases()), lambda case: agents.measure_case(case, school), shown)


def plan_weight_bench(wanted: WeightBenchOrder) -> BenchPlan:
    """The bench of weights. Raises MissingExtra without torch, UsageError for a wrong name or setting."""
    try:
        import unlearning.experiments.weights as bench_weights
    except ModuleNotFoundError as error:
        raise missing("arena bench weights", error, "evaluation") from error
    require("arena bench weights", ("scipy", "nltk"), "evaluation")
    kept: dict[str, Trial] = {}
    cases = bench_weights.list_cases(wanted)
    return BenchPlan(cases, lambda case: bench_weights.measure_case(case, kept), bench_weights.SHOWN)


def list_agent_parts(as_json: bool) -> int:
    """Lists what a bench of agents can measure, and with what."""
    games = list_entries("game")
    places = [("environment", name, games[name].about) for name in agents.ENVIRONMENTS]
    return _tell_parts([*_list_methods(of_weights=False), *places], as_json)


def list_weight_parts(as_json: bool) -> int:
    """Lists what a bench of weights can measure, and with what."""
    benchmarks = [("benchmark", entry.name, entry.about) for entry in list_all_entries("benchmark").values()]
    return _tell_parts([*_list_methods(of_weights=True), *benchmarks], as_json)


def _list_methods(of_weights: bool) -> list[tuple[str, str, str]]:
    """Methods by name and first line; those of installed packages may be of either sort."""
    own = list_entries("method")
    return [
        ("method", name, entry.about)
        for name, entry in list_all_entries("method").items()
        if name not in own or entry.module.startswith(OF_WEIGHTS) == of_weights
    ]


def _tell_parts(found: Sequence[tuple[str, str, str]], as_json: bool) -> int:
    probes = [
        (kind, entry.name, entry.about) for kind in ("metric", "attack") for entry in list_all_entries(kind).values()
    ]
    rows(QueryResult(("kind", "name", "about"), (*found, *probes)), as_json)
    return OVER


def import_drawing(extras: str) -> Any:
    """The plot function. Raises MissingExtra, which names `extras`, without matplotlib."""
    try:
        from unlearning.experiments.plot import draw
    except ModuleNotFoundError as error:
        raise missing("arena bench --out", error, extras) from error
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


def make_progress(total: int) -> Any:
    """Reports each case in a line on stderr, with the remaining time."""
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
