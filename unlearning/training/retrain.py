"""Base of exact methods: train from the beginning without the forget items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from transformers import AutoModelForCausalLM

from agents.inference.forward_step import unwrap_adapter
from agents.models.local import Local
from arena.errors import UsageError
from arena.parameter_ranges import Number
from unlearning.losses.loss_terms import Weighted
from unlearning.losses.objective import Objective
from unlearning.losses.token_weights import learning
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import merge_adapter
from unlearning.training.batch_samplers import BatchPlan, Pairs, build_pool
from unlearning.training.finetune import Finetune
from unlearning.training.training_problem import TrainingProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainedWithout(Finetune):
    """Base of the methods that train on the retain items alone, from weights that never saw the forget items."""

    origin: str = ""
    """Folder with the model as it was before fine-tuning on any of the items; "": newly initialised weights of the same
    architecture, drawn from `seed`."""
    epochs: Number = 10

    reads_original: ClassVar[bool] = True  # of whose shape it makes fresh weights
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": {"lr": 4e-3, "epochs": 60, "warmup": 1.0, "decay": 0.0, "batch": 32}
    }

    def objective(self, study: TrainingProblem) -> Objective:
        return Objective(Weighted("learn", learning()))

    def pools(self, study: TrainingProblem) -> dict[str, tuple[Encoded, ...]]:
        if not study.request.retain:
            raise UsageError(f"{study.method} trains on what is kept, and the request names nothing to retain")
        return {"learn": study.retain}

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        return Pairs({role: build_pool(encoded) for role, encoded in pools.items()}, anchor="learn")

    def start(self, study: TrainingProblem) -> Any:
        if self.origin:
            return Local(self.origin, device=str(study.device)).module
        model = unwrap_adapter(study.module)
        with torch.random.fork_rng(devices=[]):  # weights are sampled from torch's global generator
            torch.manual_seed(self.seed)
            make: Any = AutoModelForCausalLM.from_config
            fresh = make(model.config, dtype=model.dtype)
        fresh.generation_config = model.generation_config
        return fresh.to(study.device).eval()

    def finish(self, study: TrainingProblem, trained: object) -> Any:
        return merge_adapter(trained)  # an adapter on another base than the agent's could not be loaded again
