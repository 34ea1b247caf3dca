"""ICU and SU: batches that pair forget items with similar or neighbouring retain items."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from arena.parameter_ranges import Count, NotNegative, Number, Positive, Share
from unlearning.losses.loss_terms import Distil, Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.target_distributions import cross_entropy, same
from unlearning.losses.token_weights import ascent, learning
from unlearning.method import Method, method
from unlearning.methods.weights.ascent import GradDiff
from unlearning.modeling.forward_view import Sample
from unlearning.modeling.item_tokenization import Encoded
from unlearning.scoring.text_overlap import nearest
from unlearning.training.batch_samplers import BatchPlan, Joined, Partners, build_pool
from unlearning.training.callbacks import Controller, Dropping
from unlearning.training.finetune import Finetune
from unlearning.training.hosted_method import Hosted
from unlearning.training.memorization import accuracy, extraction, unsaid
from unlearning.training.training_problem import TrainingProblem
from unlearning.training.training_state import Lens


@method("icu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Iterative(Finetune):
    """Iterative contrastive unlearning: ascent on forget items beside similar retain items, until each is forgotten.

    L = u · mean lp(forget) + l · NLL(partner) + k · CE(p0, p) on the partner, a similar retain item. A forget item is
    dropped for good once its greedy continuation differs enough; training ends when memorisation accuracy and
    extraction likelihood of 10-grams of the forget set are below their limits (Tang et al. 2024; there BERTScore in
    place of F1, and neighbours by sentence embeddings, which take a second model). Published: u 1, l 0.5, k 1, Adam lr
    5e-6, batch 8. Cost: 6F a step, one pass over the retain set before (`top` logits kept), and the continuations of
    each epoch; 7F live. l = k = 0 is ga. Weakness: as gradient ascent, though less, since items are dropped in time.
    """

    u: NotNegative = 1.0
    """Coefficient of the ascent term on forget items."""
    l: NotNegative = 0.5  # noqa: E741 (the paper's name)
    """Coefficient of the negative log-likelihood of the partner items."""
    k: NotNegative = 1.0
    """Coefficient of the cross-entropy from the original model on the partner items."""
    nearest: Count = 10
    """Retain items most similar to a forget item, by shared words, that serve as its partner in turn, one each
    epoch."""
    least_f1: Share = 0.3
    """A forget item is dropped when the token F1 of its greedy continuation against the answer falls below this."""
    least_bleu: Share = 0.01
    """A forget item is dropped when the BLEU of its greedy continuation against the answer falls below this."""
    accuracy: Share = 0.5994
    """Training ends when the memorisation accuracy of the forget set is below this and `extraction` is met, too."""
    extraction: Share = 0.0499
    """Training ends when the extraction likelihood of the forget set (10-grams) is below this and `accuracy` is met,
    too."""
    top: Count | None = None
    """Number of the original model's largest logits kept for each token of the retain set; None: all."""
    lr: Positive = 5e-6
    batch: Count = 8
    epochs: Number = 10

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(
            Weighted("forget", ascent(), self.u),
            Weighted("retain", learning(), self.l),
            Distil("retain", same, cross_entropy, self.k, teacher=True, top=self.top),
        )

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        if not pools["retain"]:
            return Finetune.plan(self, study, pools)
        request = study.request
        partners = tuple(nearest(item, request.retain, self.nearest) for item in request.forget)
        return Partners({role: build_pool(encoded) for role, encoded in pools.items()}, partners)

    def controllers(self, study: TrainingProblem) -> tuple[Controller, ...]:
        gone = partial(unsaid, role="forget", least_f1=self.least_f1, least_bleu=self.least_bleu)
        return (Dropping(gone, self.whole),)

    def whole(self, lens: Lens) -> bool:
        """Whether the forget set as a whole is no longer memorised."""
        return accuracy(lens, "forget") < self.accuracy and extraction(lens, "forget") < self.extraction


@method("su")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeAware(Hosted):
    """Scope-aware unlearning: a forget question in front of a retain question must not change the latter's answer.

    L = L_host + eta · NLL(y_r | x_f x_r), both questions joined into one prompt, the loss over y_r alone (Ren et al.
    2025). Made against requests that contain common words, with which forgetting becomes associated. Published: eta 5
    (2 to 40), lr 1e-5, 10 epochs. Cost: the host's and 3F. Weakness: the host's.
    """

    host: Method = field(default_factory=GradDiff)
    eta: NotNegative = 5.0
    """Coefficient of the loss on joined questions; 0: the host alone."""
    epochs: Number = 10

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(*self.hosting.objective(study).terms, Weighted("joined", learning(), self.eta))

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        plan = self.hosting.plan(study, pools)
        study.check(plan.pools, ("retain",))
        return Joined(plan, partial(join_items, study))


def join_items(study: TrainingProblem, forget: Sample, retain: Sample) -> Encoded:
    """The retain item, with the question of the forget item before its own."""
    assert forget.index is not None and retain.index is not None
    first, second = study.request.forget[forget.index], study.request.retain[retain.index]
    asked = " ".join(part for part in (first.prompt or first.answer, second.prompt) if part)
    return study.encode_items([replace(second, prompt=asked)])[0]
