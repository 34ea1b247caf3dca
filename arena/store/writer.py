"""Writer thread: collects all waiting rows in one transaction and notifies their senders."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from arena.errors import BadRecord
from arena.store.location import DatabaseLocation, explain_failure
from arena.store.rows import ONCE, STATEMENTS, RowBuffer

REMEMBERED = 200_000  # half the number of ids of texts and messages kept in memory


@dataclass(frozen=True, slots=True)
class WriteJob:
    """Rows to be written, and the waiter: a future of an event loop, or one of a blocked thread."""

    rows: RowBuffer
    loop: asyncio.AbstractEventLoop | None
    waiting: asyncio.Future[None] | Future[None]


class RecentIds:
    """The ids written recently: a bounded set, the older half of which is dropped when it is full."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self.most = most
        self.young: set[int] = set()
        self.old: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number in self.young or number in self.old

    def add(self, numbers: Sequence[int]) -> None:
        self.young.update(numbers)
        if len(self.young) > self.most:
            self.young, self.old = set(), self.young


class DatabaseWriter:
    """The only thread that writes to the database at `place`.

    `commit` returns after the commit. After an error nothing more is written: every caller gets that error, and earlier
    commits are kept.
    """

    def __init__(self, engine: Engine, place: DatabaseLocation) -> None:
        self._engine, self.place = engine.execution_options(writes=True), place
        self.error: BadRecord | None = None
        self._jobs: queue.SimpleQueue[WriteJob | None] = queue.SimpleQueue()
        self._open = threading.Lock()  # held while a job is queued, so that none follows the end
        self._closed = False
        self._known = {name: RecentIds() for name in ONCE}
        self._file = read_file_id(place.path)
        mark = "?" if engine.dialect.paramstyle == "qmark" else "%s"
        self._statements = {name: statement.replace("?", mark) for name, statement in STATEMENTS.items()}
        self._thread = threading.Thread(target=self._run, name="arena-writer", daemon=True)
        self._thread.start()

    async def commit(self, rows: RowBuffer) -> None:
        """Return when the rows are committed. Raises BadRecord if they cannot be."""
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        self._put(WriteJob(rows, loop, waiting))
        await waiting

    def commit_now(self, rows: RowBuffer) -> None:
        """The same for blocking code."""
        waiting: Future[None] = Future()
        self._put(WriteJob(rows, None, waiting))
        waiting.result()

    def close(self) -> None:
        """Write pending rows, and end the thread."""
        with self._open:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _put(self, job: WriteJob) -> None:
        with self._open:
            if self.error is not None:
                raise BadRecord(str(self.error))
            if self._closed:
                raise BadRecord(f"{self.place}: the record is closed; open it again")
            self._jobs.put(job)

    def _run(self) -> None:
        closing = False
        while not closing:
            batch = [self._jobs.get()]
            while not self._jobs.empty():
                batch.append(self._jobs.get())
            closing = None in batch
            jobs = [job for job in batch if job is not None]
            if jobs and self.error is None:
                try:
                    self._write(jobs)
                except BaseException as error:  # report any error to all waiting callers
                    why = error if isinstance(error, BadRecord) else explain_failure(self.place, error)
                    kept = "" if why is error else ". All that was recorded before is kept."
                    self.error = BadRecord(f"{why}{kept}")
                    self.error.__cause__ = error
            _tell(jobs, self.error)

    def _write(self, jobs: Sequence[WriteJob]) -> None:
        if self._file is not None and read_file_id(self.place.path) != self._file:
            raise rescue_moved(self._engine, self.place)
        merged: dict[str, list[tuple[Any, ...]]] = {}
        for job in jobs:
            for name, rows in job.rows.of.items():
                merged.setdefault(name, []).extend(rows)
        for name in ONCE:
            known = self._known[name]
            new = {row[0]: row for row in merged.get(name, ()) if row[0] not in known}
            merged[name] = [
                new[number] for number in sorted(new)
            ]  # in a fixed order, to prevent deadlocks between writers
        with self._engine.begin() as connection:
            cursor = connection.connection.cursor()  # the driver's executemany: SQLAlchemy's doubles the time
            for name, statement in self._statements.items():
                if merged.get(name):
                    cursor.executemany(statement, merged[name])
            cursor.close()
        for name in ONCE:  # only after the commit: a failed transaction stores nothing
            self._known[name].add([row[0] for row in merged[name]])


def read_file_id(path: Path | None) -> tuple[int, int] | None:
    """The identity of a file whatever its name; None if there is no file, or for a server."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None or not found.st_ino else (found.st_dev, found.st_ino)


def rescue_moved(engine: Engine, place: DatabaseLocation) -> BadRecord:
    """The error for a database file that was moved or deleted; its contents are written to a new file beside it."""
    assert place.path is not None
    names = (place.path.with_name(f"{place.path.name}-rescued{number or ''}") for number in count())
    saved = next(path for path in names if not path.exists())
    gone = f"{place} was deleted, renamed or replaced while it was written"
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("VACUUM INTO ?", (str(saved),))
    except (DBAPIError, sqlite3.Error) as error:
        return BadRecord(f"{gone}; put it back, and type the same command again ({error})")
    return BadRecord(f"{gone}; all that was recorded stands in {saved}: the same command with --db {saved} goes on")


def _tell(jobs: Sequence[WriteJob], error: BadRecord | None) -> None:
    """Wake all waiters: each event loop once, each blocked thread by itself."""
    loops: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for job in jobs:
        if job.loop is not None:
            loops.setdefault(job.loop, []).append(job.waiting)
        else:
            _resolve([job.waiting], error)
    for loop, waiting in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, waiting, error)
        except RuntimeError:
            continue  # that loop is closed: there is no waiter


def _resolve(waiting: Sequence[Any], error: BadRecord | None) -> None:
    for future in waiting:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(BadRecord(str(error)))
