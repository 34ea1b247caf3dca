"""Which process plays a run: a lock that is dropped when the process ends, however it ends."""

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

PATIENCE = 30.0  # seconds that another process may take to take or give up a claim


@dataclass(frozen=True, slots=True)
class RunLock:
    """The right to play one run, held by this process; `release` gives it up."""

    release: Callable[[], None]

    @classmethod
    def take(cls, place: DatabaseLocation, engine: Engine, run: str) -> "RunLock | None":
        """The claim, or None while another process has it. Raises BadRecord where the folder takes no file."""
        if place.path is not None:
            return _file(place.path, run)
        connection = try_lock(engine, f"arena run {run}")
        return None if connection is None else cls(connection.close)


def _file(database: Path, run: str) -> RunLock | None:
    """A claim by a locked file beside the database, which the operating system frees.

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
        held.release()  # where the gate could not be had: the file stays

    return RunLock(release)
