"""The commands of forgetting: teach, notes, forget, receipt. Heavy parts are imported when they are needed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from arena.cli import completion
from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Silent, Trust, seat_pairs
from arena.console.exit_codes import SOME_FAILED
from arena.console.stdio import mark_recorded
from arena.errors import UsageError
from arena.extras import missing
from unlearning.cli import bench as cli_bench
from unlearning.cli import mentions as cli_mentions
from unlearning.cli import sequence as cli_sequence

Who = Annotated[str, typer.Argument(help="The agent's name.", autocompletion=completion.complete_taught)]
Kept = Annotated[
    str | None,
    typer.Option("--agent", help="The agent's name, as it was taught.", autocompletion=completion.complete_taught),
]


TeachSettings = Annotated[
    list[str] | None, typer.Option("--set", help="mind.a=b, budget=N, user=NAME; game.a=b of what it is taught in.")
]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (teach, notes, forget, receipt):
        app.command()(command)
    app.command()(cli_mentions.mentions)
    cli_sequence.mount(app)
    cli_bench.mount(app)


def teach(
    name: Who,
    game: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is taught in: gridworld/unknown, household, shopping, wiki, or bargaining, as a seller; a "
            "world stands behind #; any other game, for a mind that plays it, also your own: file.py:Thing.  "
            "(default: gridworld/unknown)"
        ),
    ] = None,
    mind: Annotated[str, typer.Option(help="Who thinks: knower, which knows its notes alone, or a model.")] = "knower",
    lessons: Annotated[int, typer.Option(help="Episodes in each environment.")] = 12,
    seed: Annotated[int, typer.Option(help="The lessons' seeds follow from it.")] = 0,
    consent: Annotated[
        list[str] | None, typer.Option(help="A name that a write gate kept out and that may be learned again.")
    ] = None,
    writer: Annotated[
        str, typer.Option(help="A model that also writes a reflection on each episode, in its own words.")
    ] = "",
    seat: Annotated[
        list[str] | None,
        typer.Option(help="NAME, the seat it takes (default: agent, else the first); NAME=AGENT, who sits elsewhere."),
    ] = None,
    settings: TeachSettings = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would go through, and play nothing.")] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Teach an agent: it plays, writes down what it learned, and is kept under its name."""
    from arena.store.store import Store
    from unlearning.cli.output import tell_lessons, tell_taught
    from unlearning.cli.teach_and_forget import plan_lessons, teach_agent
    from unlearning.experiments.dry_runs import open_for_reading

    games = game or ["gridworld/unknown"]
    own = [one for one in seat or () if "=" not in one]
    if len(own) > 1:
        raise UsageError(f"an agent takes one seat, --seat NAME; got {', '.join(own)}")
    others = seat_pairs([one for one in seat or () if "=" in one])
    asked: dict[str, Any] = {
        "name": name, "games": games, "mind": mind, "lessons": lessons, "seed": seed, "settings": settings or [],
        "model": writer, "seat": "".join(own), "seats": others,
    }  # fmt: skip
    if dry_run:
        with open_for_reading(db) as store:
            plan = plan_lessons(store, **asked).plan
        tell_lessons(name, plan, json)
        return
    with Store.open(db) as store:
        subject = teach_agent(store, **asked, consent=consent or [])
    mark_recorded()
    tell_taught(name, subject, json)


def notes(
    name: Who,
    about: Annotated[str, typer.Option(help="Only notes in which these words stand.")] = "",
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
) -> None:
    """Show what an agent remembers, and from what each note was written."""
    from agents.memory import agent_store as shelf
    from arena.store.store import Store
    from unlearning.cli.output import tell_notes

    with Store.open(db, create=False) as store:
        tell_notes(shelf.load_notes(store, name), about, json)


def forget(
    agent: Kept = None,
    request: Annotated[str | None, typer.Option(help="In words: “forget the clinic, but keep the mill”.")] = None,
    method: Annotated[
        str | None, typer.Option(help="How (`arena list methods`; default: selective-replay, of weights: npo).")
    ] = None,
    scope: Annotated[str | None, typer.Option(help="state, trajectory, environment or facts; else found out.")] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="An event or a note to forget besides, by its id, as receipts list them.")
    ] = None,
    settings: Settings = None,
    keep: Annotated[str | None, typer.Option(help="Keep the result under this name; the agent stays as it is.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would touch, and change nothing.")] = False,
    model: Annotated[str, typer.Option(help="In place of an agent: local/FOLDER, whose weights shall forget.")] = "",
    bench: Annotated[str | None, typer.Option(help="Of weights: the benchmark that says what, such as tofu.")] = None,
    split: Annotated[str, typer.Option(help="Of weights: the benchmark's split.")] = "forget10",
    lora: Annotated[bool, typer.Option("--lora", help="Of weights: train a low-rank adapter.")] = False,
    out: Annotated[Path, typer.Option(help="Of weights: a new folder for the model.")] = Path("forgotten"),
    measure: Annotated[
        bool, typer.Option("--measure", help="Of weights: put it through the benchmark's suite.")
    ] = False,
    twin: Annotated[
        list[str] | None,
        typer.Option(
            help="Of weights: local/FOLDER, a model of the same base that was never taught what is forgotten (again "
            "for further ones), or `bench`, what the benchmark teaches.  (default: the latter, of its own model)"
        ),
    ] = None,
    metrics: cli_bench.Metrics = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Make an agent forget, for good, and print the receipt; or a model's weights (--model, --bench). An unclear
    request changes nothing and says what it may mean."""
    if bench is not None:
        if wrong := [name for name, value in (("--agent", agent), ("--request", request), ("--scope", scope),
                                              ("--also", also), ("--keep", keep)) if value is not None]:  # fmt: skip
            raise UsageError(f"with --bench the benchmark says what is to be forgotten; leave out {', '.join(wrong)}")
        _forget_weights(
            model, bench, split, method or "npo", lora, settings or [], out, measure, dry_run, twin or [], json,
            metrics or [],
        )  # fmt: skip
        return
    if model:
        raise UsageError("--model needs to be told what to forget; type: --bench tofu --split forget10")
    if agent is None or (request is None and not also):
        raise UsageError("name who shall forget what: --agent walker --request “forget the clinic”, or --bench tofu")
    from arena.store.store import Store
    from unlearning.cli.output import tell_receipt
    from unlearning.cli.teach_and_forget import Order, forget_request

    order = Order(
        agent, request or "", method or "selective-replay", scope, tuple(settings or ()), keep, dry_run,
        tuple(also or ()),
    )  # fmt: skip
    with Store.open(db, create=False) as store:
        done = forget_request(store, order)
    if not dry_run:
        mark_recorded()
    tell_receipt(done, json)


def _forget_weights(
    model: str,
    bench: str,
    split: str,
    method: str,
    lora: bool,
    settings: list[str],
    out: Path,
    measure: bool,
    dry_run: bool,
    twins: list[str],
    json: bool,
    metrics: list[str],
) -> None:
    try:
        from unlearning.cli.forget_weights import WeightOrder, forget_weights
        from unlearning.cli.output_weights import tell_made
    except ModuleNotFoundError as error:
        raise missing("forgetting in weights", error, "evaluation" if measure else "") from error
    made = forget_weights(
        WeightOrder(model, bench, split, method, lora, settings, out, measure, dry_run, twins, metrics)
    )
    if made is None:
        return
    tell_made(made, json)
    if made.diverged:
        raise typer.Exit(SOME_FAILED)


def receipt(
    which: Annotated[str, typer.Argument(help="A request's id, an agent's name, or `last`.")] = "last",
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Show what was done for a request to forget, and what could not be removed."""
    from arena.store.store import Store
    from unlearning.cli.output import tell_receipt
    from unlearning.cli.teach_and_forget import find_receipt

    with Store.open(db, create=False) as store:
        tell_receipt(find_receipt(store, which), json)
