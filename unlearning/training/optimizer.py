"""The optimiser step: gradients to weights, by a schedule, within the mask."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from unlearning.modeling.trainable_parameters import Guarded

Schedule: TypeAlias = Literal["linear", "cosine", "constant"]
NO_MASKS: Mapping[str, Tensor] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LearningRateSchedule:
    """The learning rate over `steps` steps: it rises over `warmup` of them, then falls to 0 or stays."""

    lr: float
    steps: int
    warmup: int = 0
    schedule: Schedule = "linear"

    def at(self, step: int) -> float:
        """The rate of step number `step`, from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        if self.schedule == "linear":
            return self.lr * max(0.0, 1 - done)
        return self.lr * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done))) if self.schedule == "cosine" else self.lr


def decays(parameter: Tensor) -> bool:
    """Whether weight decay is for that parameter: matrices, embeddings among them, not biases and gains of norms."""
    return parameter.dim() > 1


class Stepper:
    """AdamW (Loshchilov & Hutter 2019) or plain gradient descent over guarded parameters.

    Weight decay is for matrices: vectors, which are biases and the gains of norms, have no reason to be small. That
    of a masked matrix is done here, on the chosen entries alone: the optimiser's own would shrink every entry.
    """

    def __init__(
        self,
        guarded: Guarded,
        pace: LearningRateSchedule,
        decay: float,
        clip: float | None,
        kind: Literal["adamw", "sgd"] = "adamw",
    ) -> None:
        self.guarded, self.pace, self.decay, self.clip = guarded, pace, decay, clip
        whole = [p for name, p in guarded.trained.items() if name not in guarded.masks and decays(p)]
        rest = [p for name, p in guarded.trained.items() if name in guarded.masks or not decays(p)]
        groups = [{"params": whole, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
        groups = [group for group in groups if group["params"]]
        if kind == "sgd":
            self.optimiser: torch.optim.Optimizer = torch.optim.SGD(groups, lr=pace.lr)
        else:
            self.optimiser = torch.optim.AdamW(groups, lr=pace.lr, fused=True)

    def clear(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)

    def norm(self, masks: Mapping[str, Tensor] = NO_MASKS) -> float:
        """The gradient norm after masking; clips it if configured. masks: of this step alone."""
        self.guarded.mask_gradients(masks)
        limit = math.inf if self.clip is None else self.clip
        return float(torch.nn.utils.clip_grad_norm_(self.guarded.trained.values(), limit))

    @torch.no_grad()
    def move(self, step: int, masks: Mapping[str, Tensor] = NO_MASKS) -> None:
        """Change the weights by the gradients that are there. masks: what this step may change, by name; the rest stays
        bit for bit, whatever momentum and decay there are."""
        rate = self.pace.at(step)
        before = {name: self.guarded.trained[name].clone() for name in masks}
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for name, mask in self.guarded.masks.items():
            if self.decay and decays(self.guarded.trained[name]):
                self.guarded.trained[name].mul_(1 - rate * self.decay * mask)
        self.optimiser.step()
        for name, mask in masks.items():
            parameter = self.guarded.trained[name]
            parameter.copy_(torch.where(mask, parameter, before[name]))

    def plain(self) -> dict[str, Any]:
        return self.optimiser.state_dict()

    def restore(self, kept: dict[str, Any]) -> None:
        self.optimiser.load_state_dict(kept)
