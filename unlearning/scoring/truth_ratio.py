"""Truth ratios: probability of false answers relative to the true one (Maini et al. 2024)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from arena.agent import Agent
from arena.errors import UsageError
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import score_items
from unlearning.scoring.statistics import Floats

Mean = Literal["geometric", "arithmetic"]
Answer = Literal["own", "paraphrase"]
FLOOR = 1e-10  # what published code adds to probabilities that it divides by


def ratio(true: float, false: Sequence[float], mean: Mean = "geometric", floor: float = 0.0) -> float:
    """R = mean_k p(false_k) / (p(true) + floor) of length-normalised probabilities, from losses in nats per token; 0 to
    ∞.

    The published code takes the geometric mean over k, the paper writes the arithmetic one; with a floor of FLOOR, as
    in that code, R goes to 0 where a broken model finds all answers impossible.
    """
    losses = np.array(false, dtype=float)
    if floor:
        wrong = np.exp(-losses.mean()) if mean == "geometric" else np.exp(-losses).mean()
        return float(wrong / (np.exp(-true) + floor))
    if mean == "geometric":
        return float(np.exp(true - losses.mean()))
    return float(np.exp(true - losses).mean())


def ratios(
    agent: Agent, items: Sequence[Item], mean: Mean = "geometric", who: str = "truth_ratio", floor: float = 0.0
) -> Floats:
    """The truth ratio of each item. The true answer is the first alias (the paraphrase), else the answer itself.

    Raises UsageError where an item has no false answers.
    """
    true = score_items(agent, [replace(item, answer=choose_answer(item)) for item in items], who)
    false = score_false_answers(agent, items, who)
    return np.array([ratio(one.loss, losses, mean, floor) for one, losses in zip(true, false, strict=True)])


def score_false_answers(agent: Agent, items: Sequence[Item], who: str) -> list[list[float]]:
    """The loss of each false answer, by item. Raises UsageError where an item has none."""
    if bare := next((item.name for item in items if not item.wrong), None):
        raise UsageError(f"{who} compares with false answers, and {bare!r} has none; take a role whose items have them")
    scored = iter(score_items(agent, [replace(item, answer=wrong) for item in items for wrong in item.wrong], who))
    return [[next(scored).loss for _ in item.wrong] for item in items]


def preference(true: Sequence[float], false: Sequence[Sequence[float]], floor: float = 0.0) -> Floats:
    """p(true) / (p(true) + Σ p(false) + floor) of length-normalised probabilities, from losses by item; 0 to 1."""
    sums = np.array([np.exp(-np.array(losses)).sum() for losses in false])
    sure = np.exp(-np.array(true))
    return np.asarray(sure / (sure + sums + floor))


def with_answers(items: Sequence[Item], answer: Answer, who: str) -> tuple[Item, ...]:
    """The items with that answer to their questions. Raises UsageError where an item has no paraphrase."""
    if answer == "own":
        return tuple(items)
    if bare := next((item.name for item in items if not item.aliases), None):
        raise UsageError(f"{who} reads paraphrased answers, and {bare!r} has none (aliases); take answer=own")
    return tuple(
        replace(item, answer=choose_answer(item), tags={key: tag for key, tag in item.tags.items() if key != "value"})
        for item in items
    )


def choose_answer(item: Item) -> str:
    """The answer in the form in which false ones are given."""
    return item.aliases[0] if item.aliases else item.answer


def closeness(found: Floats, floor: float = 0.0) -> Floats:
    """min(R, 1 / (R + floor)): 1 where true and false are equally likely, 0 where one of them is certain."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(found, 1 / (found + floor)))


def margin(found: Floats) -> Floats:
    """max(0, 1 − R): 1 where false answers are out of question, 0 where they are as likely as the true one."""
    return np.asarray(np.maximum(0.0, 1 - found))


def share(found: Floats) -> Floats:
    """1 / (1 + R): the probability of the true answer among true and false."""
    return 1 / (1 + found)
