"""The scripted moderator: what messages do, in a table, and every bargainer's own sentences."""

from random import Random

import pytest

from agents import phrases
from agents.reading import read
from arena.errors import UsageError
from arena.game import JSON, Message, Move, View
from arena.play import blocking, play
from arena.spec import build
from tests.agents.haggling import haggle

OFFER, ACCEPT, LEAVE, TALK = "offer", "accept", "walk_away", "talk"

# (message, the other side's last offer, what the message does, its price)
MESSAGES: list[tuple[str, float | None, str, float | None]] = [
    # acceptances
    ("Deal at $15", 15, ACCEPT, 15),
    ("OK, $15", 15, ACCEPT, 15),
    ("OK $15.", 15, ACCEPT, 15),
    ("Deal!", 15, ACCEPT, 15),
    ("It's a deal.", 15, ACCEPT, 15),
    ("Alright, you have a deal.", 15, ACCEPT, 15),
    ("You've got yourself a deal!", 15, ACCEPT, 15),
    ("Okay, we have a deal at 15 dollars.", 15, ACCEPT, 15),
    ("I accept.", 15, ACCEPT, 15),
    ("I accept your offer of $15.", 15, ACCEPT, 15),
    ("I'm happy to accept that, thank you.", 15, ACCEPT, 15),
    ("Sold!", 15, ACCEPT, 15),
    ("Agreed.", 15, ACCEPT, 15),
    ("I agree to $15.", 15, ACCEPT, 15),
    ("Sure, I'll take it.", 15, ACCEPT, 15),
    ("Fine.", 15, ACCEPT, 15),
    ("Okay, thank you!", 15, ACCEPT, 15),
    ("15 works for me.", 15, ACCEPT, 15),
    ("That works for me, thanks.", 15, ACCEPT, 15),
    ("$15 it is, then!", 15, ACCEPT, 15),
    ("Let's shake on it.", 15, ACCEPT, 15),
    ("Sounds good, deal.", 15, ACCEPT, 15),
    ("I can live with that.", 15, ACCEPT, 15),
    ("You asked for $20 at first, but $15 is fine with me.", 15, ACCEPT, 15),
    ("Fifteen? Fine, deal.", 15, ACCEPT, 15),
    ("It's yours for $15.", 15, ACCEPT, 15),
    # agreeing with another number is an offer of that number
    ("Deal at $15", 14, OFFER, 15),
    ("OK, $15", 12, OFFER, 15),
    ("Sure, I could do 16.", 12, OFFER, 16),
    ("Deal at $15", None, OFFER, 15),
    ("13 and we have a deal", 15, OFFER, 13),
    ("If you go to 14, we have a deal.", 15, OFFER, 14),
    ("I would accept $17.", 12, OFFER, 17),
    ("Make it 13 and I'll take it.", 15, OFFER, 13),
    # agreeing while nothing stands
    ("Deal!", None, TALK, None),
    ("I accept.", None, TALK, None),
    ("OK.", None, TALK, None),
    # offers
    ("I can't do 15, but 13 works", 15, OFFER, 13),
    ("Would you take 12?", None, OFFER, 12),
    ("would you take 12?", 15, OFFER, 12),
    ("Would you take $15?", 15, OFFER, 15),
    ("How about $14?", 15, OFFER, 14),
    ("not 15, I would take 13", 15, OFFER, 13),
    ("$16 is fine, not $20", 20, OFFER, 16),
    ("You offered $15; I can do $17.", 15, OFFER, 17),
    ("Your offer of 12 is too low, I want 18.", 12, OFFER, 18),
    ("I paid $10 for it, so $14 is fair.", 9, OFFER, 14),
    ("My final offer is $1,500.", 2000, OFFER, 1500),
    ("I could go down to 16 dollars.", 12, OFFER, 16),
    ("I came down from 20 to 17, be fair.", 12, OFFER, 17),
    ("12.50?", 15, OFFER, 12.5),
    ("13", 15, OFFER, 13),
    ("No deal. My last price is 13.", 15, OFFER, 13),
    ("I won't go below $18.", 12, OFFER, 18),
    ("Let's meet in the middle at 14.", 15, OFFER, 14),
    ("It cost me $8 to make. I need at least $16.", 12, OFFER, 16),
    ("$14 or I walk away.", 15, OFFER, 14),
    ("I'll knock $2 off, so $18.", 12, OFFER, 18),
    ("The shop sells it at $20, I offer you $15.", 22, OFFER, 15),
    ("I'd take $14 for the iPhone 12.", 10, OFFER, 14),
    ("OK, but can you do $13?", 15, OFFER, 13),
    ("Why not 13?", 15, OFFER, 13),
    # leaving
    ("no deal", 15, LEAVE, None),
    ("No deal.", None, LEAVE, None),
    ("I'm walking away.", 15, LEAVE, None),
    ("I am sorry, then I will walk away. Goodbye.", 15, LEAVE, None),
    ("Forget it.", 15, LEAVE, None),
    ("I'll take my business elsewhere.", 15, LEAVE, None),
    ("I'm out.", 15, LEAVE, None),
    ("$15 is too much, so I'm leaving. Goodbye!", 15, LEAVE, None),
    # talk
    ("15 is too low", 15, TALK, None),
    ("$15 is too much for me.", 15, TALK, None),
    ("I can't accept $15.", 15, TALK, None),
    ("No, not at 15.", 15, TALK, None),
    ("I don't agree.", 15, TALK, None),
    ("We don't have a deal yet.", 15, TALK, None),
    ("Okay, let me think about it.", 15, TALK, None),
    ("Do we have a deal?", 15, TALK, None),
    ("Sure, what is your price?", None, TALK, None),
    ("OK, but can you do better?", 15, TALK, None),
    ("somewhere between 12 and 14", 15, TALK, None),
    ("I was thinking of $12-$14.", 15, TALK, None),
    ("Can you do better?", 15, TALK, None),
    ("Hello! What do you ask for the balloon?", None, TALK, None),
    ("I'd accept if you add something.", 15, TALK, None),
    ("You said 15.", 15, TALK, None),
    ("I would like 10% off.", 15, TALK, None),
    ("It comes with 2 balloons and 3 ribbons.", 15, TALK, None),
    ("That's a good deal for you.", 15, TALK, None),
    ("Don't walk away yet.", 15, TALK, None),
    ("I might walk away.", 15, TALK, None),
    ("", 15, TALK, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "standing", "act", "price"), MESSAGES)
def test_what_a_message_does(text: str, standing: float | None, act: str, price: float | None) -> None:
    reading = read(text, standing)
    assert (reading.act, reading.price) == (act, price)
    assert reading.evidence in text


def test_the_words_relied_on() -> None:
    assert read("somewhere between 12 and 14", 15).evidence == "12 and 14"
    assert read("Nice weather. 15 is too low. Bye now!", 15).evidence == "15 is too low."
    assert read("Hm. Well, OK, deal. See you!", 15).evidence == "Well, OK, deal."
    assert read("I like it. How about $13? Please!", 15).evidence == "How about $13?"
    assert read("Deal!").evidence == "Deal!"


@pytest.mark.parametrize(
    "noise", ["a" * 10**6, "$" * 10**6, "deal? " * 10**5, "15 or " * 10**5, "\x00\xff" * 1000, "."]
)
def test_noise_is_read_quickly(noise: str) -> None:
    assert read(noise, 15).act in (OFFER, TALK)


@pytest.mark.parametrize("item", ["balloon", "iPhone 12", "2019 car"])
@pytest.mark.parametrize("role", ["seller", "buyer"])
def test_every_sentence_of_a_bargainer_reads_as_what_it_does(role: str, item: str) -> None:
    for seed in range(400):
        rng = Random(seed)
        price, theirs = rng.randrange(0, 80) / 2, rng.choice([None, rng.randrange(0, 80) / 2, 1499.0])
        own = rng.choice([None, price, price + 1])
        if theirs != price:
            words = phrases.offering(role, item, price, Random(seed), own, theirs, last=seed % 5 == 0)
            assert (words, read(words, theirs).act, read(words, theirs).price) == (words, OFFER, price)
        if theirs is not None:
            words = phrases.accepting(theirs, Random(seed), plainly=seed % 2 == 0)
            assert (words, read(words, theirs).act, read(words, theirs).price) == (words, ACCEPT, theirs)
        words = phrases.leaving(Random(seed))
        assert (words, read(words, theirs).act) == (words, LEAVE)


def moderate(messages: list[Message], speaker: str, offers: list[JSON], mode: str = "read") -> Move:
    known: dict[str, JSON] = {"speaker": speaker, "offers": offers, "mode": mode}
    return blocking(lambda: build("agent", "moderator").act(View("moderator", "", tuple(messages), known=known)))


def test_the_verdict_is_a_move_with_its_evidence() -> None:
    move = moderate([Message("buyer", "Hello."), Message("seller", "Well... OK, deal!")], "seller", [["buyer", 15.0]])
    assert (move.tool, dict(move.args)) == ("read", {"act": ACCEPT, "price": 15.0, "evidence": "OK, deal!"})
    assert move.text == "The seller accepts $15: “OK, deal!”"
    move = moderate([Message("buyer", "Would you take 12.5?")], "buyer", [])
    assert (move.text, move.args["price"]) == ("The buyer offers $12.50: “Would you take 12.5?”", 12.5)
    move = moderate([Message("buyer", "I'm walking away.")], "buyer", [])
    assert (move.args["act"], "price" in move.args) == (LEAVE, False)


def test_only_the_last_message_is_read_and_only_against_the_other_side() -> None:
    talk = [Message("seller", "I ask $20."), Message("buyer", "Deal!")]
    assert moderate(talk, "buyer", [["buyer", 10.0]]).args["act"] == TALK
    assert moderate(talk, "buyer", [["seller", 20.0]]).args["price"] == 20.0


def test_a_deal_is_heard_from_the_talk_where_nothing_else_is_on_record() -> None:
    talk = [Message("seller", "I could go down to $16."), Message("buyer", "Deal, thank you!")]
    opening: list[JSON] = [["seller", 20.0], ["buyer", 10.0]]
    move = moderate(talk, "buyer", opening, mode="deal")
    assert (move.args["act"], move.args["price"]) == (ACCEPT, 16.0)
    assert move.text.startswith("Yes")
    move = moderate([*talk[:1], Message("buyer", "I can pay $12.")], "buyer", opening, mode="deal")
    assert (move.args["act"], "price" in move.args) == (TALK, False)
    assert move.text.startswith("No")


def test_it_refuses_to_sit_where_there_is_no_talk() -> None:
    with pytest.raises(UsageError, match="seat another agent"):
        blocking(lambda: build("agent", "moderator").act(View("a", "", known={"x": 1})))


@pytest.mark.parametrize("seller", ["linear", "boulware", "conceder", "micro", "tit-for-tat"])
@pytest.mark.parametrize("buyer", ["linear", "conceder", "tit-for-tat"])
def test_a_whole_talk_reads_like_the_actions_that_went_with_it(seller: str, buyer: str) -> None:
    for seed in range(3):
        played = haggle(seller, buyer, steps=10, low=8, high=20, seed=seed)
        offers: list[JSON] = []
        for speaker, move in played.moves:
            args = moderate([Message(speaker, move.text)], speaker, offers).args
            assert (args["act"], args.get("price") if move.tool == OFFER else None) == (
                move.tool,
                move.args.get("price"),
            )
            if move.tool == OFFER:
                offers.append([speaker, move.args["price"]])


@pytest.mark.parametrize(
    ("seller", "buyer"),
    [("linear", "linear"), ("boulware", "conceder"), ("micro", "linear"), ("og-narrator", "faratin")],
)
def test_a_game_of_talkers_ends_like_one_of_actions(seller: str, buyer: str) -> None:
    def rounds(speaks: str) -> list[tuple[object, ...]]:
        seats = {"seller": {"name": seller, "speaks": speaks}, "buyer": {"name": buyer, "speaks": speaks}}
        facts = play({"name": "bargaining", "rounds": 4}, seats, seed=3).facts
        return [(row["price"], row["ended"], row["by"]) for row in facts["rounds"]]  # type: ignore[index, union-attr, call-overload]

    assert rounds("talks") == rounds("acts")


def test_the_published_protocol_of_words_alone_can_be_played_without_a_model() -> None:
    facts = play({"name": "bargaining", "preset": "gpt-bargaining", "rounds": 5}, seed=1).facts
    prices = [row["price"] for row in facts["rounds"]]  # type: ignore[index, union-attr, call-overload]
    assert len(prices) == 5
    assert prices == sorted(prices) and 10 < prices[0] < prices[-1] < 20
