"""Text embeddings without a model: hashed words and character n-grams."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt
from typing import Protocol, TypeAlias, runtime_checkable

from arena.part_decorators import part
from arena.text.words import split_words

Vector: TypeAlias = tuple[float, ...]
SMALL = frozenset(
    split_words(
        "a about all an and are as at be been but by can come could did do does ever for from had has have how i if in "
        "into is it me my of on one or our out say so some such tell than that the their them then there these they "
        "this those to up was we were what when where which who whom whose why will with would you your",
    )
)  # stop words: they say nothing about a question's topic


@runtime_checkable
class Embedding(Protocol):
    """Makes a vector of unit length of a text; all zeros where nothing is said."""

    def embed(self, text: str) -> Vector: ...


embedding = part("embedding", Embedding)


@embedding
@dataclass(frozen=True, slots=True)
class Hashed:
    """Words, and character n-grams within them, counted in buckets by a signed hash (Weinberger et al. 2009).

    English stop words are left out; in scripts without spaces each character is a word. A whole word counts as much as
    all its n-grams together. Needs no model, and is the same in every process.
    """

    size: int = 256
    """Dimensions of the vector (buckets of the hash)."""
    grams: tuple[int, ...] = (3, 4)
    """Lengths of the character n-grams; with them a misspelt name is still similar to itself."""

    def embed(self, text: str) -> Vector:
        found = [0.0] * self.size
        for word in split_words(text):
            if word not in SMALL:
                for feature, weight in self._features(word):
                    code = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest())
                    found[code % self.size] += weight if code >> 63 else -weight
        length = sqrt(sum(value * value for value in found))
        return tuple(round(value / length, 5) for value in found) if length else tuple(found)

    def _features(self, word: str) -> Iterator[tuple[str, float]]:
        """The word itself with weight 1, and its runs, whose squared weights add up to 1."""
        marked = f"^{word}$"
        runs = [marked[n : n + size] for size in self.grams for n in range(len(marked) - size + 1)]
        yield marked, 1.0
        yield from ((f"~{run}", 1 / sqrt(len(runs))) for run in runs)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors of unit length; 0 where one is all zeros."""
    return sum(a * b for a, b in zip(one, other, strict=True))
