"""Weight arithmetic: subtract the task vector of the forget set."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from agents.models.local import Local
from arena.errors import UsageError
from arena.parameter_ranges import Count, Finite, Positive
from unlearning.losses.loss_terms import Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.token_weights import learning
from unlearning.method import method
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.trainable_parameters import Scope
from unlearning.modeling.weight_arithmetic import add_vector, negate_vector
from unlearning.training.finetune import Finetune
from unlearning.training.first_epoch_gradient import load_gradient
from unlearning.training.saliency import gradients
from unlearning.training.trainer import Settings
from unlearning.training.training_problem import TrainingProblem


@method
@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVector(Finetune):
    """Negation of a task vector: fine-tunes on the forget set, then subtracts the change from the weights.

    θ − scale (θ_tuned − θ) (Ilharco et al. 2023). Published: scale chosen by validation, such that a control metric
    survives. With lora the adapter's sign is reversed. Cost: 3F a step, then one pass over the weights; no retain set.
    Weakness: the vector holds the form of the answers more than the facts, so form is lost first.
    """

    reads_original: ClassVar[bool] = True

    scale: Finite = 1.0
    """Factor of the subtracted task vector; 0: the weights are unchanged."""

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Weighted("forget", learning()))

    def finish(self, study: TrainingProblem, trained: Any) -> Any:
        with torch.no_grad():
            if self.lora is not None:
                for name, parameter in trained.named_parameters():
                    if "lora_B" in name:
                        parameter.mul_(-self.scale)
                return trained
            before, tuned = dict(study.module.named_parameters()), dict(trained.named_parameters())
            moved = {name: p for name, p in tuned.items() if p.data_ptr() != before[name].data_ptr()}
            for name, tensor in negate_vector({name: before[name] for name in moved}, moved, self.scale).items():
                tuned[name].copy_(tensor)
        return trained


@method("embedding-ascent")
@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingAscent(Finetune):
    """First-epoch gradient ascent on the token embeddings: adds back the gradient that first taught the items.

    E ← E + rate · g, applied `repeat` times; g is the gradient of the items' mean loss with respect to the token
    embeddings (V, D), or to the parameters that `where` names, in the first epoch in which they were taught (arXiv
    2406.09391). It is read from `gradient` (`unlearning.training.first_epoch_gradient`; `bench weights` records it), or
    computed on the weights before fine-tuning (`origin`). With neither it is computed on the current weights: ascent of
    the last epoch. One descent step with `rate` from `origin`, then this method, restores E. Published: GPT-2, the
    number of repeats found by trial. Cost: 3F for each pass over the forget set, once, or nothing where it is recorded;
    one matrix of numbers. Weakness: only rows of tokens that occur in the items change; where the output head is tied
    to the embeddings, it and all rows change.
    """

    rate: Positive = 1.0
    """Step size of each addition of the gradient."""
    repeat: Count = 1
    """Number of times the gradient is added."""
    origin: str = ""
    """Folder with the model before fine-tuning, on which the gradient is computed; "": not used."""
    gradient: str = ""
    """Folder or file with the gradient recorded in the first epoch of fine-tuning; "": it is computed."""

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Weighted("forget", learning()))

    def scope(self, study: TrainingProblem) -> Scope:
        return Scope(self.where or f"^{re.escape(anatomy(study.module).embedding)}$")

    def settings(self) -> Settings:
        return replace(Finetune.settings(self), epochs=0)  # nothing is trained: one sum, in `finish`

    def finish(self, study: TrainingProblem, trained: Any) -> Any:
        first = self.get_gradient(study)
        weights = dict(trained.named_parameters())
        with torch.no_grad():
            for name, tensor in add_vector(
                {name: weights[name] for name in first}, first, self.rate * self.repeat
            ).items():
                weights[name].copy_(tensor)
        return trained

    def get_gradient(self, study: TrainingProblem) -> Mapping[str, torch.Tensor]:
        """The gradient of the first epoch, by parameter."""
        if self.gradient:
            chosen = self.scope(study).chosen(study.module)
            found = load_gradient(self.gradient)
            shapes = {name: p.shape for name, p in study.module.named_parameters() if name in chosen}
            if {name: one.shape for name, one in found.items()} != shapes:
                raise UsageError(
                    f"gradient {self.gradient!r} is of another model, or of other parameters than "
                    f"{format_names(shapes)}"
                )
            return {name: one.to(study.device) for name, one in found.items()}
        module = study.module
        if self.origin:
            module = Local(self.origin, device=str(study.device)).module
            if module.get_input_embeddings().weight.shape != study.module.get_input_embeddings().weight.shape:
                raise UsageError(f"origin {self.origin!r} is another model: its embeddings have another shape")
        return gradients(module, self.scope(study), study.forget, study.pad)


def format_names(names: Iterable[str]) -> str:
    """Some parameters by name."""
    first, *rest = names
    return f"{first} and {len(rest)} more" if rest else first
