"""Loss terms: each reads the forward views of its roles and returns its share of the step's loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from unlearning.losses.reference_model import Need, Reference, bucket_logits
from unlearning.losses.target_distributions import Distance, Target
from unlearning.losses.token_weights import Seen, Weight
from unlearning.modeling.forward_view import ForwardView

Views: TypeAlias = Mapping[str, ForwardView]
Aim: TypeAlias = Callable[[ForwardView, Reference], Tensor]


class Term(Protocol):
    """One summand. roles: whose views it reads. layers: the blocks whose output it reads, by role. scores: whether it
    reads logits. needs: what it asks of the reference. name: under which its value is reported and scaled."""

    @property
    def name(self) -> str: ...
    @property
    def coef(self) -> float: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def layers(self) -> tuple[int, ...]: ...
    @property
    def needs(self) -> tuple[Need, ...]: ...
    def __call__(self, views: Views, reference: Reference) -> Tensor: ...


class OfOneRole:
    """Base of terms that read the views of one role, and no hidden states."""

    __slots__ = ()
    role: str

    @property
    def name(self) -> str:
        return self.role

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.role,)

    @property
    def layers(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Weighted(OfOneRole):
    """Σ w · lp · mask / Z with a weight that is held fixed; its value is the explicit loss where there is one."""

    role: str
    weight: Weight
    coef: float = 1.0

    @property
    def needs(self) -> tuple[Need, ...]:
        return (Need(self.role, "logp"),) if self.weight.reference else ()

    def __call__(self, views: Views, reference: Reference) -> Tensor:
        view = views[self.role]
        mask, lp = view.rows.mask, view.lp  # (B, C) each
        with torch.no_grad():
            lp0 = reference.logp(view.rows) if self.weight.reference else None  # (B, C)
            s0 = None if lp0 is None else lp0.sum(1, keepdim=True)  # (B, 1)
            fixed = lp.detach()
            seen = Seen(fixed, fixed.sum(1, keepdim=True), view.n[:, None], lp0, s0)
            w = self.weight.of(seen) * mask  # (B, C)
        size = view.rows.tokens if self.weight.norm == "token" else view.rows.rows
        loss = (w * lp).sum() / size
        if self.weight.value is None:
            return loss
        with torch.no_grad():
            value = self.weight.value(seen)
            told = (value * mask if value.shape == mask.shape else value).sum() / size
        return loss + (told - loss.detach())


@dataclass(frozen=True, slots=True)
class Preferred:
    """−(2/β) mean log σ(βΔ), Δ = (s_win − s0_win) − (s_lose − s0_lose) over sums of tokens (DPO, Rafailov et al. 2023).

    Row b of one role is compared with row b of the other.
    """

    win: str
    lose: str
    beta: float
    coef: float = 1.0

    @property
    def name(self) -> str:
        return self.lose

    @property
    def roles(self) -> tuple[str, ...]:
        return (self.win, self.lose)

    @property
    def layers(self) -> tuple[int, ...]:
        return ()

    @property
    def needs(self) -> tuple[Need, ...]:
        return (Need(self.win, "logp"), Need(self.lose, "logp"))

    def __call__(self, views: Views, reference: Reference) -> Tensor:
        with torch.no_grad():
            before = {role: reference.logp(views[role].rows).sum(1) for role in self.roles}  # (B,) each
        win, lose = (views[role].s - before[role] for role in self.roles)  # (B,) each
        rows = views[self.lose].rows.rows
        return -2 / self.beta * logsigmoid(self.beta * (win - lose)).sum() / rows


@dataclass(frozen=True, slots=True)
class Distil(OfOneRole):
    """Σ mask · D(q, softmax z) / N towards a target q that is held fixed.

    teacher: whether q is made of the reference's logits; else of the model's own. top: how many of the teacher's
    logits are kept apart, the others being one bucket (the divergence of the coarser distributions is never greater).
    """

    role: str
    target: Target
    distance: Distance
    coef: float = 1.0
    teacher: bool = False
    top: int | None = None

    @property
    def needs(self) -> tuple[Need, ...]:
        return (Need(self.role, "logits", top=self.top),) if self.teacher else ()

    def __call__(self, views: Views, reference: Reference) -> Tensor:
        view = views[self.role]
        z, y = view.logits, view.rows.targets  # (B, C, V), (B, C)
        with torch.no_grad():
            source, ids = reference.logits(view.rows, self.top) if self.teacher else (z.detach(), None)
        if ids is not None:
            z = bucket_logits(z, ids)  # (B, C, K + 1)
            found = (ids == y[..., None]).long()  # the bucket of y: its place among the K, else the last
            y = torch.where(found.any(-1), found.argmax(-1), ids.shape[-1])
        with torch.no_grad():
            q = self.target(source, y)  # logits, of the shape of z
        return (self.distance(q, z) * view.rows.mask).sum() / view.rows.tokens


@dataclass(frozen=True, slots=True)
class Activation(OfOneRole):
    """Mean over rows of Σ mask ‖h − aim‖² / (D n) for what leaves a block; the aim is held fixed.

    h is read where the answer's tokens are predicted. aim: a function of the view and the reference, (B, C, D) or
    (D,): `towards(vector)`, `kept(layer)`.
    """

    role: str
    layer: int
    aim: Aim
    coef: float = 1.0
    needs: tuple[Need, ...] = ()

    @property
    def layers(self) -> tuple[int, ...]:
        return (self.layer,)

    def __call__(self, views: Views, reference: Reference) -> Tensor:
        view = views[self.role]
        h = view.hidden[self.layer].float()  # (B, C, D)
        with torch.no_grad():
            aim = self.aim(view, reference).to(h)  # (B, C, D) or (D,)
        far = (h - aim).square().mean(-1) * view.rows.mask  # (B, C): over D
        return (far.sum(1) / view.n).sum() / view.rows.rows


def aim_at(vector: Tensor) -> Aim:
    """One vector (D,) everywhere: RMU's direction."""
    return lambda view, reference: vector


def match_reference(role: str, layer: int, coef: float = 1.0) -> Activation:
    """Keep a block's output equal to the reference's."""
    return Activation(
        role, layer, lambda view, reference: reference.hidden(view.rows, layer), coef, (Need(role, "hidden", layer),)
    )


def scale_term(term: Term, by: float) -> Term:
    """The term with its coefficient multiplied."""
    summand: Any = term
    found: Term = replace(summand, coef=term.coef * by)
    return found


def reads_scores(term: Term) -> bool:
    """Whether a term reads logits; others let the run end early."""
    return not term.layers
