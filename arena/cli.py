"""The command `arena`. Heavy parts are imported by the command that needs them, so that `--help` stays quick."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from arena.errors import ArenaError, UsageError
from arena.exits import FAILED, OVER, USAGE

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Language-model agents play each other, learn from feedback, forget on request; and it is measured.",
)
db_app = typer.Typer(no_args_is_help=True, help="The database of records.")
app.add_typer(db_app, name="db")

Database = Annotated[str, typer.Option("--db", envvar="ARENA_DB", help="Database file or URL.", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DEFAULT_DB = "arena.db"


def _version(show: bool) -> None:
    if show:
        from arena import __version__

        typer.echo(f"arena {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def play(
    game: Annotated[str | None, typer.Argument(help="A game by name, or module:Thing.  [default: bargaining]")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds of one match, for games that have rounds.")] = None,
    buyer: Annotated[str | None, typer.Option(help="Agent for this seat.")] = None,
    seller: Annotated[str | None, typer.Option(help="Agent for this seat.")] = None,
    critic: Annotated[str | None, typer.Option(help="Agent for this seat.")] = None,
    moderator: Annotated[str | None, typer.Option(help="Agent for this seat.")] = None,
    seat: Annotated[list[str] | None, typer.Option(help="NAME=AGENT, for any seat of any game.")] = None,
    coach: Annotated[str | None, typer.Option(help="Who is coached: seller, buyer, both, none.")] = None,
    feedback: Annotated[str | None, typer.Option(help="How: ai, constant, goal, human, none.")] = None,
    preset: Annotated[str | None, typer.Option(help="A named set of the game's parameters.")] = None,
    n: Annotated[int | None, typer.Option("-n", help="Episodes, with seeds from --seed on.  [default: 1]")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the first episode.  [default: 0]")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="TOML file with game, seats, n, seed; options go before it.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="a.b=c, e.g. game.cost=10 or seller.exponent=4.")
    ] = None,
    at_once: Annotated[int, typer.Option(help="Episodes played at a time.")] = 32,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No transcript, no progress.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the resolved plan and play nothing.")] = False,
) -> None:
    """Play a game and record it. Agents: a name (`arena list agents`), provider/model, or module:Thing."""
    from arena.plan import make_plan, read_plan
    from arena.session import Session

    table: dict[str, Any] = read_plan(plan) if plan else {}
    table |= {key: value for key, value in {"game": game, "n": n, "seed": seed}.items() if value is not None}
    named = {"buyer": buyer, "seller": seller, "critic": critic, "moderator": moderator, **_seats(seat or [])}
    table["seats"] = {**table.get("seats", {}), **{k: v for k, v in named.items() if v is not None}}
    options = {"rounds": rounds, "coach": coach, "feedback": feedback, "preset": preset}
    sets = [f"game.{key}={value}" for key, value in options.items() if value is not None]
    matches = make_plan(table, [*sets, *(settings or [])]).matches()
    session = Session(matches, db, json=json, quiet=quiet, at_once=at_once)
    raise typer.Exit(session.dry() if dry_run else session.play())


def _seats(pairs: list[str]) -> dict[str, str]:
    seats = {}
    for pair in pairs:
        name, sign, agent = pair.partition("=")
        if not sign or not name or not agent:
            raise UsageError(f"--seat takes NAME=AGENT, for example --seat buyer=linear; got {pair!r}")
        seats[name] = agent
    return seats


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="games, agents, models, runs or episodes.")],
    db: Database = DEFAULT_DB,
    limit: Annotated[int, typer.Option(help="Rows of runs or episodes, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List parts, or what is on record."""
    from arena.tell import listing

    listing(what, db, limit, json)


@app.command()
def show(
    episode: Annotated[str, typer.Argument(help="An episode's id, the beginning of one, or `last`.")] = "last",
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Tell a recorded episode again."""
    from arena.tell import retell

    retell(episode, db, json)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example "select * from rounds".')],
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Ask the record in SQL; it cannot be changed this way."""
    from arena.sql import query as ask
    from arena.tell import rows

    rows(ask(db, query), json)


@app.command()
def check(
    part: Annotated[str, typer.Argument(help="A game by name, or module:Thing.")],
    episodes: Annotated[int, typer.Option(help="Random episodes to try.")] = 20,
) -> None:
    """Hold a game to its contract: no leaks, no chance outside the seed, replay, JSON."""
    from arena.check import check_game

    problems = check_game(part, episodes)
    for problem in problems:
        typer.echo(f"✗ {problem}")
    typer.echo(f"{part}: {len(problems)} problems" if problems else f"✓ {part} keeps the contract of a game")
    raise typer.Exit(FAILED if problems else OVER)


@db_app.command("path")
def db_path(db: Database = DEFAULT_DB) -> None:
    """Print where the database is."""
    typer.echo(db if "://" in db else str(Path(db).resolve()))


def main() -> None:
    """Run the command; errors of use are told in a line, with the exit code of their kind."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # so that module:Thing finds a file in the current folder
    try:
        app()
    except UsageError as error:
        _complain(error, USAGE)
    except ArenaError as error:
        _complain(error, FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


def _complain(error: Exception, code: int) -> None:
    typer.echo(f"arena: {error}", err=True)
    sys.exit(code)
