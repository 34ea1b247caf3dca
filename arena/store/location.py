"""Location of the records: checks of the path or URL, and opening it read-only."""

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arena.errors import BadRecord
from arena.redaction import get_redactor

if TYPE_CHECKING:  # slow import
    from sqlalchemy import URL

MAGIC = b"SQLite format 3\0"
MEMORY = ":memory:"  # SQLite names of private databases
IN_A_FILE = (
    "records are kept in a file, so that they can be read while they are written; write a path, or sqlite:///PATH"
)
NO_REASON = "the database gave no better reason"
SERVER_ADVICE = (  # the first whose words occur in PostgreSQL's message
    (("authentication failed", "no password", "role ", "pg_hba"), "check the user and the password in the URL"),
    (("permission denied",), "the role in the URL may not do that; ask the owner of the database for the right to"),
    (("database ",), "make it first, for example: createdb NAME"),
    (("connection failed", "timeout", "could not translate"), "check the host and the port, and that a server runs"),
    (("server closed", "terminating", "connection is lost"), "when it is back, type the same command again"),
    (("depend on it",), "drop what was built on the views of arena, or move it to another schema"),
)


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """Location of the records: a file, or (`path` None) a PostgreSQL server."""

    url: "URL"
    path: Path | None

    @classmethod
    def of(cls, where: str | Path) -> "DatabaseLocation":
        """Parse a path or an SQLAlchemy URL, sqlite:// or postgresql://. Raises BadRecord."""
        from sqlalchemy import URL, make_url
        from sqlalchemy.exc import ArgumentError

        if str(where) == MEMORY:
            raise BadRecord(f"{MEMORY}: {IN_A_FILE}")
        if "://" not in str(where):
            path = Path(where).expanduser()
            return cls(URL.create("sqlite", database=str(path)), path)
        try:
            url = make_url(str(where))
        except ArgumentError:
            raise BadRecord("the database URL cannot be read; write postgresql://USER@HOST/NAME, or a path") from None
        if url.get_backend_name() in ("postgres", "postgresql"):
            return cls(url.set(drivername="postgresql+psycopg"), None)
        if url.get_backend_name() != "sqlite":
            raise BadRecord(
                f"{hide_password(url)}: no driver for this database; name a file, or postgresql://USER@HOST/NAME"
            )
        if not url.database or MEMORY in url.database or url.query.get("mode") == "memory":
            raise BadRecord(f"{where}: {IN_A_FILE}")
        return cls(url, Path(url.database))

    def __str__(self) -> str:
        if self.path:
            return str(self.path)
        return hide_password(self.url.set(drivername=self.url.get_backend_name()))


def hide_password(url: "URL") -> str:
    """A database URL without its password, for printing."""
    return url.difference_update_query([name for name in url.query if "pass" in name.lower()]).render_as_string()


def _find_passwords(url: "URL") -> Iterator[str]:
    for name, value in (("password", url.password or ""), *url.query.items()):
        if "pass" in name.lower() and len(str(value)) > 3:
            yield str(value)


def check_file(path: Path, create: bool = False) -> None:
    """Raise BadRecord if `path` cannot be an SQLite file, before SQLite opens it."""
    try:
        if path.is_dir():
            raise BadRecord(f"{path} is a folder, not a database; name a file in it, for example {path / 'arena.db'}")
        if not path.parent.is_dir():
            raise BadRecord(f"{path}: there is no folder {path.parent}; type: mkdir -p {path.parent}")
        if not path.exists():
            if create:
                return
            raise BadRecord(f"there is no database at {path}; playing makes one, type: arena play --db {path}")
        with path.open("rb") as file:
            head = file.read(100)
        size = path.stat().st_size
    except OSError as error:
        raise BadRecord(f"{path} cannot be read: {error.strerror}; name another file") from error
    if head and not head.startswith(MAGIC):
        raise BadRecord(f"{path} is not a database; nothing in it was changed, name another file")
    promised = _read_promised_size(head)
    if size < promised and not _has_pending_log(path):
        raise BadRecord(f"{path} is cut short: {size:,} of {promised:,} bytes are there; {suggest_rescue(path)}")


def open_read_only(path: Path) -> sqlite3.Connection:
    """A read-only connection.

    SQLite creates files beside a database even to read it. If it may not (a read-only folder), the file is read as
    immutable, or, with answers still in its write-ahead log, from a private copy.
    """
    resolved = path.resolve()
    connection = _open(f"{resolved.as_uri()}?mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if not is_closed(error):
            raise
    if not _has_pending_log(path):
        return _open(f"{resolved.as_uri()}?mode=ro&immutable=1")
    with tempfile.TemporaryDirectory(prefix="arena-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "copy.db")
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{resolved}{suffix}", f"{copy}{suffix}")
        connection = _open(copy.as_uri())
        connection.execute("PRAGMA journal_mode = DELETE")  # moves the log into the file
        connection.close()
        connection = _open(f"{copy.as_uri()}?mode=ro&immutable=1")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the file before it is unlinked
    return connection


def is_closed(error: BaseException | None) -> bool:
    """Whether the error says that SQLite may not write here."""
    return any(word in str(error) for word in ("unable to open", "readonly"))


def explain_failure(place: DatabaseLocation | Path, error: BaseException) -> BadRecord:
    """The meaning of a database error, and what to do."""
    reason = str(getattr(error, "orig", None) or error)
    if isinstance(place, DatabaseLocation):
        reason = get_redactor(frozenset(_find_passwords(place.url)))(reason)
    low = reason.lower()
    path = place if isinstance(place, Path) else place.path
    if "locked" in low or "busy" in low:
        advice = "another process holds it; wait until that ends, or name another file"
    elif "readonly" in low or "read-only" in low or "unable to open" in low:
        advice = "it may not be written; check the rights of the file and its folder, or name another file"
    elif "full" in low or "disk i/o" in low:
        advice = "the disk is full, or gave way; make room, then type the same command again"
    elif "malformed" in low or "not a database" in low:
        advice = f"it is damaged; {suggest_rescue(path)}" if path else "it is damaged"
    elif path is None:
        advice = next((advice for words, advice in SERVER_ADVICE if any(word in low for word in words)), NO_REASON)
    else:
        advice = NO_REASON
    return BadRecord(f"{place}: {' '.join(reason.split())}; {advice}")


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _has_pending_log(path: Path) -> bool:
    """Whether answers stand in the write-ahead log beside the file, not yet in it."""
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


def _read_promised_size(head: bytes) -> int:
    """The size in bytes that the header of an SQLite file promises; 0 where it does not say."""
    if len(head) < 100:
        return 0
    page, changes, pages, valid_for = struct.unpack(">16xH6xII60xI4x", head[:100])
    return (65536 if page == 1 else int(page)) * int(pages) if changes == valid_for else 0


def suggest_rescue(path: Path) -> str:
    return f"what can be read is saved by: sqlite3 {path} .recover | sqlite3 rescued.db"
