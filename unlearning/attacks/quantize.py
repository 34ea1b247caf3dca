"""Quantization attack: round the weights, which undoes small changes that hid something."""

from dataclasses import replace
from typing import Annotated, Any, TypeAlias

from annotated_doc import Doc
from annotated_types import Ge, Le

from arena.agent import Agent
from unlearning.attacks.weight_rounding import measure_same_codes, quantize_module
from unlearning.modeling.agent_weights import open_weights
from unlearning.probe import Reading, Trial, attack
from unlearning.scoring.known_items import score_known
from unlearning.scoring.role_readings import measure_roles, select_items
from unlearning.scoring.statistics import Floats

Bits: TypeAlias = Annotated[int, Ge(2), Le(16)]


@attack
async def quantization(
    trial: Trial,
    *,
    bits: Annotated[Bits, Doc("Bits of each rounded weight.")] = 4,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    embeddings: Annotated[
        bool,
        Doc("Whether the token embeddings and the output head are rounded, too."),
    ] = False,
) -> Reading:
    """The share of facts that are known after all matrices were rounded to few bits, each row on its own grid.

    It undoes a method that changes weights by less than half a grid step. The twin is rounded alike, and the lift over
    it counts. detail: untouched, the share known without rounding; same_codes, the share of weights that round to the
    same as those of the agent that knew, None where these are others (an adapter, several models). Needs weights, which
    stay as they are. Zhang et al. 2024 (arXiv 2410.16454), with round-to-nearest.
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        found = open_weights(agent, "quantization")
        return (score_known(found.with_module(quantize_module(found.module, bits, embeddings)), items, "quantization"),)

    reading = await measure_roles(trial, measure)
    after, before = (open_weights(agent, "quantization").module for agent in (trial.after, trial.before))
    told = {
        "bits": bits,
        "untouched": float(score_known(trial.after, items, "quantization").mean()),
        "same_codes": measure_same_codes(after, before, bits, embeddings) if comparable(after, before) else None,
    }
    return replace(reading, detail={**reading.detail, **told})


def comparable(one: Any, other: Any) -> bool:
    """Whether two modules have the same parameters, so that they can be compared weight by weight."""
    return [name for name, _ in one.named_parameters()] == [name for name, _ in other.named_parameters()]
