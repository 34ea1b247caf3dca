"""Which process plays a run: a lock that is dropped when the process ends, however it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from arena.errors import BadRecord
from arena.place import Place
from arena.postgres import try_lock

try:
    import fcntl
except ImportError:  # Windows: two processes with the same plan are not told apart there
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to play one run, held by this process; `release` gives it up."""

    release: Callable[[], None]

    @classmethod
    def take(cls, place: Place, engine: Engine, run: str) -> "Claim | None":
        """The claim, or None while another process has it. Raises BadRecord where the folder takes no file."""
        if place.path is not None:
            return _file(place.path, run)
        connection = try_lock(engine, f"arena run {run}")
        return None if connection is None else cls(connection.close)


def _file(database: Path, run: str) -> Claim | None:
    """A claim by a locked file beside the database, which the operating system frees."""
    path = database.with_name(f"{database.name}-{run}.lock")
    try:
        file = path.open("ab")
    except OSError as error:
        raise BadRecord(f"{path} cannot be made: {error.strerror}; check the rights of its folder") from error
    try:
        if fcntl is not None:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None

    def release() -> None:
        path.unlink(missing_ok=True)
        file.close()

    return Claim(release)
