"""The command `arena figure`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from arena.cli.options import DEFAULT_DB, Database
from arena.console.stdio import say
from arena.errors import UsageError
from arena.extras import missing


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(figure)


def figure(
    run: Annotated[str, typer.Argument(help="A run's id, an id prefix, or `last`.")] = "last",
    out: Annotated[Path, typer.Option(help="File to write; its extension gives the format: png, svg, pdf.")] = Path(
        "figure.png"
    ),
    by: Annotated[
        Literal["feedback", "buyer", "seller", "game"], typer.Option(help="Column that distinguishes the arms.")
    ] = "feedback",
    db: Database = DEFAULT_DB,
) -> None:
    """Draw a run of negotiations, arm by arm: price, deals, payoff and concessions, with bootstrap intervals."""
    try:
        from arena.analysis.study_arms import read_study
        from arena.analysis.study_plot import draw
    except ModuleNotFoundError as error:
        raise missing("arena figure", error, "plots") from error
    study = read_study(db, run, by)
    try:
        draw(study, out)
    except (OSError, ValueError) as error:
        raise UsageError(f"the figure cannot be written to {out}: {error}") from error
    say(f"run {study.run}: {len(study.arms)} arms drawn to {out}")
