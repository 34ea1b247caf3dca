"""Steer hidden states of forget items to a random direction (RMU)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from arena.parameter_ranges import Count, NotNegative, Positive
from unlearning.losses.loss_terms import Activation, aim_at, match_reference
from unlearning.losses.objective import Objective
from unlearning.method import method
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.forward_view import build_rows, run_forward_no_grad
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.loss_positions import Positions, mark_positions
from unlearning.modeling.trainable_parameters import Scope
from unlearning.training.batch_samplers import build_pool
from unlearning.training.finetune import Finetune
from unlearning.training.training_problem import TrainingProblem


@method("rmu")
@dataclass(frozen=True, slots=True, kw_only=True)
class RMU(Finetune):
    """Representation misdirection: pushes a block's output on forget items to one random direction.

    L = mean ‖h_l(forget) − steering·u‖²/D + alpha · mean ‖h_l(retain) − h_l⁰(retain)‖²/D, over the tokens of an item
    and then over items. Cost: the run ends behind block l: 0.65F a step, 0.89F live, where whole forwards take 3.97F.
    Leaks: what lies above block l is untouched; a few steps of relearning, or a probe on lower blocks, finds the facts
    again.
    """

    layer: int | None = None
    """Number l of the transformer block whose output is steered, from 0; None: a quarter of the depth (7 of 32)."""
    span: Count = 3
    """Number of blocks trained: block l and those directly below it. Only the last matrix of each block's MLP is
    trained."""
    steering: NotNegative = 20.0
    alpha: NotNegative = 100.0
    positions: Positions = "all"
    """`all` tokens, prompt included, as the authors' code has it (there padding as well), or those that predict the
    `answer`. u is uniform in [0, 1)^D, normalised, so non-negative (Li et al. 2024, WMDP). Trains the MLP's last matrix
    of block l and the two below it. Published: block 7 of 32, steering 6.5 to 20, alpha 100 to 1200, AdamW lr 5e-5, 80
    to 150 batches of 4."""
    lr: Positive = 5e-5
    batch: Count = 4
    warmup: NotNegative = 0.0

    def objective(self, study: TrainingProblem) -> Objective:
        layer = self.at(study)
        aim = self.scale(study, layer) * self.direction(study)
        return Objective(Activation("forget", layer, aim_at(aim)), match_reference("retain", layer, self.alpha))

    def placed(
        self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]
    ) -> dict[str, tuple[Encoded, ...]]:
        return {role: mark_positions(study.module, encoded, self.positions) for role, encoded in pools.items()}

    def scope(self, study: TrainingProblem) -> Scope:
        if self.where:
            return Scope(self.where)
        parts, layer = anatomy(study.module), self.at(study)
        names = [parts.path(one, parts.plan.down) for one in range(max(0, layer - self.span + 1), layer + 1)]
        return Scope("|".join(f"^{re.escape(name)}\\.weight$" for name in names))

    def at(self, study: TrainingProblem) -> int:
        """The number of the block."""
        parts = anatomy(study.module)
        return parts.depth * 7 // 32 if self.layer is None else parts.at(self.layer)

    def direction(self, study: TrainingProblem) -> Tensor:
        """(D,) of length 1."""
        chance = torch.Generator().manual_seed(study.seed)
        u = torch.rand(anatomy(study.module).hidden, generator=chance)
        unit: Tensor = u / u.norm()
        return unit.to(study.device)

    def scale(self, study: TrainingProblem, layer: int) -> float:
        """The norm of the target vector."""
        return self.steering


@method("adaptive-rmu")
@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveRMU(RMU):
    """RMU whose aim is as long as what is there: steering times the mean length of h_l on the first forget batch.

    Huu-Tien et al. 2024. Published: steering 5, alpha 1200, 500 batches of 4, lr 5e-5; otherwise RMU. Cost: as RMU and
    one forward, cut at the block. The length is measured once, on the original weights. Leaks: as RMU.
    """

    steering: NotNegative = 5.0
    alpha: NotNegative = 1200.0

    def scale(self, study: TrainingProblem, layer: int) -> float:
        read = build_pool(mark_positions(study.module, study.forget[: self.batch], self.positions))
        rows = build_rows("forget", read, study.pad, study.device)
        h = run_forward_no_grad(study.module, rows, (layer,), scores=False).hidden[layer].float()
        return self.steering * float(h[rows.mask].norm(dim=-1).mean())
