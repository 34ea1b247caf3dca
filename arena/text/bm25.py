"""BM25 ranking over a few hundred texts, computed as by Lucene.

Used in place of the rank_bm25 package, which needs numpy, scores every text on every search, and lets words
of more than half of the texts count against a text.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from arena.text.words import split_words


@dataclass(frozen=True)
class Index:
    """Inverted index: for each word, its frequency in each text.

    score = sum over the words of a query of ln(1 + (N - n + 0.5) / (n + 0.5)) * f / (f + k1 (1 - b + b L / mean L)),
    with N texts, n of them with the word, f times in a text of L words. k1 = 0.9 and b = 0.4 are the defaults of
    Anserini, on which WebShop runs (Robertson & Zaragoza 2009; Lucene's BM25Similarity, which leaves out k1 + 1).
    """

    lengths: Sequence[int]
    found: Mapping[str, Mapping[int, int]]
    k1: float = 0.9
    b: float = 0.4

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Index":
        found: dict[str, dict[int, int]] = {}
        for number, text in enumerate(texts):
            for word, count in Counter(split_words(text)).items():
                found.setdefault(word, {})[number] = count
        return cls([len(split_words(text)) for text in texts], found)

    def scores(self, query: str) -> dict[int, float]:
        """The score of each text that has a word of the query; a word that is asked for twice counts twice."""
        total, mean = len(self.lengths), sum(self.lengths) / max(1, len(self.lengths))
        scores: dict[int, float] = {}
        for word in split_words(query):
            counts = self.found.get(word, {})
            weight = log(1 + (total - len(counts) + 0.5) / (len(counts) + 0.5))
            for text, count in counts.items():
                norm = self.k1 * (1 - self.b + self.b * self.lengths[text] / mean)
                scores[text] = scores.get(text, 0.0) + weight * count / (count + norm)
        return scores

    def search(self, query: str, most: int) -> list[int]:
        """The texts that fit best, the best first; equal ones in their order."""
        scores = self.scores(query)
        return sorted(scores, key=lambda text: (-scores[text], text))[:most]
