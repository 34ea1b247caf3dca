"""Read-only SQL queries on the records: `arena sql`.

For a file there are three safeguards, each sufficient: it is opened read-only, `query_only` is set on the connection,
and an authorizer checks, while SQLite compiles a statement, that it only selects. For a server: see
`arena/store/query_postgres.py`. A query may have limits of time and size; it can be interrupted at any moment.
"""

import logging
import math
import re
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arena.errors import UsageError, unknown
from arena.extras import missing
from arena.store.location import DatabaseLocation, check_file, explain_failure, open_read_only
from arena.store.query_result import (
    CHUNK,
    SEVERAL,
    UNLIMITED,
    QueryLimits,
    QueryResult,
    describe_possible,
    explain_missing_column,
)

LOGGER = logging.getLogger(__name__)

HARMLESS = {"application_id", "user_version", "data_version", "encoding", "page_count", "page_size", "freelist_count"}
DESCRIBING = ("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "function_list")
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
WRITES = re.compile(r"SQLITE_(CREATE|DROP|ALTER|INSERT|UPDATE|DELETE|ATTACH|DETACH|PRAGMA|TRANSACTION|SAVEPOINT|ANALYZE"
                    r"|REINDEX|FUNCTION)")  # fmt: skip
ACTIONS = {value: name[7:].replace("_", " ").lower() for name, value in vars(sqlite3).items() if WRITES.match(name)}
FUNCTIONS = (
    "json_each('[]')",
    "json_tree('[]')",
    *(f"pragma_{name}('x')" for name in DESCRIBING[:2]),
    "pragma_table_list",
)
LONGEST_VALUE = 64 << 20  # most bytes of one value, also of intermediate ones
LONGEST_PATTERN = 1000  # most bytes of a LIKE pattern: matching is quadratic in it
STEPS = 10_000  # SQLite instructions between two checks of the clock


@dataclass(slots=True)
class Clock:
    """SQLite's progress handler: stops a statement at `end` (of time.monotonic). Ctrl-C inside it stops one, too."""

    end: float
    late: bool = False

    def __call__(self) -> bool:
        self.late = time.monotonic() > self.end
        return self.late


@dataclass(slots=True)
class QueryAuthorizer:
    """SQLite authorizer: called for each action a statement is compiled to; remembers what it refused."""

    refused: list[str] = field(default_factory=list)

    def __call__(self, action: int, one: str | None, two: str | None, *_: str | None) -> int:
        if action in ALLOWED:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and two != "load_extension":
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and (one in DESCRIBING or (one in HARMLESS and two is None)):
            return sqlite3.SQLITE_OK
        self.refused.append(" ".join(filter(None, (ACTIONS.get(action, f"action {action}"), one, two))))
        return sqlite3.SQLITE_DENY


def query(
    where: str | Path,
    sql: str,
    parameters: Mapping[str, object] | tuple[object, ...] = (),
    limits: QueryLimits = UNLIMITED,
) -> QueryResult:
    """The result of one SELECT on the database at `where`; values for `?` or `:name` in `parameters`.

    Raises UsageError, with near misses, for anything that is not one SELECT over what is there, and where it takes
    longer than `limits` allow; BadRecord for a database that cannot be read.
    """
    place = DatabaseLocation.of(where)
    if place.path is None:
        try:
            from arena.store.query_postgres import answer_query
        except ModuleNotFoundError as error:
            raise missing(f"the database {place}", error) from None
        return answer_query(place, sql, parameters, limits)
    check_file(place.path)
    guard, clock = QueryAuthorizer(), Clock(time.monotonic() + (limits.seconds or math.inf))
    try:
        connection = open_read_only(place.path)
    except sqlite3.Error as error:
        raise explain_failure(place, error) from error
    try:
        connection.text_factory = lambda body: body.decode("utf-8", "replace")
        connection.execute("PRAGMA query_only = 1")
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for table in FUNCTIONS:  # SQLite initialises these on first use, which the authorizer would refuse as writing
            connection.execute(f"SELECT 1 FROM {table}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
        connection.set_authorizer(guard)
        connection.set_progress_handler(clock, STEPS)
        cursor = connection.execute(sql, parameters)
        taken, cut = limits.take(iter(lambda: cursor.fetchmany(CHUNK), []))
        return QueryResult(tuple(column[0] for column in cursor.description or ()), taken, cut)
    except (sqlite3.Error, sqlite3.Warning, ValueError, MemoryError) as error:
        if clock.late:
            raise limits.make_timeout_error() from None
        if str(error) == "interrupted":  # SQLite drops exceptions of its handlers
            raise KeyboardInterrupt from None
        raise _explain_error(connection, place, sql, error, guard) from error
    finally:
        connection.close()


def _explain_error(
    connection: sqlite3.Connection, place: DatabaseLocation, sql: str, error: Exception, guard: QueryAuthorizer
) -> UsageError:
    """The error for people: what was refused or not found, and what is possible."""
    reason, names = str(error), _list_names(connection)
    if guard.refused:
        return UsageError(f"refused, because it does more than read ({guard.refused[0]}); {describe_possible(names)}")
    if "one statement" in reason:
        return UsageError(SEVERAL)
    if isinstance(error, MemoryError) or "too big" in reason or "out of memory" in reason:
        return UsageError(f"a value would be larger than {LONGEST_VALUE >> 20} MiB; ask for a part of it by substr()")
    if found := re.search(r"no such table: (?:main\.)?(.+)", reason):
        return UsageError(unknown("table or view", found[1], names))
    if found := re.search(r"no such column: (?:.*\.)?(.+)", reason):
        return UsageError(
            explain_missing_column({name: _list_columns(connection, name) for name in names}, sql, found[1])
        )
    if "malformed" in reason or "not a database" in reason or "locked" in reason or "disk I/O" in reason:
        return explain_failure(place, error)
    return UsageError(f"{reason}; {describe_possible(names)}")


def _list_names(connection: sqlite3.Connection) -> list[str]:
    """Views first, then tables."""
    order = "ORDER BY type = 'table', name"
    try:
        rows = connection.execute(
            f"SELECT name FROM sqlite_master WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite_%' {order}"
        ).fetchall()
    except sqlite3.Error as error:
        LOGGER.debug("the names of tables and views cannot be listed: %s", error)
        return []
    return [name for (name,) in rows]


def _list_columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
