"""ROUGE-L (Lin 2004): the longest common subsequence of words of two texts."""

from collections.abc import Sequence
from typing import Literal

from arena.cache_register import memoize
from arena.extras import missing
from arena.text import words

Kind = Literal["recall", "precision", "f"]


def rouge_l(said: str, gold: str, kind: Kind = "recall", stem: bool = False) -> float:
    """The longest common subsequence over the words of `gold` (recall), of `said` (precision), or their F1; 0 to 1.

    Words are those of `arena.text.words`: on English texts the ones of the `rouge_score` package, and the same values;
    in other scripts their words, or characters where a script has no spaces. With `stem`, English words of more than
    three letters are stemmed (Porter).
    """
    spoken, wanted = split_words(said, stem), split_words(gold, stem)
    common = longest_common(spoken, wanted)
    if not common:
        return 0.0
    recall, precision = common / len(wanted), common / len(spoken)
    return {"recall": recall, "precision": precision, "f": 2 * recall * precision / (recall + precision)}[kind]


def split_words(text: str, stem: bool = False) -> list[str]:
    """The words of a text as ROUGE counts them."""
    found = words.split_words(text)
    return [_stem(word) if len(word) > 3 and word.isascii() else word for word in found] if stem else found


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence, in time len · len."""
    row = [0] * (len(second) + 1)
    for word in first:
        corner = 0
        for n, other in enumerate(second, 1):
            above = row[n]
            row[n] = corner + 1 if word == other else max(above, row[n - 1])
            corner = above
    return row[-1]


@memoize("texts", most=8192)
def _stem(word: str) -> str:
    try:
        from nltk.stem.porter import PorterStemmer  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise missing("ROUGE with stemming", error) from error
    return str(PorterStemmer().stem(word))
