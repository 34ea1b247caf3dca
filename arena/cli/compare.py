"""The commands `arena compare` and `arena power`."""

from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, Database, Json
from arena.console.stdio import print_json, say
from arena.errors import UsageError
from arena.extras import missing

SIDE = "A run (id, beginning, last), a run's cell (last:2, last:game.cost=6), SEAT=AGENT, or an agent."


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (compare, power):
        app.command()(command)


def compare(
    a: Annotated[str, typer.Argument(help=SIDE)],
    b: Annotated[str, typer.Argument(help="The other side; differences are B - A.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(help="score.SEAT, a fact, surplus.SEAT, turns, tokens, usd, …; default: all outcomes."),
    ] = None,
    game: Annotated[str, typer.Option(help="Game to compare, if both sides played several.")] = "",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    correction: Annotated[
        str, typer.Option(help="Correction of p for several measures: holm, bh, bonferroni, none.")
    ] = "holm",
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Do not pair episodes with the same seed.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Compare two runs, cells or agents: means, difference with its interval, effect size, p and corrected p.

    Episodes with the same seed, and the same settings where these vary, are paired; a seed counts once, however many
    rounds its chain has. Without a deal a surplus counts as the game scores it; failed episodes never count as 0.
    """
    try:
        from arena.analysis.comparison import compare as compare_groups
        from arena.reports.comparison_tables import print_comparison
    except ModuleNotFoundError as error:
        raise missing("arena compare", error) from error
    from arena.analysis.comparison_sides import select_sides
    from arena.analysis.measures import COSTS

    if seed < 0:
        raise UsageError(f"--seed is a whole number, 0 or more; got {seed}")
    costs = any(name in COSTS for name in metric or ())
    one, two = select_sides(db, a, b, game, costs)
    print_comparison(
        compare_groups(one, two, metric or (), level=level, seed=seed, correction=correction, pair=not unpaired), json
    )


def power(
    change: Annotated[float | None, typer.Option(help="Change to detect; with --at: in points of 100.")] = None,
    at: Annotated[float | None, typer.Option(help="Rate in percent around which the change lies, such as 50.")] = None,
    sd: Annotated[float | None, typer.Option(help="For means: the standard deviation of one episode.")] = None,
    episodes: Annotated[int | None, typer.Option("-n", help="Episodes per side: what change can they detect?")] = None,
    paired: Annotated[bool, typer.Option("--paired", help="Both sides play the same seeds.")] = False,
    correlation: Annotated[float, typer.Option(help="Correlation of the two results of a pair, with --paired.")] = 0.0,
    chance: Annotated[float, typer.Option("--power", help="Power: probability of detecting the change.")] = 0.8,
    level: Annotated[float, typer.Option(help="1 minus the false-positive rate.")] = 0.95,
    json: Json = False,
) -> None:
    """How many episodes are needed to detect a change: `arena power --change 5 --at 50` is 5 points around 50 %."""
    try:
        from arena.reports.power_answer import PowerQuestion, answer
    except ModuleNotFoundError as error:
        raise missing("arena power", error) from error

    if correlation and not paired:
        raise UsageError("--correlation is that of a pair; add --paired")
    asked = PowerQuestion(change, at, sd, episodes, correlation if paired else None, chance, level)
    try:
        found = answer(asked)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if json:
        print_json(found.record)
    else:
        say(found.text)
