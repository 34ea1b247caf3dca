"""Mark a training as finished before its model is measured, so that the same command resumes at the measurement."""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from arena.spec import dump_canonical
from unlearning.training.checkpoints import write_atomically

LOGGER = logging.getLogger(__name__)

NOTE = "trained.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """The note of one order. folder: the folder of the note and the checkpoints, next to the model's folder."""

    out: Path
    folder: Path
    key: str

    @classmethod
    def of(cls, out: Path, order: Mapping[str, object]) -> "Finished":
        """The note of the order whose model goes to `out`; orders that differ have different ones."""
        key = blake2b(dump_canonical(order).encode(), digest_size=16).hexdigest()
        return cls(out, out.with_name(f"{out.name}.training"), key)

    @property
    def there(self) -> bool:
        """Whether that order was trained to its end, and its model saved."""
        return self.out.is_dir() and self._read_note().get("key") == self.key

    def write(self, told: Mapping[str, object]) -> None:
        """Write the note that training has finished, with its summary."""
        with write_atomically(self.folder / NOTE) as part:
            part.write_text(json.dumps({"key": self.key, **told}), encoding="utf-8")

    def read(self) -> dict[str, Any]:
        """The summary of the training."""
        return self._read_note()

    def clear(self) -> None:
        """Remove the note, and its folder if it is empty."""
        (self.folder / NOTE).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            shutil.rmtree(self.folder)

    def _read_note(self) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            LOGGER.info("the note of a finished training cannot be read, it counts as none: %s", error)
            return {}
        return found if isinstance(found, dict) else {}
