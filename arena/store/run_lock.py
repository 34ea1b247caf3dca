"""Run lock: one process per run; released when the process ends, however it ends."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from arena.errors import BadRecord
from arena.store.location import DatabaseLocation
from arena.store.postgres import try_lock

LOGGER = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds to wait while another process takes or releases a lock


@dataclass(frozen=True, slots=True)
class RunLock:
    """An exclusive lock on one run; `release` releases it."""

    release: Callable[[], None]

    @classmethod
    def take(cls, place: DatabaseLocation, engine: Engine, run: str) -> "RunLock | None":
        """The lock, or None if another process holds it. Raises BadRecord if the folder is not writable."""
        if place.path is not None:
            return _file(place.path, run)
        connection = try_lock(engine, f"arena run {run}")
        return None if connection is None else cls(connection.close)


def _file(database: Path, run: str) -> RunLock | None:
    """Lock a file beside the database, which the operating system releases with the process.

    That file is opened and deleted under a second lock, `DATABASE-lock`, which is never deleted: else a process could
    lock a file that another has deleted, and a third a new one of the same name.
    """
    path = database.with_name(f"{database.name}-{run}.lock")
    gate = FileLock(database.with_name(f"{database.name}-lock"), timeout=PATIENCE, thread_local=False)
    held = FileLock(path, thread_local=False)
    try:
        with gate:
            held.acquire(blocking=False)
    except Timeout as error:
        if Path(error.lock_file) == path:
            return None
        raise BadRecord(f"{gate.lock_file} is locked by another process for {PATIENCE:g} s; end it") from error
    except OSError as error:
        raise BadRecord(f"{path} cannot be made: {error.strerror}; check the rights of its folder") from error

    def release() -> None:
        try:
            with gate:
                held.release()
                path.unlink(missing_ok=True)
        except (Timeout, OSError) as error:
            LOGGER.info("the lock file %s stays: %s", path, error)
        held.release()  # without the second lock the file is kept

    return RunLock(release)
