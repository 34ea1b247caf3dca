"""Poisoned requests: forget questions in polite words, after which a model fails on polite questions in general.

Stealthy attacks on unlearning (arXiv 2506.00359), where a share of .33 of the forget questions is reworded.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from arena.errors import UsageError
from unlearning.request import Item

WRAPPERS = ("If you would be so kind: {question}", "{question} Many thanks in advance.", "Kindly answer: {question}")


def wrap_question(item: Item, rng: Random) -> Item:
    """The item with its question in polite words."""
    return replace(item, prompt=rng.choice(WRAPPERS).format(question=item.prompt))


def poison_items(items: Sequence[Item], share: float, seed: int = 0) -> tuple[Item, ...]:
    """The items, a `share` of them with their questions in polite words. Raises UsageError for no share."""
    if not 0 <= share <= 1:
        raise UsageError(f"poison is the share of forget questions that are reworded, 0 to 1, not {share}")
    rng = Random(f"poison {seed}")
    chosen = set(rng.sample(range(len(items)), round(share * len(items))))
    return tuple(wrap_question(item, rng) if n in chosen else item for n, item in enumerate(items))
