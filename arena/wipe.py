"""Wiping deleted rows from the files of a database, as far as this process may."""

from collections.abc import Sequence
from sqlite3 import OperationalError
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

PATIENCE = 1000  # milliseconds to wait for readers
SERVER_LEFT = (
    "in the server's write-ahead log, in archives and replicas of it, and in base backups: it goes when those segments "
    'are reused or removed; sooner, as a superuser: psql -c "ALTER SYSTEM SET wal_recycle = off" '
    '-c "SELECT pg_reload_conf()" -c "SELECT pg_switch_wal()" -c CHECKPOINT -c "SELECT pg_switch_wal()" -c CHECKPOINT'
)
NOT_VACUUMED = (
    "dead rows in the files of the tables {tables}, which this role may not rewrite, or which others were using; their "
    'owner does it by: psql -c "VACUUM (FULL, ANALYZE) {tables}" -c "VACUUM (FULL) pg_statistic"'
)


def mark_overwritten(connection: Connection) -> None:
    """Has what this connection deletes overwritten with zeros, within its pages; on a server there is no such thing."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def wipe_file(engine: Engine) -> bool:
    """Rewrites an SQLite file without its free pages, and cuts its log.

    False where a reader holds an older state, or the file can only be read: nothing is lost then, and it may be
    tried again. Outside of any transaction.
    """
    with engine.connect() as connection:
        connection.rollback()
        driver: Any = connection.connection.dbapi_connection
        patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
        driver.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        try:
            return _is_wiped(driver)
        except OperationalError:
            return False
        finally:
            driver.execute(f"PRAGMA busy_timeout = {patience}")


def wipe_tables(engine: Engine, tables: Sequence[str]) -> tuple[str, ...]:
    """Rewrites tables of a PostgreSQL server without their dead rows; what stays, with the command for it.

    The statistics of a table hold values of its columns: they are made anew, and their dead rows go, too.
    """
    left = [name for name in tables if not _is_rewritten(engine, f"VACUUM (FULL, ANALYZE) {name}")]
    statistics = _is_rewritten(engine, "VACUUM (FULL) pg_statistic")
    listed = ", ".join(left or tables)
    return (*([] if statistics and not left else [NOT_VACUUMED.format(tables=listed)]), SERVER_LEFT)


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
        warnings: list[str] = []

        def heard(notice: Any) -> None:
            warnings.append(notice.severity_nonlocalized or "")

        driver.add_notice_handler(heard)
        try:
            connection.execute(text(f"SET lock_timeout = {PATIENCE}"))
            connection.execute(text(statement))
        except DBAPIError:
            return False
        finally:
            driver.remove_notice_handler(heard)
            connection.execute(text("RESET lock_timeout"))
    return "WARNING" not in warnings
