"""Training state other than weights: what callbacks change and checkpoints store."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from unlearning.losses.objective import Context
from unlearning.modeling.forward_view import ForwardView, Sample, build_rows, run_forward_no_grad


@dataclass(slots=True)
class State:
    """step: steps done. epoch: the one under way, from 0. scales: factors on terms, by name. numbers: what
    controllers remember. dropped: places in the forget pool that are not trained on any more. stop: why to end."""

    step: int = 0
    epoch: int = 0
    scales: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    stop: str = ""

    def plain(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "epoch": self.epoch,
            "scales": dict(self.scales),
            "numbers": dict(self.numbers),
            "dropped": sorted(self.dropped),
            "stop": self.stop,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "State":
        return cls(**{**kept, "dropped": set(kept["dropped"])})


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """The model under training, looked at without gradients, for controllers and for early stops."""

    module: Any
    tokenizer: Any
    pools: Mapping[str, Sequence[Sample]]
    pad: int
    device: Any
    batch: int
    context: Context = nullcontext

    def over(self, role: str, read: Callable[[ForwardView], Tensor]) -> Tensor:
        """(rows of the pool, …) what `read` returns, (B, …), batch by batch in the order of the pool."""
        pool, found = self.pools[role], []
        training = self.module.training
        self.module.eval()
        for first in range(0, len(pool), self.batch):
            rows = build_rows(role, pool[first : first + self.batch], self.pad, self.device)
            with self.context(), torch.no_grad():
                found.append(read(run_forward_no_grad(self.module, rows)).cpu())
        self.module.train(training)
        return torch.cat(found)

    def loss(self, role: str) -> float:
        """The negative log-likelihood per answer token of the pool, in nats."""
        sums = self.over(role, lambda view: torch.stack([view.s, view.n.float()], 1))
        return float(-sums[:, 0].sum() / sums[:, 1].sum())

    def probability(self, role: str) -> float:
        """The mean over the pool of p(answer)^(1/n)."""
        return float(self.over(role, lambda view: (view.s / view.n).exp()).mean())
