"""A database that holds the tables: where it is, whether it is one, and its schema, made or brought up to date.

An SQLite file says what it is by `application_id` and `user_version`; another database by the table `arena_schema`.
"""

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlmodel import SQLModel

from arena import tables
from arena.errors import BadRecord

APPLICATION = 0x4152454E  # "AREN"
MAGIC = b"SQLite format 3\0"
PAGE = 4096  # bytes
Step = Callable[[Connection], None]
MIGRATIONS: tuple[Step, ...] = ()  # the n-th leads from schema n to n + 1; a fixture of each version is in the tests
VERSION = len(MIGRATIONS) + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records are: a file, or (`path` None) a database server."""

    url: URL
    path: Path | None

    @classmethod
    def of(cls, where: str | Path) -> "Place":
        """Reads a path or an SQLAlchemy URL. Raises BadRecord."""
        if "://" not in str(where):
            path = Path(where).expanduser()
            return cls(URL.create("sqlite", database=str(path)), path)
        try:
            url = make_url(str(where))
        except ArgumentError:
            raise BadRecord("the database URL cannot be read; write sqlite:///FILE.db, or a path") from None
        if url.get_backend_name() != "sqlite":
            return cls(url, None)
        if not url.database or ":memory:" in url.database:
            raise BadRecord(f"{where}: records are kept in a file; write sqlite:///FILE.db, or a path")
        return cls(url, Path(url.database))

    def __str__(self) -> str:
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def connect(place: Place, create: bool = True, wait: float = 30.0) -> Engine:
    """An engine on the records at `place`, their schema being the present one; `wait` seconds for another writer.

    With `create`, a missing database is made, and one that cannot be written is refused. Raises BadRecord.
    """
    if place.path is not None:
        check_file(place.path, create)
    try:
        engine = create_engine(place.url, connect_args={"timeout": wait} if place.path else {})
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise BadRecord(f"{place}: no driver for this database ({error}); install one, or name a file") from None
    if place.path is not None:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
    try:
        _prepare(engine, place, create)
    except DBAPIError as error:
        engine.dispose()
        if place.path is None or create or not _is_closed(error.orig):
            raise failure(place, error) from error
        return create_engine("sqlite://", creator=lambda: read_only(place.path or Path()))
    except BadRecord:
        engine.dispose()
        raise
    return engine


def check_file(path: Path, create: bool = False) -> None:
    """Raises BadRecord where `path` cannot be an SQLite file, before SQLite touches it."""
    try:
        if path.is_dir():
            raise BadRecord(f"{path} is a folder, not a database; name a file in it, for example {path / 'arena.db'}")
        if not path.parent.is_dir():
            raise BadRecord(f"{path}: there is no folder {path.parent}; type: mkdir -p {path.parent}")
        if not path.exists():
            if not create:
                raise BadRecord(f"there is no database at {path}; playing makes one, type: arena play --db {path}")
            return
        with path.open("rb") as file:
            head = file.read(100)
        size, wal = path.stat().st_size, _wal(path)
    except OSError as error:
        raise BadRecord(f"{path} cannot be read: {error.strerror}; name another file") from error
    if head and not head.startswith(MAGIC):
        raise BadRecord(f"{path} is not a database; nothing in it was changed, name another file")
    if len(head) == 100 and size < _pages(head) and not wal:
        raise BadRecord(f"{path} is cut short: {size:,} of {_pages(head):,} bytes are there; {_rescue(path)}")


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Where SQLite needs files beside a database and may not make them, as in a
    read-only folder, the database is read as it stands; with answers still in its log, from a private copy."""
    resolved = path.resolve()
    connection = _open(f"{resolved.as_uri()}?mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if not _is_closed(error):
            raise
    if not _wal(path):
        return _open(f"{resolved.as_uri()}?mode=ro&immutable=1")
    with tempfile.TemporaryDirectory(prefix="arena-") as folder:
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{resolved}{suffix}", f"{folder}/copy.db{suffix}")
        connection = _open(f"{Path(folder, 'copy.db').as_uri()}?mode=rw")
        memory = _open("file::memory:")
        connection.backup(memory)
        connection.close()
    return memory


def failure(place: Place | Path, error: BaseException) -> BadRecord:
    """What an error of the database means, and what to do."""
    reason = str(getattr(error, "orig", None) or error)
    low = reason.lower()
    path = place if isinstance(place, Path) else place.path
    if "locked" in low or "busy" in low:
        advice = "another process holds it; wait until that ends, or name another file"
    elif "readonly" in low or "read-only" in low:
        advice = "it may not be written; check the rights of the file and its folder, or name another file"
    elif "full" in low or "disk i/o" in low:
        advice = "the disk is full, or gave way; make room, then type the same command again"
    elif "unable to open" in low:
        advice = "check the rights of the file and its folder, or name another file"
    elif "malformed" in low or "not a database" in low:
        advice = f"it is damaged; {_rescue(path)}" if path else "it is damaged"
    else:
        advice = "this is not an answer we know"
    return BadRecord(f"{place}: {reason}; {advice}")


def upgrade(connection: Connection, version: int, steps: Sequence[Step] = MIGRATIONS) -> int:
    """Takes the schema from `version` to the last of `steps`, in the caller's transaction; returns the new version."""
    for step in steps[version - 1 :]:
        step(connection)
    _stamp(connection, len(steps) + 1)
    return len(steps) + 1


def views() -> dict[str, str]:
    """The statement that makes each view, by name, as `queries.sql` has it."""
    text = files("arena").joinpath("queries.sql").read_text(encoding="utf-8")
    parts = [part.strip() for part in text.split("CREATE VIEW IF NOT EXISTS ")[1:]]
    return {part.split()[0]: f"CREATE VIEW {part[: part.index(';')]}" for part in parts}


def _prepare(engine: Engine, place: Place, create: bool) -> None:
    with engine.connect() as connection:
        version, stale = _version(connection, place), _stale(connection)
        if version is None and not create:
            raise BadRecord(f"{place} holds no records yet; type: arena play --db {place}")
        if version == VERSION and not stale and not create:
            return
        if version is None and place.path is not None:
            connection.rollback()
            _raw(connection, f"PRAGMA page_size = {PAGE}", "PRAGMA journal_mode = WAL")
    with writing(engine) as connection:  # also the proof that it can be written
        version = _version(connection, place)  # another process may have been quicker
        if version is None:
            SQLModel.metadata.create_all(connection, tables=[row.__table__ for row in tables.ALL])
            _stamp(connection, VERSION)
        elif version < VERSION:
            upgrade(connection, version)
        for name, statement in _stale(connection).items():
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
            connection.exec_driver_sql(statement)


def writing(engine: Engine) -> Any:
    """A transaction that may write from its start: `with writing(engine) as connection`."""
    return engine.execution_options(writes=True).begin()


def _version(connection: Connection, place: Place) -> int | None:
    """The schema's version, None for a database without tables. Raises BadRecord for a foreign or a newer one."""
    names = set(inspect(connection).get_table_names())
    if connection.dialect.name == "sqlite":
        known = _scalar(connection, "PRAGMA application_id") == APPLICATION
        version = int(_scalar(connection, "PRAGMA user_version"))
        if not known and names:
            raise BadRecord(f"{place} belongs to another program (tables {_some(names)}); name another file")
    else:
        known = "arena_schema" in names
        version = int(_scalar(connection, "SELECT version FROM arena_schema")) if known else 0
        if not known and names & {row.__tablename__ for row in tables.ALL}:
            raise BadRecord(f"{place} holds tables of another program by our names; name another database")
    if known and version > VERSION:
        raise BadRecord(
            f"{place} was written by a newer arena (schema {version}, this one knows {VERSION}); "
            "type: pip install --upgrade arena"
        )
    return version if known else None


def _stamp(connection: Connection, version: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
        return
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS arena_schema (version INTEGER NOT NULL)")
    connection.exec_driver_sql("DELETE FROM arena_schema")
    connection.exec_driver_sql(f"INSERT INTO arena_schema VALUES ({version})")


def _stale(connection: Connection) -> dict[str, str]:
    """The views that are missing or differ from `queries.sql`, with their statements; SQLite alone has views so far."""
    if connection.dialect.name != "sqlite":
        return {}
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'view'")
    there = {name: statement for name, statement in rows}
    return {name: statement for name, statement in views().items() if there.get(name) != statement}


def _settle(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _raw(connection: Connection, *statements: str) -> None:
    """Runs statements outside of any transaction."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    for statement in statements:
        driver.cursor().execute(statement)


def _scalar(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar_one()


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _is_closed(error: BaseException | None) -> bool:
    """Whether SQLite may not write here."""
    return any(word in str(error) for word in ("unable to open", "readonly"))


def _wal(path: Path) -> bool:
    """Whether answers stand in the write-ahead log beside the file, not yet in it."""
    wal = Path(f"{path}-wal")
    return wal.exists() and wal.stat().st_size > 0


def _pages(head: bytes) -> int:
    """The size in bytes that a database header promises; 0 where it does not say."""
    page, changes, count, valid_for = *struct.unpack(">H", head[16:18]), *struct.unpack(">I", head[24:28]), *(
        struct.unpack(">I", head[at : at + 4])[0] for at in (28, 92)
    )
    return (65536 if page == 1 else page) * count if changes == valid_for else 0


def _rescue(path: Path) -> str:
    return f"what can be read is saved by: sqlite3 {path} .recover | sqlite3 rescued.db"


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3])
