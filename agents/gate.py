"""A gate before memory: what was forgotten does not come in again, and the gate does not tell what it keeps out."""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from arena.text.words import word_spans, words

WORD = re.compile(r"\w+")
ACCENTS = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class Gate:
    """Keyed hashes of names that may not be written down again.

    `hashes` are HMAC-SHA256 of names in canonical form (compatibility form, case folded, words alone); `sizes` how
    many words the names have, so that only runs of that many words are hashed. Who lacks the key cannot test guesses.
    """

    key: bytes = b""
    hashes: frozenset[str] = frozenset()
    sizes: frozenset[int] = frozenset()

    def closed_to(self, names: Iterable[str]) -> "Gate":
        """The gate that keeps out these names, too. Raises ValueError where it has no key."""
        if not self.key:
            raise ValueError("a gate needs a key of its own; give it 16 random bytes or more")
        forms = [form for name in names if (form := canonical(name))]
        hashes = {self._hash(form) for form in forms}
        sizes = {len(form) for form in forms}
        return replace(self, hashes=self.hashes | hashes, sizes=self.sizes | sizes)

    def opened_to(self, names: Iterable[str]) -> "Gate":
        """The gate that lets these names in again: they were told anew by someone who may."""
        told = {hash for name in names for hash in (self._hash(canonical(name)), self._hash(former(name), True))}
        return replace(self, hashes=self.hashes - told)

    def admits(self, text: str) -> bool:
        """Whether a text names nothing that is kept out."""
        if not self.hashes or self.named(text):
            return not self.hashes
        return next(self._kept_out(former(text), True), None) is None

    def named(self, text: str) -> tuple[str, ...]:
        """The names in a text that are kept out, as they are written there, each once."""
        spans = word_spans(text) if self.hashes else []
        found = self._kept_out(tuple(_plain(span.word) for span in spans))
        return tuple(dict.fromkeys(text[spans[first].start : spans[last - 1].end] for first, last in found))

    def _kept_out(self, words: tuple[str, ...], old: bool = False) -> Iterator[tuple[int, int]]:
        """The runs [first, last) of the words that are names to be kept out."""
        for size in self.sizes:
            for first in range(len(words) - size + 1):
                if self._hash(words[first : first + size], old) in self.hashes:
                    yield first, first + size

    def _hash(self, form: tuple[str, ...], old: bool = False) -> str:
        """The hash of a canonical form, or of a `former` one: names that are not ASCII have others since."""
        told = " ".join(form)
        return hmac.new(self.key, (told if old or told.isascii() else f"\0{told}").encode(), sha256).hexdigest()


def canonical(text: str) -> tuple[str, ...]:
    """The words of a text, whatever their case, width, accents or what stands between them."""
    return tuple(map(_plain, words(text)))


def _plain(word: str) -> str:
    """A word without accents; marks that make another letter or sound, as in Hindi, Thai and Japanese, stay."""
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFKD", word)))


def former(text: str) -> tuple[str, ...]:
    """The words of a text as gates were closed to them before scripts without spaces were cut into characters.

    Gates in older databases hold hashes of this form.
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    return tuple(WORD.findall("".join(mark for mark in plain if not unicodedata.combining(mark))))
