"""Questions to records on a PostgreSQL server, read-only by construction.

Four locks: the transaction is read-only, which the server itself holds; the statement goes over the extended protocol,
which takes one; it has to begin like a question; and it may call no function that PostgreSQL does not know to be free
of side effects, since such a function may write files, signal other sessions or run SQL from a text. Above all that
stand the rights of the role in the URL: give readers a role that can only read.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Loader

from arena.errors import BadRecord, UsageError, unknown
from arena.place import Place, failure
from arena.sql import SEVERAL, Table, missing_column, possible

QUESTIONS = ("SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW")
BEGINS = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(\w*)", re.DOTALL)
CALLED = re.compile(r'([\w$]+)"?\s*(?=\(|/\*|--)')  # whatever may be a call, in texts and comments too
HARMLESS = ("random", "clock_timestamp", "timeofday", "gen_random_uuid")  # volatile, but nothing stays of them
PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|::|(%)|(\?)|:([A-Za-z_]\w*)")
PATIENCE = "5min"  # for one question, where neither the role nor the URL says otherwise


class Number(Loader):
    """Reads NUMERIC, which PostgreSQL makes of sums and means, as an int or a float."""

    def load(self, data: Any) -> int | float:
        number = Decimal(bytes(data).decode())
        whole = number.is_finite() and int(number.as_tuple().exponent) >= 0
        return int(number) if whole else float(number)


def answer(place: Place, sql: str, parameters: Mapping[str, Any] | tuple[Any, ...] = ()) -> Table:
    """The answer of the server at `place` to one question; values for `?` or `:name` in `parameters`.

    Raises UsageError, with near misses, for anything else; BadRecord where the server cannot be read.
    """
    found = BEGINS.match(sql)
    word = found[1].upper() if found else ""
    if word not in QUESTIONS:
        raise UsageError(f"refused, because it does not begin with {', '.join(QUESTIONS)}: {word or sql.strip()!r}")
    try:
        connection = psycopg.connect(_conninfo(place), connect_timeout=10, fallback_application_name="arena sql")
    except psycopg.Error as error:
        raise failure(place, error) from error
    with connection:
        connection.read_only = True
        connection.adapters.register_loader("numeric", Number)
        try:
            return _asked(connection, sql, parameters)
        except (psycopg.Error, ValueError) as error:
            connection.rollback()
            raise _explained(connection, place, sql, error) from error
        finally:
            connection.rollback()


def _conninfo(place: Place) -> str:
    return place.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _asked(connection: "psycopg.Connection[Any]", sql: str, parameters: Mapping[str, Any] | tuple[Any, ...]) -> Table:
    connection.execute(
        "SELECT set_config('statement_timeout', %s, false) WHERE current_setting('statement_timeout') = '0'",
        (PATIENCE,),
    )
    _refuse_effects(connection, sql)
    statement: Any = _placeholders(sql) if parameters else sql
    cursor = connection.execute(statement, parameters or None, prepare=True)  # prepared: one statement, never two
    return Table(tuple(column.name for column in cursor.description or ()), tuple(cursor.fetchall()))


def _refuse_effects(connection: "psycopg.Connection[Any]", sql: str) -> None:
    """Raises UsageError where a word that may be a call names a function with side effects."""
    words = {word.lower() for word in CALLED.findall(sql)} - set(HARMLESS)
    rows = connection.execute(
        "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v' AND lower(proname) = ANY(%s)", (list(words),)
    ).fetchall()
    if rows:
        raise UsageError(
            f"refused, because {rows[0][0]}() may do more than read; {possible(list(_columns(connection)))}"
        )
    if re.search(r'u&"', sql, re.IGNORECASE):
        raise UsageError('refused: names written as U&"…" are not read here; write them plainly')


def _placeholders(sql: str) -> str:
    """`?` and `:name` as psycopg writes them, outside of quotes."""

    def instead(found: re.Match[str]) -> str:
        percent, mark, name = found.groups()
        if percent:
            return "%%"
        return "%s" if mark else f"%({name})s" if name else found[0].replace("%", "%%")

    return PLACEHOLDER.sub(instead, sql)


def _explained(connection: "psycopg.Connection[Any]", place: Place, sql: str, error: Exception) -> UsageError:
    """The error for people: what was refused or not found, and what is possible."""
    reason = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    if isinstance(error, errors.OperationalError) and not isinstance(error, errors.QueryCanceled):
        return failure(place, error)
    columns = _columns(connection)
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return UsageError(f"refused, because it does more than read ({reason}); {possible(list(columns))}")
    if "multiple commands" in reason:
        return UsageError(SEVERAL)
    if isinstance(error, errors.UndefinedTable) and (found := re.search(r'"(?:\w+\.)?(.+)"', reason)):
        return UsageError(unknown("table or view", found[1], columns))
    if isinstance(error, errors.UndefinedColumn) and (found := re.search(r'column (?:\w+\.)?"?([^" ]+)', reason)):
        return UsageError(missing_column(columns, sql, found[1]))
    if isinstance(error, errors.InsufficientPrivilege):
        return BadRecord(f"{place}: {reason}; the role in the URL may not read that")
    return UsageError(f"{reason}; {possible(list(columns))}")


def _columns(connection: "psycopg.Connection[Any]") -> dict[str, list[str]]:
    """The columns of what can be asked in the present schema: views first, then tables."""
    rows = connection.execute(
        "SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_class JOIN pg_attribute ON attrelid = oid "
        "WHERE relkind IN ('v', 'r') AND relnamespace = current_schema()::regnamespace AND attnum > 0 "
        "AND NOT attisdropped GROUP BY relname, relkind ORDER BY relkind = 'r', relname"
    )
    return {name: columns for name, columns in rows}
