"""Gradient ascent with per-token weights."""

from dataclasses import dataclass

from arena.parameter_ranges import Finite, NotNegative, Positive
from unlearning.losses.loss_terms import Term, Weighted
from unlearning.losses.token_weights import satimp, tnpo, wga, wtnpo
from unlearning.method import method
from unlearning.training.forget_retain import Paired
from unlearning.training.training_problem import TrainingProblem


@method("wga")
@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedAscent(Paired):
    """Weighted gradient ascent: tokens that are unlikely already are pushed less.

    w = p^power, token mean, plus alpha · NLL(retain) (Wang et al. 2025, G-effect); the gradient of mean p^power /
    power, so it is bounded. Published: power 5 in the authors' code, 1 in open-unlearning; lr 1e-5, 5 epochs. Cost: 6F
    a step, no reference. power 0 is grad-diff. Weakness: tokens that were never likely keep what they carry.
    """

    power: NotNegative = 1.0
    """Exponent of the token probability p in the weight p^power; 0: unweighted ascent (grad-diff)."""

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", wga(self.power), self.gamma)


@method("satimp")
@dataclass(frozen=True, slots=True, kw_only=True)
class SatImp(Paired):
    """Saturation and importance: pushes hardest on tokens of a middling probability.

    w = p^beta1 (1 − p)^beta2, token mean, plus alpha · NLL(retain) (Yang et al. 2025); greatest at
    p = beta1 / (beta1 + beta2). Published: beta1 5, beta2 0.1 to 1, gamma 0.1, alpha 1; lr 1e-5. Cost: 6F a step, no
    reference. (beta1, 0) is wga, (0, 0) grad-diff, (1, −1) has the gradient of ce-u. Weakness: what the model is
    certain of is pushed little at first, since 1 − p is small there.
    """

    beta1: NotNegative = 5.0
    """Exponent of p in the token weight p^beta1 (1 − p)^beta2: the larger, the smaller the weight of unlikely
    tokens."""
    beta2: Finite = 1.0
    """Exponent of 1 − p in the token weight: the larger, the smaller the weight of likely tokens."""
    gamma: NotNegative = 0.1

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", satimp(self.beta1, self.beta2), self.gamma)


@method("tnpo")
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenNPO(Paired):
    """NPO token by token: each token stops being pushed once it is much less likely than it was.

    w = 2p^beta / (p^beta + p0^beta), token mean, plus alpha · NLL(retain) (Wang et al. 2025, G-effect). Published: beta
    as NPO, lr 1e-5 (Llama-2) or 2e-5 (Phi), 5 epochs. Cost: 6F a step and one pass over forget before; 7F live.
    On answers of one token it is npo. Weakness: as npo.
    """

    beta: Positive = 0.1
    """Inverse temperature of the token weight: the larger, the sooner a token is no longer pushed once it is less
    likely than in the original model."""

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", tnpo(self.beta), self.gamma)


@method("wtnpo")
@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedTokenNPO(Paired):
    """TNPO times p^power: tokens that are already unlikely are pushed less as well.

    w = 2p^beta / (p^beta + p0^beta) · p^power, token mean, plus alpha · NLL(retain) (Wang et al. 2025, G-effect). Cost:
    6F a step and one pass over the forget set before; 7F live. power 0 is tnpo. Weakness: as npo.
    """

    beta: Positive = 0.1
    """Inverse temperature of the token weight: the larger, the sooner a token is no longer pushed once it is less
    likely than in the original model."""
    power: NotNegative = 1.0
    """Exponent of the token probability p in the weight; 0: tnpo."""

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", wtnpo(self.beta, self.power), self.gamma)
