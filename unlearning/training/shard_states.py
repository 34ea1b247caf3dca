"""Train in slices; each state is cached under a hash of all its inputs, so that nothing is trained twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from unlearning.training.checkpoints import write_atomically


@dataclass(frozen=True, slots=True)
class ShardStates:
    """States of trained weights by name: in a folder, or in memory for as long as this object lives."""

    folder: Path | None = None
    held: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def get(self, name: str) -> dict[str, Tensor] | None:
        """The weights of that name; None where there are none."""
        if self.folder is None:
            return self.held.get(name)
        file = self.folder / f"{name}.pt"
        found: dict[str, Tensor] | None = torch.load(file, weights_only=True) if file.is_file() else None
        return found

    def put(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights."""
        kept = {key: tensor.detach().cpu().clone() for key, tensor in weights.items()}
        if self.folder is None:
            self.held[name] = kept
            return
        with write_atomically(self.folder / f"{name}.pt") as part:
            torch.save(kept, part)

    def __len__(self) -> int:
        return len(self.held) if self.folder is None else len(list(self.folder.glob("*.pt")))


def name_of(*parts: str | Sequence[str]) -> str:
    """A name for the state that these went into, in this order."""
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
