"""Weight saliency for the forget set: scores by gradient, and masks of the largest."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from unlearning.losses.loss_terms import Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.reference_model import NONE
from unlearning.losses.token_weights import learning
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import Scope, copy_trainable
from unlearning.training.batch_samplers import build_pool

Scores: TypeAlias = Mapping[str, Tensor]
BATCH = 16  # rows of one backward


def gradients(module: Any, scope: Scope, encoded: Sequence[Encoded], pad: int) -> dict[str, Tensor]:
    """The gradient of the mean negative log-likelihood, by parameter that the scope chooses; `module` is untouched."""
    piece = copy_trainable(module, scope).eval()
    samples = build_pool(encoded)
    parts = [{"learn": samples[first : first + BATCH]} for first in range(0, len(samples), BATCH)]
    Objective(Weighted("learn", learning())).learn(piece, parts, NONE, pad=pad, device=module.device)
    trained = {name: p for name, p in piece.named_parameters() if p.requires_grad}
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in trained.items()}


def wagle(weights: Scores, forget: Scores, retain: Scores, gamma: float) -> dict[str, Tensor]:
    """|(θ − g_r/γ) g_f| for each entry (Jia et al. 2024); γ → ∞ is |θ g_f|, γ → 0 ranks by |g_r g_f|."""
    return {name: ((weights[name] - retain[name] / gamma) * g).abs() for name, g in forget.items()}


def salient_rows(forget: Scores, percentile: float) -> dict[str, Tensor]:
    """Masks of the rows whose part of the forget gradient is longest, among all rows of all parameters together (SURE,
    Zhang et al. 2025): at or above that percentile, 0 to 100, between two values by linear interpolation.

    A row is what belongs to one place of the first dimension; of a vector that is an entry. Masks broadcast: (rows, 1).
    """
    norms = {name: g.flatten(1).norm(dim=1) if g.dim() > 1 else g.abs() for name, g in forget.items()}
    flat = torch.cat([one.flatten().float() for one in norms.values()])
    least = at_percentile(flat, percentile)
    return {name: (norms[name] >= least).view(-1, *(1 for _ in g.shape[1:])) for name, g in forget.items()}


def at_percentile(values: Tensor, percentile: float) -> Tensor:
    """The value at a percentile, between two by linear interpolation; torch's own is limited to 16 million values."""
    at = percentile / 100 * (values.numel() - 1)
    low = int(at)
    first = values.kthvalue(low + 1).values
    if low == at:
        return first
    return first + (at - low) * (values.kthvalue(low + 2).values - first)


def greatest(scores: Scores, share: float) -> dict[str, Tensor]:
    """Masks of the `share` of all entries whose scores are greatest over all parameters; ties to the first."""
    flat = torch.cat([one.flatten() for one in scores.values()])
    count = round(share * flat.numel())
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    chosen[flat.argsort(descending=True, stable=True)[:count]] = True
    parts = torch.tensor_split(chosen, torch.tensor([one.numel() for one in scores.values()]).cumsum(0)[:-1])
    return {name: part.view_as(one) for (name, one), part in zip(scores.items(), parts, strict=True)}
