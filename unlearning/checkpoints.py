"""Training on disk: written whole or not at all, and taken up where it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from arena.errors import UsageError

FILE = "training.pt"
# what reading bytes that are no checkpoint, or half of one, raises
BROKEN = (UnpicklingError, RuntimeError, EOFError, OSError, KeyError, IndexError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder that holds the last state of one training. key: says which; another's state is refused."""

    folder: Path
    key: str

    @property
    def file(self) -> Path:
        return self.folder / FILE

    def put(self, state: dict[str, Any]) -> None:
        """Write the state; who is killed meanwhile leaves the one before. Raises UsageError when the disk is full."""
        with writing(self.file) as part:
            torch.save({**state, "key": self.key}, part)

    def get(self) -> dict[str, Any] | None:
        """The state that was written last; None where there is none. Raises UsageError for another training's."""
        if not self.file.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True)
        except BROKEN as error:
            raise UsageError(
                f"{self.file} cannot be read as a checkpoint ({error}); remove it to begin anew"
            ) from error
        if state.get("key") != self.key:
            raise UsageError(
                f"{self.file} belongs to a training with other settings, items or weights; give another folder, or "
                "remove it to begin anew"
            )
        return state

    def done(self) -> None:
        """Training came to its end: nothing is left to go on with."""
        self.file.unlink(missing_ok=True)


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A place to write to; what is there in the end becomes `file` at once. Raises UsageError where it cannot."""
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError of its writer
        part.unlink(missing_ok=True)
        raise UsageError(f"{file} cannot be written: {error}; make room there, or give another folder") from error
