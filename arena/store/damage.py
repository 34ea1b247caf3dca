"""Diagnose a database that a command could not read; runs only after a failure.

SQLite finds broken pages itself. Rows that arena did not write are found by the schema: missing columns, values of
another type, texts that are no JSON, dangling or cyclic ids.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from arena.errors import BadRecord
from arena.store.location import check_file, explain_failure, open_read_only, suggest_rescue

SECONDS = 20.0  # time limit of the check
STEPS = 100_000  # SQLite instructions between two checks of the clock
DOCUMENTS = {"run": ("plan",), "episode": ("spec",), "seat": ("spec",), "turn": ("args",), "fact": ("value",),
             "subject": ("spec", "gate"), "note": ("parents",), "request": ("method", "receipt"),
             "trial": ("spec", "cost"), "reading": ("items", "detail")}  # fmt: skip
LINKS = (  # a column, and the table that it references
    *(("turn", "text", "text"), ("turn", "thought", "text"), ("message", "text", "text")),
    *(("message", "parent", "message"), ("call", "prompt", "message"), ("call", "reply", "text")),
    *(("episode", "run", "run"), ("turn", "episode", "episode")),
)
MIXED = """
SELECT one.name FROM fact one JOIN fact other ON other.name = one.name AND other.episode = one.episode AND other.n > 0
WHERE one.n = 0 LIMIT 1
"""
CIRCLE = """
WITH RECURSIVE rooted(id) AS (SELECT id FROM message WHERE parent IS NULL
  UNION SELECT m.id FROM message m JOIN rooted ON m.parent = rooted.id)
SELECT id FROM message EXCEPT SELECT id FROM rooted LIMIT 1
"""


def find_damage(path: Path) -> str:
    """The damage of an SQLite file of records, in words; "" if none is found within 20 seconds."""
    try:
        check_file(path)
        with closing(open_read_only(path)) as connection:
            _limit_time(connection)
            return next(_find_faults(connection), "")
    except BadRecord as error:
        return str(error)
    except sqlite3.OperationalError as error:
        return "" if "interrupted" in str(error) else str(explain_failure(path, error))
    except sqlite3.Error as error:
        return str(explain_failure(path, error))
    except UnicodeDecodeError:
        return "a text in it is not UTF-8"


def explain_damage(path: Path, error: BaseException) -> BadRecord | None:
    """The message for a command that failed with `error`, if the file is the cause; None if the file is sound."""
    if not path.is_file() or not (why := find_damage(path)):
        return None
    told = why if why.startswith(str(path)) else f"{path} is damaged: {why}; {suggest_rescue(path)}"
    return BadRecord(f"{told} (it showed as {type(error).__name__})")


def _find_faults(connection: sqlite3.Connection) -> Iterator[str]:
    from arena.store.schema import ALL

    (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        yield " ".join(str(told).split())
    tables = [row.__table__ for row in ALL]
    for table in tables:
        yield from _check_columns(connection, table)
    for table in tables:
        yield from _check_values(connection, table)
    for name, columns in DOCUMENTS.items():
        for column in columns:
            yield from _check_documents(connection, name, column)
    for name, column, other in LINKS:
        lost = f"SELECT {column} FROM {name} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {other})"
        for (id,) in connection.execute(f"{lost} LIMIT 1"):
            yield f"{name}.{column} names {other} {id!r}, which is not there"
    for (name,) in connection.execute(MIXED):
        yield f"the fact {name!r} is a table and none"
    for (id,) in connection.execute(CIRCLE):
        yield f"message {id} follows itself"


def _check_columns(connection: sqlite3.Connection, table: Any) -> Iterator[str]:
    there = {row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')}
    if not there:
        yield f"the table {table.name} is missing"
    elif lost := [column.name for column in table.columns if column.name not in there]:
        yield f"the table {table.name} has no column {lost[0]}"


def _check_values(connection: sqlite3.Connection, table: Any) -> Iterator[str]:
    """Values of a type that their column does not have: SQLite keeps whatever is written."""
    for column in table.columns:
        types = _list_types(column.type)
        allowed = ", ".join(f"'{name}'" for name in (*types, *(["null"] if column.nullable else [])))
        query = (
            f'SELECT typeof("{column.name}") FROM {table.name} WHERE typeof("{column.name}") NOT IN ({allowed}) LIMIT 1'
        )
        for (found,) in connection.execute(query):
            yield f"{table.name}.{column.name} takes {types[0]}, and holds {found}"


def _list_types(kind: object) -> tuple[str, ...]:
    name = type(kind).__name__.lower()
    if "int" in name:
        return ("integer",)
    return ("real", "integer") if "float" in name else ("text",)


def _check_documents(connection: sqlite3.Connection, table: str, column: str) -> Iterator[str]:
    for (text,) in connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL AND {column} <> ''"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield f"{table}.{column} holds what is no JSON"
            return
        if column in ("spec", "plan", "receipt", "gate", "args") and not isinstance(value, dict):
            yield f"{table}.{column} holds JSON that is no table"
            return


def _limit_time(connection: sqlite3.Connection) -> None:
    """Set a time limit for the check."""
    from time import monotonic

    end = monotonic() + SECONDS
    connection.set_progress_handler(lambda: int(monotonic() > end), STEPS)
