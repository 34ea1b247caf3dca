"""Generate invented names of people, places, firms and brands, which no model knows.

Equal seeds give equal names. A name is drawn until it is new to its world, no common word and no part of another name.
"""

from dataclasses import dataclass, field
from random import Random

from games.environments.reserved_words import COMMON

ONSETS = ("b", "br", "d", "dr", "f", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pl", "r", "s", "sk", "t",
          "th", "tr", "v", "vr", "z")  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ae", "ei", "ou")
CODAS = ("lth", "ndr", "rv", "lk", "sk", "mb", "rn", "ll", "nn", "x", "v", "z", "rd", "st", "lm")
ENDINGS = ("a", "en", "ik", "or", "is", "un", "et", "osk", "ime", "ul")
SITES = ("Harbour", "Mill", "Bridge", "Gate", "Tower", "Garden", "Market", "Chapel", "Well", "Yard", "Stairs", "Arch")
TRADES = ("Works", "Press", "Mills", "Shipyards", "Glassworks", "Brewery", "Instruments", "Pottery")


@dataclass(slots=True)
class NameSource:
    """Generator of names that are unique within one world."""

    rng: Random
    taken: set[str] = field(default_factory=set)

    def word(self) -> str:
        """A capitalised word of five to nine letters: "Vellorik"."""
        while True:
            middle = self.rng.choice(ONSETS) + self.rng.choice(VOWELS) if self.rng.random() < 0.3 else ""
            word = (
                middle
                + self.rng.choice(ONSETS)
                + self.rng.choice(VOWELS)
                + self.rng.choice(CODAS)
                + self.rng.choice(ENDINGS)
            )
            if 5 <= len(word) <= 9 and self._is_new(word):
                self.taken.add(word)
                return word.capitalize()

    def person(self) -> str:
        """A first and a last name."""
        return f"{self.word()} {self.word()}"

    def site(self) -> str:
        """A place within walking distance: "Vellorik Harbour"."""
        return f"{self.word()} {self.rng.choice(SITES)}"

    def firm(self) -> str:
        """A firm: "Vellorik Glassworks"."""
        return f"{self.word()} {self.rng.choice(TRADES)}"

    def _is_new(self, word: str) -> bool:
        near = any(word[:5] == other[:5] or word in other or other in word for other in self.taken)
        return not near and word not in COMMON


def world_rng(kind: str, world: int) -> Random:
    """The random generator of world number `world`; independent of any match."""
    return Random(f"{kind}/{world}")
