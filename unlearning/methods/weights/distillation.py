"""Unlearning by a target distribution for the answer tokens, in place of a token to avoid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from arena.parameter_ranges import Finite, NotNegative, Number, Positive
from unlearning.losses.loss_terms import Distil, Term, Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.target_distributions import cross_entropy, exclude_answer, flatness, lower_answer, same
from unlearning.losses.token_weights import undial_self
from unlearning.method import method
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.loss_positions import without_first
from unlearning.training.callbacks import Controller, Dual
from unlearning.training.finetune import Finetune
from unlearning.training.forget_retain import Paired
from unlearning.training.training_problem import TrainingProblem


@method("ce-u")
@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntropyUnlearning(Finetune):
    """CE-U: aims at what the model itself would say if the answer's token could not be said.

    L = CE(q, p), q = softmax(z without y), held fixed (Yang 2025); the gradient in z is (p − q)/N, that of −log(1 − p):
    unlikelihood. Published: no retain term, skip 1, lr 2e-6, 9 epochs. Cost: 3F a step. Stays finite at p = 1. Leaks:
    the runner-up takes the answer's place, and it is often a form of the same answer.
    """

    skip: Number = 1
    """Tokens at the beginning of an answer that are left alone, as a footnote to the paper's training settings has it:
    what an answer begins with is grammar more than fact."""

    def placed(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        return {**pools, "forget": tuple(without_first(one, self.skip) for one in pools["forget"])}

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Distil("forget", exclude_answer, cross_entropy))


@method("undial")
@dataclass(frozen=True, slots=True, kw_only=True)
class Undial(Paired):
    """UNDIAL: distils the original with the answer's logits lowered.

    L = CE(softmax(z0 − beta·onehot(y)), p), mean over answer tokens (Dong et al. 2024). The answer's probability goes
    to p0 e^−beta / (p0 e^−beta + 1 − p0) and no lower, so training is stable. Published: beta 3 to 30, LoRA rank 8
    alpha 16, lr 1e-4, batch 32, no retain term. Cost: 3F a step, and the original's logits kept (`top` of them, or
    all); 4F live. beta 0 aims at what is there already: its gradient is rounding, of which AdamW still makes steps.
    Leaks: the order of all other tokens stays, and so do paraphrases.
    """

    beta: NotNegative = 10.0
    alpha: NotNegative = 0.0
    lr: Positive = 1e-4
    teacher: Literal["original", "self"] = "original"
    """`self` lowers the logits of the model as it is at each step, and keeps none: its gradient is w ∇log p with w = pk
    / (1 − pk), k = 1 − e^−beta, so that it goes on where the original's logits would be reached; beta → ∞ is CE-U."""

    def term(self, study: TrainingProblem) -> Term:
        if self.teacher == "self":
            return Weighted("forget", undial_self(self.beta), self.gamma)
        return Distil("forget", lower_answer(self.beta), cross_entropy, self.gamma, teacher=True, top=self.top)


@method("pdu")
@dataclass(frozen=True, slots=True, kw_only=True)
class PrimalDual(Paired):
    """PDU: flattens the logits of forgotten answers as far as a bound on the retain loss allows.

    min mean (max z − mean z)² subject to NLL(retain) ≤ bound; L = gamma · flatness + λ NLL(retain), and λ ← max(0, λ +
    rate (NLL(retain) − bound)) by step or by epoch, after a warm-up (Entesari et al. 2025). bound None is (1 + slack)
    times the retain loss before. Published: λ from 100, rate 5, bound 0.3, warm-up 5 of 10 epochs, lr 1e-5 (TOFU).
    Cost: 6F a step; by epoch, one pass over retain besides. Leaks: flat answers are themselves a mark.
    """

    first: NotNegative = 100.0
    """Λ at the start."""
    rate: NotNegative = 5.0
    bound: Finite | None = None
    slack: NotNegative = 0.1
    dual_warmup: Number = 0
    """Epochs in which λ stays."""
    each: Literal["step", "epoch"] = "step"
    """When λ is moved."""
    epochs: Number = 10

    def term(self, study: TrainingProblem) -> Term:
        return Distil("forget", same, flatness, self.gamma)

    def controllers(self, study: TrainingProblem) -> tuple[Controller, ...]:
        return (Dual("retain", self.first, self.rate, self.bound, self.slack, self.dual_warmup, self.each),)
