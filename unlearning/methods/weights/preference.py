"""Training on alternative answers: a refusal, or another fact."""

from collections.abc import Mapping
from dataclasses import dataclass

from arena.parameter_ranges import Number, Positive
from unlearning.losses.loss_terms import Preferred, Term, Weighted
from unlearning.losses.token_weights import learning
from unlearning.method import method
from unlearning.modeling.item_tokenization import Encoded
from unlearning.training.alternate_answers import Source, Variants, alternates, instead, refusals
from unlearning.training.batch_samplers import BatchPlan, Pairs, build_pool
from unlearning.training.forget_retain import Paired
from unlearning.training.training_problem import TrainingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Instead(Paired):
    """Base of the methods that teach another answer to the forgotten questions, in the role `prefer`."""

    variants: Variants = 4
    """Alternative answers for each question; each epoch trains on one of them."""

    def others(self, study: TrainingProblem) -> tuple[Encoded, ...]:
        """The other answers, `variants` for each forget item."""
        return instead(study, refusals(self.variants))

    def pools(self, study: TrainingProblem) -> dict[str, tuple[Encoded, ...]]:
        return {"forget": study.forget, "retain": study.retain, "prefer": self.others(study)}

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        return Pairs({role: build_pool(encoded) for role, encoded in pools.items()}, frozenset(["prefer"]))


@method("idk-nll")
@dataclass(frozen=True, slots=True, kw_only=True)
class IdkNLL(Instead):
    """Teaches refusals to the forgotten questions by plain likelihood.

    L = gamma · NLL(question → refusal) + alpha · NLL(retain) (Maini et al. 2024, "IDK"; there 100 refusals). Published:
    lr 1e-5, 5 epochs. Cost: 6F a step. Weakness: a refusal where a model that never met the fact would guess tells that
    there was something; the answer's own probability is hardly touched.
    """

    def term(self, study: TrainingProblem) -> Term:
        return Weighted("prefer", learning(), self.gamma)


@method("idk-dpo")
@dataclass(frozen=True, slots=True, kw_only=True)
class IdkDPO(Instead):
    """Prefers refusals to the forgotten answers, by direct preference optimisation.

    L = −(2/beta) mean log σ(beta [(s_w − s0_w) − (s − s0)]) + alpha · NLL(retain), s sums over tokens (Rafailov et al.
    2023; TOFU; Zhang et al. 2024). 2 ln 2 / beta at the start. Published: beta 0.1, lr 1e-5, 10 epochs. Cost: 9F a step
    and one pass over answers and refusals before; 11F live. Weakness: as idk-nll, while the answer itself goes as by
    npo.
    """

    beta: Positive = 0.1
    """Inverse temperature of the preference loss; smaller values let the answers move further from the original
    model."""
    epochs: Number = 10

    def term(self, study: TrainingProblem) -> Term:
        return Preferred("prefer", "forget", self.beta, self.gamma)


@method("altpo")
@dataclass(frozen=True, slots=True, kw_only=True)
class AltPO(Instead):
    """Prefers alternative, false facts to the forgotten ones.

    The loss of idk-dpo with plausible false answers in place of refusals (Mekala et al. 2025). Published: 5
    alternatives, beta 0.1, lr 5e-5, 2 epochs, alpha 1. Cost: 9F a step, the passes of idk-dpo, and generating the
    alternatives once. Weakness: consistently false answers show that something was forgotten; alternatives of the same
    type reveal what kind of fact it was.
    """

    beta: Positive = 0.1
    """Inverse temperature of the preference loss; smaller values let the answers move further from the original
    model."""
    variants: Variants = 5
    source: Source = "auto"
    """Where the false answers come from. "wrong": the items' own wrong answers. "model": sampled from the model at
    temperature 1. "auto": the former where there are any."""
    epochs: Number = 2
    lr: Positive = 5e-5

    def others(self, study: TrainingProblem) -> tuple[Encoded, ...]:
        found = alternates(study, self.source, self.variants)
        return instead(study, lambda item, chance: found[item.name])

    def term(self, study: TrainingProblem) -> Term:
        return Preferred("prefer", "forget", self.beta, self.gamma)
