"""Money amounts in prose."""

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from price_phrases import AMOUNTS

from arena.engine.move_validation import well_formed
from arena.errors import IllegalMove
from arena.game import Move, Tool, View
from arena.text.price_extraction import find_amounts, find_prices, match_last_dollars

# each text with its amounts: 15 plain, "-15" a rejected 15, "~15" one end of a range or one of two
TEXTS = [
    ("$1,500", "1500"), ("$1.500,00", "1500"), ("$1.500", "1.5"), ("1.500.000,00 €", "1500000"), ("15 dollars", "15"),
    ("15$", "15"), ("$ 15", "15"), ("USD 15", "15"), ("USD15", "15"), ("US$15", "15"), ("15 bucks", "15"),
    ("€12.50", "12.5"), ("12,50 €", "12.5"), ("£3", "3"), ("1.5k", "1500"), ("I'd pay $1.5k", "1500"), ("$.50", "0.5"),
    ("50 cents", "0.5"), ("$1,500.", "1500"), ("$15—final", "15"), ("15", "15"), ("14.50!", "14.5"), ("15 coins", "15"),
    # ranges and alternatives
    ("between 12 and 14", "~12 ~14"), ("between $12 and 14", "~12 ~14"), ("$12-$14", "~12 ~14"), ("$12–14", "~12 ~14"),
    ("a price from $12 to $14", "~12 ~14"), ("I'd pay 12 or 13", "~12 ~13"), ("12-14 dollars", "~12 ~14"),
    ("$12 and not $14", "12 -14"), ("I'd pay $12 and you add $2", "12 -2"),
    # rejected
    ("not 15, I would take 13", "-15 13"), ("$16 is fine, not $20", "16 -20"),
    ("I can't do 15, but 13 works", "-15 13"),
    ("$15 is too low", "-15"), ("15 is too much for me", "-15"), ("$15? No way.", "-15"),
    ("I don't think 15 is fair", "-15"),
    ("13 instead of 15 is my offer", "13 -15"), ("I would never sell at $15", "-15"), 
    ("I want more than $15", "-15"),
    ("$15 won't work", "-15"), ("Your $15 offer is below my cost", "-15"), ("not $15 — $13", "-15 13"),
    ("I came down from 20 to 15", "-20 15"), ("I can knock $2 off, so $14", "-2 14"), ("$2 more, please", "-2"),
    # not rejected, though a negator is near
    ("why not 15?", "15"), ("Couldn't you take 13?", "13"), ("No, I said $15", "15"), ("$15? No problem!", "15"),
    ("I won't go below $15", "15"), ("no less than 15", "15"), ("$15 is not bad", "15"), ("I wouldn't mind $15", "15"),
    ("It isn't new, but I'd pay $15", "15"),
    # a price word is near
    ("I would take 13", "13"), ("Would you accept 12?", "12"), ("my offer is 12.5", "12.5"), ("let's say 13", "13"),
    ("How about 13?", "13"), ("I'd sell 2 balloons for 15", "15"), ("round 3 of 5: I offer 12", "12"),
    ("I'd take $14 for the iPhone 12", "14"), ("GPT-4 offers 15", "15"), ("I offer -5", "-5.0"), ("-$5", "-5.0"),
    # no prices
    ("10% off", ""), ("a discount of 10 percent", ""), ("2 balloons", ""), ("10 messages left to make a deal", ""),
    ("I bought it in 2019 for a good price", ""), ("At 10:30 we deal", ""), ("my 5th offer", ""),
    ("a 5-star deal", ""),
    ("1. Hold firm\n2. Be patient, then accept", ""), ("I have 3. They want more.", ""), ("offer #3", ""), ("", ""),
    ("the sale is on 2024-05-06", ""), ("I need a deal by 3pm", ""), ("1e3 offers", ""), ("1.2.3 is my offer", ""),
]  # fmt: skip


def shown(text: str, bare: bool = False) -> str:
    def mark(price: Any) -> str:
        amount = f"{price.amount:.10g}" if price.amount >= 0 else f"{price.amount:.1f}"
        return "-" * price.negated + "~" * price.ranged + amount

    return " ".join(map(mark, find_prices(text, bare)))


@pytest.mark.parametrize(("text", "amounts"), TEXTS)
def test_the_amounts_of_a_text(text: str, amounts: str) -> None:
    assert shown(text) == amounts


@pytest.mark.parametrize(("text", "wanted"), AMOUNTS)
def test_the_amounts_of_a_phrase(text: str, wanted: str) -> None:
    def mark(price: Any) -> str:
        amount = f"{price.amount:.10g}" if price.amount >= 0 else f"{price.amount:.1f}"
        return "?" if price.unclear else "-" * price.negated + "~" * price.ranged + "*" * price.several + amount

    assert " ".join(map(mark, find_amounts(text))) == wanted
    assert [price for price in find_amounts(text) if not price.unclear] == list(find_prices(text))


def test_bare_numbers_need_no_price_word() -> None:
    assert (shown("from 12 to 14"), shown("from 12 to 14", bare=True)) == ("", "~12 ~14")
    assert shown("exactly 14 then", bare=True) == "14"
    assert shown("2 balloons", bare=True) == shown("10%", bare=True) == shown("in 2019", bare=True) == ""


def test_where_an_amount_stands() -> None:
    text = "I paid 8 dollars; $1,500 is fine, .50 is not."
    assert [text[price.start : price.end] for price in find_prices(text)] == ["8", "1,500", ".50"]


@given(
    st.decimals(0, 10**9, places=2), st.sampled_from(["${}", "{} dollars", "{}$", "USD {}", "I'd take ${} now", "{}"])
)
def test_an_amount_written_is_the_amount_read(amount: Any, form: str) -> None:
    for written in (f"{amount:.2f}", f"{amount:,.2f}"):
        (price,) = find_prices(form.format(written))
        assert (price.amount, price.negated, price.ranged) == (float(amount), False, False)


@given(st.integers(0, 999_999), st.integers(0, 99))
def test_the_other_way_of_writing_it(units: int, cents: int) -> None:
    written = f"{units:,}".replace(",", ".") + f",{cents:02}"
    assert [price.amount for price in find_prices(f"€{written}")] == [float(f"{units}.{cents:02}")]


@given(st.text() | st.text("0123456789$€.,-–kx not or and to between%"))
@example("İ$5 not 6")
@example("$" + "9" * 400)
def test_any_text_is_read_in_order(text: str) -> None:
    for bare in (False, True):
        found = find_prices(text, bare)
        assert all(abs(p.amount) < 1e30 and 0 <= p.start < p.end <= len(text) for p in found)
        assert all(a.end <= b.start for a, b in pairwise(found))
        assert match_last_dollars(text) is None or match_last_dollars(text) >= 0  # type: ignore[operator]
    assert {p.start for p in find_prices(text)} <= {p.start for p in find_prices(text, bare=True)}


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "piece", ["$", "1", "1,", "9 ", " ", "$ ", "$9 or ", "not 15 ", "take 5 ", "a", "between 1 and ", "5% ", "\n1. "]
)
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        find_prices(text, bare=True)
        return time.process_time() - start

    small, large = (min(seconds(size) for _ in range(3)) for size in (2_000, 20_000))  # the collector may come between
    assert large < 60 * small + 0.2  # tenfold text; a quadratic reading would take a hundredfold


@pytest.mark.slow
def test_a_megabyte_is_read() -> None:
    assert len(find_prices("I would pay about $9 for this, maybe. " * 27_000)) == 27_000


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$15", 15), ("Deal at $15.50!", 15.5), ("$1,500", 1), ("15 dollars", None), ("15$", None), ("$ 15", None),
        ("$16 is fine, not $20", 20), ("no number", None), ("$15.", 15), ("$15.x", 15),
    ],
)  # fmt: skip
def test_the_published_regex_with_its_slips(text: str, amount: float | None) -> None:
    assert match_last_dollars(text) == amount


@pytest.mark.parametrize(
    ("given", "price"),
    [("14", 14), ("$14.50", 14.5), ("14 dollars", 14), ("1,500", 1500), ("1 500 €", 1500)],
)
def test_an_argument_given_as_text_becomes_a_number(given: str, price: float) -> None:
    view = View("buyer", "", tools=(Tool("offer", "", {"price": {"type": "number"}}),))
    assert well_formed(view, Move("", "offer", {"price": given})).args["price"] == price


@pytest.mark.parametrize(
    "given", ["$15 + $2", "fifteen", "fifteen fifty", "10–12", "half of 20", "10% off", "not 15", "two for $30"]
)
def test_an_argument_that_is_not_clear_is_refused(given: str) -> None:
    view = View("buyer", "", tools=(Tool("offer", "", {"price": {"type": "number"}}),))
    with pytest.raises(IllegalMove, match="price"):
        well_formed(view, Move("", "offer", {"price": given}))
