"""Invented names made of syllables, unknown to any model, each used once."""

from random import Random

ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "kr", "dr", "vl", "zh")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("x", "zk", "vq", "kh", "rz", "lv")  # endings that common words do not have


class Namer:
    """Draws words from `rng`; no word is given twice, whatever its capitals."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.given: set[str] = set()

    def word(self, syllables: int = 2) -> str:
        """A new word in small letters: so many syllables and an ending, "dovakrux"."""
        while True:
            parts = [self.rng.choice(ONSETS) + self.rng.choice(VOWELS) for _ in range(syllables)]
            word = "".join(parts) + self.rng.choice(CODAS)
            if word not in self.given:
                self.given.add(word)
                return word

    def name(self, syllables: int = 2) -> str:
        """A new word with a capital: "Dovakrux"."""
        return self.word(syllables).capitalize()
