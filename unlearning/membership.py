"""Scores of how much a model's view of a text looks as if it had been trained on it: the larger, the likelier."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from arena.agent import Agent
from unlearning.request import Item
from unlearning.scoring import Scored, score
from unlearning.statistics import Floats

Kind = Literal["loss", "zlib", "min-k", "min-k++", "reference", "recall"]
FLAT = 1e-6  # a spread below which the vocabulary is uniform, and a token says nothing


def lowest(values: Floats, k: float) -> float:
    """The mean of the lowest ⌊k · n⌋ values, of one at least."""
    count = max(1, int(k * len(values)))
    return float(np.sort(values)[:count].mean())


def standing(one: Scored) -> Floats:
    """z of each token: its log-probability against those of the whole vocabulary there; 0 where all are equal."""
    z = (one.lp - one.mean) / np.where(one.std < FLAT, 1.0, one.std)
    return np.where(one.std < FLAT, 0.0, z)


def compressed(item: Item) -> int:
    """Bytes of the answer after zlib."""
    return len(zlib.compress(item.answer.encode()))


def likeness(
    agent: Agent,
    items: Sequence[Item],
    kind: Kind,
    *,
    k: float = 0.4,
    reference: Agent | None = None,
    prefix: Sequence[Item] = (),
    who: str = "membership",
) -> Floats:
    """The score of each item; larger is more like a member.

    loss: −L, L in nats per token (Yeom et al. 2018). zlib: −Σ nats over compressed bytes (Carlini et al. 2021). min-k:
    mean of the lowest share k of the log-probabilities (Shi et al. 2024). min-k++: the same of z (Zhang et al. 2025).
    reference: how much lower L is than the `reference`'s. recall: log-likelihood behind `prefix`, which are known
    non-members, over that without (Xie et al. 2024).
    """
    scored = score(agent, items, who)
    if kind == "reference":
        assert reference is not None
        other = score(reference, items, who)
        return np.array([theirs.loss - mine.loss for mine, theirs in zip(scored, other, strict=True)])
    if kind == "recall":
        shown = "\n".join(f"{one.prompt} {one.answer}".strip() for one in prefix)
        behind = score(agent, [replace(item, prompt=f"{shown}\n{item.prompt}", tags=item.tags) for item in items], who)
        return np.array([there.loss / max(mine.loss, FLAT) for mine, there in zip(scored, behind, strict=True)])
    rules: dict[str, Callable[[Scored, Item], float]] = {
        "loss": lambda one, item: -one.loss,
        "zlib": lambda one, item: float(one.lp.sum()) / compressed(item),
        "min-k": lambda one, item: lowest(one.lp, k),
        "min-k++": lambda one, item: lowest(standing(one), k),
    }
    return np.array([rules[kind](one, item) for one, item in zip(scored, items, strict=True)])
