"""Which process plays a run: a lock that the operating system drops when the process ends, however it ends."""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from arena.errors import BadRecord

try:
    import fcntl
except ImportError:  # Windows: two processes with the same plan are not told apart there
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to play one run, held by this process through a locked file beside the database."""

    path: Path
    file: IO[bytes]

    @classmethod
    def take(cls, database: Path, run: str) -> "Claim | None":
        """The claim, or None while another process has it. Raises BadRecord where the folder takes no file."""
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
        return cls(path, file)

    def release(self) -> None:
        """Gives the run free and removes the file."""
        self.path.unlink(missing_ok=True)
        self.file.close()
