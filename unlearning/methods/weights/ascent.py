"""Gradient ascent, and variants that keep it bounded."""

from dataclasses import dataclass

from unlearning.losses.loss_terms import Term, Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.token_weights import ascent
from unlearning.method import method
from unlearning.training.finetune import Finetune
from unlearning.training.forget_retain import Paired
from unlearning.training.training_problem import TrainingProblem


@method("ga")
@dataclass(frozen=True, slots=True, kw_only=True)
class GradientAscent(Finetune):
    """Gradient ascent: unlearns the answers by the loss that taught them, reversed.

    L = mean lp(answer) over forget tokens (Jang et al. 2023; the first baseline of TOFU, Maini et al. 2024).
    Published: AdamW, lr 1e-5, 5 epochs, effective batch 32, weight decay 0.01, one epoch of warm-up.
    Cost: 3F a step. Unbounded: it does not stop at "never heard of it" but goes on until the model speaks no more.
    Weakness: forgotten answers become less likely than to a model that never met them, which gives the forget set away.
    """

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Weighted("forget", ascent()))


@method
@dataclass(frozen=True, slots=True, kw_only=True)
class GradDiff(Paired):
    """Gradient difference: ascent on what is to be forgotten, descent on what is to be kept.

    L = gamma · mean lp(forget) + alpha · NLL(retain) (Liu et al. 2022; TOFU). Published: gamma = alpha = 1, otherwise
    as gradient ascent (WAGLE: lr 7e-6). Cost: 6F a step. The ascent is unbounded, so the two terms pull ever harder.
    Weakness: as gradient ascent; neighbours of the forget set that retain does not name go with it.
    """

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", ascent(), self.gamma)


@method("kl-ga")
@dataclass(frozen=True, slots=True, kw_only=True)
class KLAscent(Paired):
    """Gradient ascent that keeps what the original says of the retain set, as a distribution.

    L = gamma · mean lp(forget) + alpha · KL(p0 ‖ p) on retain, mean over tokens (Maini et al. 2024, "KL minimisation").
    positions: `all` compares at every token, prompt included, as TOFU's code does (there padding as well); `answer` at
    those that predict the answer, of which fewer logits have to be kept. Cost: 6F a step and one pass over retain
    before, where the original's logits are kept (tokens × vocabulary numbers, or `top` of them); 7F with
    reference=live. Weakness: as gradient ascent.
    """

    @property
    def compares(self) -> bool:
        return True

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("forget", ascent(), self.gamma)
