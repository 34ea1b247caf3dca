"""Cost of training: counted during a run and predicted before it, in forwards of one batch (F)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from agents.inference.forward_step import unwrap_adapter
from arena.errors import UsageError
from arena.game import JSON
from unlearning.modeling.architectures import anatomy


@dataclass(frozen=True, slots=True)
class Frame:
    """FLOPs by part of a model, as shares of one forward. blocks: by layer. head: the vocabulary's scores.
    first: the lowest trained layer (−1: below all layers; the depth: none). weights: the share whose gradient is
    computed, by layer; the last entry is the head's. flops: of one forward, per token."""

    blocks: tuple[float, ...]
    head: float
    first: int
    weights: tuple[float, ...]
    flops: float

    def forward(self, layer: int | None = None) -> float:
        """Cost of one forward in F; of a forward cut after a layer, where one is given."""
        return 1.0 if layer is None else sum(self.blocks[: layer + 1])

    def backward(self, layer: int | None = None) -> float:
        """Cost of one backward in F: gradients of inputs above the lowest trained layer, and of weights."""
        end = len(self.blocks) if layer is None else layer + 1
        inputs = sum(self.blocks[max(0, self.first + (self.first >= 0)) : end])
        inner = sum(self.weights[:end])
        return inputs + inner + (self.head + self.weights[-1] if layer is None else 0.0)


def frame_of(module: object) -> Frame:
    """The frame of a model whose trained parameters have `requires_grad` set; matrices alone are counted."""
    sizes, learnt, head, first = _sizes(module)
    total = sum(sizes) + head[0]
    shares = (*(one / total for one in learnt), head[1] / total)
    return Frame(tuple(one / total for one in sizes), head[0] / total, first, shares, 2.0 * total)


def _sizes(module: Any) -> tuple[list[float], list[float], tuple[float, float], int]:
    """Weights by layer, of these trained ones, (all, trained) of the head, and the lowest trained layer."""
    try:
        parts = anatomy(module)
    except UsageError:  # an architecture without a table, or one composed of several: taken as one layer
        every = [p for p in module.parameters() if p.dim() > 1]
        learnt = float(sum(p.numel() for p in every if p.requires_grad))
        return [float(sum(p.numel() for p in every))], [learnt], (0.0, 0.0), -1
    sizes, trained = [0.0] * parts.depth, [0.0] * parts.depth
    first = parts.depth
    for name, parameter in parts.module.named_parameters():
        layer = parts.layer_of(name)
        if parameter.requires_grad:
            first = min(first, -1 if layer is None and name == parts.embedding else first if layer is None else layer)
        if layer is not None and parameter.dim() > 1:
            sizes[layer] += parameter.numel()
            trained[layer] += parameter.numel() * parameter.requires_grad
    weight = unwrap_adapter(module).get_output_embeddings().weight
    return sizes, trained, (float(weight.numel()), float(weight.numel() * weight.requires_grad)), first


@dataclass(frozen=True, slots=True)
class Bill:
    """One step, in F: a forward of one role's batch through the whole model is 1, plain fine-tuning 3."""

    forward: float
    backward: float
    reference: float

    @property
    def total(self) -> float:
        return self.forward + self.backward + self.reference


@dataclass(slots=True)
class CostMeter:
    """The cost so far. forward, backward, reference: in whole-model passes over a role's rows (a run that ends
    early, or trains a part, counts for its share). tokens: read, padding included. flops: estimated. memory: most
    bytes held on the GPU; None on a CPU."""

    forward: float = 0.0
    backward: float = 0.0
    reference: float = 0.0
    tokens: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    memory: int | None = None
    parts: int = 0

    def add(
        self, tokens: int, flops: float, forward: float = 0.0, backward: float = 0.0, reference: float = 0.0
    ) -> None:
        """Count passes over rows of that many tokens."""
        self.forward += forward
        self.backward += backward
        self.reference += reference
        self.tokens += tokens
        self.flops += (forward + backward + reference) * flops * tokens
        self.parts += 1

    def begin(self, device: torch.device) -> None:
        """Let the peak of the device count from here on."""
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def note_memory(self, device: torch.device) -> None:
        """Record the peak memory of the device, where it reports one."""
        if device.type == "cuda":
            self.memory = max(self.memory or 0, torch.cuda.max_memory_allocated(device))

    def plain(self) -> dict[str, JSON]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Training progress. left: seconds to go, None while unknown. values: of the terms at the last step."""

    step: int
    steps: int
    epoch: int
    epochs: int
    seconds: float
    left: float | None
    values: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        told = "  ".join(f"{name} {value:.4g}" for name, value in self.values.items())
        eta = "" if self.left is None else f"  {clock(self.left)} to go"
        note = f"  {self.note}" if self.note else ""
        return f"step {self.step}/{self.steps}  epoch {self.epoch}/{self.epochs}  {told}{eta}{note}"


def clock(seconds: float) -> str:
    """Seconds as 0:07, 12:30 or 3:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def total(bills: Sequence[Bill]) -> Bill:
    """The bills added up."""
    return Bill(*(sum(getattr(bill, name) for bill in bills) for name in ("forward", "backward", "reference")))
