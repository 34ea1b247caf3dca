"""Per-token weights of the forget loss: the only difference between nine forget losses.

The gradient of each is that of `sum(w · lp · mask) / Z` with `w` held fixed; minimising it lowers log-probabilities
where w > 0. Z counts tokens (norm "token") or rows (norm "seq") of the step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

LEAST = 1e-6  # of 1 − p: below it a float32 log-probability is rounding error
Norm: TypeAlias = Literal["token", "seq"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Inputs of a token weight, all without gradient. lp: (B, C) log-probabilities of the answer tokens. s: (B, 1)
    their sums. n: (B, 1) their numbers. lp0, s0: the same of the reference, None where the weight asked for none."""

    lp: Tensor
    s: Tensor
    n: Tensor
    lp0: Tensor | None = None
    s0: Tensor | None = None

    @property
    def gain(self) -> Tensor:
        """(B, 1) by how much the answer is likelier than it was to the reference, in nats."""
        assert self.s0 is not None
        return self.s - self.s0

    @property
    def gains(self) -> Tensor:
        """(B, C) the same token by token."""
        assert self.lp0 is not None
        return self.lp - self.lp0


@dataclass(frozen=True, slots=True)
class Weight:
    """of: Seen -> w, (B, C) or (B, 1). value: Seen -> the loss whose gradient this is, (B, C) or (B, 1), for reports;
    None where the weighted form is the definition. reference: whether lp0 and s0 are needed. learns: whether answers
    are to become likely, the value being nats per token."""

    of: Callable[[Seen], Tensor]
    value: Callable[[Seen], Tensor] | None = None
    norm: Norm = "token"
    reference: bool = False
    learns: bool = False


def learning() -> Weight:
    """The negative log-likelihood: w = −1."""
    return Weight(lambda seen: -torch.ones_like(seen.lp), lambda seen: -seen.lp, learns=True)


def ascent() -> Weight:
    """Gradient ascent on the negative log-likelihood: w = 1."""
    return Weight(lambda seen: torch.ones_like(seen.lp), lambda seen: seen.lp)


def npo(beta: float) -> Weight:
    """Negative preference optimisation (Zhang et al. 2024): w = 2σ(β(s − s0)); loss −(2/β) log σ(−β(s − s0))."""
    return Weight(
        lambda seen: 2 * torch.sigmoid(beta * seen.gain),
        lambda seen: -2 / beta * logsigmoid(-beta * seen.gain),
        "seq",
        True,
    )


def simnpo(beta: float, delta: float = 0.0) -> Weight:
    """SimNPO (Fan et al. 2024): w = (2/n) σ(β(s/n + δ)); loss −(2/β) log σ(−β s/n − βδ); the paper's margin is βδ."""
    return Weight(
        lambda seen: 2 / seen.n * torch.sigmoid(beta * (seen.s / seen.n + delta)),
        lambda seen: -2 / beta * logsigmoid(-beta * (seen.s / seen.n + delta)),
        "seq",
    )


def tnpo(beta: float) -> Weight:
    """NPO token by token (Wang et al. 2025, G-effect): w = 2p^β / (p^β + p0^β)."""
    return Weight(lambda seen: 2 * torch.sigmoid(beta * seen.gains), reference=True)


def wtnpo(beta: float, alpha: float) -> Weight:
    """TNPO times p^α: tokens that are unlikely already are left alone."""
    return Weight(lambda seen: 2 * torch.sigmoid(beta * seen.gains) * (alpha * seen.lp).exp(), reference=True)


def wga(alpha: float) -> Weight:
    """Weighted ascent (Wang et al. 2025): w = p^α; the gradient of mean p^α / α. α = 0 is gradient ascent."""
    return Weight(
        lambda seen: (alpha * seen.lp).exp(),
        lambda seen: (alpha * seen.lp).exp() / alpha if alpha else seen.lp,
    )


def satimp(beta1: float, beta2: float) -> Weight:
    """Saturation and importance (Yang et al. 2025): w = p^β1 (1 − p)^β2, greatest at p = β1 / (β1 + β2)."""

    def of(seen: Seen) -> Tensor:
        left = -seen.lp.expm1()  # 1 − p, exact where p is next to 1
        # a negative power diverges there: LEAST is what float32 can still distinguish from 0
        return (beta1 * seen.lp).exp() * (left if beta2 >= 0 else left.clamp(min=LEAST)) ** beta2

    return Weight(of)


def undial_self(beta: float) -> Weight:
    """UNDIAL whose teacher is the student itself: w = pk / (1 − pk), k = 1 − e^−β; β → ∞ is CE-U.

    Finite for every β and p: 1 − pk = (1 − p) + p e^−β is a sum without cancellation, of LEAST at least.
    """
    k = -math.expm1(-beta)

    def of(seen: Seen) -> Tensor:
        left = -seen.lp.expm1() + (seen.lp - beta).exp()  # (B, C)
        return seen.lp.exp() * k / left.clamp(min=LEAST)

    return Weight(of)
