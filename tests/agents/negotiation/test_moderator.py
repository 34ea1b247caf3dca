"""The scripted moderator: what messages do, in a table, and every bargainer's own sentences."""

from random import Random

import pytest
from alternating_offers_game import haggle

from agents.negotiation import utterances
from agents.negotiation.message_acts import read_message
from arena.engine.play import play, run_blocking
from arena.errors import UsageError
from arena.game import JSON, Message, Move, View
from arena.spec import build

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
    # amounts in many notations and in words; what is unclear closes no deal
    ("Fifteen fifty and it's yours", 1.5, OFFER, 15.5),
    ("Fifteen fifty and it's yours", 15.5, ACCEPT, 15.5),
    ("Fifteen fifty and it's yours", 1400, OFFER, 1550),
    ("Two fifty, deal!", 250, ACCEPT, 250),
    ("Two fifty, deal!", 2.5, ACCEPT, 2.5),
    ("Two fifty, deal!", None, TALK, None),
    ("1 500 € and it's a deal", 1200, OFFER, 1500),
    ("Deal at CHF 1'500", 1500, ACCEPT, 1500),
    ("OK, $1.5 million", 1500000, ACCEPT, 1500000),
    ("Deal: $15 + $2 shipping", 15, TALK, None),
    ("It's yours for $15 plus shipping", 15, TALK, None),
    ("12 € 50, deal!", 12.5, ACCEPT, 12.5),
    ("12 € 50, deal!", 50, OFFER, 12.5),
    ("10% off and it's a deal", 20, TALK, None),
    ("Knock $2 off and we have a deal", 20, TALK, None),
    ("A bit less and it's a deal", 20, TALK, None),
    ("Half of $20 and I'll take it", 20, TALK, None),
    ("Deal, two for $30", 30, TALK, None),
    ("$5 each, four of them", 5, TALK, None),
    ("It's yours for fünfzehn Euro", 20, TALK, None),
    ("OK, пятнадцать", 15, TALK, None),
    ("OK, fünfzehn", 15, TALK, None),
    ("好的，15元成交", 15, ACCEPT, 15),
    ("I'll give you $12 today or $14 next week", None, TALK, None),
    ("15, 16?", None, TALK, None),
    ("I could do 18 if you pay cash, 20 otherwise", 15, TALK, None),
    ("not $15, $17", 15, OFFER, 17),
    ("I'd pay $15 and not a cent more", 20, OFFER, 15),
    ("(offering $28, only to yourself", 28, TALK, None),
    ("(I accept) Hmm, no.", 28, TALK, None),
    ("*offers $28*", 20, TALK, None),
    ("[accepts]", 15, TALK, None),
    ("I accept your offer of fifteen dollars.", 15, ACCEPT, 15),
    ("Fine, fifteen it is.", 15, ACCEPT, 15),
    ("Twenty? Never!", 20, TALK, None),
    ("I can't do fifteen, but thirteen works", 15, OFFER, 13),
    ("a hundred and five is my last price", 90, OFFER, 105),
    ("I'd go to twenty-five hundred", 2000, OFFER, 2500),
    ("Deal! See you at 5pm.", 15, ACCEPT, 15),
    ("Deal! I'll pick it up on 3 May.", 15, ACCEPT, 15),
    ("Sold! That's 20 minutes well spent.", 15, ACCEPT, 15),
    ("Deal. Thank you!", 15, ACCEPT, 15),
    ("OK, I'll buy two", 15, TALK, None),
    ("Make it two and it's a deal", 15, TALK, None),
    ("$1,5 and we have a deal", 3, OFFER, 1.5),
    ("I offer −5", 10, TALK, None),
    ("My offer is １５ドル", 20, OFFER, 15),
    ("I'd take fifteen or sixteen", 12, TALK, None),
    ("Between ten and twelve and it's yours", 15, TALK, None),
    ("I could let it go for a grand", 800, OFFER, 1000),
    ("I'll take it for a buck fifty", 1.5, ACCEPT, 1.5),
    ("I'll take it for a few bucks less", 15, TALK, None),
    ("You said fifteen, I say seventeen.", 15, OFFER, 17),
    ("OK, fifteen.", 15, ACCEPT, 15),
    ("£12-ish?", 15, OFFER, 12),
    ("I accept, on condition that you add two ribbons", 15, TALK, None),
    ("Deal, but only for the three of them", 15, TALK, None),
    ("No deal at fifteen; sixteen.", 15, TALK, None),
    ("fifty-fifty, deal?", 15, TALK, None),
    ("I'll split it fifty-fifty and it's a deal", 15, TALK, None),
    ("1 500", 1200, OFFER, 1500),
    ("I offer 2 500", 2000, TALK, None),
    ("I would pay 1.500 €", 1200, OFFER, 1500),
    ("Deal for one dollar.", 1, ACCEPT, 1),
    ("a dollar less and it's yours", 15, TALK, None),
    ("twice that and it's yours", 15, TALK, None),
    ("Let's say fourteen.", 12, OFFER, 14),
    ("Fourteen.", 12, OFFER, 14),
    ("My cost is eight, so fifteen.", 12, OFFER, 15),
    ("Yes, thanks! You two have a nice day.", 15, TALK, None),
    ("OK, deal. One more thing: I love it.", 15, ACCEPT, 15),
    ("$20 minus 10% and it's a deal", 20, TALK, None),
    ("The price is $18, 10% off the usual $20.", 15, OFFER, 18),
    ("It's $15. Final.", 12, OFFER, 15),
    ("Sold for 15 bucks!", 15, ACCEPT, 15),
    ("Sold for fifteen bucks!", 14, OFFER, 15),
    ("That's 15 for the balloon and 2 for the ribbon.", 15, TALK, None),
    ("I want $20, you want $10. Let's say $15.", 10, OFFER, 15),
    ("It was 30, now it's 25, but for you 20.", 15, OFFER, 20),
    ("A tenner and it's yours", 1.5, TALK, None),
    ("It's yours for a tenner", 1.5, TALK, None),
    ("For a fiver it's yours", 1.5, TALK, None),
    ("Throw in a ribbon and it's a deal", 15, TALK, None),
    ("That's fair and it's a deal!", 15, ACCEPT, 15),
    ("I like it and I'll take it!", 15, ACCEPT, 15),
    ("OK, fine, and it's a deal", 15, ACCEPT, 15),
    ("Your best price and it's a deal", 15, TALK, None),
    ("Deal at 15 sharp", 20, TALK, None),
    ("Deal, I'll take the iPhone 12.", 15, ACCEPT, 15),
    ("Deal, see you at 5pm.", 15, ACCEPT, 15),
    ("I offer 15, 000 dollars", 10, TALK, None),
    ("$1.5 m and it's yours", 2, TALK, None),
    ("ten-twelve dollars, deal", 11, TALK, None),
    ("fifteen, sixteen?", 11, TALK, None),
    ("It's a deal at your price.", 15, ACCEPT, 15),
    ("It's yours at that price.", 15, ACCEPT, 15),
    ("I accept for the balloon.", 15, ACCEPT, 15),
    ("一千五百元，deal!", 15, TALK, None),
    ("Sold to you, thanks!", 15, ACCEPT, 15),
    ("We have a deal for 15.", 15, ACCEPT, 15),
    ("We have a deal, 15 it is.", 15, ACCEPT, 15),
    ("$15 and $2 for shipping, deal", 15, TALK, None),
    ("Deal. I take both of them.", 15, ACCEPT, 15),
    ("Fifteen-fifty and it's yours", 1.5, TALK, None),
    ("Give me your hat and we have a deal", 15, TALK, None),
    ("At ten thousand it's a deal", 15, OFFER, 10000),
    ("Deal if it comes with two more", 15, TALK, None),
    ("You get it for fifteen point five", 20, OFFER, 15.5),
    ("I'd let it go for a hundred and twenty-five", 100, OFFER, 125),
    ("€1.234,56 is my offer", 1000, OFFER, 1234.56),
    ("Take it or leave it: 1'250 francs.", 1000, OFFER, 1250),
    ("My price: 2,5k", 2000, OFFER, 2500),
    ("Not fifteen, not sixteen: seventeen!", 15, OFFER, 17),
    ("15 is what you said, 18 is what I say", 15, OFFER, 18),
]  # fmt: skip


@pytest.mark.parametrize(("text", "standing", "act", "price"), MESSAGES)
def test_what_a_message_does(text: str, standing: float | None, act: str, price: float | None) -> None:
    reading = read_message(text, standing)
    assert (reading.act, reading.price) == (act, price)
    assert reading.evidence in text


def test_the_words_relied_on() -> None:
    assert read_message("somewhere between 12 and 14", 15).evidence == "12 and 14"
    assert read_message("Nice weather. 15 is too low. Bye now!", 15).evidence == "15 is too low."
    assert read_message("Hm. Well, OK, deal. See you!", 15).evidence == "Well, OK, deal."
    assert read_message("I like it. How about $13? Please!", 15).evidence == "How about $13?"
    assert read_message("Deal!").evidence == "Deal!"


@pytest.mark.parametrize(
    "noise", ["a" * 10**6, "$" * 10**6, "deal? " * 10**5, "15 or " * 10**5, "\x00\xff" * 1000, "."]
)
def test_noise_is_read_quickly(noise: str) -> None:
    assert read_message(noise, 15).act in (OFFER, TALK)


@pytest.mark.parametrize("item", ["balloon", "iPhone 12", "2019 car"])
@pytest.mark.parametrize("role", ["seller", "buyer"])
def test_every_sentence_of_a_bargainer_reads_as_what_it_does(role: str, item: str) -> None:
    for seed in range(400):
        rng = Random(seed)
        price, theirs = rng.randrange(0, 80) / 2, rng.choice([None, rng.randrange(0, 80) / 2, 1499.0])
        own = rng.choice([None, price, price + 1])
        if theirs != price:
            words = utterances.offering(role, item, price, Random(seed), own, theirs, last=seed % 5 == 0)
            assert (words, read_message(words, theirs).act, read_message(words, theirs).price) == (words, OFFER, price)
        if theirs is not None:
            words = utterances.accepting(theirs, Random(seed), plainly=seed % 2 == 0)
            assert (words, read_message(words, theirs).act, read_message(words, theirs).price) == (
                words,
                ACCEPT,
                theirs,
            )
        words = utterances.leaving(Random(seed))
        assert (words, read_message(words, theirs).act) == (words, LEAVE)


def moderate(messages: list[Message], speaker: str, offers: list[JSON], mode: str = "read") -> Move:
    known: dict[str, JSON] = {"speaker": speaker, "offers": offers, "mode": mode}
    return run_blocking(lambda: build("agent", "moderator").act(View("moderator", "", tuple(messages), known=known)))


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


@pytest.mark.parametrize("said", ["two for $30", "a tenner? fünfzehn Euro!", "half of $20", "$8 + $2 for shipping"])
def test_what_was_said_unclearly_is_not_agreed_to(said: str) -> None:
    talk = [Message("seller", "I ask $20."), Message("seller", said), Message("buyer", "Deal!")]
    assert moderate(talk, "buyer", [["seller", 20.0]]).args["act"] == TALK
    clear = [*talk[:1], Message("seller", f"{said}. I could do $18."), talk[2]]
    assert moderate(clear, "buyer", [["seller", 18.0]]).args["act"] == ACCEPT
    priced = [*talk[:2], Message("buyer", "Deal at $20!")]
    assert moderate(priced, "buyer", [["seller", 20.0]]).args["act"] == OFFER


def test_it_refuses_to_sit_where_there_is_no_talk() -> None:
    with pytest.raises(UsageError, match="seat another agent"):
        run_blocking(lambda: build("agent", "moderator").act(View("a", "", known={"x": 1})))


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
