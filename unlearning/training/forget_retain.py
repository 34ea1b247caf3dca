"""Fine-tuning on a forget term and a retain term, the form of most methods; the forget term is abstract."""

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
    """gamma: coefficient of the forget term. alpha: of the retain term, 0 for none. keep: what the retain term is:
    `nll` (say the answers) or `kl` (keep the distribution of the original). positions: where `kl` compares: at all
    real tokens, prompt included, as TOFU's code does, or at the answer's. top: for `kl`, how many of the original's
    logits are kept apart, None for all; the less, the less memory."""

    gamma: NotNegative = 1.0
    alpha: NotNegative = 1.0
    keep: Literal["nll", "kl"] = "nll"
    positions: Positions = "all"
    top: Count | None = None

    def term(self, study: TrainingProblem) -> Term:
        """The forget term; abstract."""
        raise NotImplementedError

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(self.term(study), self.kept())

    def placed(
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

    def kept(self) -> Term:
        """The retain term."""
        if self.keep == "kl":
            return Distil("retain", same, divergence, self.alpha, teacher=True, top=self.top)
        return Weighted("retain", learning(), self.alpha)
