"""The command `arena tournament`."""

from typing import Annotated, Any, Literal

import typer

from arena.options import (
    DEFAULT_DB,
    Again,
    AtOnce,
    Database,
    DryRun,
    Json,
    On,
    Quiet,
    Retries,
    RetryErrors,
    Seed,
    Settings,
    Shown,
    Usd,
    UsdSeat,
    dollar_pairs,
    seat_pairs,
)


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(tournament)


def tournament(
    game: Annotated[str, typer.Argument(help="A game by name, or module:Thing.")],
    agents: Annotated[
        list[str] | None,
        typer.Argument(help="Each a name or 'NAME(setting=value, …)'; 'NAME(setting=1|2)' are two."),
    ] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="A,B: only these meet; repeat it. More than two: each other.")
    ] = None,
    self_play: Annotated[bool, typer.Option("--self-play", help="Each agent also against itself.")] = False,
    between: Annotated[str | None, typer.Option(help="Seats to compete for, as a,b; else those with a score.")] = None,
    orders: Annotated[
        Literal["rotations", "all"], typer.Option(help="Ways to sit, in games of three seats or more.")
    ] = "rotations",
    seat: Annotated[list[str] | None, typer.Option(help="NAME=AGENT, for a seat nobody competes for.")] = None,
    n: Annotated[int, typer.Option("-n", help="Seeds from --seed on; all meet from every seat on each.")] = 1,
    seed: Seed = None,
    settings: Settings = None,
    at_once: AtOnce = None,
    retries: Retries = None,
    usd: Usd = None,
    usd_seat: UsdSeat = None,
    retry_errors: RetryErrors = False,
    again: Again = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    quiet: Quiet = False,
    progress: Shown = "auto",
    backend: On = "here",
    dry_run: DryRun = False,
) -> None:
    """All agents meet each other, from all seats, on the same seeds; ends with the standings and ratings.

    In a game with one seat nobody meets: who scores more on the same seed is better. The same command goes on with a
    tournament that was stopped; nothing is played twice. `arena rate` rates it again by other rules.
    """
    from arena.plan import make_plan
    from arena.session import How, Session

    numbers = {"seed": seed, "at_once": at_once, "retries": retries, "usd": usd}
    table: dict[str, Any] = {key: value for key, value in numbers.items() if value is not None}
    meeting = {"agents": agents or [], "pairs": pair or [], "orders": orders, "self_play": self_play}
    meeting["between"] = [name.strip() for name in between.split(",")] if between else []
    table |= {"game": game, "n": n, "seats": seat_pairs(seat or []), "tournament": meeting}
    table["usd_seats"] = dollar_pairs(usd_seat or [])
    how = How(db, json, quiet, progress, retry_errors, again, backend)
    session = Session(make_plan(table, settings or []), how)
    raise typer.Exit(session.dry() if dry_run else session.play())
