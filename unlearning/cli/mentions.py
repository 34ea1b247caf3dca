"""The command that lists where a name occurs in the database, and deletes what holds it."""

from typing import Annotated

import typer

from arena.cli.options import DEFAULT_DB, Database, Json
from arena.console.stdio import mark_recorded
from arena.errors import UsageError


def mentions(
    name: Annotated[list[str], typer.Argument(help="One or more names, as they were forgotten.")],
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Permanently delete all episodes, runs and measurements that contain it."),
    ] = False,
    db: Database = DEFAULT_DB,
    json: Json = False,
) -> None:
    """List records that contain a name: episodes with their answers, prompts and calls, runs, agents with memory.

    Names are found as whole words in any case; texts on the same thing in other words are not found. With --delete
    whole episodes are deleted, with their scores: statistics computed from the records change.
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
