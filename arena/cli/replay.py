"""The commands `arena verify`, `arena fork` and `arena rescore`, which replay recorded episodes."""

from typing import Annotated

import typer

from arena.cli.launch_options import Launch, launching
from arena.cli.options import DEFAULT_DB, Database, Json, Trust, seat_pairs

Which = Annotated[str, typer.Argument(help="A run's id, an id prefix, `last`, or an episode's id.")]


def mount(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    for command in (verify, launching(fork), rescore):
        app.command()(command)


def verify(which: Which = "last", db: Database = DEFAULT_DB, json: Json = False, trust: Trust = False) -> None:
    """Replay stored moves through today's code and name the first turn where it departs; exit code 3 if it does."""
    from arena.console.long_work import waiting
    from arena.replay.verify import verify as verify_records
    from arena.reports.replay_tables import print_verdicts
    from arena.store.store import Store

    with Store.open(db, create=False) as store:
        with waiting("replaying what is on record"):
            found = list(verify_records(store, which))
        raise typer.Exit(print_verdicts(found, json))


def fork(
    launch: Launch,
    episode: Annotated[str, typer.Argument(help="An episode's id, an id prefix, or `last` (that is no fork).")],
    at: Annotated[int, typer.Option(help="How many of its transitions (steps of `transcript`) are kept, from 0.")],
    seat: Annotated[list[str] | None, typer.Option(help="NAME=AGENT: agent of that seat after the fork point.")] = None,
    n: Annotated[int, typer.Option("-n", help="Number of forks to play.")] = 1,
    seed: Annotated[int, typer.Option(help="First of the n agent seeds after the fork point.")] = 0,
) -> None:
    """Play other continuations of a recorded episode: its first moves are kept, seats and settings may change."""
    from arena.cli.run_session import Session
    from arena.replay.fork import plan_fork
    from arena.store.store import Store

    seats, settings = seat_pairs(seat or []), launch.settings or []
    with Store.open(launch.db, create=False) as store:
        forks = plan_fork(store, episode, at, seats, settings, seed, launch.over({}, {"n": n}))
    session = Session(forks.plan, launch.how(), matches=forks.matches, origin=forks.parent, prepare=forks.add_history)
    raise typer.Exit(session.print_dry_run() if launch.dry_run else session.play())


def rescore(
    which: Which = "last",
    scorer: Annotated[
        str, typer.Option(help="The game's own, or module:function, called with (game, final state).")
    ] = "game",
    version: Annotated[
        int | None, typer.Option(help="Version of the new rows (default: rules_version, or function.version, or 1).")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Old against new, episode by episode.")] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
) -> None:
    """Compute scores again from stored moves and add them as rows; what is stored is never overwritten."""
    from arena.console.long_work import waiting
    from arena.replay.rescore import rescore as rescore_records
    from arena.reports.replay_tables import print_rescoring
    from arena.store.store import Store

    with Store.open(db, create=False) as store:
        with waiting("scoring what is on record"):
            done = rescore_records(store, which, scorer, version)
        raise typer.Exit(print_rescoring(done, diff, json))
