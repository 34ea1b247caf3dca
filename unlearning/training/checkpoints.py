"""Checkpoints of training: written atomically, and resumed from."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from arena.errors import UsageError

LOGGER = logging.getLogger(__name__)

FILE = "training.pt"
MEMORY = 64 * 2**20  # bytes of weights that are held in memory besides those in training
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
        with write_atomically(self.file) as part:
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
        LOGGER.info("training goes on from the checkpoint %s", self.file)
        return state

    def weights(self) -> dict[str, Tensor]:
        """The weights of the state that was written last, read from the disk where they are looked at."""
        state: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True, mmap=True)
        kept: dict[str, Tensor] = state["weights"]
        return kept

    def remove(self) -> None:
        """Training came to its end: nothing is left to go on with."""
        self.file.unlink(missing_ok=True)


class Spare:
    """Weights that are known to be good, of a training without checkpoints: in memory while they are few, else in a
    file that is removed with this object."""

    def __init__(self) -> None:
        self.held: dict[str, Tensor] = {}
        self.folder: TemporaryDirectory[str] | None = None

    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Keep these in place of the last ones."""
        several = list(weights.values())
        size = sum(one.numel() * one.element_size() for one in several)
        if size > MEMORY and not any(one.is_cuda for one in several):
            self.folder = self.folder or TemporaryDirectory(prefix="arena-training-")
            with write_atomically(Path(self.folder.name) / FILE) as part:
                torch.save({name: one.detach() for name, one in weights.items()}, part)
            return
        for name, one in weights.items():
            if name not in self.held:  # a GPU writes to pinned memory directly
                empty = torch.empty_like(one, device="cpu", requires_grad=False, pin_memory=one.is_cuda)
                self.held[name] = empty
            self.held[name].copy_(one.detach(), non_blocking=True)
        if any(one.is_cuda for one in several):
            torch.cuda.synchronize()

    def get(self) -> Mapping[str, Tensor] | None:
        """The weights that were put last; None for none."""
        if self.folder is not None:
            found: dict[str, Tensor] = torch.load(Path(self.folder.name) / FILE, weights_only=True, mmap=True)
            return found
        return self.held or None


@contextmanager
def write_atomically(file: Path) -> Iterator[Path]:
    """A temporary path to write to; it is renamed to `file` atomically at the end. Raises UsageError where it
    cannot."""
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError of its writer
        part.unlink(missing_ok=True)
        raise UsageError(f"{file} cannot be written: {error}; make room there, or give another folder") from error
