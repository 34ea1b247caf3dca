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
    role: str = "forget",
    span: Annotated[
        Literal["answer", "value", "inner"],
        Doc(
            "Over the whole answer; the tokens of its value alone; or `inner`, all but the last token, which of a "
            "passage is a word (open-unlearning's `exact_memorization`)."
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
    role: str = "forget",
    span: Annotated[
        Literal["answer", "value", "inner"],
        Doc(
            "Of the value's tokens, behind the true beginning; of the whole answer, whose end a template gives "
            "away (a twin then has about .3, so read the lift); or of all its tokens but the last (`inner`)."
        ),
    ] = "value",
    official: Annotated[
        bool,
        Doc(
            "1/T where the last token is wrong. open-unlearning's `extraction_strength` is span `inner` and "
            "official. Needs weights."
        ),
    ] = False,
) -> Reading:
    """1 − k*/T: how little of an answer must be given until the model says the rest by itself; 0 to 1.

    One forward a row. Carlini et al. 2021; open-unlearning (arXiv 2506.12618).
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        scored = score_items(agent, items, "extraction_strength")
        return (np.array([strength(hits_of(one, span), official) for one in scored]),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"span": span, "official": official})
