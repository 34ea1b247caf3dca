"""The commands that measure forgetting: bench, and probe. Heavy parts are imported when they are needed."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Silent, Trust
from arena.extras import missing

Names = Annotated[
    str | None,
    typer.Option(help="Names, with commas between, such as 'npo(lr=1e-3),npo(lr=3e-3)' or file.py:Thing; else all."),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Measure this as well: a metric or attack by name, with settings, or file.py:Thing; again for more.",
    ),
]
Twins = Annotated[
    list[str] | None,
    typer.Option(
        "--twin",
        help="local/FOLDER, a model of the same base that was never taught what is forgotten (again for further "
        "ones), or `bench`, what the benchmark teaches.",
    ),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="Of the benchmark: people=20, pupil.hidden=96.")]
List = Annotated[bool, typer.Option("--list", help="List methods, benchmarks and probes; measure nothing.")]
Again = Annotated[bool, typer.Option("--again", help="Measure again what is in the records already.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(bench)
    app.command()(probe)
    app.command()(measure)


def bench(
    what: Annotated[
        Literal["agents", "weights"], typer.Argument(help="agents: those that remember; weights: models trained here.")
    ] = "agents",
    methods: Names = None,
    environments: Annotated[str | None, typer.Option(help="Of agents: gridworld, household, shopping, wiki.")] = None,
    scopes: Annotated[str | None, typer.Option(help="Of agents: state, trajectory, environment.")] = None,
    budgets: Annotated[str, typer.Option(help="Of agents: questions that the adversary may ask.")] = "1,5,10,25,50,100",
    mind: Annotated[str, typer.Option(help="Of agents: who thinks.")] = "knower",
    benchmark: Annotated[
        str, typer.Option(help="Of weights: tofu or muse, or another (`arena list benchmarks`).")
    ] = "tofu",
    split: Annotated[str, typer.Option(help="Of weights: what is to be forgotten.")] = "forget10",
    seeds: Annotated[int, typer.Option(help="How often, each with a beginning of its own.")] = 1,
    games: Annotated[int, typer.Option(help="Of agents: interrogations; each gives the guess of all budgets.")] = 40,
    settings: Set = None,
    list_: List = False,
    out: Annotated[Path | None, typer.Option(help="Draw the table to this file (png, svg, pdf).")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all readings to this file.")] = None,
    metrics: Metrics = None,
    again: Again = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be measured, and measure nothing.")
    ] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    allow_key: AllowKey = None,
    quiet: Silent = False,
) -> None:
    """Measure methods of forgetting against the never-exposed twin: a table, a picture. Goes on where it stopped."""
    from unlearning.experiments.runner import BenchOrder, run_bench

    wanted = BenchOrder(
        what, methods, environments, scopes, budgets, mind, benchmark, split, seeds, games, tuple(settings or ()),
        list_, out, csv, again, json, tuple(metrics or ()), dry_run,
    )  # fmt: skip
    raise typer.Exit(run_bench(db, wanted))


def probe(
    name: Annotated[str, typer.Argument(help="The agent's name, as it was taught.")],
    request: Annotated[str, typer.Option(help="What it is said to have forgotten: “forget the clinic”.")],
    probes: Names = None,
    method: Annotated[
        str | None, typer.Option(help="By what it forgot; else that of its last request on record.")
    ] = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Probe an agent that was taught here and has forgotten since: it is compared with the one that knew, taught anew
    from its lessons with their seeds, and with the never-exposed twin. (A model that does not honour seeds learns
    something else each time.)"""
    from unlearning.cli.probe_agent import ProbeOrder, run_probe

    raise typer.Exit(run_probe(db, ProbeOrder(name, request, probes, method, json)))


def measure(
    model: Annotated[str, typer.Option(help="local/FOLDER or local/OWNER/NAME: the model, as it is.")],
    bench: Annotated[str, typer.Option(help="The benchmark whose suite it is put through (`arena list benchmarks`).")],
    split: Annotated[str, typer.Option(help="What of the benchmark is said to be forgotten.")] = "forget10",
    twin: Twins = None,
    before: Annotated[
        str,
        typer.Option(help="local/FOLDER, the model that still knew, or `bench`, the one that was taught here."),
    ] = "",
    metrics: Metrics = None,
    only: Annotated[bool, typer.Option("--only", help="Measure nothing but what --metric names.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="benchmark.a=b or model.a=b, for example benchmark.people=20.")
    ] = None,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
) -> None:
    """Measure a model that is there already, beside its never-exposed twin: nothing is trained of it or saved."""
    try:
        from unlearning.cli.measure_model import MeasureOrder, measure_model
        from unlearning.cli.output_weights import tell_measured
    except ModuleNotFoundError as error:
        raise missing("measuring a model", error, "evaluation") from error
    order = MeasureOrder(model, bench, split, before, twin or (), settings or (), metrics or (), only)
    tell_measured(measure_model(order), json)
