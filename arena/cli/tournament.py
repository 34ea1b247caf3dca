"""The command `arena tournament`."""

from typing import Annotated, Literal

import typer

from arena.cli.launch_options import Launch, launching
from arena.cli.options import On, Seed, seat_pairs


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(launching(tournament))


def tournament(
    launch: Launch,
    game: Annotated[str, typer.Argument(help="A game by name, or module:Thing.")],
    agents: Annotated[
        list[str] | None,
        typer.Argument(help="Each a name or 'NAME(setting=value, …)'; 'NAME(setting=1|2)' are two."),
    ] = None,
    pair: Annotated[
        list[str] | None, typer.Option(help="A,B: only these meet; repeat it. More than two: each other.")
    ] = None,
    self_play: Annotated[bool, typer.Option("--self-play", help="Also play each agent against itself.")] = False,
    between: Annotated[str | None, typer.Option(help="Seats to compete for, as a,b; else those with a score.")] = None,
    orders: Annotated[
        Literal["rotations", "all"], typer.Option(help="Ways to sit, in games of three seats or more.")
    ] = "rotations",
    seat: Annotated[list[str] | None, typer.Option(help="NAME=AGENT, for a seat nobody competes for.")] = None,
    n: Annotated[int, typer.Option("-n", help="Seeds from --seed on; all meet from every seat on each.")] = 1,
    seed: Seed = None,
    backend: On = "here",
) -> None:
    """All agents meet each other, from all seats, on the same seeds; ends with the standings and ratings.

    In a game with one seat, scores on the same seed are compared. The same command resumes a tournament that was
    stopped; nothing is played twice. `arena rate` rates it again by other rules.
    """
    meeting = {"agents": agents or [], "pairs": pair or [], "orders": orders, "self_play": self_play}
    meeting["between"] = [name.strip() for name in between.split(",")] if between else []
    table = launch.over({"seats": seat_pairs(seat or []), "tournament": meeting}, {"game": game, "n": n, "seed": seed})
    raise typer.Exit(launch.play(table, backend=backend))
