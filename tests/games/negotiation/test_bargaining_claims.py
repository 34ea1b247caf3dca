"""What the sides of a haggle claim about their own limits, found in their words or by the moderator."""

from typing import Any

import pytest
from game_driver import does, makes

from arena.engine.play import play
from arena.game import Message
from games.negotiation.bargaining_claims import find_claims

CLAIMS = [
    ("I paid $12 for it, so I can't go below $13.50.", [("worth", 12.0), ("limit", 13.5)]),
    ("It cost me 9 dollars.", [("worth", 9.0)]),
    ("It's worth $16 to me.", [("worth", 16.0)]),
    ("$12 is what I paid.", [("worth", 12.0)]),
    ("The lowest I can go is 15 dollars.", [("limit", 15.0)]),
    ("My budget is $18; would you take $14?", [("limit", 18.0)]),
    ("15 is the most I can pay.", [("limit", 15.0)]),
    ("I will not pay more than $15 for this.", [("limit", 15.0)]),
    ("I only have $1,200 on me.", [("limit", 1200.0)]),
    ("This is my last word: $14.50.", [("final", 14.5)]),
    ("I cannot move any more. $11 is my last offer.", [("final", 11.0)]),
]
NO_CLAIMS = [
    "I can do $12.", "How about $14?", "$13 is too low for me.", "You said you paid $12.", "Your last offer is $14.",
    "My last offer was $14.", "If my budget were $30, I would pay $20.", "Most people pay $20.", "I can't do $12.",
    "You can't get it under $12 anywhere else.", "The highest you offered is $12.", "I have 3 of them.", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "claimed"), CLAIMS)
def test_words_that_claim_a_limit(text: str, claimed: list[tuple[str, float]]) -> None:
    assert [(claim.kind, claim.claimed) for claim in find_claims(Message("seller", text))] == claimed


@pytest.mark.parametrize("text", NO_CLAIMS)
def test_offers_and_words_about_the_other_side_claim_nothing(text: str) -> None:
    assert find_claims(Message("seller", text)) == []


def haggle(seller: Any, buyer: Any, moderator: Any = "moderator", **game: Any) -> list[dict[str, Any]]:
    seats = {"seller": seller, "buyer": buyer, "moderator": moderator}
    return play({"name": "bargaining", **game}, seats).facts["claims"]  # type: ignore[return-value]


def test_claims_are_kept_by_round_with_the_sentence_that_makes_them() -> None:
    seller = makes(does("offer", "Hello! I paid $12 for it.", price=18), does("offer", price=17))
    buyer = makes(does("walk_away", "My budget is $9. Bye."), does("accept"))
    assert haggle(seller, buyer, rounds=2, coach="none") == [
        dict(round=1, seat="seller", kind="worth", claimed=12.0, words="I paid $12 for it.", read_by="rules"),
        dict(round=1, seat="buyer", kind="limit", claimed=9.0, words="My budget is $9.", read_by="rules"),
    ]


def test_the_moderator_hears_what_no_phrase_finds_and_its_row_stands_for_both() -> None:
    read = makes(
        does("read", act="talk", claim=11, evidence="eleven went into it"),
        does("read", act="talk", claim=9, evidence="my budget"),
        does("read", act="walk_away"),
    )
    rows = haggle(makes("Eleven dollars went into it.", "Then no."), makes("My budget is $9."), read)
    assert [(row["seat"], row["kind"], row["claimed"], row["read_by"]) for row in rows] == [
        ("seller", "limit", 11.0, "moderator"), ("buyer", "limit", 9.0, "moderator"),
    ]  # fmt: skip


def test_a_scripted_side_claims_a_last_offer_with_its_last_message() -> None:
    rows = haggle("tough", "linear")
    assert {row["kind"] for row in rows} == {"final"} and {row["seat"] for row in rows} == {"buyer", "seller"}
