"""What a method changed in the weights, and its cost."""

from copy import deepcopy
from math import sqrt
from typing import Annotated, Any

import torch
from annotated_doc import Doc
from torch import Tensor

from arena.agent import Agent
from arena.errors import UsageError
from unlearning.modeling.agent_weights import open_weights
from unlearning.probe import Reading, Trial, metric


@metric
async def weight_distance(trial: Trial) -> Reading:
    """‖θ − θ_before‖ / ‖θ_before‖ over all weights, adapters merged; 0 to ∞. null: the twin's.

    It does not say whether anything was forgotten; small changes are lost where weights are rounded (quantization).
    detail: the same by parameter, the ten largest. Needs weights, and agents of one architecture.
    """
    before = weights_of(trial.before)
    after, by_name = distance(weights_of(trial.after), before)
    null = None if trial.oracle is None else distance(weights_of(trial.oracle), before)[0]
    largest = sorted(by_name.items(), key=lambda pair: -pair[1])[:10]
    return Reading(after, null=null, before=0.0, better="lower", detail={"largest": dict(largest)})


@metric
async def cost(
    trial: Trial,
    *,
    of: Annotated[
        str,
        Doc(
            'Recorded quantity to report. "seconds". "tokens": tokens processed, padding included; for models '
            'behind an API, read and written. "calls": calls of such models. "flops": estimated floating-point '
            'operations. "memory": peak bytes on the GPU.'
        ),
    ] = "seconds",
) -> Reading:
    """What the method took, as it was recorded while it ran; None where it was not. detail: everything recorded."""
    value = trial.cost.get(of)
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return Reading(float(value) if known else None, better="lower", detail=dict(trial.cost))  # type: ignore[arg-type]


def weights_of(agent: Agent) -> dict[str, Tensor]:
    """The weights by name, an adapter merged into them."""
    module = open_weights(agent, "weight_distance").module
    merged: Any = deepcopy(module).merge_and_unload() if hasattr(module, "peft_config") else module
    return {name: tensor.detach() for name, tensor in merged.named_parameters()}


@torch.no_grad()
def distance(after: dict[str, Tensor], before: dict[str, Tensor]) -> tuple[float, dict[str, float]]:
    """The relative distance of all weights, and by parameter. Raises UsageError for different architectures."""
    if {name: one.shape for name, one in after.items()} != {name: one.shape for name, one in before.items()}:
        raise UsageError("weight_distance compares models of one architecture, and these have different parameters")
    apart = {name: float((after[name].float() - one.float()).norm()) for name, one in before.items()}
    size = {name: float(one.float().norm()) for name, one in before.items()}
    whole = sqrt(sum(gap**2 for gap in apart.values())) / max(sqrt(sum(one**2 for one in size.values())), 1e-30)
    return whole, {name: gap / max(size[name], 1e-30) for name, gap in apart.items()}
