"""Reference model outputs: computed once and kept by sample index, or computed by the frozen model on demand.

No second model is kept in memory: log-probabilities, selected logits and hidden states are kept in CPU memory
for answer positions only; a model with an adapter on it is its own reference when the adapter is switched off.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from arena.errors import UsageError
from unlearning.modeling.forward_view import ForwardView, RoleRows, Sample, build_rows

What: TypeAlias = Literal["logp", "logits", "hidden"]
Frozen: TypeAlias = Callable[
    [RoleRows, tuple[int, ...], bool], ForwardView
]  # rows, layers, whether to score: without gradient


@dataclass(frozen=True, slots=True)
class Need:
    """Something asked of the reference about a role. layer: for "hidden". top: for "logits", None for all of them."""

    role: str
    what: What
    layer: int | None = None
    top: int | None = None


@dataclass(frozen=True, slots=True)
class CachedReference:
    """Numbers of a whole pool at its answer positions. values: by name, (N, …). starts: where each sample's begin."""

    values: Mapping[str, Tensor]
    starts: Tensor

    def at(self, rows: RoleRows, name: str) -> Tensor:
        """(B, C, …) in the order of the rows; 0 where there is no answer."""
        assert None not in rows.index, "samples made on the way have no numbers kept"
        spans = [(int(self.starts[place]), int(self.starts[place + 1])) for place in rows.index if place is not None]
        places = torch.cat([torch.arange(*span) for span in spans])
        values = self.values[name][places].to(rows.mask.device)
        out = values.new_zeros(*rows.mask.shape, *values.shape[1:])  # (B, C, …)
        out[rows.mask] = values  # both go row by row, then along the answer
        return out

    @property
    def bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self.values.values())


@dataclass(frozen=True, slots=True)
class Reference:
    """kept: cached outputs by need; others are computed by `frozen`, one forward each time."""

    kept: Mapping[Need, CachedReference]
    frozen: Frozen | None = None

    def logp(self, rows: RoleRows) -> Tensor:
        """(B, C) log-probabilities of the answer tokens, 0 elsewhere."""
        need = Need(rows.role, "logp")
        return self.kept[need].at(rows, "logp") if need in self.kept else self._ask(rows).lp

    def logits(self, rows: RoleRows, top: int | None) -> tuple[Tensor, Tensor | None]:
        """(B, C, V) and None; with `top`, the K greatest and the bucket of all others (B, C, K + 1), with the ids
        (B, C, K) of the former."""
        need = Need(rows.role, "logits", top=top)
        if need not in self.kept:
            return coarsen_logits(self._ask(rows).logits, top)
        found = self.kept[need]
        return found.at(rows, "z"), found.at(rows, "ids") if "ids" in found.values else None

    def hidden(self, rows: RoleRows, layer: int) -> Tensor:
        """(B, C, D) what left that block."""
        need = Need(rows.role, "hidden", layer)
        return self.kept[need].at(rows, "h") if need in self.kept else self._ask(rows, layer).hidden[layer]

    def _ask(self, rows: RoleRows, layer: int | None = None) -> ForwardView:
        assert self.frozen is not None, "there is no reference to ask"
        with torch.no_grad():
            return self.frozen(rows, () if layer is None else (layer,), layer is None)


NONE = Reference({})


def bucket_logits(z: Tensor, ids: Tensor) -> Tensor:
    """(…, K + 1) logits of the tokens `ids` (…, K), and of all others together."""
    rest = z.scatter(-1, ids, -torch.inf).logsumexp(-1, keepdim=True)  # (…, 1)
    return torch.cat([z.gather(-1, ids), rest], -1)


def coarsen_logits(z: Tensor, top: int | None) -> tuple[Tensor, Tensor | None]:
    """Logits as they are, or bucketed by their own `top` greatest, with the ids of these."""
    if top is None or top >= z.shape[-1]:
        return z, None
    ids = z.topk(top, -1).indices  # (…, K)
    return bucket_logits(z, ids), ids


@torch.no_grad()
def cache_needs(
    needs: Iterable[Need],
    pools: Mapping[str, Sequence[Sample]],
    frozen: Frozen,
    *,
    pad: int,
    device: object,
    batch: int,
    most: int,
) -> tuple[dict[Need, CachedReference], int]:
    """The needs, answered for each whole pool in one pass, and how many tokens were read.

    Raises UsageError where it would keep more than `most` bytes, before it has kept them.
    """
    kept: dict[Need, CachedReference] = {}
    read = spent = 0
    wanted = list(dict.fromkeys(needs))
    for role in dict.fromkeys(need.role for need in wanted):
        asked, pool = [need for need in wanted if need.role == role], pools[role]
        layers = tuple({need.layer for need in asked if need.layer is not None})
        scores = any(need.what != "hidden" for need in asked)
        parts: dict[tuple[Need, str], list[Tensor]] = {}
        # neighbours in length share a batch; the order of the pool is restored below
        order = sorted(range(len(pool)), key=lambda place: len(pool[place].encoded.ids))
        counts = torch.zeros(len(pool), dtype=torch.long)
        for first in range(0, len(order), batch):
            places = order[first : first + batch]
            rows = build_rows(role, [pool[place] for place in places], pad, device)
            view = frozen(rows, layers, scores)
            read += rows.size
            counts[places] = rows.mask.sum(1).cpu()
            for need in asked:
                for name, tensor in _compute_answers(view, need).items():
                    part = tensor[rows.mask].cpu()  # (answer tokens of the batch, …)
                    spent += part.numel() * part.element_size()
                    parts.setdefault((need, name), []).append(part)
            if spent > most:
                raise UsageError(_too_much(asked, most))
        kept |= _restore_order(parts, order, counts)
    return kept, read


def _compute_answers(view: ForwardView, need: Need) -> dict[str, Tensor]:
    if need.what == "logp":
        return {"logp": view.lp}
    if need.what == "hidden":
        assert need.layer is not None
        return {"h": view.hidden[need.layer]}
    z, ids = coarsen_logits(view.logits, need.top)
    return {"z": z} if ids is None else {"z": z, "ids": ids}


def _restore_order(
    parts: Mapping[tuple[Need, str], Sequence[Tensor]], order: Sequence[int], counts: Tensor
) -> dict[Need, CachedReference]:
    starts = torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)])
    at = torch.cat([torch.arange(int(starts[place]), int(starts[place + 1])) for place in order])
    tables: dict[Need, dict[str, Tensor]] = {}
    for (need, name), pieces in parts.items():
        values = torch.cat(list(pieces))  # (N, …)
        tables.setdefault(need, {})[name] = torch.empty_like(values).index_copy_(0, at, values)
    return {need: CachedReference(values, starts) for need, values in tables.items()}


def _too_much(asked: Sequence[Need], most: int) -> str:
    whole = any(need.what == "logits" and need.top is None for need in asked)
    hint = "keep the greatest logits only (top=64), or " if whole else ""
    return (
        f"the reference's {asked[0].what} of role {asked[0].role!r} take more than {most / 2**20:,.0f} MiB of memory; "
        f"{hint}ask the frozen model at each step (reference=live, one forward more), or allow more (cache_mb)"
    )
