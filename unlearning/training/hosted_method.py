"""Fine-tuning that changes which weights or batches another method (its host) uses; all else is the host's."""

from collections.abc import Mapping
from dataclasses import dataclass

from unlearning.losses.objective import Objective
from unlearning.method import Method
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import Scope
from unlearning.training.batch_samplers import BatchPlan
from unlearning.training.callbacks import Controller
from unlearning.training.finetune import Finetune
from unlearning.training.training_problem import TrainingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted(Finetune):
    """Base of the methods that change on which data or weights another method (the host) is trained.

    Losses, pools and callbacks are the host's; the optimiser settings are those given here, not the host's.
    """

    host: Method
    """Fine-tuning method that supplies losses, item pools and callbacks, by name or table. Its own optimiser settings
    are not used."""

    def __post_init__(self) -> None:
        Finetune.__post_init__(self)
        if not isinstance(self.host, Finetune):
            raise ValueError(f"host is a method that fine-tunes, such as npo or grad-diff, not {self.host!r}")

    @property
    def hosting(self) -> Finetune:
        assert isinstance(self.host, Finetune)
        return self.host

    def objective(self, study: TrainingProblem) -> Objective:
        return self.hosting.objective(study)

    def pools(self, study: TrainingProblem) -> dict[str, tuple[Encoded, ...]]:
        return self.hosting.pools(study)

    def mark_items(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        return self.hosting.mark_items(study, pools)

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        return self.hosting.plan(study, pools)

    def scope(self, study: TrainingProblem) -> Scope:
        return self.hosting.scope(study)

    def controllers(self, study: TrainingProblem) -> tuple[Controller, ...]:
        return self.hosting.controllers(study)
