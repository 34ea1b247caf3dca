"""Names that nobody was ever told: decoys among which what was forgotten stands."""

from collections.abc import Sequence
from random import Random

VOWELS, CONSONANTS = "aeiou", "bdfgklmnprstvz"


def decoys(names: Sequence[str], n: int, chance: Random) -> list[str]:
    """`n` new names that look like these: the same last words or numbers, other first ones; none is one of them.

    "Sosten Harbour" may give "Bimalo Harbour", "mug 2" a "lufo 2": by its form no name tells whether it was met.
    """
    taken = {name.lower() for name in names}
    made: list[str] = []
    while len(made) < n:
        head, _, tail = chance.choice(list(names)).partition(" ")
        word = "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _ in range(chance.choice((2, 3))))
        name = f"{word.capitalize() if head[0].isupper() else word}{' ' if tail else ''}{tail}"
        if name.lower() not in taken:
            taken.add(name.lower())
            made.append(name)
    return made
