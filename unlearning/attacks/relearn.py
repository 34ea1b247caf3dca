"""Relearning attack: fine-tune on a small part of the forget set and ask for all the rest."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Any

import numpy as np
import torch
from annotated_doc import Doc
from torch import Tensor

from agents.inference.end_tokens import choose_pad_token
from agents.inference.tiny_llama import fit
from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.parameter_ranges import Count, Number, Positive
from unlearning.modeling.agent_rendering import build_rendering
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.item_tokenization import Encoded, collate, encode_all
from unlearning.probe import Reading, Trial, attack
from unlearning.request import Item
from unlearning.scoring.known_items import score_known
from unlearning.scoring.role_readings import MeasureOnce, measure_roles, select_items
from unlearning.scoring.statistics import Floats


@attack
async def relearning(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    lessons: Annotated[
        str,
        Doc(
            'Role from which the items taught are drawn, such as "retain" for relearning from harmless items; "": '
            "`role`."
        ),
    ] = "",
    given: Annotated[Count, Doc("Items that are taught.")] = 6,
    steps: Annotated[Number, Doc("Steps of AdamW.")] = 20,
    every: Annotated[Count, Doc("Steps between two measurements.")] = 5,
    rate: Annotated[Positive, Doc("Learning rate.")] = 1e-3,
    batch: Annotated[
        Count,
        Doc("Items in a step."),
    ] = 16,
) -> Reading:
    """The share of facts that are known after a few other ones were taught again.

    Facts that were only hidden come back with their neighbours, removed ones do not: the twin is taught the same and
    has to stay at chance, and the lift over it counts. The items taught are drawn by the trial's seed and never asked.
    detail: steps, with curve and null_curve, what is known after each; untouched, before any; recovery, the mean gap
    between the curves. Needs weights, which stay as they are.
    """
    taught, asked = split_items(
        select_items(trial, role), given, trial.seed, select_items(trial, lessons) if lessons else ()
    )

    async def curve(agent: Agent) -> tuple[Floats]:
        return (track_relearning(agent, taught, asked, RelearnSettings(steps, every, rate, batch, trial.seed)),)

    curves = MeasureOnce(curve, trial)

    async def measure(agent: Agent) -> tuple[Floats]:
        return ((await curves.of(agent))[0][-1],)

    reading = await measure_roles(trial, measure)
    mine = (await curves.of(trial.after))[0].mean(1)
    null = None if trial.oracle is None else (await curves.of(trial.oracle))[0].mean(1)
    told: dict[str, JSON] = {
        "given": len(taught),
        "steps": [min(steps, every * n) for n in range(len(mine))],
        "curve": mine.tolist(),
        "null_curve": None if null is None else null.tolist(),
        "recovery": None if null is None else float((mine - null).mean()),
        "untouched": float(mine[0]),
    }
    return replace(reading, detail={**reading.detail, **told})


@dataclass(frozen=True, slots=True)
class RelearnSettings:
    """Fine-tuning settings: `steps` steps of AdamW at a constant `rate`, batches of `batch` items, evaluated every
    `every`."""

    steps: int
    every: int
    rate: float
    batch: int
    seed: int


def track_relearning(agent: Agent, taught: Sequence[Item], asked: Sequence[Item], pace: RelearnSettings) -> Floats:
    """(looks, items): 1 for what is known before, and after every few steps; the agent's own weights stay."""
    found = open_weights(agent, "relearning")
    tokenizer = found.model.tokenizer
    shown, pad = encode_all(tokenizer, taught, build_rendering(found.mind)), choose_pad_token(tokenizer)
    module = deepcopy(found.module).float().requires_grad_(True)  # small steps are lost in 16 bits
    seen = [score_known(agent, asked, "relearning")]
    for done in range(0, pace.steps, pace.every):
        more = min(pace.every, pace.steps - done)
        relearn(module, shown, pad, more, pace.rate, pace.batch, pace.seed + done)
        seen.append(score_known(found.with_module(module), asked, "relearning"))
    return np.stack(seen)


def split_items(
    items: tuple[Item, ...], given: int, seed: int, lessons: tuple[Item, ...] = ()
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Items to train on and items to ask, without a common fact. Raises UsageError where nothing is left to ask."""
    names = sorted({item.name for item in (lessons or items)})
    chosen = set(Random(f"relearn {seed}").sample(names, min(given, len(names))))
    taught = tuple(item for item in (lessons or items) if item.name in chosen)
    asked = tuple(item for item in items if item.name not in chosen)
    if not asked:
        raise UsageError(f"relearning: all {len(items)} facts would be taught, and none is left to ask; give fewer")
    return taught, asked


def relearn(module: Any, shown: tuple[Encoded, ...], pad: int, steps: int, rate: float, batch: int, seed: int) -> None:
    """Teach the items for so many steps, at a constant rate, in place."""
    chance = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[dict[str, Tensor]]:
        for _ in range(steps):
            rows = torch.randperm(len(shown), generator=chance)[:batch].tolist()
            made = collate([shown[row] for row in rows], pad)
            yield {"input_ids": made.ids.to(module.device), "labels": made.labels.to(module.device)}

    fit(module, batches(), rate=lambda step: rate)
