"""Memorization metrics: whether the true tokens are the model's argmax."""

from typing import Annotated, Literal

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.extraction_strength import hits_of, strength
from unlearning.scoring.role_readings import find_direction, measure_roles, select_items
from unlearning.scoring.statistics import Floats


@metric
async def exact_memorisation(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items of the trial that are scored: "forget", "retain", …')] = "forget",
    span: Annotated[
        Literal["answer", "value", "inner"],
        Doc(
            'Answer tokens that count. "answer": the whole answer. "value": those of its value. "inner": all but '
            "the last (open-unlearning's `exact_memorization`)."
        ),
    ] = "answer",
) -> Reading:
    """The share of answer tokens that are the likeliest after the true ones before them, end token left out; 0 to 1.

    Needs weights. One forward a row.
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        hits = [hits_of(one, span) for one in score_items(agent, items, "exact_memorisation")]
        return (np.array([np.mean(one) if one else 0.0 for one in hits]),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"span": span})


@metric
async def extraction_strength(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items of the trial that are scored: "forget", "retain", …')] = "forget",
    span: Annotated[
        Literal["answer", "value", "inner"],
        Doc(
            'Tokens that count. "value": those of the value, after the true beginning. "answer": the whole '
            'answer, whose end a template gives away (a twin then has about 0.3, so read the lift). "inner": all '
            "but the last."
        ),
    ] = "value",
    official: Annotated[
        bool,
        Doc("Whether the value is 1/T, as in the published code, where the last token is wrong; false: 0."),
    ] = False,
) -> Reading:
    """1 − k*/T: how little of an answer must be given until the model completes the rest by itself; 0 to 1.

    open-unlearning's `extraction_strength` is span "inner" with official. Needs weights. One forward a row. Carlini et
    al. 2021; open-unlearning (arXiv 2506.12618).
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        scored = score_items(agent, items, "extraction_strength")
        return (np.array([strength(hits_of(one, span), official) for one in scored]),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"span": span, "official": official})
