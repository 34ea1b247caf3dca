"""Delete recorded episodes and runs permanently, with all rows that nothing else refers to."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, text

from arena.errors import BadRecord
from arena.store.wipe import mark_overwritten

CHUNK = 500  # most values in one statement
OF_EPISODES = ("turn", "call", "seat", "score", "fact", "fork")  # tables with a column `episode`
MESSAGES = """
DELETE FROM message WHERE id NOT IN (
  WITH RECURSIVE chain(id) AS (
    SELECT prompt FROM call WHERE prompt IS NOT NULL
    UNION SELECT m.parent FROM message m JOIN chain ON m.id = chain.id WHERE m.parent IS NOT NULL)
  SELECT id FROM chain)
"""
TEXTS = """
DELETE FROM text WHERE id NOT IN (
  SELECT text FROM turn WHERE text IS NOT NULL UNION SELECT thought FROM turn WHERE thought IS NOT NULL
  UNION SELECT text FROM message UNION SELECT reply FROM call WHERE reply IS NOT NULL)
"""
TABLES = (*OF_EPISODES, "episode", "run", "message", "text")


def delete_episodes(
    connection: Connection, episodes: Collection[str], runs: Collection[str], is_played: Callable[[str], bool]
) -> dict[str, int]:
    """Delete episodes, and runs with their episodes, within the caller's transaction; returns the number of rows by
    table.

    A run that has no episode left goes, too. Texts and messages go where nothing else refers to them. Raises BadRecord
    if any run is being played: its process relies on texts that it wrote before.
    """
    _refuse_played(connection, {*runs, *(id.rpartition(".")[0] for id in episodes)}, is_played)
    mark_overwritten(connection)
    of_runs = select_in(connection, "SELECT id FROM episode WHERE run IN :values", sorted(runs))
    ids = sorted({*episodes, *(row[0] for row in of_runs)})
    emptied = {row[0] for row in select_in(connection, "SELECT run FROM episode WHERE id IN :values", ids)}
    counts = {table: _delete(connection, table, "episode", ids) for table in OF_EPISODES}
    counts["episode"] = _delete(connection, "episode", "id", ids)
    full = {row[0] for row in select_in(connection, "SELECT run FROM episode WHERE run IN :values", sorted(emptied))}
    counts["run"] = _delete(connection, "run", "id", sorted({*runs, *(emptied - full)}))
    counts["message"] = connection.execute(text(MESSAGES)).rowcount
    counts["text"] = connection.execute(text(TEXTS)).rowcount
    return {table: count for table, count in counts.items() if count}


def select_in(connection: Connection, query: str, values: Sequence[object]) -> Iterator[Any]:
    """The rows of a query with `IN :values`, queried in batches of values."""
    asked = text(query).bindparams(bindparam("values", expanding=True))
    for at in range(0, len(values), CHUNK):
        yield from connection.execute(asked, {"values": list(values[at : at + CHUNK])})


def _delete(connection: Connection, table: str, column: str, values: Sequence[str]) -> int:
    asked = text(f"DELETE FROM {table} WHERE {column} IN :values").bindparams(bindparam("values", expanding=True))
    chunks = (list(values[at : at + CHUNK]) for at in range(0, len(values), CHUNK))
    return sum(connection.execute(asked, {"values": chunk}).rowcount for chunk in chunks)


def _refuse_played(connection: Connection, runs: Collection[str], is_played: Callable[[str], bool]) -> None:
    open_ones = connection.execute(text("SELECT id FROM run WHERE status = 'running'")).scalars()
    if played := sorted(run for run in {*runs, *open_ones} if is_played(run)):
        raise BadRecord(
            f"run {', '.join(played)} is being played; nothing was deleted, type the same again when that has ended"
        )
