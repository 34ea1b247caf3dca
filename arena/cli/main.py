"""The command `arena`. Heavy modules are imported by the command that needs them, so that `--help` stays fast."""

import os
import sys
from contextvars import copy_context
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from arena.cli import ask_command, compare, completion, figure, rate, replay, tournament
from arena.cli.command_help import VERBOSE, Commands, start_log
from arena.cli.launch_options import Launch, launching
from arena.cli.options import DEFAULT_DB, Count, Csv, Database, Json, On, Seed, Trust, Until, Wide, seat_pairs
from arena.console import stdio
from arena.console.exit_codes import FAILED, OVER
from arena.console.stdio import say
from arena.errors import UsageError
from arena.key_permission import restrict_keys
from arena.trust import restrict_imports

app = Commands(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Language-model agents play each other, learn from feedback, forget on request; and it is measured.",
)
db_app = Commands(no_args_is_help=True, help="The database of records.")
app.add_typer(db_app, name="db")

Sitting = Annotated[str | None, typer.Option(help="Agent for this seat.", autocompletion=completion.complete_agents)]


def _version(show: bool) -> None:
    if show:
        from arena.version import __version__

        say(f"arena {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            callback=start_log,
            is_eager=True,
            expose_value=False,
            metavar="",
            help=VERBOSE,
        ),
    ] = 0,
) -> None:
    """Options that precede any command."""


@app.command()
@launching
def play(
    launch: Launch,
    game: Annotated[
        str | None,
        typer.Argument(
            help="A game by name, or module:Thing (default: bargaining).",
            autocompletion=completion.make_part_completer("game"),
        ),
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds of one match, for games that have rounds.")] = None,
    buyer: Sitting = None,
    seller: Sitting = None,
    critic: Sitting = None,
    moderator: Sitting = None,
    seat: Annotated[
        list[str] | None,
        typer.Option(help="NAME=AGENT, for any seat of any game.", autocompletion=completion.complete_seats),
    ] = None,
    coach: Annotated[str | None, typer.Option(help="Coached side: seller, buyer, both, none.")] = None,
    feedback: Annotated[str | None, typer.Option(help="Kind of feedback: ai, constant, goal, human, none.")] = None,
    preset: Annotated[str | None, typer.Option(help="A named set of the game's parameters.")] = None,
    n: Count = None,
    seed: Seed = None,
    plan: Annotated[Path | None, typer.Option(help="TOML file with game, seats, n, seed; options override it.")] = None,
    until: Until = None,
    backend: On = "here",
) -> None:
    """Play a game and record it. Agents: a name (`arena list agents`), provider/model, or module:Thing.

    The same command resumes a run that was stopped; recorded answers are not asked again.
    """
    from arena.spec_merge import set_agents

    table = launch.over(launch.read(plan) if plan else {}, {"game": game, "n": n, "seed": seed, "until": until})
    named = {"buyer": buyer, "seller": seller, "critic": critic, "moderator": moderator, **seat_pairs(seat or [])}
    table["seats"] = set_agents(table.get("seats", {}), {k: v for k, v in named.items() if v is not None})
    options = {"rounds": rounds, "coach": coach, "feedback": feedback, "preset": preset}
    sets = [f"game.{key}={value}" for key, value in options.items() if value is not None]
    raise typer.Exit(launch.play(table, sets, backend))


@app.command()
@launching
def run(
    launch: Launch,
    plan: Annotated[Path, typer.Argument(help="A TOML file; its keys: game, seats, n, seed, rounds, sweep, swap, …")],
    n: Count = None,
    seed: Seed = None,
    until: Until = None,
    backend: On = "here",
) -> None:
    """Play a plan with its sweeps and swaps, every cell with the same seeds; options override the file's keys.

    The same command resumes a run that was stopped; recorded answers are not asked again.
    """
    from arena.planning.plan import read_question

    table = launch.over(launch.read(plan), {"n": n, "seed": seed, "until": until})
    raise typer.Exit(launch.play(table, backend=backend, asked=read_question(plan)))


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="games, agents, models, methods, metrics, …; or runs, episodes, subjects (taught agents), requests.",
            autocompletion=completion.complete_kinds,
        ),
    ],
    part: Annotated[
        str,
        typer.Argument(
            help="One part by name: its description and parameters.",
            autocompletion=completion.complete_parts_of_kind,
        ),
    ] = "",
    db: Database = DEFAULT_DB,
    limit: Annotated[int, typer.Option(help="Most recorded rows to list, newest first.")] = 20,
    json: Json = False,
    csv: Csv = False,
    wide: Wide = False,
) -> None:
    """List parts, or recorded runs, episodes, subjects and requests."""
    from arena.cli.listing import print_listing

    print_listing(what, part, db, limit, json, csv, wide)


@app.command()
def show(
    episode: Annotated[
        str,
        typer.Argument(
            help="An episode or a run: its id, an id prefix, or `last`.",
            autocompletion=completion.complete_ids,
        ),
    ] = "last",
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Show the prompts sent to models and their replies, attempt by attempt.")
    ] = False,
    seat: Annotated[str, typer.Option(help="With --prompts: only this seat.")] = "",
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
) -> None:
    """Print the transcript of a recorded episode, or the prompts that were sent in it."""
    if seat and not prompts:
        raise UsageError("--seat names whose prompts are shown; type --prompts as well, or leave it out")
    if prompts:
        from arena.reports.sent_prompts import tell_prompts
        from arena.store.store import Store

        with Store.open(db, create=False) as store:
            tell_prompts(store, episode, seat, json)
        return
    from arena.reports.output import retell

    retell(episode, db, json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example "select * from rounds".')],
    db: Database = DEFAULT_DB,
    json: Json = False,
    csv: Csv = False,
    wide: Wide = False,
    timeout: Annotated[float, typer.Option(min=0, help="Time limit of the query in seconds; 0: no limit.")] = 60,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Most rows to show; 0: all.  (default: 1000; with --csv or --json all)"),
    ] = None,
) -> None:
    """Query the records in SQL, read-only.

    If a terminal has no room for all columns, each row is printed column by column.
    """
    from arena.reports.output import answer

    raise typer.Exit(answer(db, query, timeout, limit, json, csv, wide))


@app.command()
def check(
    part: Annotated[
        str,
        typer.Argument(help="A game by name, or module:Thing.", autocompletion=completion.make_part_completer("game")),
    ],
    episodes: Annotated[int, typer.Option(help="Random episodes to try.")] = 20,
) -> None:
    """Check a game against its contract: no leaks, no randomness outside the seed, replay, JSON, scores as declared."""
    from arena.engine.game_check import check as check_game

    found = check_game(part, episodes)
    for problem in found.problems:
        say(f"✗ {problem}")
    for warning in found.warnings:
        say(f"! {warning}")
    say(f"checked: {found.told}")
    say(f"{part}: {len(found.problems)} problems" if found.problems else f"✓ {part} keeps the contract of a game")
    raise typer.Exit(FAILED if found.problems else OVER)


@db_app.command("path")
def db_path(db: Database = DEFAULT_DB) -> None:
    """Print where the database is."""
    from arena.store.location import DatabaseLocation

    place = DatabaseLocation.of(db)
    say(str(place.path.resolve() if place.path else place))


for commands in (ask_command, tournament, rate, compare, figure, replay):
    commands.mount(app)
import_module("unlearning.cli.main").mount(app)  # imported by name, so that arena does not depend on unlearning


def main() -> None:
    """Run the command; a usage error is printed in one line, with the exit code of its kind."""
    stdio.protect_streams()
    sys.exit(stdio.finish_output(_code()))


def _code() -> int:
    """Run the typed command and return its exit code."""
    try:
        with restrict_imports(sys.argv[1:]), restrict_keys(sys.argv[1:]):
            copy_context().run(app)  # context variables of a command, such as its database, end with it
    except SystemExit as end:  # typer exits this way
        return end.code if isinstance(end.code, int) else FAILED if end.code else OVER
    except Exception as error:
        from arena.cli.failures import report_failure

        return report_failure(error, sys.argv[1:], os.environ)
    return OVER
