"""Money amounts in prose, with what the words around them do to them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from arena import price_words as words

NUMBER = re.compile(r"\d[\d.,]*")
NEAR = 48  # characters looked at on each side of a number: so the time is linear in the length of the text
TOUCH = 12  # characters before a number in which a sign or another number touches it
LONGEST = 24  # characters of a number; longer strings of digits are no price
PLAIN, GROUPED, EUROPEAN, COMMA = map(
    re.compile, (r"\d+(\.\d+)?", r"\d{1,3}(,\d{3})+(\.\d+)?", r"\d{1,3}(\.\d{3})+,\d{1,2}", r"\d+,\d{1,2}")
)


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of money; its digits are `text[start:end]`.

    `negated`: the words reject it ("not 15", "15 is too low", "more than 15") or it is a mere difference ("$2 off").
    `ranged`: it is one end of a range or one of two alternatives ("between 12 and 14", "12 or 14").
    """

    amount: float
    start: int
    end: int
    negated: bool = False
    ranged: bool = False


class Candidate(NamedTuple):
    """A number that may be a price, between the lower-cased words around it."""

    price: Price
    before: str
    after: str
    marked: bool  # it has a currency


def prices(text: str, bare: bool = False) -> tuple[Price, ...]:
    """The money amounts in `text`, in order; linear in its length.

    An amount has a currency ($15, 15$, 15 dollars, USD 15, €12.50; cents are hundredths) or, without one, a price word
    near ("I would take 13"), or it is the whole text; with `bare`, no price word is needed. Percentages, counted things
    ("2 balloons"), dates, times and the numbers of a list are no prices. `1,500`, `1.500,00` and `1.5k` are 1500; a
    comma before the last one or two digits is a decimal comma (`12,50`); `1.500` is one and a half.
    """
    low = text.lower() if len(text.lower()) == len(text) else text
    low = low.replace("’", "'")
    bare = bare or (len(low) < NEAR and not re.search(r"[^\W\dk]", low))
    found = [item for match in NUMBER.finditer(low) if (item := _candidate(low, match)) is not None]
    hits = [match.start() for match in words.PRICE_WORDS.finditer(low)]
    cuts = [0, *(match.start() for match in words.SENTENCE.finditer(low)), len(low)]
    joined = [_joins(low, *pair) for pair in pairwise(found)]
    result = []
    for place, item in enumerate(found):
        left, right = place > 0 and joined[place - 1], place < len(joined) and joined[place]
        marked = item.marked or (left and found[place - 1].marked) or (right and found[place + 1].marked)
        if marked or bare or _priced(item.price, hits, cuts):
            result.append(replace(item.price, negated=_negated(item), ranged=left or right))
    return tuple(result)


def dollar_regex(text: str) -> float | None:
    r"""The last `\$` + digits, optionally a dot and digits; None without one.

    The published price rule of GPT-Bargaining (Fu et al. 2023, agent.py), kept for comparison: a comma breaks it
    ("$1,500" is 1), "15 dollars" is nothing, and in "$16 is fine, not $20" it finds 20.
    """
    found: list[str] = re.findall(r"\$(\d+(?:\.\d+)?)", text)
    return float(found[-1]) if found else None


def _candidate(low: str, match: re.Match[str]) -> Candidate | None:
    """The number of a match with the words around it; None where it cannot be money."""
    digits = match[0].rstrip(".,")
    start, end = match.start(), match.start() + len(digits)
    amount = _amount(digits)
    if amount is None:
        return None
    before, after = low[max(0, start - NEAR) : start], low[end : end + NEAR]
    if before.endswith(".") and digits.isdigit() and (len(before) == 1 or before[-2] in " \n($€£¥-"):  # ".5"
        start, before, amount = start - 1, before[:-1], amount / 10 ** len(digits)
    if thousand := words.THOUSAND.match(after):
        amount, after = amount * 1000, after[thousand.end() :]
    marked = words.SIGN_BEFORE.search(before[-TOUCH:]) is not None
    if sign := words.SIGN_AFTER.match(after):
        cents = not marked and sign[0].strip().startswith(("cent", "¢"))
        amount, after, marked = amount / 100 if cents else amount, after[sign.end() :], True
    if words.PERCENT.match(after) or not (marked or _loose(before, after)):
        return None
    if words.MINUS.search(before[-TOUCH:]) and not re.search(r"\d\s?[-−]\s?\S?$", before[-TOUCH:]):
        amount = -amount
    return Candidate(Price(amount, start, end), before, after, marked)


def _amount(digits: str) -> float | None:
    """The value of digits with dots and commas; None where they spell no number."""
    if len(digits) > LONGEST:
        return None
    if PLAIN.fullmatch(digits):
        return float(digits)
    if GROUPED.fullmatch(digits):
        return float(digits.replace(",", ""))
    if EUROPEAN.fullmatch(digits) or COMMA.fullmatch(digits):
        return float(digits.replace(".", "").replace(",", "."))
    return None


def _loose(before: str, after: str) -> bool:
    """Whether a number without a currency may be a price, by the words that touch it."""
    if words.GLUED_AFTER.match(after) or words.GLUED_BEFORE.search(before[-TOUCH:]):
        return False
    if words.LIST_BEFORE.search(before) and words.LIST_AFTER.match(after):
        return False
    ahead, behind = words.WORD_AFTER.match(after), words.WORD_BEFORE.search(before)
    return (ahead is None or ahead[1] in words.FOLLOWERS) and (behind is None or behind[1] in words.LEADERS)


def _priced(price: Price, hits: Sequence[int], cuts: Sequence[int]) -> bool:
    """Whether a price word (`hits`) stands near, in the same sentence (`cuts` are the sentences' limits)."""
    left = max(price.start - NEAR, cuts[max(bisect_right(cuts, price.start) - 1, 0)])
    right = min(price.end + NEAR, cuts[min(bisect_left(cuts, price.end), len(cuts) - 1)])
    first = bisect_left(hits, left)
    return first < len(hits) and hits[first] < right


def _negated(item: Candidate) -> bool:
    """Whether the words reject the amount, or make it a difference or a price left behind."""
    if words.DIFFERENCE_AFTER.match(item.after) or words.DIFFERENCE_BEFORE.search(item.before):
        return True
    if words.LEFT_BEHIND.search(item.before) or words.REJECTED.match(item.after):
        return True
    clause = words.CLAUSE.split(item.before)[-1]
    refused = words.NEGATOR.search(words.HARMLESS.sub("", clause)) is not None
    return refused != (words.LIMIT.search(clause) is not None)


def _joins(low: str, first: Candidate, second: Candidate) -> bool:
    """Whether two neighbouring numbers are the ends of a range, or alternatives."""
    gap = low[first.price.end : second.price.start]
    match = words.JOINED.fullmatch(gap) if len(gap) <= NEAR else None
    if match is None:
        return False
    if match["and"]:
        return words.BETWEEN.search(first.before) is not None
    return not (match["to"] and words.LEFT_BEHIND.search(first.before))
