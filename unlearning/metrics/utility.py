"""Utility metrics: retained knowledge, and fluency."""

from dataclasses import replace
from typing import Annotated

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from arena.parameter_ranges import Count
from arena.text.words import split_pieces
from unlearning.probe import Reading, Trial, metric
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.answer_wording import distinct, fluency
from unlearning.scoring.elicitation import ask_items, get_mind
from unlearning.scoring.role_readings import measure_roles, select_items
from unlearning.scoring.rouge import rouge_l
from unlearning.scoring.statistics import Floats, harmonic
from unlearning.scoring.truth_ratio import FLOOR, margin, preference, ratios, score_false_answers

KEPT = {"retain": "retain", "authors": "ra", "world": "wf"}  # by role, what open-unlearning calls it


@metric
async def model_utility(
    trial: Trial,
    *,
    stem: Annotated[
        bool,
        Doc("Whether ROUGE compares words reduced by Porter's stemmer, as TOFU does; needs nltk."),
    ] = True,
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 200,
) -> Reading:
    """The harmonic mean of nine: probability, ROUGE-L recall and truth ratio of retain, authors and world; 0 to 1.

    For authors and world, the probability is that among the true and false answers. Any of the nine at 0 makes it 0.
    detail.parts: the nine, by open-unlearning's names. Needs weights. TOFU (arXiv 2401.06121), M4 of its evaluation.
    """
    roles = {role: select_items(trial, role) for role in KEPT}

    async def measure(agent: Agent) -> tuple[Floats, ...]:
        return tuple([part for role, items in roles.items() for part in await nine(agent, role, items, stem, new)])

    def of(*parts: Floats) -> float:
        return harmonic([float(part.mean()) for part in parts])

    parts = [float(part.mean()) for part in await measure(trial.after)]
    sure = ("Q_A_Prob", "Q_A_Prob_normalised", "Q_A_Prob_normalised")
    names = [
        f"{name}_{kind}"
        for name, first in zip(KEPT.values(), sure, strict=True)
        for kind in (first, "Q_A_ROUGE", "Truth_Ratio")
    ]
    told = {"parts": dict(zip(names, parts, strict=True))}
    return await measure_roles(trial, measure, of, better="higher", detail=told)


async def nine(agent: Agent, role: str, items: tuple[Item, ...], stem: bool, new: int) -> tuple[Floats, Floats, Floats]:
    """Probability, ROUGE-L recall and truth-ratio score of each item of one role."""
    true = score_items(agent, items, "model_utility")
    sure = np.array([one.probability for one in true])
    if role != "retain":
        sure = preference([one.loss for one in true], score_false_answers(agent, items, "model_utility"), FLOOR)
    said = await ask_items(agent, items, new=new)
    words = np.array([rouge_l(text, item.answer, stem=stem) for text, item in zip(said, items, strict=True)])
    return sure, words, margin(ratios(agent, items, who="model_utility", floor=FLOOR))


@metric
async def degeneration(
    trial: Trial,
    *,
    role: Annotated[
        str,
        Doc('Items whose questions are asked: those of the role "forget", "retain", …'),
    ] = "forget",
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 200,
) -> Reading:
    """Fluency of the answers, the mean of ⅔ · H₂ and 4/3 · H₃ in bits, to be compared with the twin's.

    A model that writes nonsense has forgotten everything, so read no other probe without this one. detail, by role of
    the trial: distinct (share of distinct word pairs), empty (share of empty answers), words (mean length) and, of
    models with weights, sense: the mean log-probability of the answers under the twin, in nats per token. RWKU (arXiv
    2406.10890).
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        return (np.array([fluency(text) for text in await ask_items(agent, items, new=new)]),)

    reading = await measure_roles(trial, measure)
    told = {
        name: speech(trial.oracle, items, await ask_items(agent, items, new=new))
        for name, agent in (("after", trial.after), ("oracle", trial.oracle))
        if agent is not None
    }
    return replace(reading, detail={**reading.detail, **told})


def speech(twin: Agent | None, items: tuple[Item, ...], said: tuple[str, ...]) -> dict[str, float]:
    """Statistics of answers, and their likelihood under the twin where its weights are open."""
    found = {
        "distinct": float(np.mean([distinct(text, 2) for text in said])),
        "empty": float(np.mean([not text.strip() for text in said])),
        "words": float(np.mean([len(split_pieces(text)) for text in said])),
    }
    spoken = [Item(item.name, item.prompt, text) for item, text in zip(items, said, strict=True) if text.strip()]
    if twin is not None and spoken and hasattr(getattr(get_mind(twin), "model", None), "module"):
        found["sense"] = -float(np.mean([one.loss for one in score_items(twin, spoken, "degeneration")]))
    return found
