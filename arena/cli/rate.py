"""The command `arena rate`."""

from typing import Annotated, Literal

import typer

from arena.cli.options import DEFAULT_DB, Database, Json
from arena.console.stdio import print_json
from arena.errors import UsageError


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(rate)


def rate(
    runs: Annotated[list[str] | None, typer.Argument(help="Runs: ids, id prefixes, or `last`; default: all.")] = None,
    game: Annotated[str, typer.Option(help="Only this game; default: every game separately.")] = "",
    by: Annotated[
        Literal["agent", "model"], typer.Option(help="agent: all settings count; model: the name.")
    ] = "agent",
    model: Annotated[
        Literal["bt", "openskill"], typer.Option(help="Bradley–Terry with bootstrap intervals, or a running board.")
    ] = "bt",
    per: Annotated[
        Literal["episode", "seed"], typer.Option(help="Compare the scores of an episode, or of all seatings on a seed.")
    ] = "episode",
    margin: Annotated[float, typer.Option(help="Largest score difference that counts as a draw.")] = 0.0,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(help="Resamples of the bootstrap over seeds.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    without_forfeits: Annotated[
        bool, typer.Option("--without-forfeits", help="A forfeit is no result; else it is as the game scores it.")
    ] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Rate players from recorded episodes: the higher score wins, equal scores are a draw. Nothing is stored.

    Errors, cut and open episodes and forks are left out and counted. With --per seed, the mean scores of the same
    players over all ways to sit on the same seed are compared, as in duplicate bridge. Bradley–Terry ratings have mean
    1000, and 400 points more are odds of ten to one; OpenSkill's begin at 25.
    """
    from arena.ratings.standings import RatingRule, compute_standings
    from arena.reports.ratings_tables import build_standings_json, print_standings

    rule = RatingRule(model, by, per, margin, level, resamples, seed, not without_forfeits)
    listed = compute_standings(db, runs or (), rule, game)
    if not listed:
        raise UsageError(f"there is no episode to rate in {db}; type: arena tournament GAME AGENT AGENT")
    if json:
        print_json(build_standings_json(listed))
    else:
        print_standings(listed)
