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
    """Representation misdirection: moves a block's hidden states on forget items towards one random direction.

    L = mean ‖h_l(forget) − steering·u‖²/D + alpha · mean ‖h_l(retain) − h_l⁰(retain)‖²/D, averaged over the tokens of
    an item and then over items; u is uniform in [0, 1)^D, normalised, so non-negative (Li et al. 2024, WMDP). Trained
    is the last matrix of the MLP in block l and the two below it. Published: block 7 of 32, steering 6.5 to 20, alpha
    100 to 1200, AdamW lr 5e-5, 80 to 150 batches of 4. Cost: the forward pass ends at block l: 0.65F a step, 0.89F
    live, where whole passes take 3.97F. Weakness: blocks above l are unchanged; a few steps of relearning, or a probe
    on lower blocks, recovers the facts.
    """

    layer: int | None = None
    """Number l of the transformer block whose output is moved, from 0 (negative: counted from the last); None: the
    block at 7/32 of the depth."""
    span: Count = 3
    """Number of blocks trained: block l and those directly below it, the last MLP matrix of each."""
    steering: NotNegative = 20.0
    """Length of the target vector steering·u; in adaptive-rmu a factor of the mean norm of h_l."""
    alpha: NotNegative = 100.0
    """Coefficient of the retain term."""
    positions: Positions = "all"
    """Tokens whose hidden states count. "all": prompt and answer, as in the authors' code (which counts padding, too).
    "answer": those that predict the answer."""
    lr: Positive = 5e-5
    batch: Count = 4
    warmup: NotNegative = 0.0

    def objective(self, study: TrainingProblem) -> Objective:
        layer = self.at(study)
        aim = self.scale(study, layer) * self.direction(study)
        return Objective(Activation("forget", layer, aim_at(aim)), match_reference("retain", layer, self.alpha))

    def mark_items(
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
    one forward, cut at the block. The length is measured once, on the original weights. Weakness: as RMU.
    """

    steering: NotNegative = 5.0
    alpha: NotNegative = 1200.0

    def scale(self, study: TrainingProblem, layer: int) -> float:
        read = build_pool(mark_positions(study.module, study.forget[: self.batch], self.positions))
        rows = build_rows("forget", read, study.pad, study.device)
        h = run_forward_no_grad(study.module, rows, (layer,), scores=False).hidden[layer].float()
        return self.steering * float(h[rows.mask].norm(dim=-1).mean())
