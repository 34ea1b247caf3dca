"""Decoy names, invented and never taught, that forget targets are mixed with."""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import count
from random import Random

from arena.text.words import fold

# consonants and vowels of scripts, as Unicode's names of letters begin; of syllabic scripts whole characters
SYLLABLES: Mapping[str, tuple[str, str]] = {
    "LATIN": ("bdfgklmnprstvz", "aeiou"),
    "CYRILLIC": ("бвгдзклмнпрст", "аеиоу"),
    "GREEK": ("βγδκλμνπρστφ", "αειου"),
    "ARMENIAN": ("բգդզկլմնպստր", "աեիո"),
    "GEORGIAN": ("ბგდზკლმნპრსტ", "აეიოუ"),
    "ARABIC": ("بتجدرزسفكلمن", "اوي"),
    "HEBREW": ("בגדזכלמנפרשת", "איו"),
    "DEVANAGARI": ("कगजडतदनपबमरलवस", "ािीुूेो"),
    "BENGALI": ("কগজডতদনপবমরলস", "ািীুূেো"),
    "TAMIL": ("கசடதநபமரலவ", "ாிீுூெோ"),
    "THAI": ("กคจชดตนบปพมรลวส", "าิีุูะ"),
    "HANGUL": ("가나다라마바사자차카타파하고노도로모보소조수우주", ""),
    "CJK": ("安柏承丹恩方国海嘉康兰明宁平启瑞思涛文晓雅泽志", ""),
    "HIRAGANA": ("あいうえかきくけこさしすせたちてとなにのはふまみめもやゆよらりる", ""),
    "KATAKANA": ("アイウエカキクケコサシスセタチテトナニノハフマミメモヤユヨラリル", ""),
}


def decoys(names: Sequence[str], n: int, chance: Random) -> list[str]:
    """`n` new names that look like these: the same last words or numbers, other first ones; none is one of them.

    "Sosten Harbour" may give "Bimalo Harbour", "mug 2" a "lufo 2", "王明" a "柏涛": by its form, its script and, where
    characters are syllables, its length, no name shows whether it was taught. A script of which no letters are listed
    is written in the letters of the names themselves.
    """
    taken = {fold(name) for name in names}
    made: list[str] = []
    tries = count()
    while len(made) < n:
        head, _, tail = chance.choice(list(names)).partition(" ")
        word = _word(head, names, chance, next(tries) // 100)
        name = f"{word.capitalize() if head[0].isupper() else word}{' ' if tail else ''}{tail}"
        if fold(name) not in taken:
            taken.add(fold(name))
            made.append(name)
    return made


def script_of(text: str) -> str:
    """The script of the first letter, by Unicode's name of it: "LATIN", "CJK"; LATIN where there is none."""
    letter = next((one for one in text if one.isalpha()), "a")
    return unicodedata.name(letter, "LATIN").split(" ")[0].removesuffix("-COMPATIBILITY")


def _word(head: str, names: Sequence[str], chance: Random, longer: int) -> str:
    """A new word in the script of another; longer ones where the short ones may be all taken."""
    script = script_of(head)
    first, second = SYLLABLES.get(script, ("", ""))
    if second:
        return "".join(chance.choice(first) + chance.choice(second) for _ in range(chance.choice((2, 3)) + longer))
    letters = first or "".join(sorted({one for name in names for one in name if script_of(one) == script}))
    return "".join(chance.choice(letters) for _ in range(max(2, len(head)) + longer))
