"""Masked training: another method's updates, applied only to the weights most salient for the forget set."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from annotated_types import Ge, Le

from arena.errors import UsageError
from arena.parameter_ranges import NotNegative, Positive, SomeShare
from unlearning.losses.loss_terms import scale_term
from unlearning.losses.objective import Objective
from unlearning.method import Method, method
from unlearning.methods.weights.ascent import GradDiff
from unlearning.methods.weights.npo import NPO
from unlearning.modeling.trainable_parameters import Scope
from unlearning.modeling.training_cost import CostMeter
from unlearning.training.hosted_method import Hosted
from unlearning.training.saliency import gradients, greatest, salient_rows, wagle
from unlearning.training.trainer import TrainingJob
from unlearning.training.training_problem import TrainingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked(Hosted):
    """The base of methods that mask the model's own weights, where an adapter has no place."""

    def __post_init__(self) -> None:
        Hosted.__post_init__(self)
        if self.lora is not None:
            raise ValueError("a mask is over the model's own weights; leave lora out")

    def room(self, study: TrainingProblem) -> Scope:
        """Which parameters may be chosen from: `where`, else the host's."""
        return Scope(self.where) if self.where else self.hosting.scope(study)


@method("wagle")
@dataclass(frozen=True, slots=True, kw_only=True)
class Wagle(Masked):
    """WAGLE: trains the weights that matter for forgetting and little for retaining.

    S = |(θ − g_r/mu) g_f| for each entry; the host trains the entries of largest S, the rest are unchanged: gradient
    and weight decay are masked (Jia et al. 2024; in the authors' code decay is not). mu → ∞ is SNIP's |θ g_f|, mu → 0
    ranks by |g_r g_f|. Published: mu 1e-6 to 1e-3, share 0.8 to 0.95, NPO lr 1e-5, GradDiff lr 7e-6. Cost: the host's,
    and one gradient of each set before; one bit a weight. Weakness: the host's.
    """

    host: Method = field(default_factory=NPO)
    mu: Positive = 1e-3
    """Scale that divides the retain gradient in the score S; the larger, the less the retain set counts."""
    share: SomeShare = 0.8
    """Share of the weights that are trained, those of largest score; 1: the host alone."""

    def scope(self, study: TrainingProblem) -> Scope:
        chosen = self.room(study)
        if not study.retain:
            raise UsageError("wagle weighs forgetting against keeping; name items to retain")
        forget = gradients(study.module, chosen, study.forget, study.pad)
        retain = gradients(study.module, chosen, study.retain, study.pad)
        weights = {name: p.detach() for name, p in study.module.named_parameters() if name in forget}
        return Scope(chosen.names, greatest(wagle(weights, forget, retain, self.mu), self.share))


@method("sure")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sure(Masked):
    """SURE: each step changes the rows of largest forget gradient alone, by so much that it survives quantization.

    At every step the rows of all matrices and the entries of all vectors are ranked by the norm of their part of the
    gradient of that batch's forget loss; those at or above `percentile` are changed by the host's whole loss, the
    others are unchanged in that step, momentum and decay included (the authors mask the gradient alone) (Zhang et al.
    2025; their code). Made against quantization: changes smaller than half a step of the grid vanish when weights are
    rounded. Published: percentile 90 and retain weight 1 (their page; 95 and 10 in their script), a learning rate
    several times the host's. Cost: the host's, and one copy of the weights. Weakness: the host's, but for quantization.
    """

    host: Method = field(default_factory=GradDiff)
    percentile: Annotated[float, Ge(0), Le(100)] = 90.0
    """Rows whose forget gradient lies below this percentile are not changed in a step; 0: the host alone."""
    retain_weight: NotNegative = 1.0
    """Factor of the host's retain terms."""
    lr: Positive = 5e-5

    def scope(self, study: TrainingProblem) -> Scope:
        return self.room(study)

    def objective(self, study: TrainingProblem) -> Objective:
        forget, rest = self.hosting.objective(study).split_by_role("forget")
        return Objective(*forget.terms, *(scale_term(term, self.retain_weight) for term in rest.terms))

    def job(
        self, study: TrainingProblem, meter: CostMeter | None = None, remembered: bool = True, piece: object = None
    ) -> TrainingJob:
        job = Masked.job(self, study, meter, remembered, piece)
        return replace(job, masking=partial(salient_rows, percentile=self.percentile))
