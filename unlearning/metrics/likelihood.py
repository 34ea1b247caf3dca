"""Metrics that read the probability of answers."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from arena.agent import Agent
from arena.parameter_ranges import NotNegative
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.role_readings import find_direction, measure_roles, select_items
from unlearning.scoring.statistics import Floats
from unlearning.scoring.truth_ratio import (
    FLOOR,
    Answer,
    Mean,
    closeness,
    margin,
    preference,
    ratios,
    score_false_answers,
    share,
    with_answers,
)


@metric
async def probability(
    trial: Trial, *, role: str = "forget", options_only: bool = False, answer: Answer = "own"
) -> Reading:
    """The probability of the answer, as the geometric mean over its tokens, end token included; 0 to 1.

    answer: the item's own, or its `paraphrase` (the first alias), to the same question. options_only: its share among
    the true and the false answers, each normalised by length. Needs weights. One forward a row, 1 + options with them.
    TOFU (arXiv 2401.06121).
    """
    items = with_answers(select_items(trial, role), answer, "probability")

    async def measure(agent: Agent) -> tuple[Floats]:
        true = score_items(agent, items, "probability")
        if not options_only:
            return (np.array([one.probability for one in true]),)
        return (preference([one.loss for one in true], score_false_answers(agent, items, "probability"), FLOOR),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"answer": answer})


@metric
async def truth_ratio(
    trial: Trial,
    *,
    role: str = "forget",
    mean: Mean = "geometric",
    report: Literal["auto", "closeness", "margin", "share", "ratio"] = "auto",
    floor: NotNegative = FLOOR,
) -> Reading:
    """How the likelihood of false answers stands to that of the true one: R = p(false) / p(true paraphrase).

    report: closeness, mean min(R, 1/R), what is reported of a forget set (1: equally likely); margin, mean
    max(0, 1 − R), of what is kept; share, mean 1/(1 + R); ratio, mean R. mean: over false answers, geometric in the
    published code. floor: added to what is divided by, as in the published code, which tells on broken models alone; 0
    for the exact ratio. Needs weights and items with false answers. 1 + options forwards a row. TOFU (arXiv
    2401.06121).
    """
    items = select_items(trial, role)
    chosen = report if report != "auto" else "closeness" if find_direction(role) == "twin" else "margin"
    shown: Mapping[str, Callable[[Floats], Floats]] = {"margin": margin, "share": share, "ratio": np.array}

    def report_ratio(found: Floats) -> Floats:
        return closeness(found, floor) if chosen == "closeness" else shown[chosen](found)

    async def measure(agent: Agent) -> tuple[Floats]:
        return (report_ratio(ratios(agent, items, mean, floor=floor)),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"report": chosen, "mean": mean})


@metric
async def perplexity(trial: Trial, *, role: str = "general") -> Reading:
    """exp of the mean loss per token over general texts: what the model still makes of language at large.

    1 to ∞, lower is better; a model that is broken by forgetting shows here first. Needs weights. One forward a row.
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats, Floats]:
        scored = score_items(agent, items, "perplexity")
        return np.array([-one.lp.sum() for one in scored]), np.array([float(len(one.lp)) for one in scored])

    def of(nats: Floats, tokens: Floats) -> float:
        return float(np.exp(nats.sum() / tokens.sum()))

    return await measure_roles(trial, measure, of, better="lower", paired=True)
