"""One forward pass of a role's rows: the only place that shifts the answer mask and computes log-probabilities.

Position c of a view is the place that predicts a token; only the columns that predict an answer token of some row are
kept, so that the vocabulary is scored nowhere else.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from agents.inference.forward_step import list_forward_arguments, unwrap_adapter
from arena.cache_register import memoize
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.item_tokenization import Encoded, collate

FILLED = 0.75  # share of columns from which on choosing them costs more time than scoring all


@dataclass(frozen=True, slots=True)
class Sample:
    """An encoded item. index: its place in the pool of its role, under which the reference's numbers are kept; None
    where it was made on the way."""

    encoded: Encoded
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoleRows:
    """Samples of one role as tensors: a micro-batch. B rows, T tokens, C columns that predict an answer token of some
    row.

    inputs: what the model is given. columns: (C,) places among the T. mask: (B, C) bool, True where the token
    predicted is answer. targets: (B, C) that token. index: B places in the role's pool. rows, tokens: sizes of the
    whole step, by which losses are divided, so that a step cut into parts has the same gradient. whole: whether the
    columns are all but the last.
    """

    role: str
    inputs: dict[str, Tensor]
    columns: Tensor
    mask: Tensor
    targets: Tensor
    index: tuple[int | None, ...]
    rows: int
    tokens: int
    whole: bool = False

    @property
    def size(self) -> int:
        """Tokens that are read, padding included."""
        return self.inputs["input_ids"].numel()


@dataclass(slots=True, eq=False)
class ForwardView:
    """The model's outputs for the rows. z: (B, C, V) float32 logits, None where the run ended early. hidden: by layer,
    (B, C, D) what leaves that block."""

    rows: RoleRows
    z: Tensor | None
    hidden: dict[int, Tensor] = field(default_factory=dict)
    _lp: Tensor | None = None

    @property
    def logits(self) -> Tensor:
        """(B, C, V)."""
        assert self.z is not None, "the run ended before the logits: a term that reads them must say so"
        return self.z

    @property
    def lp(self) -> Tensor:
        """(B, C) log-probability of the target token; 0 where it is not part of the answer."""
        if self._lp is None:
            z, y = self.logits.flatten(0, 1), self.rows.targets.flatten()  # (B C, V), (B C,)
            self._lp = -functional.cross_entropy(z, y, reduction="none").view_as(self.rows.targets)
            self._lp = self._lp.masked_fill(~self.rows.mask, 0.0)
        return self._lp

    @property
    def s(self) -> Tensor:
        """(B,) log-probability of the whole answer."""
        return self.lp.sum(1)

    @property
    def n(self) -> Tensor:
        """(B,) tokens of the answer, at least 1."""
        return self.rows.mask.sum(1).clamp(min=1)


def build_rows(
    role: str,
    samples: Sequence[Sample],
    pad: int,
    device: Any,
    whole: Sequence[Sample] | None = None,
    side: Literal["right", "left"] = "right",
) -> RoleRows:
    """The samples as tensors on a device; `whole`: all samples of the step where these are a part of it."""
    batch = collate([sample.encoded for sample in samples], pad, side)
    mask = batch.answer[:, 1:]  # (B, T - 1): whether the token predicted at t is part of the answer
    columns = mask.any(0).nonzero()[:, 0]  # (C,)
    if filled := len(columns) > FILLED * mask.shape[1]:
        columns = torch.arange(mask.shape[1])
    # a causal model never attends to padding on the right: neither mask nor positions are needed
    inputs = {"input_ids": batch.ids} if side == "right" else batch.inputs
    everything = samples if whole is None else whole
    tokens = sum(len(sample.encoded.ids) - sample.encoded.start for sample in everything)

    def there(tensor: Tensor) -> Tensor:
        return tensor.to(device, non_blocking=True)

    return RoleRows(
        role,
        {name: there(tensor) for name, tensor in inputs.items()},
        there(columns),
        there(mask[:, columns]),  # (B, C)
        there(batch.ids[:, 1:][:, columns]),  # (B, C)
        tuple(sample.index for sample in samples),
        max(1, len(everything)),
        max(1, tokens),
        filled,
    )


def run_forward(module: Any, rows: RoleRows, layers: Iterable[int] = (), scores: bool = True) -> ForwardView:
    """One forward. layers: blocks whose output is kept; without `scores` the forward ends after the last of them."""
    wanted = frozenset(layers)
    kind: type = type(unwrap_adapter(module))
    known = _list_arguments(kind)
    named: dict[str, Any] = {key: tensor for key, tensor in rows.inputs.items() if key in known}
    if "use_cache" in known:
        named["use_cache"] = False
    narrow = "logits_to_keep" in known and not rows.whole
    if narrow:
        named["logits_to_keep"] = rows.columns
    seen: dict[int, Tensor] = {}
    with _tap_blocks(module, wanted, seen, None if scores else max(wanted)):
        try:
            z = module(**named).logits  # (B, C, V) if `narrow`, else (B, T, V)
        except _Reached:
            z = None
    if z is not None:
        z = (z if narrow else _select_columns(z, rows)).float()  # (B, C, V)
    return ForwardView(rows, z, {layer: _select_columns(hidden, rows) for layer, hidden in seen.items()})


def _select_columns(tensor: Tensor, rows: RoleRows) -> Tensor:
    return tensor[:, :-1] if rows.whole else tensor[:, rows.columns]  # (B, T, …) -> (B, C, …)


class _Reached(Exception):
    """The run has come as far as it is needed."""


@contextmanager
def _tap_blocks(module: Any, layers: frozenset[int], seen: dict[int, Tensor], last: int | None) -> Iterator[None]:
    """Blocks write their output (B, T, D) into `seen`; after the block `last` the forward is ended by _Reached."""
    if not layers:
        yield
        return
    blocks = anatomy(module).blocks

    def tap(layer: int) -> Any:
        def keep_output(_: Any, __: Any, output: Any) -> None:
            seen[layer] = output[0] if isinstance(output, tuple) else output  # (B, T, D)
            if layer == last:
                raise _Reached

        return keep_output

    hooks = [blocks[layer].register_forward_hook(tap(layer)) for layer in sorted(layers)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@memoize("code")
def _list_arguments(kind: type) -> frozenset[str]:
    return list_forward_arguments(kind)


@torch.no_grad()
def run_forward_no_grad(module: object, rows: RoleRows, layers: Iterable[int] = (), scores: bool = True) -> ForwardView:
    """A look without gradients."""
    return run_forward(module, rows, layers, scores)
