"""Commands on a model's weights: forget-weights, sequence-weights, measure. Heavy imports happen on use."""

from pathlib import Path
from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Silent, Trust
from arena.console.exit_codes import SOME_FAILED
from arena.errors import UsageError
from arena.extras import missing
from unlearning.cli.shared_options import Again, Bench, Metrics, Model, Picture, Readings, Seeds, Split, Twins

RequestTwins = Annotated[
    list[str] | None,
    typer.Option(
        "--twin",
        help="local/FOLDER, of the same base and never trained on what this and earlier requests name; one for each "
        "request, in order; or `bench`.",
    ),
]
Methods = Annotated[
    str, typer.Option(help="The unlearning methods (`arena list methods`), comma-separated; `none` for no request.")
]
Splits = Annotated[str, typer.Option(help="The requests in order, comma-separated.  (default: the benchmark's)")]
Sizes = Annotated[
    bool,
    typer.Option("--sizes", help="Each split separately, from the original model: does the method scale with size?"),
]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command("forget-weights")(forget_weights)
    app.command("sequence-weights")(sequence_weights)
    app.command()(measure)


def forget_weights(
    model: Model = "",
    bench: Bench = "",
    split: Split = "forget10",
    method: Annotated[str, typer.Option(help="The unlearning method (`arena list methods`).")] = "npo",
    lora: Annotated[bool, typer.Option("--lora", help="Train a low-rank adapter.")] = False,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="A new folder for the model.")] = Path("forgotten"),
    measured: Annotated[bool, typer.Option("--measure", help="Also run the benchmark suite.")] = False,
    twin: Twins = None,
    metrics: Metrics = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cost of a training step, without training.")
    ] = False,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
) -> None:
    """Make a model's weights forget the split of a benchmark, and save the model in a new folder. The same command
    resumes a training that was killed. (For stored agents: `arena forget`.)"""
    require_bench("forget-weights", bench, "tofu --split forget10")
    try:
        from unlearning.cli.forget_weights import WeightOrder
        from unlearning.cli.forget_weights import forget_weights as carry_out
        from unlearning.cli.output_weights import tell_made
    except ModuleNotFoundError as error:
        raise missing("forgetting in weights", error, "evaluation" if measured else "") from error
    order = WeightOrder(
        model, bench, split, method, lora, settings or (), out, measured, dry_run, twin or (), metrics or ()
    )
    if (made := carry_out(order)) is None:
        return
    tell_made(made, json)
    if made.diverged:
        raise typer.Exit(SOME_FAILED)


def sequence_weights(
    model: Model = "",
    bench: Bench = "",
    method: Methods = "npo",
    splits: Splits = "",
    sizes: Sizes = False,
    seeds: Seeds = 1,
    seed: Annotated[int, typer.Option(help="The first of the seeds.")] = 0,
    twin: RequestTwins = None,
    settings: Settings = None,
    out: Picture = None,
    csv: Readings = None,
    again: Again = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Measure sequential requests to a model's weights, each applied to the result of the previous one, against the
    never-exposed twin of all requests so far: MUSE's sustainability, and with --sizes its scalability. The same command
    resumes where it stopped. (For stored agents: `arena sequence`.)"""
    require_bench("sequence-weights", bench, "muse")
    try:
        from unlearning.experiments.sequence_runner import SequenceOrder, run_sequences
    except ModuleNotFoundError as error:
        raise missing("a sequence in weights", error, "evaluation,plots" if out else "evaluation") from error
    wanted = SequenceOrder(
        model,
        bench,
        method,
        splits,
        sizes,
        seeds,
        seed,
        tuple(twin or ()),
        tuple(settings or ()),
        out,
        csv,
        again,
        json,
    )
    raise typer.Exit(run_sequences(db, wanted))


def measure(
    model: Annotated[str, typer.Argument(help="local/FOLDER or local/OWNER/NAME: the model to measure.")],
    bench: Annotated[str, typer.Option(help="The benchmark whose suite is run (`arena list benchmarks`).")],
    split: Split = "forget10",
    twin: Twins = None,
    before: Annotated[
        str,
        typer.Option(help="local/FOLDER, the model before unlearning, or `bench`, the one that the benchmark trains."),
    ] = "",
    metrics: Metrics = None,
    only: Annotated[bool, typer.Option("--only", help="Measure only what --metric names.")] = False,
    settings: Settings = None,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
) -> None:
    """Measure an existing model against its never-exposed twin; it is neither trained nor saved."""
    try:
        from unlearning.cli.measure_model import MeasureOrder, measure_model
        from unlearning.cli.output_weights import tell_measured
    except ModuleNotFoundError as error:
        raise missing("measuring a model", error, "evaluation") from error
    order = MeasureOrder(model, bench, split, before, twin or (), settings or (), metrics or (), only)
    tell_measured(measure_model(order), json)


def require_bench(command: str, bench: str, example: str) -> None:
    """Raises UsageError where no benchmark says what is to be forgotten."""
    if not bench:
        raise UsageError(f"name the benchmark that says what is to be forgotten: arena {command} --bench {example}")
