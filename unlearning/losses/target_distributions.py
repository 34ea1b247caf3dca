"""Target distributions, as logits, and distances of the model from them.

A target takes logits z (B, C, V) without gradient and the answer tokens y (B, C), and returns the logits of the
distribution q that is wanted. A distance takes those and the model's logits, and returns (B, C).
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Target: TypeAlias = Callable[[Tensor, Tensor], Tensor]
Distance: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def same(z: Tensor, y: Tensor) -> Tensor:
    """q = softmax(z)."""
    return z


def uniform(z: Tensor, y: Tensor) -> Tensor:
    """q = 1/V everywhere."""
    return torch.zeros_like(z)


def exclude_answer(z: Tensor, y: Tensor) -> Tensor:
    """q = softmax(z) without the answer token (CE-U, Yang 2025)."""
    return z.scatter(-1, y[..., None], -torch.inf)


def lower_answer(beta: float) -> Target:
    """q = softmax(z − β·onehot(y)) (UNDIAL, Dong et al. 2024)."""

    def target(z: Tensor, y: Tensor) -> Tensor:
        by = torch.full_like(z[..., :1], -beta)  # (B, C, 1)
        return z.scatter_add(-1, y[..., None], by)

    return target


def cross_entropy(q: Tensor, z: Tensor) -> Tensor:
    """−Σ q log p; its gradient in z is p − q."""
    # lse − q·z equals it, and never multiplies q = 0 by an infinity
    return z.logsumexp(-1) - (q.softmax(-1) * z).sum(-1)  # (B, C)


def divergence(q: Tensor, z: Tensor) -> Tensor:
    """KL(q ‖ p): the cross-entropy less the entropy of q; 0 where they are equal."""
    p = q.softmax(-1)  # (B, C, V)
    finite = q.masked_fill(q == -torch.inf, 0.0)
    return cross_entropy(q, z) - (q.logsumexp(-1) - (p * finite).sum(-1))


def flatness(q: Tensor, z: Tensor) -> Tensor:
    """(max z − mean z)², whatever q: 0 at uniform logits, unchanged by a constant (PDU, Entesari et al. 2025)."""
    return (z.amax(-1) - z.mean(-1)).square()
