"""How libraries read amounts of money in prose: `python tests/bench/bench_amounts.py`.

The phrases are those of `tests/support/price_phrases.py`. A phrase is right where the set of its amounts is found,
whatever is rejected or part of a range; where an amount is unclear nothing may be read for it. A wrong phrase is one in
which an amount is read that is not there: for a deal that is worse than none. Libraries that are not installed are left
out.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from price_phrases import AMOUNTS  # noqa: E402

from arena.text.price_extraction import find_prices  # noqa: E402

Reader = Callable[[str], Iterable[float]]


def price_parser() -> Reader:
    from price_parser import Price

    return lambda text: [abs(float(found)) for found in [Price.fromstring(text).amount] if found is not None]


def quantulum3() -> Reader:
    from quantulum3 import parser

    def read(text: str) -> list[float]:
        return [float(one.value) for one in parser.parse(text) if one.unit.entity.name in ("currency", "dimensionless")]

    return read


def number_parser() -> Reader:
    from number_parser import parse
    from price_parser import Price

    def read(text: str) -> list[float]:
        found = Price.fromstring(parse(text)).amount
        return [] if found is None else [abs(float(found))]

    return read


def text2num() -> Reader:
    from price_parser import Price
    from text_to_num import alpha2digit

    def read(text: str) -> list[float]:
        found = Price.fromstring(alpha2digit(text, "en")).amount
        return [] if found is None else [abs(float(found))]

    return read


def word2number() -> Reader:
    from word2number import w2n

    def read(text: str) -> list[float]:
        try:
            return [float(w2n.word_to_num(text))]
        except (ValueError, IndexError):
            return []

    return read


def arena() -> Reader:
    return lambda text: [abs(price.amount) for price in find_prices(text)]


READERS = {
    "arena.text.price_extraction": arena, "price-parser": price_parser, "number-parser + price-parser": number_parser,
    "text2num + price-parser": text2num, "quantulum3": quantulum3, "word2number": word2number,
}  # fmt: skip


def measure(read: Reader) -> tuple[int, int]:
    """The phrases read right, and those in which an amount was read that is not there."""
    right = wrong = 0
    for text, marks in AMOUNTS:
        wanted = {abs(float(mark.strip("-~*"))) for mark in marks.split() if mark != "?"}
        try:
            found = set(read(text))
        except Exception:  # of a library on a phrase: it did not read it
            found = set[Any]()
        right += found == wanted
        wrong += not found <= wanted
    return right, wrong


def main() -> None:
    for name, make in READERS.items():
        try:
            right, wrong = measure(make())
        except ImportError as error:
            print(f"{name}: not installed ({error})")
            continue
        print(f"→ {name}: {right} of {len(AMOUNTS)} phrases right, {wrong} with an amount that is not there")


if __name__ == "__main__":
    main()
