"""The command that lists where a name occurs in the database, and deletes what holds it."""

from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, Database, Json
from arena.console.stdio import mark_recorded
from arena.errors import UsageError


def mentions(
    name: Annotated[list[str], typer.Argument(help="A name, as it was forgotten; several, one after the other.")],
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Delete the episodes, runs and measurements that name it, whole and for good."),
    ] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """Show what names something on record: episodes with their answers, prompts and calls, runs, agents that remember.

    Names are found as whole words in any case; what tells of the same thing by other words is not found. With --delete
    an episode goes whole, with its scores: what is reckoned from the record changes.
    """
    from arena.store.store import Store
    from unlearning.cli.output_mentions import tell_deleted, tell_mentions
    from unlearning.memory.mentions import delete_mentions, find_mentions

    if not all(one.strip() for one in name):
        raise UsageError("a name has at least one letter or digit; for example: arena mentions “Sosten Harbour”")
    with Store.open(db, create=False) as store:
        if delete:
            done = delete_mentions(store, name)
        else:
            with store.engine.connect() as connection:
                found = find_mentions(connection, name)
    if delete:
        mark_recorded()
        tell_deleted(*done, json)
    else:
        tell_mentions(found, json)
