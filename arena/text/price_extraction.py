"""Extract money amounts from prose, with negations, ranges and ambiguities."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isnan, nan
from typing import NamedTuple

from arena.text import price_lexicon
from arena.text.number_words import find_word_numerals
from arena.text.numerals import Numeral, find_digit_numerals, normalise_text

NEAR = 48  # context characters on each side of a number: keeps the time linear in the length of the text
TOUCH = 12  # characters before a number in which a sign or another number touches it
FEW = 5  # a number in words below this is a count of things rather than a price, where no currency is named


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of money; its digits or words are `text[start:end]`.

    `negated`: the words reject it ("not 15", "15 is too low", "more than 15") or it is a mere `difference` ("$2 off").
    `ranged`: it is one end of a range or one of two alternatives ("between 12 and 14", "12 or 14"). `unclear`: the
    amount is ambiguous ("half of $20", "$15 + $2", "10% off", "1.2.3 €"); `amount` may be nan then. `several`: it is
    the price of several things, or of each of several ("two for $30", "$5 each, four of them"). `hundredfold`: in
    words, it may be a hundred times as much ("fifteen fifty").
    """

    amount: float
    start: int
    end: int
    negated: bool = False
    ranged: bool = False
    unclear: bool = False
    several: bool = False
    difference: bool = False
    hundredfold: bool = False


class Candidate(NamedTuple):
    """A number that may be a price, with the words around it, in lower case."""

    price: Price
    before: str
    after: str
    marked: bool  # it has a currency


def find_prices(text: str, bare: bool = False) -> tuple[Price, ...]:
    """The money amounts in `text`, in order, without those that are unclear; linear in its length.

    An amount has a currency ($15, 15$, 15 dollars, USD 15, €12.50, 15元; cents are hundredths) or, without one, a price
    word near ("I would take 13"), or it is the whole text; with `bare`, no price word is needed. Percentages, counted
    things ("2 balloons"), dates, times and the numbers of a list are no prices. Digits of all scripts are read, and
    English number words ("a hundred and five", "fifteen fifty" as 15.50).

    `1,500`, `1 500 €`, `1'500`, `1.500,00`, `1,50,000` and `1.5k` have thousands; a comma before the last one or two
    digits is a decimal comma (`12,50`), and `12 € 50` are 12.50. `1.500` is one and a half with a sign of dollars or
    pounds, 1500 with one of euros, and unclear else.
    """
    return tuple(price for price in find_amounts(text, bare) if not price.unclear)


def find_amounts(text: str, bare: bool = False) -> tuple[Price, ...]:
    """The money amounts in `text` as `prices` finds them, those that are unclear among them."""
    low = normalise_text(text)
    found = list(_find_candidates(low, text))
    bare = bare or _is_alone(low, found)
    hits = [match.start() for match in price_lexicon.PRICE_WORDS.finditer(low)]
    cuts = [0, *(match.start() for match in price_lexicon.SENTENCE.finditer(low)), len(low)]
    counts = [match.start() for match in price_lexicon.COUNT.finditer(low)]
    joined = [_is_joined(low, *pair) for pair in pairwise(found)]
    result = []
    for place, item in enumerate(found):
        left, right = place > 0 and joined[place - 1], place < len(joined) and joined[place]
        marked = item.marked or (left and found[place - 1].marked) or (right and found[place + 1].marked)
        if marked or bare or _is_near(item.price, hits, cuts):
            difference = _is_difference(item)
            result.append(
                replace(
                    item.price,
                    negated=difference or _is_negated(item),
                    ranged=left or right,
                    several=_is_for_several(item, counts, cuts),
                    difference=difference,
                )
            )
    return tuple(result)


def match_last_dollars(text: str) -> float | None:
    r"""The last `\$` + digits, optionally a dot and digits; None without one.

    The published price rule of GPT-Bargaining (Fu et al. 2023, agent.py), kept for comparison: a comma breaks it
    ("$1,500" is 1), "15 dollars" is nothing, and in "$16 is fine, not $20" it finds 20.
    """
    found: list[str] = re.findall(r"\$(\d+(?:\.\d+)?)", text)
    return float(found[-1]) if found else None


def _find_candidates(low: str, text: str) -> Iterator[Candidate]:
    """The numbers that may be money, in order."""
    found = sorted(
        [*find_digit_numerals(low), *find_word_numerals(low), *_find_single_units(low)],
        key=lambda one: (one.start, -one.end),
    )
    place = 0
    while place < len(found):
        one = found[place]
        following = found[place + 1] if place + 1 < len(found) else None
        whole = _add_cents(low, one, following) if following is not None else None
        candidate = _make_candidate(low, text, whole or one, marked=whole is not None)
        if candidate is not None:
            yield candidate
        end = (whole or one).end
        while place < len(found) and found[place].start < end:
            place += 1


def _find_single_units(low: str) -> Iterator[Numeral]:
    """ "A dollar": one, at its article."""
    return (
        Numeral(1.0, match.start(), match.start() + 1, in_words=True) for match in price_lexicon.A_DOLLAR.finditer(low)
    )


def _add_cents(low: str, one: Numeral, other: Numeral) -> Numeral | None:
    """The amount of a number with the cents behind its currency: "12 € 50", "five dollars fifty", "£5 50p"."""
    gap = price_lexicon.CURRENCY_BETWEEN.fullmatch(low[one.end : other.start])
    two_digits = other.in_words or (other.end - other.start == 2)
    if gap is None or not 0 < other.value < 100 or other.value % 1 or one.value % 1 or other.hundredfold:
        return None
    behind = low[other.end : other.end + NEAR]
    said = price_lexicon.CENTS_AFTER.match(behind)
    if not said and (not two_digits or (gap["and"] and (other.value < 10 or gap["bare"]))):
        return None
    if gap["bare"] is not None and not price_lexicon.SIGN_BEFORE.search(low[max(0, one.start - TOUCH) : one.start]):
        return None
    behind = behind[said.end() :] if said else behind
    if price_lexicon.SIGN_AFTER.match(behind) or price_lexicon.PERCENT.match(behind) or not _is_loose_price("", behind):
        return None
    value = one.value + other.value / 100 if said or gap["bare"] is None else nan  # "$12 50"
    return Numeral(value, one.start, other.end + (said.end() if said else 0), in_words=one.in_words)


def _make_candidate(low: str, text: str, one: Numeral, marked: bool = False) -> Candidate | None:
    """The number with the words around it; None where it cannot be money."""
    start, end, amount = one.start, one.end, one.value
    before, after = low[max(0, start - NEAR) : start], low[end : end + NEAR]
    if before.endswith(".") and low[start:end].isdigit() and (len(before) == 1 or before[-2] in " \n($€£¥-"):  # ".5"
        start, before, amount = start - 1, before[:-1], amount / 10 ** (end - one.start)
    signed = price_lexicon.SIGN_BEFORE.search(before[-TOUCH:]) is not None
    sign = price_lexicon.SIGN_AFTER.match(after)
    whole = marked or signed or sign is not None
    unclear = isnan(amount) or _is_split(one, before, after, low) or (one.hundredfold and amount < 10)
    if sign and not marked:
        cents = not signed and price_lexicon.CENTS_AFTER.match(after)
        amount, after = amount / 100 if cents else amount, after[sign.end() :]
    after = price_lexicon.ROUGHLY.sub("", after, count=1)
    if price_lexicon.PERCENT.match(after):
        change = price_lexicon.CHANGE_AFTER.match(after) or price_lexicon.CHANGE_BEFORE.search(before)
        return Candidate(Price(amount, start, end, unclear=True), before, after, True) if change else None
    if not whole and not _is_bare_price(one, before, after, text):
        return None
    if one.dotted and not price_lexicon.COMMA_COUNTRY.search(f"{before[-TOUCH:]}#{low[end : end + TOUCH]}"):
        amount, unclear = amount / 1000, not signed and not sign
    unclear = unclear or (not whole and one.in_words and amount < FEW)
    unclear = unclear or bool(price_lexicon.REST_BEFORE.search(before) or price_lexicon.REST_AFTER.match(after))
    unclear = unclear or (whole and price_lexicon.UNKNOWN_SCALE.match(low, end) is not None)
    if price_lexicon.MINUS.search(before[-TOUCH:]) and not re.search(r"\d\s?[-−]\s?\S?$", before[-TOUCH:]):
        amount = -amount
    return Candidate(Price(amount, start, end, unclear=unclear, hundredfold=one.hundredfold), before, after, whole)


def _is_split(one: Numeral, before: str, after: str, low: str) -> bool:
    """Whether common spaces part the digits of what may be two numbers: "iPhone 12 500 dollars"."""
    if (
        not one.spaced
        or price_lexicon.SIGN_BEFORE.search(before[-TOUCH:])
        or low.strip(" .!?") == low[one.start : one.end]
    ):
        return False
    leader = price_lexicon.WORD_BEFORE.search(before)
    return not price_lexicon.SIGN_AFTER.match(after) or (leader is not None and leader[1] not in price_lexicon.LEADERS)


def _is_bare_price(one: Numeral, before: str, after: str, text: str) -> bool:
    """Whether a number without a currency may be a price."""
    if one.in_words and (text[one.start : one.end].lower() == "one" or after.startswith(" of ")):
        return False
    metres = text[one.end - 1] == "m" and text[one.end - 2].isdigit()
    return not metres and _is_loose_price(before, after)


def _is_loose_price(before: str, after: str) -> bool:
    """Whether a number without a currency may be a price, by the words that touch it."""
    if price_lexicon.GLUED_AFTER.match(after) or price_lexicon.GLUED_BEFORE.search(before[-TOUCH:]):
        return False
    if price_lexicon.LIST_BEFORE.search(before) and price_lexicon.LIST_AFTER.match(after):
        return False
    ahead, behind = price_lexicon.WORD_AFTER.match(after), price_lexicon.WORD_BEFORE.search(before)
    return (ahead is None or ahead[1] in price_lexicon.FOLLOWERS) and (
        behind is None or behind[1] in price_lexicon.LEADERS
    )


def _is_alone(low: str, found: Sequence[Candidate]) -> bool:
    """Whether a text is nothing but a number, or several."""
    rest = list(low) if len(low) < NEAR else ["x"]
    for item in found:
        rest[item.price.start : item.price.end] = " " * (item.price.end - item.price.start)
    return not any(one.isalpha() for one in rest)


def _is_near(price: Price, hits: Sequence[int], cuts: Sequence[int]) -> bool:
    """Whether a word (`hits`) stands near, in the same sentence (`cuts` are the sentences' limits)."""
    left = max(price.start - NEAR, cuts[max(bisect_right(cuts, price.start) - 1, 0)])
    right = min(price.end + NEAR, cuts[min(bisect_left(cuts, price.end), len(cuts) - 1)])
    first = bisect_left(hits, left)
    return first < len(hits) and hits[first] < right


def _is_difference(item: Candidate) -> bool:
    return bool(price_lexicon.DIFFERENCE_AFTER.match(item.after) or price_lexicon.DIFFERENCE_BEFORE.search(item.before))


def _is_for_several(item: Candidate, counts: Sequence[int], cuts: Sequence[int]) -> bool:
    """Whether it is the price of several things, or of each of several."""
    if price_lexicon.FOR_MANY.match(item.after) or price_lexicon.MANY_FOR.search(item.before):
        return True
    return price_lexicon.EACH_AFTER.match(item.after) is not None and _is_near(item.price, counts, cuts)


def _is_negated(item: Candidate) -> bool:
    """Whether the words reject the amount, or make it a price left behind."""
    if price_lexicon.LEFT_BEHIND.search(item.before) or price_lexicon.REJECTED.match(item.after):
        return True
    clause = price_lexicon.CLAUSE.split(item.before)[-1]
    refused = price_lexicon.NEGATOR.search(price_lexicon.HARMLESS.sub("", clause)) is not None
    return refused != (price_lexicon.LIMIT.search(clause) is not None)


def _is_joined(low: str, first: Candidate, second: Candidate) -> bool:
    """Whether two neighbouring numbers are the ends of a range, or alternatives."""
    gap = low[first.price.end : second.price.start]
    match = price_lexicon.JOINED.fullmatch(gap) if len(gap) <= NEAR else None
    if match is None:
        return False
    if match["and"]:
        return price_lexicon.BETWEEN.search(first.before) is not None
    return not (match["to"] and price_lexicon.LEFT_BEHIND.search(first.before))
