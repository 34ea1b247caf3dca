"""Sampling attack: sample several answers, since greedy decoding may hide what the model still knows."""

from dataclasses import replace
from typing import Annotated

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.parameter_ranges import Count, NotNegative
from unlearning.probe import Reading, Trial, attack
from unlearning.scoring.answer_wording import gives_away
from unlearning.scoring.elicitation import ask_items
from unlearning.scoring.role_readings import MeasureOnce, measure_roles, select_items
from unlearning.scoring.statistics import Floats, best_of, clopper_pearson


@attack
async def leak(
    trial: Trial,
    *,
    k: Annotated[Count, Doc("Number of answers of which the best counts; at most `n`.")] = 8,
    n: Annotated[Count, Doc("Answers sampled for each question.")] = 16,
    temperature: Annotated[NotNegative, Doc("Sampling temperature; 0: greedy decoding.")] = 1.0,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 64,
) -> Reading:
    """leak@k: how much the best of k sampled answers gives away, an unbiased estimate from n of them; 0 to 1.

    Σ C(i−1, k−1) / C(n, k) · s_(i) over the sorted scores of an item. detail, of the agent after: per_sample, the mean
    leak of one sample; hits and drawn, over all items; most, the exact one-sided 95 % upper bound of the rate of a
    sample for an item without a hit, 1 − .05^(1/n). n answers a row.
    """
    if not 1 <= k <= n:
        raise UsageError(f"leak: k is a number of samples, 1 to n = {n}, not {k}")
    items = select_items(trial, role)

    async def draw(agent: Agent) -> tuple[Floats]:
        """(items, n): what each sample gives away."""
        asked = [item for item in items for _ in range(n)]
        said = await ask_items(agent, asked, new=new, temperature=temperature, seed=trial.seed * 1_000_003)
        return (np.array([gives_away(item, text) for item, text in zip(asked, said, strict=True)]).reshape(-1, n),)

    draws = MeasureOnce(draw, trial)

    async def measure(agent: Agent) -> tuple[Floats]:
        return (np.array([best_of(row, k) for row in (await draws.of(agent))[0]]),)

    reading = await measure_roles(trial, measure)
    mine = (await draws.of(trial.after))[0]
    told: dict[str, JSON] = {
        "k": k,
        "n": n,
        "per_sample": float(mine.mean()),
        "hits": int((mine >= 1).sum()),
        "drawn": int(mine.size),
        "most": clopper_pearson(0, n)[1],
    }
    return replace(reading, detail={**reading.detail, **told})
