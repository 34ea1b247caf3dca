"""The command that measures requests one after the other: of an agent on record, or of a model's weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Trust
from arena.errors import UsageError
from arena.extras import missing


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(sequence)


def sequence(
    name: Annotated[str | None, typer.Argument(help="The agent's name, as it was taught.")] = None,
    request: Annotated[
        list[str] | None, typer.Option(help="In words: “forget the clinic”; give it again for each further request.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="How (`arena list methods`); of weights several with commas between, `none` for no request.  "
            "(default: selective-replay, of weights: npo)"
        ),
    ] = None,
    benign: Annotated[
        int | None, typer.Option(help="Lessons on other things after each request.  (default: 4)")
    ] = None,
    bench: Annotated[
        str | None, typer.Option(help="Of weights: the benchmark that says what is forgotten, such as muse.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Of weights: local/FOLDER; else the model that the benchmark teaches.")
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(help="Of weights: the requests in order, with commas between.  (default: the benchmark's)"),
    ] = None,
    sizes: Annotated[
        bool | None,
        typer.Option("--sizes", help="Of weights: each split by itself, of the model that knew: does it bear size?"),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Of weights: how often, each with a beginning of its own.  (default: 1)")
    ] = None,
    twin: Annotated[
        list[str] | None,
        typer.Option(
            help="Of weights: local/FOLDER, of the same base and never taught what this and earlier requests name; one "
            "for each request, in order; or `bench`."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Of weights: draw the readings to this file (png, svg, pdf).")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Of weights: write all readings to this file.")] = None,
    again: Annotated[
        bool | None, typer.Option("--again", help="Of weights: measure again what is in the records already.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What is asked, or the first of the seeds, follows from it.")] = 0,
    settings: Settings = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Measure requests one after the other: after each, all earlier targets are asked for again, beside the
    never-exposed twin of all requests so far; DS, DDS and DUS.

    Of an agent on record (a copy of it) also what comes back while it works on other things. Of a model's weights
    (--bench), each request is made of the model that the one before left; MUSE's sustainability, and with --sizes its
    scalability, with a picture (--out). The same command goes on where it stopped."""
    of_agents = {"NAME": name, "--request": request, "--benign": benign}
    of_weights = {"--model": model, "--splits": splits, "--sizes": sizes, "--seeds": seeds, "--twin": twin,
                  "--out": out, "--csv": csv, "--again": again}  # fmt: skip
    _refuse(of_weights if bench is None else of_agents, bench)
    if bench is None:
        _of_agent(db, name, request, method, benign, seed, settings, json)
        return
    try:
        from unlearning.experiments.sequence_runner import SequenceOrder, run_sequences
    except ModuleNotFoundError as error:
        raise missing("a sequence in weights", error, "evaluation,plots" if out else "evaluation") from error
    wanted = SequenceOrder(
        model or "", bench, method or "npo", splits or "", bool(sizes), 1 if seeds is None else seeds, seed,
        tuple(twin or ()), tuple(settings or ()), out, csv, bool(again), json,
    )  # fmt: skip
    raise typer.Exit(run_sequences(db, wanted))


def _refuse(others: Mapping[str, object], bench: str | None) -> None:
    """Raise UsageError where an option of the other kind of sequence was given."""
    given = [name for name, value in others.items() if value is not None]
    if given and bench is None:
        raise UsageError(f"{', '.join(given)} go with a sequence in weights; name the benchmark: --bench muse")
    if given:
        raise UsageError(f"with --bench the benchmark says what is to be forgotten; leave out {', '.join(given)}")


def _of_agent(
    db: str, name: str | None, request: list[str] | None, method: str | None, benign: int | None, seed: int,
    settings: list[str] | None, json: bool,
) -> None:  # fmt: skip
    if name is None:
        raise UsageError(
            "name the agent and what it shall forget: arena sequence walker --request “forget the clinic”; or a "
            "benchmark for weights: arena sequence --bench muse"
        )
    from arena.store.store import Store
    from unlearning.cli.request_sequence import Series, measure_sequence, tell_sequence

    with Store.open(db, create=False) as store:
        series = Series(
            name, tuple(request or ()), method or "selective-replay", tuple(settings or ()),
            4 if benign is None else benign, seed,
        )  # fmt: skip
        tell_sequence(measure_sequence(store, series), json)
