"""Parse numbers in English words: "a hundred and five", "twenty-five hundred", "fifteen and a half",
"fifteen fifty".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from math import nan
from typing import TypeAlias

from arena.text.numerals import Numeral

UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
SMALL: Mapping[str, int] = {word: number for number, word in enumerate(UNITS)}
TENS: Mapping[str, int] = {
    word: 10 * number
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
BIG: Mapping[str, int] = {"thousand": 1000, "grand": 1000, "million": 10**6, "billion": 10**9}
SCALES: Mapping[str, int] = {"hundred": 100, **BIG}
ALL = (*UNITS, *TENS, *SCALES, "a", "an", "and", "half", "quarter", "quarters", "point", "oh")
FIRST = re.compile(rf"\b(?:{'|'.join([*UNITS, *TENS])}|an?(?=[\s-](?:{'|'.join(SCALES)})\b)|half(?=\sa\s))\b")
NEXT = re.compile(rf"(?:\s|-|,\s)({'|'.join(ALL)})\b")
LONGEST = 24  # words of a number

Read: TypeAlias = tuple[float, int]  # a number, and the exclusive end index of its words


def find_word_numerals(low: str) -> Iterator[Numeral]:
    """The numbers in words of a text made `plain`, in order.

    Two numbers in a row are a price and its cents, as one says it, and may be a hundred times as much: "fifteen fifty"
    is 15.50, with `hundredfold`. "Fifty-fifty" and "ten-twelve" have no value.
    """
    at = 0
    while first := FIRST.search(low, at):
        words, ends = [first[0]], [first.end()]
        while len(words) < LONGEST and (match := NEXT.match(low, ends[-1])):
            words.append(match[1])
            ends.append(match.end())
        at = first.end()
        if (found := _read_half(words) or _read_number(words)) is not None:
            value, count = found
            at = ends[count - 1]
            parted = low[at : at + 1]
            if parted != "," and (cents := _read_cents(words, value, count)) is not None:
                at = ends[cents[1] - 1]
                unsure = parted == "-" or cents[0] == value  # "ten-twelve" may be a range
                whole = nan if unsure else value + cents[0] / 100
                yield Numeral(whole, first.start(), at, in_words=True, hundredfold=True)
            else:
                yield Numeral(value, first.start(), at, in_words=True)


def _get_word(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _read_half(words: Sequence[str]) -> Read | None:
    """ "Half a million"."""
    size = SCALES.get(_get_word(words, 2))
    return (size / 2, 3) if words[0] == "half" and size else None


def _read_number(words: Sequence[str]) -> Read | None:
    """The number that the words begin with: thousands, then what is below them; or one with a fraction."""
    total, at, smallest = 0.0, 0, 10**12
    while found := _read_hundreds(words, at):
        value, behind = _read_decimals(words, *found)
        share, after = _read_fraction(words, behind)
        size = BIG.get(_get_word(words, after), 1)
        if size == 1 or size >= smallest:
            return total + value + share, after
        total, at, smallest = total + (value + share) * size, after + 1, size
        at += _get_word(words, at) == "and" and _read_hundreds(words, at + 1) is not None
    return (total, at) if at else None


def _read_hundreds(words: Sequence[str], at: int) -> Read | None:
    """A number below ten thousand: "a hundred and five", "twenty-five hundred", "twelve"."""
    found = (
        (1, at + 1)
        if _get_word(words, at) in ("a", "an") and _get_word(words, at + 1) in SCALES
        else _read_small(words, at)
    )
    if found is None or _get_word(words, found[1]) != "hundred":
        return found
    value, behind = found[0] * 100, found[1] + 1
    joined = _get_word(words, behind) == "and"
    rest = _read_small(words, behind + joined)
    if rest is None or _get_word(words, rest[1]) == "hundred":  # "between a hundred and two hundred"
        return value, behind
    unsure = joined and _get_word(words, rest[1]) in BIG  # "a hundred and two thousand": one number, or two
    return nan if unsure else value + rest[0], rest[1]


def _read_small(words: Sequence[str], at: int) -> Read | None:
    """A number below a hundred."""
    word, unit = _get_word(words, at), SMALL.get(_get_word(words, at + 1), 0)
    if word in TENS:
        return (TENS[word] + unit, at + 2) if 1 <= unit <= 9 else (TENS[word], at + 1)
    return (SMALL[word], at + 1) if word in SMALL else None


def _read_fraction(words: Sequence[str], at: int) -> Read:
    """ "And a half", "and a quarter", "and three quarters"; 0 for none."""
    shares = {("a", "half"): 0.5, ("a", "quarter"): 0.25, ("three", "quarters"): 0.75}
    share = (
        shares.get((_get_word(words, at + 1), _get_word(words, at + 2)), 0.0) if _get_word(words, at) == "and" else 0.0
    )
    return (share, at + 3) if share else (0.0, at)


def _read_decimals(words: Sequence[str], value: float, at: int) -> Read:
    """The number with the digits after "point"."""
    digits = list(takewhile(lambda word: word == "oh" or SMALL.get(word, 10) < 10, words[at + 1 :]))
    if _get_word(words, at) != "point" or not digits:
        return value, at
    return float(f"{value:.0f}.{''.join(str(SMALL.get(word, 0)) for word in digits)}"), at + 1 + len(digits)


def _read_cents(words: Sequence[str], value: float, at: int) -> Read | None:
    """The cents directly after a price below a hundred; None if there are none."""
    oh = _get_word(words, at) == "oh"
    found = _read_small(words, at + oh)
    if not value < 100 or at > 2 or found is None or oh != (found[0] < 10) or _get_word(words, found[1]) in SCALES:
        return None
    return found
