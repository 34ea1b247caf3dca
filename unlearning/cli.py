"""The commands of forgetting: teach, notes, forget, receipt. Heavy parts are imported when they are needed."""

from typing import Annotated

import typer

from arena.options import DEFAULT_DB, Database, Json, Settings
from unlearning import cli_bench

Who = Annotated[str, typer.Argument(help="The agent's name.")]
Kept = Annotated[str, typer.Option("--agent", help="The agent's name, as it was taught.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (teach, notes, forget, receipt):
        app.command()(command)
    cli_bench.mount(app)


def teach(
    name: Who,
    game: Annotated[
        list[str] | None,
        typer.Option(
            help="What it is taught in: gridworld/unknown, household, shopping, wiki, with a world behind #.  "
            "[default: gridworld/unknown]"
        ),
    ] = None,
    mind: Annotated[str, typer.Option(help="Who thinks: knower, which knows its notes alone, or a model.")] = "knower",
    lessons: Annotated[int, typer.Option(help="Episodes in each environment.")] = 12,
    seed: Annotated[int, typer.Option(help="The lessons' seeds follow from it.")] = 0,
    settings: Settings = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Teach an agent: it plays, writes down what it learned, and is kept under its name."""
    from arena.store import Store
    from unlearning.office import taught
    from unlearning.telling import tell_taught

    with Store.open(db) as store:
        subject = taught(store, name, game or ["gridworld/unknown"], mind, lessons, seed, settings or [])
    tell_taught(name, subject, json)


def notes(
    name: Who,
    about: Annotated[str, typer.Option(help="Only notes in which these words stand.")] = "",
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Show what an agent remembers, and from what each note was written."""
    from arena.store import Store
    from unlearning import shelf
    from unlearning.telling import tell_notes

    with Store.open(db, create=False) as store:
        tell_notes(shelf.get(store, name), about, json)


def forget(
    agent: Kept,
    request: Annotated[str, typer.Option(help="In words: “forget the clinic, but keep the mill”.")],
    method: Annotated[str, typer.Option(help="How; `arena list methods` shows all.")] = "selective-replay",
    scope: Annotated[str | None, typer.Option(help="state, trajectory, environment or facts; else found out.")] = None,
    settings: Settings = None,
    keep: Annotated[str | None, typer.Option(help="Keep the result under this name; the agent stays as it is.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would touch, and change nothing.")] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Make an agent forget, for good, and print the receipt. An unclear request changes nothing and says what it may
    mean."""
    from arena.store import Store
    from unlearning.office import Order, forgot
    from unlearning.telling import tell_receipt

    with Store.open(db, create=False) as store:
        done = forgot(store, Order(agent, request, method, scope, tuple(settings or ()), keep, dry_run))
    tell_receipt(done, json)


def receipt(
    which: Annotated[str, typer.Argument(help="A request's id, an agent's name, or `last`.")] = "last",
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Show what was done for a request to forget, and what could not be removed."""
    from arena.store import Store
    from unlearning.office import found_receipt
    from unlearning.telling import tell_receipt

    with Store.open(db, create=False) as store:
        tell_receipt(found_receipt(store, which), json)
