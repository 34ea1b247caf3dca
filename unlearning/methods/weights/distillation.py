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
    """CE-U: distils the model's own distribution with the answer's token removed.

    L = CE(q, p), q = softmax(z without y), held constant (Yang 2025); the gradient in z is (p − q)/N, that of −log(1 −
    p), unlikelihood. Published: no retain term, skip 1, lr 2e-6, 9 epochs. Cost: 3F a step. Stays finite at p = 1.
    Weakness: the second most likely token takes the place of the answer, and it is often another form of the same
    answer.
    """

    skip: Number = 1
    """First tokens of each answer that the loss leaves out, since they are grammar more than fact."""

    def mark_items(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        return {**pools, "forget": tuple(without_first(one, self.skip) for one in pools["forget"])}

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Distil("forget", exclude_answer, cross_entropy))


@method("undial")
@dataclass(frozen=True, slots=True, kw_only=True)
class Undial(Paired):
    """UNDIAL: self-distillation with the answer's logits lowered.

    L = CE(softmax(z0 − beta·onehot(y)), p), mean over answer tokens (Dong et al. 2024). The answer's probability goes
    to p0 e^−beta / (p0 e^−beta + 1 − p0) and no lower, so training is stable. Published: beta 3 to 30, LoRA rank 8
    alpha 16, lr 1e-4, batch 32, no retain term. Cost: 3F a step, and storage of the original's logits (`top` of them,
    or all); 4F live. With beta 0 the target is the model itself: the gradient is rounding error, from which AdamW still
    makes steps. Weakness: the order of all other tokens is unchanged, and so are paraphrases.

    With `teacher` "self" the gradient is w ∇log p with w = pk / (1 − pk), k = 1 − e^−beta; beta → ∞ is CE-U.
    """

    beta: NotNegative = 10.0
    """Amount by which the logit of each answer token is lowered in the target distribution; 0: the target is the
    teacher's own distribution."""
    alpha: NotNegative = 0.0
    lr: Positive = 1e-4
    teacher: Literal["original", "self"] = "original"
    """Model whose lowered logits are the target. "original": the model before training. "self": the model as it is at
    each step, so that the answer keeps losing probability and no logits are stored."""

    def term(self, study: TrainingProblem) -> Term:
        if self.teacher == "self":
            return Weighted("forget", undial_self(self.beta), self.gamma)
        return Distil("forget", lower_answer(self.beta), cross_entropy, self.gamma, teacher=True, top=self.top)


@method("pdu")
@dataclass(frozen=True, slots=True, kw_only=True)
class PrimalDual(Paired):
    """PDU: flattens the logits of forgotten answers under a constraint on the retain loss.

    min mean (max z − mean z)² subject to NLL(retain) ≤ bound; L = gamma · flatness + λ NLL(retain), and λ ← max(0, λ +
    rate (NLL(retain) − bound)) (Entesari et al. 2025). Published: λ from 100, rate 5, bound 0.3, warm-up 5 of 10
    epochs, lr 1e-5 (TOFU). Cost: 6F a step; with updates by epoch, one pass over the retain set per epoch besides.
    Weakness: flat answer distributions themselves show that something was forgotten.
    """

    first: NotNegative = 100.0
    """Value of the multiplier λ at the start."""
    rate: NotNegative = 5.0
    """Step size of the updates of λ."""
    bound: Finite | None = None
    """Upper bound of the retain loss, in nats per token; None: (1 + slack) times the retain loss before training."""
    slack: NotNegative = 0.1
    """Relative increase of the retain loss that is allowed where `bound` is None."""
    dual_warmup: Number = 0
    """Epochs during which λ keeps its first value."""
    each: Literal["step", "epoch"] = "step"
    """When λ is updated: after each step, with the loss of its batch, or after each epoch, with the loss over the whole
    retain set."""
    epochs: Number = 10

    def term(self, study: TrainingProblem) -> Term:
        return Distil("forget", same, flatness, self.gamma)

    def controllers(self, study: TrainingProblem) -> tuple[Controller, ...]:
        return (Dual("retain", self.first, self.rate, self.bound, self.slack, self.dual_warmup, self.each),)
