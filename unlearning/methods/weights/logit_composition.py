"""Unlearning at the logits: train a second model and combine both at decoding."""

import copy
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
from torch import nn

from agents.inference.forward_step import unwrap_adapter
from agents.inference.logit_ensemble import CombinationRule, Composed
from agents.models.local import Local
from arena.errors import UsageError
from arena.parameter_ranges import Count, Finite, NotNegative, Number, Positive, Share
from unlearning.data.rewording import FRAMES, falsify_items, paraphrase_items
from unlearning.losses.loss_terms import Distil, Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.target_distributions import divergence, uniform
from unlearning.losses.token_weights import learning
from unlearning.method import Method, method
from unlearning.methods.weights.ascent import GradDiff
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import Lora, Scope, merge_adapter, mirror
from unlearning.training.finetune import Finetune
from unlearning.training.hosted_method import Hosted
from unlearning.training.training_problem import TrainingProblem


@method("uld")
@dataclass(frozen=True, slots=True, kw_only=True)
class LogitDifference(Finetune):
    """ULD: a small assistant learns the forget set, and its logits are subtracted from the model's.

    Assistant: the first blocks of the model with its own norm and head, trained by LoRA alone; L = NLL(forget) + alpha
    · KL(uniform ‖ p) on retain. The forget set holds each question and paraphrases of it (`unlearning.data.rewording`:
    the wordings that the item names, else the question in a plain frame; the authors use a large model); the retain set
    holds retain items and the forget questions with false answers, so that the assistant learns the facts and not the
    style. Answer: z + weight·a, with a = 0 where the model's own probability is below `floor` times its greatest (Ji et
    al. 2024). Published (their `forget_more_retain_perturb`): 2 paraphrases, 2 false answers, 400 retain items, alpha
    5, 8 blocks, LoRA rank 16 alpha 32, weight −0.8, floor 0.01, lr 1e-3, 10 epochs. Cost: 6 · (1 + paraphrases) ·
    layers/depth F a forget batch; an answer costs layers/depth more. Weakness: wordings that the assistant never met;
    the model's own weights are unchanged, and anyone with the file has the facts.
    """

    reads_original: ClassVar[bool] = True

    layers: Count = 8
    """Transformer blocks of the assistant, the first of the model."""
    weight: Finite = -0.8
    """Factor of the assistant's logits, normally negative; 0: the model alone."""
    floor: Share = 0.01
    """Tokens less likely under the model than this share of its greatest probability keep the model's logits."""
    alpha: NotNegative = 5.0
    """Coefficient of the assistant's retain term."""
    paraphrases: Annotated[int, Ge(0), Le(len(FRAMES))] = 2
    """Paraphrases of each forget question that the assistant is trained on."""
    perturbed: Number = 2
    """False answers of each forget question that are added to the assistant's retain set."""
    kept: Number = 400
    """Maximum number of retain items in the assistant's retain set, drawn by the seed."""
    epochs: Number = 10
    lr: Positive = 1e-3
    lora: Lora | None = field(default_factory=partial(Lora, rank=16, alpha=32))

    def pools(self, study: TrainingProblem) -> dict[str, tuple[Encoded, ...]]:
        forget, retain = study.request.forget, study.request.retain
        chosen = sorted(Random(f"uld {study.seed}").sample(range(len(retain)), min(self.kept, len(retain))))
        return {
            "forget": study.encode_items((*forget, *paraphrase_items(forget, self.paraphrases))),
            "retain": study.encode_items(
                (*(retain[place] for place in chosen), *falsify_items(forget, self.perturbed))
            ),
        }

    def objective(self, study: TrainingProblem) -> Objective:
        retained = (self.kept and study.request.retain) or falsify_items(study.request.forget, self.perturbed)
        return Objective(
            Weighted("forget", learning()), Distil("retain", uniform, divergence, self.alpha if retained else 0.0)
        )

    def start(self, study: TrainingProblem) -> Any:
        return truncate_layers(study.module, self.layers)

    def finish(self, study: TrainingProblem, trained: object) -> Any:
        return Composed(
            {"base": study.module, "assistant": merge_adapter(trained)},
            CombinationRule("assist", self.weight, self.floor),
        )


@method("offset")
@dataclass(frozen=True, slots=True, kw_only=True)
class Offset(Hosted):
    """δ-unlearning: a small pair of models is trained to correct the logits of a large one that is not touched.

    z = z_base + weight (a_θ − a_0); the host's loss is taken on z, and only θ is trained (Huang et al. 2025).
    Published: Llama-2-13b with a 7b assistant, GA, GD, NPO …, lr 1e-5, weight 1. Cost a step: the host's passes with
    the base forward, and 4F of the assistant. Weakness: the model's own weights are whole.
    """

    reads_original: ClassVar[bool] = True

    host: Method = field(default_factory=GradDiff)
    assistant: str = ""
    """Folder with a smaller model of the same vocabulary; "": a copy of the model itself."""
    weight: Finite = 1.0
    """Factor of the difference of the assistant's logits after and before training; 0: the model alone."""

    def start(self, study: TrainingProblem) -> Any:
        small = self.small(study)
        parts = {"base": study.module, "assistant": mirror(small), "frozen": mirror(small)}
        return Composed(parts, CombinationRule("offset", self.weight))

    def scope(self, study: TrainingProblem) -> Scope:
        return Scope(rf"^parts\.assistant\.(?=.*{self.where})")

    def small(self, study: TrainingProblem) -> Any:
        """The assistant. Raises UsageError where its words are others."""
        if not self.assistant:
            return study.module
        model = Local(self.assistant, device=str(study.device))
        if model.tokenizer.get_vocab() != study.tokenizer.get_vocab():
            raise UsageError(
                f"the assistant {self.assistant!r} has another vocabulary than the model, and their logits cannot be "
                "combined; take one of the same family"
            )
        return model.module


@method("whp")
@dataclass(frozen=True, slots=True, kw_only=True)
class Generic(Finetune):
    """Generic predictions: lowers the logits that a model reinforced on the facts raises.

    z − weight·relu(z_reinforced − z), the reinforced model being trained further on the forget set (Eldan & Russinovich
    2023, the composition alone, without relabelling). Published: weight 5. Cost: 3F a step; an answer costs twice as
    much. Weakness: the model's own weights are unchanged.
    """

    reads_original: ClassVar[bool] = True

    weight: NotNegative = 5.0
    """Factor of the reinforced model's logit increase that is subtracted; 0: the model alone."""

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Weighted("forget", learning()))

    def finish(self, study: TrainingProblem, trained: object) -> Any:
        return Composed(
            {"base": study.module, "reinforced": merge_adapter(trained)}, CombinationRule("generic", self.weight)
        )


def truncate_layers(module: Any, layers: int) -> Any:
    """The model truncated to its first `layers` blocks; it shares its tensors with `module`."""
    memo: dict[int, Any] = {id(one): one for one in (*module.parameters(), *module.buffers())}
    parts = anatomy(module)
    last = parts.blocks[layers:]
    memo |= {id(block): nn.Identity() for block in last}  # not copied, since they are cut off below
    short = copy.deepcopy(unwrap_adapter(module), memo)
    parent, _, name = parts.plan.layers.rpartition(".")
    setattr(short.get_submodule(parent), name, nn.ModuleList(anatomy(short).blocks[:layers]))
    config = short.config.get_text_config()
    config.num_hidden_layers = min(layers, parts.depth)
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]
    return short
