"""Similarity of two texts by shared words and tokens."""

import math
from collections import Counter
from collections.abc import Sequence

from arena.text.words import split_words
from unlearning.request import Item


def precision(made: str, true: str) -> float:
    """ROUGE-1 precision: the share of the words of `made` that `true` has, each as often as it is there."""
    mine = split_words(made)
    return sum((Counter(mine) & Counter(split_words(true))).values()) / len(mine) if mine else 0.0


def f1(made: Sequence[object], true: Sequence[object]) -> float:
    """Harmonic mean of precision and recall over single tokens."""
    shared = sum((Counter(made) & Counter(true)).values())
    return 2 * shared / (len(made) + len(true)) if made or true else 1.0


def bleu(made: Sequence[object], true: Sequence[object], most: int = 4) -> float:
    """BLEU (Papineni et al. 2002) of one sequence: n-grams up to `most`, or as long as the shorter one is."""
    if not made or not true:
        return 0.0
    logs, depth = 0.0, min(most, len(made), len(true))
    for n in range(1, depth + 1):
        mine, yours = grams(made, n), grams(true, n)
        shared = sum((mine & yours).values())
        if not shared:
            return 0.0
        logs += math.log(shared / mine.total()) / depth
    return math.exp(logs + min(0.0, 1 - len(true) / len(made)))


def grams(tokens: Sequence[object], n: int) -> Counter[tuple[object, ...]]:
    """Counts of the n-grams of tokens."""
    return Counter(tuple(tokens[first : first + n]) for first in range(len(tokens) - n + 1))


def likeness(one: Item, other: Item) -> float:
    """Cosine of word counts of question and answer, 0 to 1; 1 for the same words."""
    mine, yours = (Counter(split_words(f"{item.prompt} {item.answer}")) for item in (one, other))
    dot = sum(count * yours[word] for word, count in mine.items())
    length = math.sqrt(sum(c * c for c in mine.values()) * sum(c * c for c in yours.values()))
    return dot / length if length else 0.0


def nearest(item: Item, others: Sequence[Item], count: int) -> tuple[int, ...]:
    """Places of the `count` items most like it, the most alike first; ties in their order."""
    ranked = sorted(range(len(others)), key=lambda place: -likeness(item, others[place]))
    return tuple(ranked[:count])
