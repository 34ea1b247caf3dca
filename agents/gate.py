"""A gate before memory: what was forgotten does not come in again, and the gate does not tell what it keeps out."""

import hmac
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

WORD = re.compile(r"\w+")


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
        return replace(self, hashes=self.hashes - {self._hash(canonical(name)) for name in names})

    def admits(self, text: str) -> bool:
        """Whether a text names nothing that is kept out."""
        words = canonical(text) if self.hashes else ()
        runs = (words[first : first + size] for size in self.sizes for first in range(len(words) - size + 1))
        return not any(self._hash(run) in self.hashes for run in runs)

    def _hash(self, form: tuple[str, ...]) -> str:
        return hmac.new(self.key, " ".join(form).encode(), sha256).hexdigest()


def canonical(text: str) -> tuple[str, ...]:
    """The words of a text, whatever their case, width, accents or what stands between them."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return tuple(WORD.findall("".join(mark for mark in plain if not unicodedata.combining(mark))))
