"""PostgreSQL specifics: translated views, marks on them, and run locks."""

import re
from hashlib import blake2b

from sqlalchemy import Connection, Engine

SCHEMA_LOCK = 0x4152454E  # "AREN": advisory lock while tables and views are created
FIELD = r"json_extract\(([\w.]+), '\$\.(\w+)'\)"
NUMBER = (  # JSON's true and false are 1 and 0, as in SQLite; what is no number is NULL
    r"(CASE jsonb_typeof(\1::jsonb -> '\2') WHEN 'number' THEN (\1::jsonb -> '\2')::double precision "
    r"WHEN 'boolean' THEN (\1::jsonb -> '\2')::boolean::integer END)"
)
WHOLE = r"json_extract\(([\w.]+), '\$'\)"
WHOLE_NUMBER = (
    r"(CASE jsonb_typeof(\1::jsonb) WHEN 'number' THEN (\1::jsonb)::double precision "
    r"WHEN 'boolean' THEN (\1::jsonb)::boolean::integer END)"
)
TRANSLATIONS = (  # from the few words of SQLite that `queries.sql` uses; fields of JSON are real numbers unless cast
    (rf"CAST\({FIELD} AS TEXT\)", r"(\1::jsonb ->> '\2')"),
    (rf"CAST\({FIELD} AS INTEGER\)", rf"{NUMBER}::bigint"),
    (FIELD, NUMBER),
    (rf"CAST\({WHOLE} AS TEXT\)", r"(\1::jsonb #>> '{}')"),
    (WHOLE, WHOLE_NUMBER),
    (r"\bgroup_concat\((.+), ' '\)", r"string_agg(\1, ' ' ORDER BY \1)"),
    (r"\bjulianday\(([\w.]+)\)", r"(extract(epoch FROM \1::timestamptz) / 86400)"),
    (r"\bround\((.+), (\d)\) AS", r"round((\1)::numeric, \2)::double precision AS"),
    (
        r"strftime\('%Y-%m-%dT%H:%M:%fZ', ([\w.]+), 'unixepoch'\)",
        r"""to_char(to_timestamp(\1 + 0.0005) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')""",
    ),
)


def translate(statement: str) -> str:
    """Translate a view of `queries.sql` to PostgreSQL: the same columns in the same units."""
    for pattern, instead in TRANSLATIONS:
        statement = re.sub(pattern, instead, statement)
    return statement


def mark(statement: str) -> str:
    """The comment on a view created by `statement`: PostgreSQL does not keep the statement itself."""
    return f"arena {blake2b(statement.encode(), digest_size=8).hexdigest()}"


def marks(connection: Connection) -> dict[str, str]:
    """The comment of each view in the present schema, by name."""
    rows = connection.exec_driver_sql(
        "SELECT relname, coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class "
        "WHERE relkind = 'v' AND relnamespace = current_schema()::regnamespace"
    )
    return {name: comment for name, comment in rows}


def alone(connection: Connection) -> None:
    """Wait for the schema lock, and hold it for this transaction."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")


def try_lock(engine: Engine, name: str) -> Connection | None:
    """A separate connection that holds the lock `name` until it is closed; None if another holds it.

    The server drops the lock with the connection; that of a lost machine within about a minute.
    """
    number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) >> 1
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    for setting, seconds in (("idle", 30), ("interval", 10), ("count", 3)):
        connection.exec_driver_sql(f"SET tcp_keepalives_{setting} = {seconds}")
    held = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({number})").scalar_one())
    connection.detach()  # closing it ends the session, and the lock with it
    if held:
        return connection
    connection.close()
    return None
