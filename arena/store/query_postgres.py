"""Read-only SQL queries on records on a PostgreSQL server.

Four safeguards: the transaction is read-only, which the server enforces; the extended protocol accepts one statement
only; it has to start like a query; and it may call no function that PostgreSQL does not declare to be free of side
effects, since such a function may write files, signal other sessions or run SQL from a text. The called functions are
read from the server's parse tree of the statement (of a view that is rolled back), so that no spelling hides a call; if
the role may not create temporary views, every word that is a function's name counts as a call. The strongest protection
is the role in the URL: give readers a role that can only read.
"""

import logging
import re
import secrets
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Loader

from arena.errors import BadRecord, UsageError, unknown
from arena.store.location import DatabaseLocation, explain_failure
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

QUESTIONS = ("SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW")
BEGINS = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(\w*)", re.DOTALL)
WORD = re.compile(r"[^\W\d][\w$]*")  # in texts and comments too
CALLED = re.compile(r'([\w$]+)"?\s*(?=\(|/\*|--)')  # words that are always calls
IDS = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)")  # of functions, in a parse tree
HARMLESS = ("random", "clock_timestamp", "timeofday", "gen_random_uuid")  # volatile, but without lasting effects
PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|::|(%)|(\?)|:([A-Za-z_]\w*)")
PATIENCE = "5min"  # default of one query, unless the role or the URL sets it


class Number(Loader):
    """Reads NUMERIC, which PostgreSQL makes of sums and means, as an int or a float."""

    def load(self, data: Any) -> int | float:
        number = Decimal(bytes(data).decode())
        whole = number.is_finite() and int(number.as_tuple().exponent) >= 0
        return int(number) if whole else float(number)


def answer_query(
    place: DatabaseLocation,
    sql: str,
    parameters: Mapping[str, object] | tuple[object, ...] = (),
    limits: QueryLimits = UNLIMITED,
) -> QueryResult:
    """The result of one query on the server at `place`; values for `?` or `:name` in `parameters`.

    Raises UsageError, with near misses, for anything else, and where it takes longer than `limits` allow; BadRecord
    where the server cannot be read.
    """
    found = BEGINS.match(sql)
    word = found[1].upper() if found else ""
    if word not in QUESTIONS:
        raise UsageError(f"refused, because it does not begin with {', '.join(QUESTIONS)}: {word or sql.strip()!r}")
    try:
        connection = psycopg.connect(_build_conninfo(place), connect_timeout=10, fallback_application_name="arena sql")
    except psycopg.Error as error:
        raise explain_failure(place, error) from error
    with connection:
        connection.adapters.register_loader("numeric", Number)
        try:
            _refuse_effects(connection, sql, bool(parameters))
            connection.read_only = True
            return _ask(connection, sql, parameters, limits)
        except (psycopg.Error, ValueError) as error:
            connection.rollback()
            if limits.seconds is not None and isinstance(error, errors.QueryCanceled):
                raise limits.make_timeout_error() from None
            raise _explain_error(connection, place, sql, error) from error
        finally:
            connection.rollback()


def _build_conninfo(place: DatabaseLocation) -> str:
    return place.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _ask(
    connection: "psycopg.Connection[Any]",
    sql: str,
    parameters: Mapping[str, object] | tuple[object, ...],
    limits: QueryLimits,
) -> QueryResult:
    if limits.seconds is None:
        usual = "SELECT set_config('statement_timeout', %s, false) WHERE current_setting('statement_timeout') = '0'"
        connection.execute(usual, (PATIENCE,))
    else:
        milliseconds = str(max(1, int(limits.seconds * 1000)))
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (milliseconds,))
    statement: Any = _convert_placeholders(sql) if parameters else sql
    size = CHUNK if psycopg.capabilities.has_stream_chunked() else 1
    with connection.cursor() as cursor:
        stream: Any = cursor.stream(statement, parameters or None, size=size)
        with closing(stream):  # over the extended protocol: one statement, never two
            rows, cut = limits.take([row] for row in stream)
        if not rows:  # then a stream does not tell the columns
            empty: Any = f"SELECT * FROM ({str(statement).strip().removesuffix(';')}\n) AS asked LIMIT 0"
            cursor.execute(empty, parameters or None)
        return QueryResult(tuple(column.name for column in cursor.description or ()), rows, cut)


def _refuse_effects(connection: "psycopg.Connection[Any]", sql: str, has_parameters: bool) -> None:
    """Raise UsageError if the statement calls a function with side effects."""
    if re.search(r'u&"', sql, re.IGNORECASE):
        raise UsageError('refused: names written as U&"…" are not read here; write them plainly')
    called = None if has_parameters else _list_called_functions(connection, sql)
    condition = "lower(proname) = ANY(%s)" if called is None else "oid = ANY(%s)"
    rows = connection.execute(
        f"SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND NOT proname = ANY(%s) AND {condition}",
        ([*HARMLESS], _find_possible_calls(connection, sql) if called is None else called),
    ).fetchall()
    columns = list(_list_columns(connection)) if rows else []
    connection.rollback()
    if rows:
        raise UsageError(f"refused, because {rows[0][0]}() may do more than read; {describe_possible(columns)}")


def _list_called_functions(connection: "psycopg.Connection[Any]", sql: str) -> list[int] | None:
    """Ids of all functions in the server's parse tree of the statement; None if it makes no tree.

    The tree is that of a temporary view over the statement. Making one runs nothing of it, and it is rolled back.
    """
    view = f"arena_question_{secrets.token_hex(8)}"
    made: Any = f"CREATE TEMP VIEW {view} AS SELECT 1 AS one FROM ({sql.strip().removesuffix(';')}\n) AS asked"
    try:
        connection.execute("SET TRANSACTION READ WRITE")
        connection.execute(made, prepare=True)
        found = connection.execute(
            "SELECT ev_action::text FROM pg_rewrite JOIN pg_class c ON c.oid = ev_class WHERE relname = %s", (view,)
        ).fetchone()
    except psycopg.Error as error:
        LOGGER.debug("the server's parse tree of the query cannot be read: %s", error)
        return None
    finally:
        connection.rollback()
    return [int(number) for number in IDS.findall(found[0])] if found else None


def _find_possible_calls(connection: "psycopg.Connection[Any]", sql: str) -> list[str]:
    """Every word of a statement, but for those that name tables and columns here and are not written as calls."""
    names = {name.lower() for table, columns in _list_columns(connection).items() for name in (table, *columns)}
    called = {word.lower() for word in CALLED.findall(sql)}
    return sorted({word.lower() for word in WORD.findall(sql)} - (names - called))


def _convert_placeholders(sql: str) -> str:
    """`?` and `:name` as psycopg writes them, outside of quotes."""

    def instead(found: re.Match[str]) -> str:
        percent, mark, name = found.groups()
        if percent:
            return "%%"
        return "%s" if mark else f"%({name})s" if name else found[0].replace("%", "%%")

    return PLACEHOLDER.sub(instead, sql)


def _explain_error(
    connection: "psycopg.Connection[Any]", place: DatabaseLocation, sql: str, error: Exception
) -> UsageError:
    """The error for people: what was refused or not found, and what is possible."""
    reason = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    if isinstance(error, errors.OperationalError) and not isinstance(error, errors.QueryCanceled):
        return explain_failure(place, error)
    columns = _list_columns(connection)
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return UsageError(f"refused, because it does more than read ({reason}); {describe_possible(list(columns))}")
    if "multiple commands" in reason:
        return UsageError(SEVERAL)
    if isinstance(error, errors.UndefinedTable) and (found := re.search(r'"(?:\w+\.)?(.+)"', reason)):
        return UsageError(unknown("table or view", found[1], columns))
    if isinstance(error, errors.UndefinedColumn) and (found := re.search(r'column (?:\w+\.)?"?([^" ]+)', reason)):
        return UsageError(explain_missing_column(columns, sql, found[1]))
    if isinstance(error, errors.InsufficientPrivilege):
        return BadRecord(f"{place}: {reason}; the role in the URL may not read that")
    return UsageError(f"{reason}; {describe_possible(list(columns))}")


def _list_columns(connection: "psycopg.Connection[Any]") -> dict[str, list[str]]:
    """The columns of what can be asked in the present schema: views first, then tables."""
    rows = connection.execute(
        "SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_class JOIN pg_attribute ON attrelid = oid "
        "WHERE relkind IN ('v', 'r') AND relnamespace = current_schema()::regnamespace AND attnum > 0 "
        "AND NOT attisdropped GROUP BY relname, relkind ORDER BY relkind = 'r', relname"
    )
    return {name: columns for name, columns in rows}
