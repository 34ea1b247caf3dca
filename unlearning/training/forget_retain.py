"""Fine-tuning on a forget term and a retain term, the form of most methods; the forget term is abstract."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from arena.parameter_ranges import Count, NotNegative
from unlearning.losses.loss_terms import Distil, Term, Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.target_distributions import divergence, same
from unlearning.losses.token_weights import learning
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.loss_positions import Positions, mark_positions
from unlearning.training.finetune import Finetune
from unlearning.training.training_problem import TrainingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired(Finetune):
    """Base of the methods whose loss is gamma · forget term + alpha · retain term.

    A method supplies the forget term; the retain term is the same for all.
    """

    gamma: NotNegative = 1.0
    """Coefficient of the forget term."""
    alpha: NotNegative = 1.0
    """Coefficient of the retain term; 0: no retain term."""
    keep: Literal["nll", "kl"] = "nll"
    """Retain term. "nll": negative log-likelihood of the retain answers. "kl": KL divergence from the original model on
    the retain items."""
    positions: Positions = "all"
    """Tokens at which "kl" compares. "all": every token but padding, prompt included, as in TOFU's code. "answer":
    those of the answer."""
    top: Count | None = None
    """Number of the original model's largest logits kept for "kl", the rest being pooled; None: all logits. Fewer take
    less memory."""

    @abstractmethod
    def term(self, study: TrainingProblem) -> Term:
        """The forget term."""

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(self.term(study), self.build_retain_term())

    def mark_items(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        found = dict(pools)
        if self.compares:
            found["retain"] = mark_positions(study.module, found["retain"], self.positions)
        return found

    @property
    def compares(self) -> bool:
        """Whether the retain term compares distributions."""
        return self.keep == "kl"

    def build_retain_term(self) -> Term:
        """The retain term."""
        if self.compares:
            return Distil("retain", same, divergence, self.alpha, teacher=True, top=self.top)
        return Weighted("retain", learning(), self.alpha)
