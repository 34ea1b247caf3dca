"""Metrics of generated text; they need no weights."""

from typing import Annotated, Literal

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from arena.game import JSON
from arena.parameter_ranges import Count, Number
from unlearning.probe import Reading, Trial, metric
from unlearning.request import Item
from unlearning.scoring.answer_wording import cut_to, shots_before, until_next, until_stop
from unlearning.scoring.elicitation import ask_items
from unlearning.scoring.role_readings import find_direction, measure_roles, select_items
from unlearning.scoring.rouge import Kind
from unlearning.scoring.rouge import rouge_l as compute_rouge_l
from unlearning.scoring.statistics import Floats
from unlearning.scoring.truth_ratio import Answer, with_answers

Style = Literal["muse", "open-unlearning"]


@metric
async def rouge_l(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    kind: Annotated[
        Kind, Doc('Which of ROUGE-L\'s values: "recall" (as TOFU), "precision", or their harmonic mean "f" (as MUSE).')
    ] = "recall",
    stem: Annotated[
        bool, Doc("Whether words are reduced by Porter's stemmer before they are compared, as TOFU does; needs nltk.")
    ] = False,
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 200,
    answer: Annotated[Answer, Doc("True answer to compare with: the item's own, or its first paraphrase.")] = "own",
) -> Reading:
    """ROUGE-L of the greedy answer against the true one; 0 to 1. One answer a row."""
    items = select_items(trial, role)
    gold = [item.answer for item in with_answers(items, answer, "rouge_l")]

    async def measure(agent: Agent) -> tuple[Floats]:
        said = await ask_items(agent, items, new=new)
        return (np.array([compute_rouge_l(text, true, kind, stem) for text, true in zip(said, gold, strict=True)]),)

    detail: dict[str, JSON] = {"kind": kind, "stem": stem, "answer": answer}
    return await measure_roles(trial, measure, better=find_direction(role), detail=detail)


@metric
async def verbmem(
    trial: Trial,
    *,
    role: Annotated[str, Doc("Items of the trial whose passages are continued.")] = "verbatim",
    new: Annotated[Count, Doc("Maximum new tokens of a continuation.")] = 128,
    style: Annotated[
        Style,
        Doc(
            'Scoring. "muse": continuation and truth are both cut to the truth\'s length in tokens, `new` at most. '
            '"open-unlearning": F1 of stemmed words, 0 to 1, nothing is cut (its `forget_verbmem_ROUGE`).'
        ),
    ] = "muse",
) -> Reading:
    """Verbatim memory: ROUGE-L F1 × 100 of how an agent continues a passage, against the true continuation; 0 to 100.

    Greedy decoding. MUSE (arXiv 2407.06460), C1. One answer a row.
    """
    items = select_items(trial, role)
    cuts = style == "muse"

    async def measure(agent: Agent) -> tuple[Floats]:
        said = await ask_items(agent, items, new=new)
        pairs = [
            cut_to(agent, text, item.answer, new) if cuts else (text, item.answer)
            for text, item in zip(said, items, strict=True)
        ]
        return (np.array([score_rouge(text, gold, style) for text, gold in pairs]),)

    return await measure_roles(trial, measure, better=find_direction(role), detail={"style": style})


@metric
async def knowmem(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items whose questions are asked: those of the role "forget", "retain", …')] = "forget",
    shots: Annotated[
        Number,
        Doc(
            "Questions shown with their answers first (MUSE: 10, for models that are not chat models), from the "
            "role `shots`, or `retain_shots` for retain items; the answer then ends at a blank line or the next "
            "question. 0: none."
        ),
    ] = 0,
    new: Annotated[Count, Doc("Maximum new tokens of an answer.")] = 32,
    style: Annotated[
        Style,
        Doc(
            'Scoring. "muse": F1 × 100. "open-unlearning": F1 of stemmed words, 0 to 1, and an answer that begins '
            "with a blank line is empty (its `forget_knowmem_ROUGE`, `retain_knowmem_ROUGE`)."
        ),
    ] = "muse",
) -> Reading:
    """Knowledge memory: ROUGE-L F1 × 100 of short answers to questions about the content of the texts; 0 to 100.

    Greedy decoding. MUSE (arXiv 2407.06460), C2 and C4. One answer a row.
    """
    items = select_items(trial, role)
    shown = select_items(trial, "shots" if role == "forget" else "retain_shots")[:shots] if shots else ()
    asked: tuple[Item, ...] = tuple(shots_before(shown, item) for item in items) if shown else items
    end = until_next if style == "muse" else until_stop

    async def measure(agent: Agent) -> tuple[Floats]:
        said = await ask_items(agent, asked, new=new)
        return (np.array([score_rouge(end(text), item.answer, style) for text, item in zip(said, items, strict=True)]),)

    return await measure_roles(
        trial, measure, better=find_direction(role), detail={"shots": len(shown), "style": style}
    )


def score_rouge(said: str, gold: str, style: Style) -> float:
    """ROUGE-L F1 as MUSE reports it, in percent, or as open-unlearning does, of stemmed words from 0 to 1."""
    return 100 * compute_rouge_l(said, gold, "f") if style == "muse" else compute_rouge_l(said, gold, "f", stem=True)
