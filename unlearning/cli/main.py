"""The commands of forgetting: teach, notes, forget, receipt. Heavy parts are imported when they are needed."""

from typing import Annotated, Any

import typer

from arena.cli.command_help import Commands
from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Silent, Trust, seat_pairs
from arena.console.stdio import mark_recorded
from arena.errors import UsageError
from unlearning.cli import bench as cli_bench
from unlearning.cli import mentions as cli_mentions
from unlearning.cli import sequence as cli_sequence
from unlearning.cli import weight_commands as cli_weights
from unlearning.cli.old_spellings import respell
from unlearning.cli.shared_options import TaughtAgent

TeachSettings = Annotated[
    list[str] | None,
    typer.Option("--set", help="mind.a=b, budget=N, user=NAME; game.a=b of what it is taught in, SEAT.a=b."),
]


def mount(app: Commands) -> None:
    """Adds the commands to `app`, and how they were spelled before."""
    for command in (teach, notes, forget, receipt):
        app.command()(command)
    app.command()(cli_mentions.mentions)
    cli_sequence.mount(app)
    cli_bench.mount(app)
    cli_weights.mount(app)
    app.respellings.append(respell)


def teach(
    name: TaughtAgent,
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
    name: TaughtAgent,
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
    agent: TaughtAgent,
    request: Annotated[str | None, typer.Option(help="In words: “forget the clinic, but keep the mill”.")] = None,
    method: Annotated[str, typer.Option(help="How (`arena list methods`).")] = "selective-replay",
    scope: Annotated[str | None, typer.Option(help="state, trajectory, environment or facts; else found out.")] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="An event or a note to forget besides, by its id, as receipts list them.")
    ] = None,
    settings: Settings = None,
    keep: Annotated[str | None, typer.Option(help="Keep the result under this name; the agent stays as it is.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would touch, and change nothing.")] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Make an agent on record forget, for good, and print the receipt. An unclear request changes nothing and says what
    it may mean. (Of a model's weights: `arena forget-weights`.)"""
    if request is None and not also:
        raise UsageError(f"say what {agent} shall forget: arena forget {agent} --request “forget the clinic”")
    from arena.store.store import Store
    from unlearning.cli.output import tell_receipt
    from unlearning.cli.teach_and_forget import Order, forget_request

    order = Order(agent, request or "", method, scope, tuple(settings or ()), keep, dry_run, tuple(also or ()))
    with Store.open(db, create=False) as store:
        done = forget_request(store, order)
    if not dry_run:
        mark_recorded()
    tell_receipt(done, json)


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
