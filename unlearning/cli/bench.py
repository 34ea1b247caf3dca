"""Commands that measure unlearning methods: bench agents, bench weights, probe. Heavy imports happen on use."""

from typing import Annotated

import typer

from arena.cli.command_help import Commands
from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Silent, Trust
from unlearning.cli.shared_options import Again, Metrics, Names, Picture, Readings, Seeds, Split, TaughtAgent

List = Annotated[bool, typer.Option("--list", help="List methods, probes and settings; measure nothing.")]
Tried = Annotated[bool, typer.Option("--dry-run", help="Print the cases without measuring them.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    group = Commands(
        no_args_is_help=True, help="Benchmark unlearning methods against the never-exposed twin: a table, a plot."
    )
    group.command()(agents)
    group.command()(weights)
    app.add_typer(group, name="bench")
    app.command()(probe)


def agents(
    methods: Names = None,
    environments: Annotated[str | None, typer.Option(help="gridworld, household, shopping, wiki; else all.")] = None,
    scopes: Annotated[str | None, typer.Option(help="state, trajectory, environment; else all.")] = None,
    budgets: Annotated[str, typer.Option(help="Numbers of questions that the adversary may ask.")] = "1,5,10,25,50,100",
    mind: Annotated[str, typer.Option(help="The base agent: knower or a model.")] = "knower",
    games: Annotated[int, typer.Option(help="Number of interrogations; each gives a guess at every budget.")] = 40,
    seeds: Seeds = 1,
    settings: Settings = None,
    list_: List = False,
    out: Picture = None,
    csv: Readings = None,
    metrics: Metrics = None,
    again: Again = False,
    dry_run: Tried = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    allow_key: AllowKey = None,
    quiet: Silent = False,
) -> None:
    """Measure methods of agents that remember, in environments and scopes. Goes on where it stopped."""
    from unlearning.experiments.bench_order import AgentBenchOrder
    from unlearning.experiments.runner import list_agent_parts, run_agent_bench

    if list_:
        raise typer.Exit(list_agent_parts(json))
    order = AgentBenchOrder(
        methods, seeds, tuple(settings or ()), tuple(metrics or ()), out, csv, again, json, dry_run,
        environments, scopes, budgets, mind, games,
    )  # fmt: skip
    raise typer.Exit(run_agent_bench(db, order))


def weights(
    methods: Names = None,
    benchmark: Annotated[str, typer.Option(help="tofu or muse, or another (`arena list benchmarks`).")] = "tofu",
    split: Split = "forget10",
    seeds: Seeds = 1,
    settings: Settings = None,
    list_: List = False,
    out: Picture = None,
    csv: Readings = None,
    metrics: Metrics = None,
    again: Again = False,
    dry_run: Tried = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
) -> None:
    """Measure methods that change the weights of models trained here, on a benchmark. Goes on where it stopped."""
    from unlearning.experiments.bench_order import WeightBenchOrder
    from unlearning.experiments.runner import list_weight_parts, run_weight_bench

    if list_:
        raise typer.Exit(list_weight_parts(json))
    order = WeightBenchOrder(
        methods, seeds, tuple(settings or ()), tuple(metrics or ()), out, csv, again, json, dry_run, benchmark, split
    )
    raise typer.Exit(run_weight_bench(db, order))


def probe(
    agent: TaughtAgent,
    request: Annotated[str, typer.Option(help="The request it was given: “forget the clinic”.")],
    probes: Names = None,
    method: Annotated[
        str | None, typer.Option(help="The method it forgot with; else that of its last recorded request.")
    ] = None,
    settings: Settings = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Probe an agent that was taught here and has forgotten since: it is compared with the agent before, taught again
    from its lessons with their seeds, and with the never-exposed twin. (A model that does not honour seeds learns
    something else each time.)"""
    from unlearning.cli.probe_agent import ProbeOrder, run_probe

    raise typer.Exit(run_probe(db, ProbeOrder(agent, request, probes, method, json, tuple(settings or ()))))
