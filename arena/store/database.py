"""Database schema: created in an empty database, upgraded in an older one, refused in a foreign one.

An SQLite file is identified by `application_id` and `user_version`; other databases by the table `arena_schema`.
"""

import logging
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from arena.errors import BadRecord
from arena.extras import missing
from arena.store import migrations, schema
from arena.store.location import DatabaseLocation, check_file, explain_failure, is_closed, open_read_only
from arena.store.postgres import alone, mark, marks, translate

LOGGER = logging.getLogger(__name__)

APPLICATION = 0x4152454E  # "AREN"
SERVER = {"connect_timeout": 10, "fallback_application_name": "arena"}  # seconds; our application name in PostgreSQL
Step: TypeAlias = Callable[[Connection], None]
MIGRATIONS: tuple[Step, ...] = (  # the n-th leads from schema n to n + 1
    migrations.add_forks,
    migrations.add_memory,
    migrations.add_event_data,
)
VERSION = len(MIGRATIONS) + 1


def connect(place: DatabaseLocation, create: bool = True, wait: float = 30.0) -> Engine:
    """An engine on the records at `place`, upgraded to the current schema; waits `wait` seconds for another writer.

    With `create` a missing database is made, and one that cannot be written is refused; without, one that can only
    be read is opened for reading. Raises BadRecord.
    """
    if place.path is not None:
        check_file(place.path, create)
    try:
        engine = create_engine(place.url, connect_args={"timeout": wait} if place.path else SERVER)
    except ModuleNotFoundError as error:
        raise missing(f"the database {place}", error) from None
    if place.path is not None:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    try:
        _prepare(engine, place, create)
    except DBAPIError as error:
        engine.dispose()
        if place.path is None or create or not is_closed(error.orig):
            raise explain_failure(place, error) from error
        path: Path = place.path
        LOGGER.info("opened %s for reading alone: %s", place, error.orig)
        return create_engine("sqlite://", creator=lambda: open_read_only(path))
    except BadRecord:
        engine.dispose()
        raise
    LOGGER.info("opened %s", place)
    return engine


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that takes the write lock at its start: `with writing(engine) as connection`."""
    return engine.execution_options(writes=True).begin()


def upgrade(connection: Connection, version: int, steps: Sequence[Step] = MIGRATIONS) -> None:
    """Migrate the schema from `version` to the one after the last of `steps`, within the caller's transaction."""
    for step in steps[version - 1 :]:
        step(connection)
    _stamp(connection, len(steps) + 1)


def views(dialect: str = "sqlite") -> dict[str, str]:
    """The statement that makes each view, by name, in the order of `queries.sql`: later ones read earlier ones."""
    text = files("arena").joinpath("store/queries.sql").read_text(encoding="utf-8")
    found = re.findall(r"^CREATE VIEW IF NOT EXISTS (\w+)(.*?);$", text, re.MULTILINE | re.DOTALL)
    made = {name: f"CREATE VIEW {name}{rest}" for name, rest in found}
    return made if dialect == "sqlite" else {name: translate(statement) for name, statement in made.items()}


def _prepare(engine: Engine, place: DatabaseLocation, create: bool) -> None:
    with engine.connect() as connection:
        version, stale = _version(connection, place), _stale(connection)
        if version is None and not create:
            raise BadRecord(f"{place} holds no records yet; type: arena play --db {place}")
        if version == VERSION and not create and (not stale or place.path is None):
            return  # read-only access changes nothing on a server
        if place.path is not None:
            connection.rollback()
            _log_ahead(connection)
    with writing(engine) as connection:  # also if nothing is to be done: this checks write access
        if place.path is None:
            alone(connection)
        version = _version(connection, place)  # another process may have done it
        if version is None:
            LOGGER.info("making the tables of schema %d in %s", VERSION, place)
            SQLModel.metadata.create_all(connection, tables=[row.__table__ for row in schema.ALL])
            _stamp(connection, VERSION)
        elif version < VERSION:
            LOGGER.info("upgrading %s from schema %d to %d", place, version, VERSION)
            _drop_views(connection)  # PostgreSQL refuses to drop a table that a view reads
            upgrade(connection, version)
        if _stale(connection):
            _drop_views(connection)
            _make_views(connection)


def _version(connection: Connection, place: DatabaseLocation) -> int | None:
    """The schema's version, None for a database without tables. Raises BadRecord for a foreign or a newer one."""
    names = set(inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        ours = _scalar(connection, "PRAGMA application_id") == APPLICATION
        version = int(_scalar(connection, "PRAGMA user_version"))
        foreign = names
    else:
        ours = "arena_schema" in names
        version = int(_scalar(connection, "SELECT version FROM arena_schema")) if ours else 0
        foreign = names & {row.__tablename__ for row in schema.ALL}
    if not ours and foreign:
        raise BadRecord(
            f"{place} belongs to another program (tables {', '.join(sorted(foreign)[:3])}); name another database"
        )
    if ours and version > VERSION:
        raise BadRecord(
            f"{place} was written by a newer arena (schema {version}, this one knows {VERSION}); "
            "type: pip install --upgrade arena"
        )
    return version if ours else None


def _stamp(connection: Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
        return
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS arena_schema (version INTEGER NOT NULL)")
    connection.exec_driver_sql("DELETE FROM arena_schema")
    connection.exec_driver_sql(f"INSERT INTO arena_schema VALUES ({version})")


def _stale(connection: Connection) -> bool:
    """Whether a view is missing or differs from `queries.sql`."""
    dialect = connection.dialect.name
    if dialect == "sqlite":
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'view'")
        there = {name: statement for name, statement in rows}
        return any(there.get(name) != statement for name, statement in views().items())
    there = marks(connection)
    return any(there.get(name) != mark(statement) for name, statement in views(dialect).items())


def _drop_views(connection: Connection) -> None:
    for name in reversed(views()):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _make_views(connection: Connection) -> None:
    dialect = connection.dialect.name
    for name, statement in views(dialect).items():
        connection.exec_driver_sql(statement if dialect == "sqlite" else statement.replace("%", "%%"))
        if dialect != "sqlite":
            connection.exec_driver_sql(f"COMMENT ON VIEW {name} IS '{mark(statement)}'")


def _settle(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # `_begin` starts transactions
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _log_ahead(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA journal_mode = WAL")  # outside of any transaction, or SQLite refuses


def _scalar(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar_one()
