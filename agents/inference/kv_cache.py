"""KV cache of a continuous batch: buffers with free slots, so that rows join and leave without moving the others.

All rows end at the same column and are left-padded, so distances in columns are distances in tokens, and
sliding windows are correct.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

SPARE = 32  # free columns in a new buffer, at least
Run: TypeAlias = Sequence[tuple[Tensor, Tensor]]  # keys and values of one row, by layer; each (heads, columns, size)


class Slots(DynamicLayer):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """One layer: `keys` and `values` are views (rows, heads, columns, size) into larger buffers."""

    keys: Any
    values: Any

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self._buffers: tuple[Tensor, Tensor] | None = None
        self._start = self._end = 0  # the columns in use

    def update(self, key_states: Tensor, value_states: Tensor, *rest: object, **named: object) -> tuple[Tensor, Tensor]:
        """The keys and values with new columns on the right; what else the library passes is for other layers."""
        if self._buffers is None:
            self._buffers = (key_states.new_empty(0), value_states.new_empty(0))
            self.is_initialized = True
        rows, new = key_states.shape[0], key_states.shape[2]
        keys, values = self._room((key_states, value_states), rows, right=new)
        keys[:rows, :, self._end : self._end + new] = key_states
        values[:rows, :, self._end : self._end + new] = value_states
        self._show(rows, self._start, self._end + new)
        return self.keys, self.values

    def join(self, other: "Slots") -> None:
        """Take the rows of `other` as well, after these."""
        mine, theirs, width = len(self.keys), len(other.keys), other.keys.shape[2]
        wider = max(0, width - self.keys.shape[2])
        buffers = self._room((other.keys, other.values), mine + theirs, left=wider)
        start = self._start - wider
        for buffer, states in zip(buffers, (other.keys, other.values), strict=True):
            # padding is masked, but zero times a stray infinity would not be zero
            buffer[:mine, :, start : self._start] = 0
            buffer[mine : mine + theirs, :, start : self._end - width] = 0
            buffer[mine : mine + theirs, :, self._end - width : self._end] = states
        self._show(mine + theirs, start, self._end)

    def keep(self, order: Sequence[int], width: int) -> None:
        """Keep these rows, in this order, and the last `width` columns; a row may move to a lower place only."""
        assert self._buffers is not None
        for buffer in self._buffers:
            for place, row in enumerate(order):
                if place != row:
                    buffer[place, :, self._start : self._end] = buffer[row, :, self._start : self._end]
        self._show(len(order), self._end - width, self._end)

    def _room(self, like: tuple[Tensor, Tensor], rows: int, left: int = 0, right: int = 0) -> tuple[Tensor, Tensor]:
        """The buffers, moved to larger ones where these rows or columns are not free."""
        assert self._buffers is not None
        held, width = self._buffers[0], self._end - self._start
        if held.dim() > 1 and len(held) >= rows and self._start >= left and self._end + right <= held.shape[2]:
            return self._buffers
        columns = left + width + right + max(SPARE, width // 4)
        now = len(self.keys) if width else 0
        places = rows if now in (0, rows) else rows + rows // 4
        moved = [states.new_zeros((places, states.shape[1], columns, states.shape[3])) for states in like]
        if width:
            for new, old in zip(moved, (self.keys, self.values), strict=True):
                new[:now, :, left : left + width] = old
        self._buffers = (moved[0], moved[1])
        self._start, self._end = left, left + width
        return self._buffers

    def _show(self, rows: int, start: int, end: int) -> None:
        assert self._buffers is not None
        self._start, self._end = start, end
        self.keys, self.values = (buffer[:rows, :, start:end] for buffer in self._buffers)


class Columns(DynamicCache):  # type: ignore[misc,unused-ignore]
    """The KV cache of all rows of a batch; every layer keeps all columns, also with a sliding window."""

    def __init__(self, runs: Sequence[Run] = ()) -> None:
        """Empty, or with one row for each run, right-aligned."""
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.layer_class_to_replicate = Slots
        width = max((run[0][0].shape[1] for run in runs if run), default=0)
        for layer in range(max((len(run) for run in runs), default=0)):
            pairs = [run[layer] if run else None for run in runs]  # each (heads, columns, size), or None
            self.update(align_right([pair and pair[0] for pair in pairs], width),
                        align_right([pair and pair[1] for pair in pairs], width), layer)  # fmt: skip

    @property
    def width(self) -> int:
        return int(self.get_seq_length())

    @property
    def slots(self) -> list[Slots]:
        return [layer for layer in self.layers if isinstance(layer, Slots)]

    def join(self, other: "Columns") -> None:
        for layer, more in zip(self.slots, other.slots, strict=True):
            layer.join(more)

    def keep(self, order: Sequence[int], width: int) -> None:
        for layer in self.slots:
            layer.keep(order, width)

    def run(self, row: int, first: int, last: int) -> Run:
        """Views of the columns `first` to `last` (exclusive) of one row."""
        return [(layer.keys[row, :, first:last], layer.values[row, :, first:last]) for layer in self.slots]


def align_right(states: Sequence[Tensor | None], width: int) -> Tensor:
    """(rows, heads, width, size) from (heads, columns, size) each, right-aligned; None is a row of padding."""
    like = next(one for one in states if one is not None)
    whole = like.new_zeros((len(states), like.shape[0], width, like.shape[2]))  # (rows, heads, width, size)
    for place, one in zip(whole, states, strict=True):
        if one is not None:
            place[:, width - one.shape[1] :] = one
    return whole


def build_mask(lengths: Tensor, width: int, read: int) -> Tensor:
    """(rows, read) attention mask of the first `read` of `width` columns, where each row fills its last ones."""
    columns = torch.arange(read, device=lengths.device)  # (read,)
    return (columns >= width - lengths[:, None]).long()
