"""Metrics of answer probabilities."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
from annotated_doc import Doc

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
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items of the trial that are scored: "forget", "retain", …')] = "forget",
    options_only: Annotated[
        bool, Doc("Whether the probability is the share among the true and false answers, each normalised by length.")
    ] = False,
    answer: Annotated[
        Answer, Doc("Answer that is scored: the item's own, or its first paraphrase, to the same question.")
    ] = "own",
) -> Reading:
    """The probability of the answer, as the geometric mean over its tokens, end token included; 0 to 1.

    Needs weights. One forward a row, 1 + options with them. TOFU (arXiv 2401.06121).
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
    role: Annotated[str, Doc('Items of the trial that are scored: "forget", "retain", …')] = "forget",
    mean: Annotated[
        Mean, Doc("Mean over the false answers of an item; geometric in the published code.")
    ] = "geometric",
    report: Annotated[
        Literal["auto", "closeness", "margin", "share", "ratio"],
        Doc(
            'Value that is reported. "closeness": mean min(R, 1/R), used for forget items (1: equally likely). '
            '"margin": mean max(0, 1 − R), used for retain items. "share": mean 1/(1 + R). "ratio": mean R. '
            '"auto": by the role.'
        ),
    ] = "auto",
    floor: Annotated[
        NotNegative,
        Doc(
            "Constant added to the denominator, as in the published code; it matters for broken models alone. 0: "
            "the exact ratio."
        ),
    ] = FLOOR,
) -> Reading:
    """How the likelihood of false answers stands to that of the true one: R = p(false) / p(true paraphrase).

    Needs weights and items with false answers. 1 + options forwards a row. TOFU (arXiv 2401.06121).
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
async def perplexity(
    trial: Trial, *, role: Annotated[str, Doc("Items of the trial with the texts.")] = "general"
) -> Reading:
    """exp of the mean loss per token over general texts: how well the model still predicts ordinary language.

    1 to ∞, lower is better; a model damaged by forgetting shows here first. Needs weights. One forward a row.
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats, Floats]:
        scored = score_items(agent, items, "perplexity")
        return np.array([-one.lp.sum() for one in scored]), np.array([float(len(one.lp)) for one in scored])

    def of(nats: Floats, tokens: Floats) -> float:
        return float(np.exp(nats.sum() / tokens.sum()))

    return await measure_roles(trial, measure, of, better="lower", paired=True)
