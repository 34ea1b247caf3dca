"""Command-line options that several commands share."""

from typing import Annotated, Literal

import typer

from arena.console.long_work import silence
from arena.errors import UsageError
from arena.key_permission import allow_keys
from arena.store.current_database import DEFAULT_DATABASE, use_database
from arena.trust import trust_all


def _chosen(where: str) -> str:
    use_database(where)
    return where


Database = Annotated[
    str,
    typer.Option("--db", envvar="ARENA_DB", help="Database file or URL.", show_default=True, callback=_chosen),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV: all columns, every value whole.")]
Wide = Annotated[bool, typer.Option("--wide", help="All columns; each row on one line.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="PART.a=c, e.g. game.cost=10, seller.exponent=4, method.epochs=3; a=c where one part alone has an a.",
    ),
]
Count = Annotated[int | None, typer.Option("-n", help="Episodes, with seeds from --seed on (default: 1).")]
Seed = Annotated[int | None, typer.Option(help="Seed of the first episode (default: 0).")]
AtOnce = Annotated[int | None, typer.Option(help="Episodes played at a time (default: 32).")]
Retries = Annotated[int | None, typer.Option(help="Retries of a failed episode (default: 1).")]
Usd = Annotated[float | None, typer.Option(help="Budget of this run in dollars; reserved before each call.")]
UsdSeat = Annotated[list[str] | None, typer.Option(help="NAME=DOLLARS: budget of one seat.")]
Until = Annotated[
    str | None,
    typer.Option(
        help="Stop when 'NAME.SEAT ci<X': the mean of a score or fact is known to ± X at 95 % (ci90<X: 90 %), by an "
        "interval that holds whenever one stops. NAME[LOW,HIGH] tells its bounds. -n is then the most (default: 2000)."
    ),
]
RetryErrors = Annotated[bool, typer.Option("--retry-errors", help="Also resume failed episodes of this plan.")]
Again = Annotated[bool, typer.Option("--again", help="Start a new run even if one is unfinished.")]
Shown = Annotated[Literal["auto", "plain", "none"], typer.Option("--progress", help="Live on a terminal, else lines.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No transcript, no progress.")]
On = Annotated[Literal["here", "ray"], typer.Option("--backend", help="Where episodes run: ray is a cluster.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the resolved plan and its cost, and play nothing.")]
DEFAULT_DB = DEFAULT_DATABASE


def _trusting(given: bool) -> bool:
    if given:
        trust_all()
    return given


Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        callback=_trusting,
        help="Run code from outside of arena that a record or plan names; remembered until the file changes.",
    ),
]


def _allowing(given: list[str] | None) -> list[str] | None:
    allow_keys(given or ())
    return given


AllowKey = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-key",
        callback=_allowing,
        help="VAR@HOST: the key in this environment variable may be sent to this server, too.",
    ),
]


def _silencing(given: bool) -> bool:
    if given:
        silence()
    return given


Silent = Annotated[bool, typer.Option("--quiet", "-q", callback=_silencing, help="No progress notices on stderr.")]


def seat_pairs(pairs: list[str]) -> dict[str, str]:
    """Parse `NAME=AGENT` texts to agents by seat."""
    seats = {}
    for pair in pairs:
        name, sign, agent = pair.partition("=")
        if not sign or not name or not agent:
            raise UsageError(f"--seat takes NAME=AGENT, for example --seat buyer=linear; got {pair!r}")
        seats[name] = agent
    return seats


def dollar_pairs(pairs: list[str]) -> dict[str, float]:
    """Parse `NAME=DOLLARS` texts to dollars by seat."""
    caps = {}
    for pair in pairs:
        name, _, amount = pair.partition("=")
        try:
            caps[name] = float(amount.removeprefix("$"))
        except ValueError:
            raise UsageError(f"--usd-seat takes NAME=DOLLARS, for example --usd-seat buyer=2; got {pair!r}") from None
    return caps
