"""Erase deleted rows from the database files, as far as this process may."""

import logging
import re
from collections.abc import Sequence
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

LOGGER = logging.getLogger(__name__)

PATIENCE = 1000  # milliseconds to wait for readers
FLUSH = ("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()", *2 * ("SELECT pg_switch_wal()", "CHECKPOINT"))
SERVER_LEFT = (
    "in the server's write-ahead log, its archives, replicas and base backups, until they are reused; sooner, by a "
    f"superuser: psql {' '.join(f'-c {statement!r}' for statement in ('VACUUM FULL pg_statistic', *FLUSH))}"
)
NOT_VACUUMED = (
    "dead rows in the files of the tables {tables}: this role may not rewrite them, or others use them; their owner "
    "does it by: psql -c 'VACUUM (FULL, ANALYZE) {tables}'"
)


def mark_overwritten(connection: Connection) -> None:
    """Overwrite what this connection deletes with zeros within its pages; no effect on a server."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def wipe_file(engine: Engine) -> bool:
    """Rewrite an SQLite file without its free pages, and truncate its log.

    False if a reader holds an older snapshot, or the file is read-only: nothing is lost then, and it may be retried.
    Call it outside of transactions.
    """
    with engine.connect() as connection:
        connection.rollback()
        driver: Any = connection.connection.dbapi_connection
        patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
        driver.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        try:
            return _is_wiped(driver)
        except OperationalError as error:
            LOGGER.info("the file is not rewritten now: %s", error)
            return False
        finally:
            driver.execute(f"PRAGMA busy_timeout = {patience}")


def wipe_tables(engine: Engine, tables: Sequence[str]) -> bool:
    """Rewrite tables of a PostgreSQL server without their dead rows; returns whether all were rewritten.

    The statistics of a table hold values of its columns: they are collected again, and their dead rows
    are removed where the role may.
    """
    done = [_is_rewritten(engine, f"VACUUM (FULL, ANALYZE, VERBOSE) {name}") for name in tables]
    _is_rewritten(engine, "VACUUM (FULL) pg_statistic")
    return all(done)


def server_remains(tables: Sequence[str], done: bool) -> tuple[str, ...]:
    """What a server keeps of deleted rows, each with the command that removes it."""
    return (*([] if done else [NOT_VACUUMED.format(tables=", ".join(tables))]), SERVER_LEFT)


def _is_wiped(driver: Any) -> bool:
    driver.execute("PRAGMA secure_delete = ON")
    if driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        return False
    driver.execute("VACUUM")
    return not driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _is_rewritten(engine: Engine, statement: str) -> bool:
    """Whether the server carried the statement out; one without the right to is only warned, and skips the table."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver: Any = connection.connection.dbapi_connection
        left: list[bool] = []

        def hear(notice: Any) -> None:  # what it says is gone when this returns
            left.append(notice.severity_nonlocalized == "WARNING" or _keeps_rows(notice.message_detail or ""))

        driver.add_notice_handler(hear)
        try:
            connection.execute(text(f"SET lock_timeout = {PATIENCE}"))
            connection.execute(text(statement))
        except DBAPIError as error:
            LOGGER.info("tables are not rewritten now: %s", error.orig)
            return False
        finally:
            driver.remove_notice_handler(hear)
            connection.execute(text("RESET lock_timeout"))
    return not any(left)


def _keeps_rows(detail: str) -> bool:
    """Whether VACUUM kept dead rows that an older transaction still sees: the first number of its detail."""
    found = re.match(r"\D*(\d+)", detail)
    return found is not None and found[1] != "0"
