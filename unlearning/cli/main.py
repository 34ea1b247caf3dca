"""Commands on agents: teach, notes, forget, receipt. Heavy imports happen on use."""

from typing import Annotated, Any

import typer

from arena.cli.command_help import Commands
from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Silent, Trust, seat_pairs
from arena.console.stdio import mark_recorded
from arena.errors import UsageError
from unlearning.cli import bench, mentions, sequence, weight_commands
from unlearning.cli.old_spellings import respell
from unlearning.cli.shared_options import TaughtAgent

TeachSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="mind.a=b of the base agent, budget=N, user=NAME; game.a=b of the games it learns in; SEAT.a=b."
    ),
]


def mount(app: Commands) -> None:
    """Adds the commands to `app`, and how they were spelled before."""
    for command in (teach, notes, forget, receipt):
        app.command()(command)
    app.command()(mentions.mentions)
    sequence.mount(app)
    bench.mount(app)
    weight_commands.mount(app)
    app.respellings.append(respell)


def teach(
    name: TaughtAgent,
    game: Annotated[
        list[str] | None,
        typer.Option(
            help="The environment: gridworld/unknown, household, shopping, wiki, or bargaining, as a seller; #N is its "
            "world N; any other game that the base agent can play, also your own: file.py:Thing.  "
            "(default: gridworld/unknown)"
        ),
    ] = None,
    mind: Annotated[
        str, typer.Option(help="The base agent: knower (rules, uses its notes only) or a model.")
    ] = "knower",
    lessons: Annotated[int, typer.Option(help="Episodes in each environment.")] = 12,
    seed: Annotated[int, typer.Option(help="Random seed from which the lessons' seeds are derived.")] = 0,
    consent: Annotated[
        list[str] | None, typer.Option(help="A name that a write gate blocks and that may be learned again.")
    ] = None,
    writer: Annotated[
        str, typer.Option(help="A model that also writes a reflection on each episode, in its own words.")
    ] = "",
    seat: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME: the seat it plays (default: agent, else the first); NAME=AGENT: the agent of another seat."
        ),
    ] = None,
    settings: TeachSettings = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the lessons without playing them.")] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Teach an agent: it plays, writes notes on what it learned, and is stored under its name."""
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
    about: Annotated[str, typer.Option(help="Only notes that contain these words.")] = "",
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
) -> None:
    """Show an agent's notes, and the source events of each."""
    from agents.memory import agent_store
    from arena.store.store import Store
    from unlearning.cli.output import tell_notes

    with Store.open(db, create=False) as store:
        tell_notes(agent_store.load_notes(store, name), about, json)


def forget(
    agent: TaughtAgent,
    request: Annotated[str | None, typer.Option(help="In words: “forget the clinic, but keep the mill”.")] = None,
    method: Annotated[str, typer.Option(help="The unlearning method (`arena list methods`).")] = "selective-replay",
    scope: Annotated[
        str | None, typer.Option(help="state, trajectory, environment or facts; else inferred from the request.")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="Another event or note to forget, by its id in a receipt.")
    ] = None,
    settings: Settings = None,
    keep: Annotated[
        str | None, typer.Option(help="Store the result under this name; the agent is not changed.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be changed, without changing it.")
    ] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Silent = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Make a stored agent forget, permanently, and print the receipt. An ambiguous request changes nothing and lists
    what it may mean. (For a model's weights: `arena forget-weights`.)"""
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
