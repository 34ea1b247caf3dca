"""Which weights hold what is to be forgotten: scores by gradient, and masks of the greatest."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from unlearning.encoding import Encoded
from unlearning.objective import Objective
from unlearning.plans import pool
from unlearning.reference import NONE
from unlearning.scope import Scope, workpiece
from unlearning.terms import Weighted
from unlearning.weighting import learning

Scores: TypeAlias = Mapping[str, Tensor]
BATCH = 16  # rows of one backward


def gradients(module: Any, scope: Scope, encoded: Sequence[Encoded], pad: int) -> dict[str, Tensor]:
    """The gradient of the mean negative log-likelihood, by parameter that the scope chooses; `module` is untouched."""
    piece = workpiece(module, scope).eval()
    samples = pool(encoded)
    parts = [{"learn": samples[first : first + BATCH]} for first in range(0, len(samples), BATCH)]
    Objective(Weighted("learn", learning())).learn(piece, parts, NONE, pad=pad, device=module.device)
    trained = {name: p for name, p in piece.named_parameters() if p.requires_grad}
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in trained.items()}


def wagle(weights: Scores, forget: Scores, retain: Scores, gamma: float) -> dict[str, Tensor]:
    """|(θ − g_r/γ) g_f| for each entry (Jia et al. 2024); γ → ∞ is |θ g_f|, γ → 0 ranks by |g_r g_f|."""
    return {name: ((weights[name] - retain[name] / gamma) * g).abs() for name, g in forget.items()}


def row_norms(forget: Scores) -> dict[str, Tensor]:
    """The length of each row of the forget gradient, (rows, 1); a vector is one row (SURE, Zhang et al. 2025)."""
    return {name: g.norm(dim=-1, keepdim=True) for name, g in forget.items()}


def greatest(scores: Scores, share: float) -> dict[str, Tensor]:
    """Masks of the `share` of all entries whose scores are greatest over all parameters; ties to the first."""
    flat = torch.cat([one.flatten() for one in scores.values()])
    count = round(share * flat.numel())
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    chosen[flat.argsort(descending=True, stable=True)[:count]] = True
    parts = torch.tensor_split(chosen, torch.tensor([one.numel() for one in scores.values()]).cumsum(0)[:-1])
    return {name: part.view_as(one) for (name, one), part in zip(scores.items(), parts, strict=True)}


def above(scores: Scores, quantile: float) -> dict[str, Tensor]:
    """Masks of the entries at or above that quantile of their own parameter."""
    return {name: one >= one.float().flatten().kthvalue(place(one, quantile)).values for name, one in scores.items()}


def place(scores: Tensor, quantile: float) -> int:
    """Which of the sorted values stands at a quantile, from 1; torch's own is limited to 16 million values."""
    return min(scores.numel(), max(1, int(quantile * scores.numel()) + 1))
