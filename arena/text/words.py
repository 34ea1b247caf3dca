"""Tokenise and normalise words and names in any script.

All tokenisation of words is done here. A word is a run of letters with their marks, and digits (Unicode
categories L, M, Nd, Nl); all else parts words, the underscore too. In scripts that are written without spaces each
character with its marks is a word, since words are only found there with a dictionary: Han, kana, and the line-break
class SA of Unicode (UAX #14), which is Thai, Lao, Khmer, Burmese and their like. On ASCII texts the words are those of
the `rouge_score` package.

Scripts and categories come from the `regex` package, which is loaded for the first text that is not ASCII.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from arena.cache_register import memoize

UNSPACED = r"[\p{Line_Break=Complex_Context}\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}ー〆]"
LETTER = r"[\p{L}\p{Nd}\p{Nl}]"
CAPITAL = r"[\p{Lu}\p{Lt}\p{Lo}]"  # what may begin a name: a capital, or any letter of a script that has none
PART = r"[\p{L}\p{M}\p{N}_]"  # what `\w` is for, with the marks that it leaves out
ASCII_WORD, ASCII_TOKEN = re.compile(r"[a-z0-9]+"), re.compile(r"[A-Za-z0-9]+|\S")
SENTENCE_END = re.compile(  # the last kind needs no space after it
    r"(?<=[.!?…])\s+|(?<=[.!?…][”’»\")])\s+|(?<=[。！？｡।॥؟۔።។။])(?![”’」』）)])\s*"
)


# what is not seen (soft hyphen, zero-width and direction marks, variation selectors), and what may be left out when
# writing: the stretch of Arabic letters, Arabic and Hebrew points; as (first, last)
LEFT_OUT = ((0xAD, 0xAD), (0x61C, 0x61C), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F),
            (0xFEFF, 0xFEFF), (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5), (0x5C7, 0x5C7),
            (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670))  # fmt: skip
WIDE = (*range(0xFF01, 0xFFA0), 0x3000)  # full-width Latin, half-width kana
SAME = {"\u0130": "i", "\u0131": "i", "‘": "'", "’": "'", "ʼ": "'", "‐": "-", "\u2011": "-"}


class Span(NamedTuple):
    """A word, folded, and the characters [start, end) of the text in which it stands."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text with the position of each of its characters in the original; identical positions if None."""

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that became [start, end), which is not empty."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


@memoize("code")
def compile_pattern(pattern: str) -> Any:
    """A pattern with properties of Unicode, such as CAPITAL and PART; for fixed ones, as they are kept for good."""
    import regex

    return regex.compile(pattern)


def fold(text: str) -> str:
    """Normalise a text: lower case, with one spelling for equivalent ones, so that texts that read alike are equal.

    Case is folded in full (ß is ss; dotted and dotless i are one); composed and decomposed letters (NFC, NFD), wide
    and narrow ones, digits of all scripts, curly and straight apostrophes are the same; what is not seen is left out,
    Arabic and Hebrew points too. Accents count.
    """
    return text.lower() if text.isascii() else _fold(text)[0]


def fold_with_offsets(text: str) -> Folded:
    """The normalised text with a mapping to positions in the original."""
    if text.isascii():
        return Folded(text.lower())
    made, in_place = _fold(text)
    if in_place:
        return Folded(made)
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for found in compile_pattern(r"\X").finditer(text):
        part = fold(found.group())
        letters.append(part)
        starts += [found.start()] * len(part)
        ends += [found.end()] * len(part)
    return Folded("".join(letters), starts, ends)


def split_words(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    if text.isascii():
        return ASCII_WORD.findall(text.lower())
    return [str(word) for word in compile_pattern(_make_word_pattern()).findall(fold(text))]


def find_word_spans(text: str) -> list[Span]:
    """The words of a text with their positions."""
    made = fold_with_offsets(text)
    pattern = ASCII_WORD if made.text.isascii() else compile_pattern(_make_word_pattern())
    return [Span(found.group(), *made.span(*found.span())) for found in pattern.finditer(made.text)]


def split_runs(text: str) -> list[str]:
    """The words of a text, folded, where no script is cut into characters: for names, whose characters tell nothing."""
    return [str(run) for run in compile_pattern(rf"{LETTER}(?:{LETTER}|\p{{M}})*").findall(fold(text))]


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same but for case, form and the spaces between words."""
    return fold(one).split() == fold(other).split()


def split_pieces(text: str) -> list[str]:
    """The text between spaces, unchanged; single characters in scripts without spaces."""
    return [text[start:end] for start, end in find_piece_spans(text)]


def find_piece_spans(text: str) -> list[tuple[int, int]]:
    """The positions of the pieces of a text."""
    pattern = re.compile(r"\S+") if text.isascii() else compile_pattern(rf"{UNSPACED}\p{{M}}*|(?:(?!{UNSPACED})\S)+")
    return [found.span() for found in pattern.finditer(text)]


def split_tokens(text: str) -> list[str]:
    """Words and single punctuation marks, unchanged."""
    if text.isascii():
        return ASCII_TOKEN.findall(text)
    return [str(token) for token in compile_pattern(rf"{_make_word_pattern()}|\S").findall(text)]


def split_characters(text: str) -> list[str]:
    """The characters that a reader sees: letters with their marks (extended grapheme clusters, UAX #29)."""
    return list(text) if text.isascii() else [str(one) for one in compile_pattern(r"\X").findall(text)]


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without the spaces between them."""
    return [sentence for sentence in map(str.strip, SENTENCE_END.split(text)) if sentence]


def is_letters(text: str) -> bool:
    """Whether a text is letters and their marks alone."""
    return text.isalpha() if text.isascii() else compile_pattern(r"\p{L}[\p{L}\p{M}]*").fullmatch(text) is not None


def is_unspaced(character: str) -> bool:
    """Whether a character belongs to a script that is written without spaces."""
    return not character.isascii() and compile_pattern(UNSPACED).match(character) is not None


def _make_word_pattern() -> str:
    """A word: in a text that is not folded, what is not seen may stand in it."""
    spaced, marks = rf"(?!{UNSPACED}){LETTER}", r"[\p{M}\p{Default_Ignorable_Code_Point}]"
    return rf"(?={LETTER}){UNSPACED}{marks}*|{spaced}(?:{marks}|{spaced})*"


@memoize("code")
def _make_fold_table() -> dict[int, str]:
    """For each character that is written in another way, or left out, what stands for it: one character, or none."""
    digits = (one for one in map(chr, range(0x80, 0x20000)) if one.isdecimal())
    return {
        **{ord(one): str(unicodedata.decimal(one)) for one in digits},
        **{code: unicodedata.normalize("NFKC", chr(code)) for code in WIDE},
        **{code: "" for first, last in LEFT_OUT for code in range(first, last + 1)},
        **{ord(one): other for one, other in SAME.items()},
    }


@memoize("code")
def _find_folded() -> frozenset[str]:
    return frozenset(map(chr, _make_fold_table()))


def _fold(text: str) -> tuple[str, bool]:
    """The folded text, and whether each of its characters stands where it stood."""
    plain = unicodedata.normalize("NFC", text)
    in_place = plain == text
    if not _find_folded().isdisjoint(plain):
        told = plain.translate(_make_fold_table())  # shorter, if anything
        plain = unicodedata.normalize("NFC", told)
        in_place = in_place and len(told) == len(text) and plain == told
    whole = plain.casefold()  # longer, if anything
    made = unicodedata.normalize("NFC", whole)
    return made, in_place and len(whole) == len(text) and made == whole
