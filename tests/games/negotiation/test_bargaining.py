"""The bargaining game, move by move, without a model."""

from collections.abc import Callable
from typing import Any

import pytest
from game_driver import makes

from arena.engine.play import play
from arena.episode import Episode
from arena.errors import UsageError
from arena.game import Move, View

ACCEPT, WALK = Move(tool="accept"), Move(tool="walk_away")


def offer(price: float, text: str = "") -> Move:
    return Move(text, "offer", {"price": price})


def reads(act: str, price: float | None = None, evidence: str = "so they said") -> Move:
    return Move("", "read", {"act": act, "price": price, "evidence": evidence})


def haggle(seller: Any, buyer: Any, moderator: Any = "moderator", critic: Any = None, **game: Any) -> Episode:
    seats = {"seller": seller, "buyer": buyer, "moderator": moderator} | ({"critic": critic} if critic else {})
    return play({"name": "bargaining", **game}, seats)


def rounds(episode: Episode) -> list[dict[str, Any]]:
    return episode.facts["rounds"]  # type: ignore[return-value]


def test_an_accepted_offer_is_a_deal_worth_the_distance_to_the_reservation_prices() -> None:
    episode = haggle(makes(offer(18), offer(15.5)), makes(offer(10), ACCEPT))
    (row,) = rounds(episode)
    assert (row["price"], row["by"], row["ended"], row["decided_by"]) == (15.5, "buyer", "accept", "action")
    assert episode.scores == {"buyer": 4.5, "seller": 7.5, "moderator": None}


def test_no_deal_is_a_result_with_a_payoff_and_the_chain_goes_on() -> None:
    episode = haggle(makes(offer(18), offer(14)), makes(WALK, ACCEPT), rounds=2, coach="none")
    assert [row["price"] for row in rounds(episode)] == [None, 14]
    assert episode.scores["seller"] == 3.0 and episode.scores["buyer"] == 3.0
    assert episode.status == "over"


def test_messages_run_out() -> None:
    episode = haggle(makes(*[offer(20)] * 3), makes(*[offer(5)] * 3), turns=3)
    assert rounds(episode)[0]["ended"] == "turns" and rounds(episode)[0]["messages"] == 6


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (ACCEPT, "no offer you could accept"),
        (offer(31), r"$31 is outside $0 to $30"),
        (offer(-1), "outside"),
        (Move("", "bid", {"price": 3}), "no action named 'bid'"),
        (Move("", "offer"), "needs the argument 'price'"),
        (Move("", "offer", {"price": "cheap"}), "takes a number"),
        (Move("", "offer", {"price": True}), "takes a number"),
        (Move("", "offer", {"price": float("nan")}), "takes a number"),
        (Move("", "offer", {"price": 3, "gift": 1}), "no argument named 'gift'"),
        (Move(""), "empty"),
        (Move("a" * 1_000_000), "1,000,000 characters"),
    ],
)
def test_a_bad_move_is_refused_with_its_reason_and_may_be_mended(bad: Move, why: str) -> None:
    seen: list[View] = []
    episode = haggle(makes(bad, offer(12), seen=seen), makes(ACCEPT))
    assert why in seen[1].complaint
    assert [turn.refused != "" for turn in episode.turns] == [True, False, False]
    assert rounds(episode)[0]["price"] == 12


def test_a_player_out_of_patience_forfeits_the_round_not_the_record() -> None:
    episode = haggle(makes(*[ACCEPT] * 3, offer(12)), makes(ACCEPT), rounds=2, coach="none")
    assert [row["ended"] for row in rounds(episode)] == ["forfeit", "accept"]
    assert rounds(episode)[0]["by"] == "seller" and episode.facts["forfeits"] == {"seller": 1}


def test_the_price_is_never_guessed_from_prose_when_an_action_was_given() -> None:
    episode = haggle(makes(offer(17, "I would love 25 but you can have it for $9")), makes(ACCEPT))
    assert rounds(episode)[0]["price"] == 17
    assert not episode.facts["readings"]


def test_prices_written_as_text_in_an_action_count() -> None:
    episode = haggle(makes(Move("", "offer", {"price": "$14.50"})), makes(ACCEPT))
    assert rounds(episode)[0]["price"] == 14.5


def test_words_alone_are_read_by_the_moderator_and_its_evidence_is_kept() -> None:
    readings = makes(reads("talk"), reads("offer", 13, "for 13"), reads("accept", 13, "Done"))
    episode = haggle(makes("Nice day", "Yours for 13"), makes(offer(5), "Done"), moderator=readings)
    assert (
        rounds(episode)[0] | {"price": 13, "by": "buyer", "decided_by": "moderator", "evidence": "Done"}
        == rounds(episode)[0]
    )
    kept: Any = episode.facts["readings"]
    assert [(r["act"], r["used"], r["evidence"]) for r in kept] == [
        ("talk", "talk", "so they said"), ("offer", "offer", "for 13"), ("accept", "accept", "Done"),
    ]  # fmt: skip


def test_a_reading_that_cannot_be_followed_counts_as_talk_and_says_so() -> None:
    readings = makes(reads("accept", 3), reads("offer", 99), reads("offer", None))
    episode = haggle(makes("agreed!", "ninety-nine"), makes("name a price", WALK), moderator=readings)
    kept: Any = episode.facts["readings"]
    assert [(r["act"], r["used"]) for r in kept] == [("accept", "talk"), ("offer", "talk"), ("offer", "talk")]
    assert rounds(episode)[0]["ended"] == "walk_away"


def test_a_moderator_that_cannot_be_read_costs_nobody_the_round() -> None:
    episode = haggle(makes("hm", offer(12)), makes("hm", ACCEPT), moderator=lambda view: "perhaps?")
    assert rounds(episode)[0]["price"] == 12
    assert {r["evidence"] for r in episode.facts["readings"]} == {"no readable verdict"}  # type: ignore[union-attr, index]


def test_it_is_said_when_a_critic_or_a_moderator_cannot_be_read() -> None:
    unread = lambda view: Move("", "suggest", {"suggestions": []})  # noqa: E731
    seen: list[View] = []
    seller = makes(offer(14), offer(15), seen=seen)
    episode = haggle(seller, makes(ACCEPT, ACCEPT), critic=unread, rounds=2, feedback="ai")
    told = [message for message in seen[-1].messages if "critic gave no advice" in message.text]
    assert len(told) == 1 and not told[0].sender and told[0].round == 1
    assert episode.facts["forfeits"] == {"critic": 1} and len(rounds(episode)) == 2
    silent = haggle(makes("hm", offer(12)), makes("hm", ACCEPT), moderator=lambda view: "perhaps?")
    assert silent.facts["forfeits"]


@pytest.mark.parametrize(("words", "price"), [("accept", 14), ("Accept: they said fine", 14), ("walk away", None)])
def test_a_moderator_may_answer_in_words(words: str, price: float | None) -> None:
    episode = haggle(makes(offer(14)), makes("fine"), moderator=makes(words))
    assert rounds(episode)[0]["price"] == price


def coached(seen: list[View], feedback: str, **game: Any) -> Episode:
    seller = makes(offer(14), offer(15), seen=seen)
    advice = makes(Move("", "suggest", {"suggestions": ["Hold firm.", "Start higher."]})) if feedback == "ai" else None
    return haggle(seller, makes(ACCEPT, ACCEPT), critic=advice, rounds=2, feedback=feedback, **game)


@pytest.mark.parametrize(
    ("feedback", "advice", "goal"),
    [("none", 0, False), ("goal", 0, True), ("constant", 1, True), ("human", 1, True), ("ai", 1, True)],
)
def test_feedback_reaches_the_coached_player_in_its_next_view(feedback: str, advice: int, goal: bool) -> None:
    seen: list[View] = []
    coached(seen, feedback)
    after = seen[1].messages
    assert sum(m.sender == "critic" for m in after) == advice
    assert any("higher than $14" in m.text for m in after) == goal
    assert any("deal at $14" in m.text for m in after), "past rounds are in the context"


def test_the_goal_sentence_can_be_left_out() -> None:
    seen: list[View] = []
    coached(seen, "constant", goal=False)
    assert not any("goal" in m.text for m in seen[1].messages)


def test_the_rival_starts_each_round_without_memory_unless_given_one() -> None:
    for memory in (False, True):
        seen: list[View] = []
        haggle(
            makes(offer(14), offer(15)),
            makes(ACCEPT, ACCEPT, seen=seen),
            rounds=2,
            feedback="none",
            rival_memory=memory,
        )
        assert any("$14" in m.text or m.args.get("price") == 14 for m in seen[1].messages) == memory
        assert not any(m.sender == "critic" for m in seen[1].messages)


def test_the_critic_reads_the_coached_players_own_view() -> None:
    seen: list[View] = []
    critic = makes("1. Hold firm.\n2. Start higher.", "Start lower.", seen=seen)
    haggle(makes(offer(14), offer(13)), makes(ACCEPT, ACCEPT), critic=critic, rounds=2, coach="both")
    assert [view.known["coached"] for view in seen] == ["seller", "buyer"]
    assert "You paid $8" in seen[0].rules and "worth $20" in seen[1].rules and "You paid" not in seen[1].rules
    assert seen[0].known["results"] == [{"round": 1, "price": 14.0, "ended": "accept", "deal": True, "surplus": 6.0}]


def test_a_silent_critic_delays_nothing() -> None:
    episode = haggle(makes(offer(14), offer(15)), makes(ACCEPT, ACCEPT), critic=lambda view: Move(" "), rounds=2)
    assert len(rounds(episode)) == 2 and episode.facts["forfeits"] == {"critic": 1}


def test_seats_follow_from_the_parameters() -> None:
    for parameters, seats in (
        ({}, {"buyer", "seller", "moderator"}),
        ({"rounds": 2}, {"buyer", "seller", "moderator", "critic"}),
        ({"rounds": 2, "coach": "none"}, {"buyer", "seller", "moderator"}),
        ({"rounds": 2, "feedback": "goal", "moderation": "never"}, {"buyer", "seller"}),
    ):
        assert set(play({"name": "bargaining", **parameters}).scores) == seats


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"rounds": 0}, "rounds is a count"),
        ({"rounds": -5}, "rounds is a count"),
        ({"rounds": "many"}, "rounds = 'many'"),
        ({"low": 5, "high": 5}, "low < high"),
        ({"opening_ask": 20}, "come together"),
        ({"quirks": ["nonsense"]}, "no quirk named 'nonsense'"),
        ({"coach": "judge"}, "coach = 'judge'"),
        ({"pries": 3}, "no parameter named 'pries'"),
        ({"preset": "gpt-bargainng"}, "did you mean gpt-bargaining"),
    ],
)
def test_wrong_parameters_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why.replace("$", r"\$")):
        play({"name": "bargaining", **parameters})


# ---- the published protocol ------------------------------------------------------------------------------------------


def published(seller: Any, buyer: Any, moderator: Any, **game: Any) -> Episode:
    return haggle(seller, buyer, moderator, preset="gpt-bargaining", coach="none", **game)


def test_the_published_opening_is_given_and_the_seller_speaks_first() -> None:
    seen: list[View] = []
    published(makes("$15?", seen=seen), makes("OK"), makes("Yes, the buyer agreed."))
    assert [m.sender for m in seen[0].messages] == ["", "buyer", "seller", "buyer"]
    assert "$20" in seen[0].messages[2].text and "$10" in seen[0].messages[3].text
    assert not seen[0].tools


def test_the_moderator_starts_with_the_first_message_without_a_number_and_stays_on() -> None:
    asked: list[View] = []
    moderator = makes("No, not yet.", "No.", "Yes.", seen=asked)
    episode = published(makes("$18", "well, hm", "$15 then"), makes("$12", "come on, $13"), moderator)
    assert len(asked) == 3 and all(len(view.messages) <= 4 for view in asked)
    assert rounds(episode)[0]["price"] == 15


def test_ten_refusals_end_a_round() -> None:
    episode = published(lambda view: "no way", lambda view: "no way", lambda view: "No.")
    assert rounds(episode)[0]["ended"] == "refusals" and rounds(episode)[0]["messages"] == 10


def test_the_published_chain_ends_with_the_first_round_that_fails() -> None:
    episode = published(lambda view: "no way", lambda view: "no way", lambda view: "No.", rounds=3)
    assert len(rounds(episode)) == 1
    episode = published(
        lambda view: "no way", lambda view: "no way", lambda view: "No.", rounds=3, survivors_only=False
    )
    assert len(rounds(episode)) == 3


QUIRKY: list[tuple[str, str, str, Callable[[dict[str, Any]], Any], Any, Any]] = [
    ("dollar-regex", "It's $1,500", "Yes", lambda row: row["price"], 1500.0, 1.0),
    ("strict-range", "Take it, $20", "Yes", lambda row: row["price"], 20.0, None),
    ("yes-anywhere", "Deal for $15", "No, they did not say yes", lambda row: row["ended"], "turns", "accept"),
]


@pytest.mark.parametrize(("quirk", "words", "verdict", "look", "without", "with_it"), QUIRKY)
def test_published_slips_are_options_that_are_off(
    quirk: str, words: str, verdict: str, look: Callable[[dict[str, Any]], Any], without: Any, with_it: Any
) -> None:
    for quirks, expected in (((), without), ((quirk,), with_it)):
        episode = published(
            lambda view: words,
            lambda view: "hm",
            lambda view: verdict,
            quirks=quirks,
            turns=1,
            high=2000,
        )
        assert look(rounds(episode)[0]) == expected


def test_the_published_slip_of_beating_minus_one_dollars() -> None:
    for quirks, expected in (((), "reach a deal"), (("minus-one",), "higher than -$1")):
        seen: list[View] = []
        seller = makes("hm", "$15", seen=seen)
        haggle(
            seller,
            makes("no, bye", "ok"),
            makes("No", "No", "Yes"),
            preset="gpt-bargaining",
            turns=1,
            rounds=2,
            survivors_only=False,
            feedback="goal",
            quirks=quirks,
        )
        assert any(expected in m.text for m in seen[1].messages)


def test_the_published_slip_of_a_player_who_does_not_hear_the_closing_words() -> None:
    for quirks, hears in (((), True), (("deaf-player",), False)):
        seen: list[View] = []
        haggle(makes(offer(14), offer(15), seen=seen), makes(Move("Wonderful.", "accept"), ACCEPT), rounds=2,
               feedback="none", quirks=quirks)  # fmt: skip
        assert any("Wonderful" in m.text for m in seen[1].messages) == hears
