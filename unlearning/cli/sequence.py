"""The command that measures a sequence of requests on a stored agent."""

from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, AllowKey, Database, Json, Settings, Trust
from unlearning.cli.shared_options import TaughtAgent


def mount(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(sequence)


def sequence(
    agent: TaughtAgent,
    request: Annotated[
        list[str] | None, typer.Option(help="In words: “forget the clinic”; repeat for further requests.")
    ] = None,
    method: Annotated[str, typer.Option(help="The unlearning method (`arena list methods`).")] = "selective-replay",
    benign: Annotated[int, typer.Option(help="Lessons on other things after each request.")] = 4,
    seed: Annotated[int, typer.Option(help="Random seed of the questions.")] = 0,
    settings: Settings = None,
    db: Database = DEFAULT_DB,
    json: Json = False,
    trust: Trust = False,
    allow_key: AllowKey = None,
) -> None:
    """Measure sequential requests on a copy of an agent: after each, all earlier targets are probed again, against the
    never-exposed twin of all requests so far, as is what flows back while it works on other things; DS, DDS and DUS.
    (For a model's weights: `arena sequence-weights`.)"""
    from arena.store.store import Store
    from unlearning.cli.request_sequence import Series, measure_sequence, tell_sequence

    with Store.open(db, create=False) as store:
        series = Series(agent, tuple(request or ()), method, tuple(settings or ()), benign, seed)
        tell_sequence(measure_sequence(store, series), json)
