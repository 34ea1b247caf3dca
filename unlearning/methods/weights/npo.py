"""Negative preference optimisation (NPO), and SimNPO, its form without a reference model."""

from dataclasses import dataclass

from arena.parameter_ranges import Finite, NotNegative, Number, Positive
from unlearning.losses.loss_terms import Term, Weighted
from unlearning.losses.token_weights import npo, simnpo
from unlearning.method import method
from unlearning.training.forget_retain import Paired
from unlearning.training.training_problem import TrainingProblem


@method("npo")
@dataclass(frozen=True, slots=True, kw_only=True)
class NPO(Paired):
    """Negative preference optimisation: ascent that fades once an answer is much less likely than it was.

    L = −(2/beta) mean log σ(−beta (s − s0)) + alpha · NLL(retain) (keep=kl: KL to the original), s the log-probability
    of the whole answer (Zhang et al. 2024). w = 2π^beta / (π^beta + π0^beta): 1 at the start, where the loss is
    2 ln 2 / beta; never below 0. beta → 0 is grad-diff. Published: beta 0.1, lr 1e-5, 10 epochs, effective batch 32.
    Cost: 6F a step (7F where the reference is run each time) and one pass over forget before; s0 is one
    number per answer. Weakness: it hides more than it removes; relearning on other forgotten facts brings part back.
    """

    beta: Positive = 0.1
    """Inverse temperature: the larger, the sooner the ascent fades once an answer has become less likely; towards 0 it
    is grad-diff."""
    epochs: Number = 10

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", npo(self.beta), self.gamma)


@method("simnpo")
@dataclass(frozen=True, slots=True, kw_only=True)
class SimNPO(Paired):
    """NPO without a reference: the answer's mean log-probability against a margin.

    L = −(2/beta) mean log σ(−beta s/n − beta·delta) + alpha · NLL(retain) (Fan et al. 2024); the paper's margin is
    beta·delta. w = (2/n) σ(beta (s/n + delta)), so a long answer is pushed no harder than a short one. Published: beta
    4.5, gamma 0.125, alpha 1, delta 0, lr 1e-5, 10 epochs (TOFU forget10). Cost: 6F a step, no reference. beta → 0 is
    ascent by mean log-probability. Weakness: keeps utility, and with it much of what neighbours of the facts reveal.
    """

    beta: Positive = 4.5
    """Inverse temperature: the larger, the sooner the ascent fades as the answer's mean log-probability falls; towards
    0 it is plain ascent."""
    delta: Finite = 0.0
    """Margin, in nats per token, added to the answer's mean log-probability; the paper's margin is beta·delta."""
    gamma: NotNegative = 0.125
    epochs: Number = 10

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", simnpo(self.beta, self.delta), self.gamma)
