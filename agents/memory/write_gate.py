"""Write gate of a memory: blocks forgotten content from being learned again, without revealing what it blocks."""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from arena.text.words import find_word_spans, split_words

WORD = re.compile(r"\w+")
ACCENTS = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class NameHashGate:
    """Keyed hashes of names that may not be written down again.

    `hashes` are HMAC-SHA256 of names in canonical form (compatibility form, case folded, words alone); `sizes` how
    many words the names have, so that only runs of that many words are hashed. Who lacks the key cannot test guesses.

    Of facts the names are values, some of which hold of others, too. `spared` are hashes of a value with a name of whom
    it may be written, `subjects` of those of whom it may not, `lengths` how many words these names have.
    """

    key: bytes = b""
    hashes: frozenset[str] = frozenset()
    sizes: frozenset[int] = frozenset()
    spared: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    lengths: frozenset[int] = frozenset()

    def with_names(
        self, names: Iterable[str], *, subjects: Iterable[str] = (), spared: Iterable[tuple[str, str]] = ()
    ) -> "NameHashGate":
        """The gate that keeps out these names, too; the values of facts with their subjects and who is spared.

        Raises ValueError where it has no key.
        """
        if not self.key:
            raise ValueError("a gate needs a key of its own; give it 16 random bytes or more")
        forms, owners = _list_forms(names), _list_forms(subjects)
        pairs = [(canonicalize(value), canonicalize(name)) for value, name in spared]
        return replace(
            self,
            hashes=self.hashes | {self._hash(form) for form in forms},
            sizes=self.sizes | {len(form) for form in forms},
            spared=self.spared | {self._hash(value, name) for value, name in pairs},
            subjects=self.subjects | {self._hash(form) for form in owners},
            lengths=self.lengths | {len(form) for form in owners} | {len(name) for _, name in pairs},
        )

    def without_names(self, names: Iterable[str]) -> "NameHashGate":
        """The gate that admits these names again: the user consented."""
        told = {
            hash
            for name in names
            for hash in (self._hash(canonicalize(name)), self._hash(canonicalize_old(name), old=True))
        }
        return replace(self, hashes=self.hashes - told)

    def admits(self, text: str) -> bool:
        """Whether a text contains nothing blocked; a value is admitted together with a name it is spared for, unless
        a name that it is blocked for is there, too."""
        if not self.hashes:
            return True
        told = canonicalize(text)
        found = [told[first:last] for first, last in self._find_kept_out(told)]
        if found:
            return self._spares(told, found)
        return next(self._find_kept_out(canonicalize_old(text), True), None) is None

    def find_names(self, text: str) -> tuple[str, ...]:
        """The names in a text that are kept out, as they are written there, each once."""
        spans = find_word_spans(text) if self.hashes else []
        found = self._find_kept_out(tuple(_strip_accents(span.word) for span in spans))
        return tuple(dict.fromkeys(text[spans[first].start : spans[last - 1].end] for first, last in found))

    def _find_kept_out(self, words: tuple[str, ...], old: bool = False) -> Iterator[tuple[int, int]]:
        """The runs [first, last) of the words that are names to be kept out."""
        for first, last in _list_runs(words, self.sizes):
            if self._hash(words[first:last], old=old) in self.hashes:
                yield first, last

    def _spares(self, words: tuple[str, ...], values: Sequence[tuple[str, ...]]) -> bool:
        """Whether a text with these words may contain these values, given the names in it."""
        if not self.spared:
            return False
        names = [words[first:last] for first, last in _list_runs(words, self.lengths)]
        if any(self._hash(name) in self.subjects for name in names):
            return False
        return all(any(self._hash(value, name) in self.spared for name in names) for value in values)

    def _hash(self, *forms: tuple[str, ...], old: bool = False) -> str:
        """The hash of a canonical form, or of several, or of one made by `canonicalize_old`: names that are not ASCII
        have others since."""
        told = "\n".join(" ".join(form) for form in forms)
        return hmac.new(self.key, (told if old or told.isascii() else f"\0{told}").encode(), sha256).hexdigest()


def _list_forms(names: Iterable[str]) -> list[tuple[str, ...]]:
    return [form for name in names if (form := canonicalize(name))]


def _list_runs(words: tuple[str, ...], sizes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The places [first, last) of all runs of so many words."""
    return ((first, first + size) for size in sizes for first in range(len(words) - size + 1))


def canonicalize(text: str) -> tuple[str, ...]:
    """The words of a text, whatever their case, width, accents or separators."""
    return tuple(map(_strip_accents, split_words(text)))


def _strip_accents(word: str) -> str:
    """A word without accents; marks that make another letter or sound, as in Hindi, Thai and Japanese, stay."""
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFKD", word)))


def canonicalize_old(text: str) -> tuple[str, ...]:
    """The words of a text as gates were closed to them before scripts without spaces were cut into characters.

    Gates in older databases hold hashes of this form.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    return tuple(WORD.findall("".join(mark for mark in plain if not unicodedata.combining(mark))))
