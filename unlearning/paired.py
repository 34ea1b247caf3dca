"""Fine-tuning on a forget term and a retain term: the shape of most methods, whose hole is the forget term."""

from dataclasses import dataclass
from typing import Literal

from unlearning.finetune import Finetune
from unlearning.objective import Objective
from unlearning.study import Study
from unlearning.targets import divergence, same
from unlearning.terms import Distil, Term, Weighted
from unlearning.weighting import learning


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired(Finetune):
    """gamma: coefficient of the forget term. alpha: of the retain term, 0 for none. keep: what the retain term is:
    `nll` (say the answers) or `kl` (keep the distribution of the original). top: for `kl`, how many of the original's
    logits are kept apart, None for all; the less, the less memory."""

    gamma: float = 1.0
    alpha: float = 1.0
    keep: Literal["nll", "kl"] = "nll"
    top: int | None = None

    def term(self, study: Study) -> Term:
        """The forget term: the hole."""
        raise NotImplementedError

    def objective(self, study: Study) -> Objective:
        return Objective(self.term(study), self.kept())

    def kept(self) -> Term:
        """The retain term."""
        if self.keep == "kl":
            return Distil("retain", same, divergence, self.alpha, teacher=True, top=self.top)
        return Weighted("retain", learning(), self.alpha)
