"""Parse numbers in digits in the notations of many countries, with their scales (15k, 1.5 million, ½).

Kept in the project: `runs/LOG.md` has how price-parser, quantulum3, number-parser, word2number and text2num read the
phrases of `tests/support/price_phrases.py` (`tests/bench/bench_amounts.py` counts again). Each misses many, most give
no position in the text, and for ambiguous numbers they return a value anyway.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

LONGEST = 24  # most digits and marks of a number
PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2007\u2009\u202f", "\u00a0"),
        **dict.fromkeys("’‘ʼ", "'"),
        **dict.fromkeys("−﹣", "-"),
        "￥": "¥",
        "٫": ".",
        "٬": ",",
        "\u3000": " ",
    }
)
GROUPS = re.compile(r"\d{1,3}(?:([\u00a0' ])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?(?![\d']|[.,]\d)")
DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
WHOLE = re.compile(r"\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")  # the last is Indian
DOTTED = re.compile(r"[1-9]\d{0,2}\.\d{3}")
PART_BEHIND = re.compile(
    r"\s?(?P<sign>[½¼¾⅓⅔])|\s(?P<over>[1-3])/(?P<under>[248])(?![\d/])|"
    r"\s(?:and|&)\s(?P<words>a\shalf|a\squarter|three\squarters)\b(?!\s(?:of|off)\b)"
)
SCALE_BEHIND = re.compile(
    r"\s?(k|grand|thousand|million|mn|mio|bn|billion|lakh|crore|tsd|тыс|млн|hundred)(?:s(?=\W|$))?\.?(?![^\W_])|"
    r"(m)(?![^\W_])|\s?([千万萬億亿])"
)
EXPONENT = re.compile(r"e[+-]?\d+(?![^\W_])")  # 1.5e3, as programs write numbers
SCALES: Mapping[str, float] = {
    "k": 1e3, "grand": 1e3, "thousand": 1e3, "tsd": 1e3, "тыс": 1e3, "千": 1e3, "万": 1e4, "萬": 1e4, "lakh": 1e5,
    "million": 1e6, "m": 1e6, "mn": 1e6, "mio": 1e6, "млн": 1e6, "crore": 1e7, "億": 1e8, "亿": 1e8, "bn": 1e9,
    "billion": 1e9, "hundred": 1e2,
}  # fmt: skip
PARTS: Mapping[str, float] = {"½": 1 / 2, "¼": 1 / 4, "¾": 3 / 4, "⅓": 1 / 3, "⅔": 2 / 3, "a half": 1 / 2,
                              "a quarter": 1 / 4, "three quarters": 3 / 4}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number at the characters [start, end) of a text; its `value` is nan if it is ambiguous.

    spaced: its thousands are separated by ordinary spaces, so that it may be two numbers. dotted: a dot precedes the
    last three digits, so that it may be a thousandth of `value`. hundredfold: in words, whether it may be a hundred
    times as much ("fifteen fifty" is 15.50 or 1550). in_words: it is written in words.
    """

    value: float
    start: int
    end: int
    spaced: bool = False
    dotted: bool = False
    in_words: bool = False
    hundredfold: bool = False


def normalise_text(text: str) -> str:
    """The text in small letters and ASCII digits, one kind of apostrophe, minus and hard space; of equal length."""
    return text.lower() if text.isascii() else "".join(map(_normalise_character, text)).translate(PLAIN)


def _normalise_character(character: str) -> str:
    if character.isdecimal() and not character.isascii():
        return str(int(character))
    if "\uff01" <= character <= "\uff5e":  # full-width forms of ASCII
        character = chr(ord(character) - 0xFEE0)
    low = character.lower()
    return low if len(low) == 1 else character


def find_digit_numerals(low: str) -> list[Numeral]:
    """The numbers in digits of a text made `plain`, in order.

    `1,500`, `1 500`, `1'500`, `1.500.000`, `1,50,000` and `1.500,00` have thousands; a comma or dot before the last one
    or two digits has decimals, and a dot before more than three.
    """
    found: list[Numeral] = []
    at = 0
    while match := DIGITS.search(low, at):
        groups = GROUPS.match(low, match.start())
        spaced = groups is not None and groups[1] == " "
        match = groups or match
        value = parse_grouped(groups[0]) if groups else parse_digits(match[0])
        dotted = groups is None and DOTTED.fullmatch(match[0]) is not None
        value, end = _read_suffix(low, value, match.end())
        found.append(Numeral(value, match.start(), end, spaced, dotted))
        at = end
    return found


def parse_digits(digits: str) -> float:
    """The value of digits with dots and commas; nan if they form no number. `1.500` is 1500 here."""
    if len(digits) > LONGEST or re.match(r"0\d", digits):
        return nan
    if WHOLE.fullmatch(digits) and not digits.startswith(("0.", "0,")):
        return float(re.sub(r"[.,]", "", digits))
    last = max(digits.rfind("."), digits.rfind(","))
    whole, mark, part = digits[:last], digits[last], digits[last + 1 :]
    most = 2 if (mark == "," and whole != "0") or not whole.isdigit() else LONGEST  # digits of the part
    if mark in whole or not WHOLE.fullmatch(whole) or len(part) > most:
        return nan
    return float(f"{re.sub(r'[.,]', '', whole)}.{part}")


def parse_grouped(digits: str) -> float:
    """The value of digits whose thousands are separated by spaces or apostrophes."""
    return float(re.sub(r"[\s']", "", digits).replace(",", "."))


def _read_suffix(low: str, value: float, end: int) -> tuple[float, int]:
    """The value with the fraction, the exponent and the scale that follow it, and where they end."""
    if exponent := EXPONENT.match(low, end):
        power = exponent[0][1:]
        return (value * 10.0 ** int(power) if len(power) <= 2 and int(power) <= 15 else nan), exponent.end()
    if part := PART_BEHIND.match(low, end):
        named = part["sign"] or re.sub(r"\s", " ", part["words"] or "")
        value += PARTS[named] if named else int(part["over"]) / int(part["under"])
        end = part.end()
    if scale := SCALE_BEHIND.match(low, end):
        value *= SCALES[scale[1] or scale[2] or scale[3]]
        end = scale.end()
    return value, end
