"""Several issues at once: the purchase with its published solutions, drawn domains, and a player who trades issues."""

from statistics import mean
from typing import Any

import pytest
from game_driver import after, answer, does, first_state, makes

from agents.negotiation.multi_issue import Logroller
from arena.engine.play import play
from arena.errors import UsageError
from arena.game import View
from games.negotiation.multi_issue import MultiIssue
from games.negotiation.multi_issue_domain import list_outcomes

ACCEPT, WALK = does("accept"), does("walk_away")


def offer(price: Any, delivery: Any, warranty: Any) -> Any:
    return does("offer", price=price, delivery=delivery, warranty=warranty)


def purchase(seller: Any, buyer: Any, **game: Any) -> Any:
    return play({"name": "multi-issue", **game}, {"seller": seller, "buyer": buyer})


def rows(episode: Any) -> dict[str, Any]:
    return {row["solution"]: row for row in episode.facts["solutions"]}


def test_an_agreement_pays_both_the_sum_of_its_options() -> None:
    episode = purchase(makes(offer(5, 2, 1)), makes(ACCEPT))
    assert episode.scores == pytest.approx({"seller": 0.30 + 0.05 + 0.15, "buyer": 0.20 + 0.25 + 0.05})
    assert episode.facts["outcome"] == {"price": 5, "delivery": 2, "warranty": 1}
    assert episode.facts["gains"] == pytest.approx({"seller": 0.2, "buyer": 0.3})


# NegMAS 0.16 on the same domain
SOLUTIONS = {
    "nash": ([9, 0, 0], 0.84, 0.54),
    "kalai": ([7, 0, 0], 0.72, 0.62),
    "kalai_smorodinsky": ([6, 0, 0], 0.66, 0.66),
    "welfare": ([10, 0, 0], 0.90, 0.50),
}


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_the_solutions_of_the_purchase_are_those_that_are_published(solution: str) -> None:
    row = rows(purchase(makes(offer(5, 2, 1)), makes(ACCEPT)))[solution]
    choice, seller, buyer = SOLUTIONS[solution]
    assert row["choice"] == choice and (row["first"], row["second"]) == pytest.approx((seller, buyer))


OPTIMALITY = {
    "pareto": 0.841886, "nash": 0.757926, "kalai": 0.822800, "kalai_smorodinsky": 0.84, "welfare": 0.714286,
}  # fmt: skip


@pytest.mark.parametrize("solution", OPTIMALITY)
def test_the_middle_outcome_is_as_far_from_them_as_published(solution: str) -> None:
    episode = purchase(makes(offer(5, 2, 1)), makes(ACCEPT))
    assert rows(episode)[solution]["optimality"] == pytest.approx(OPTIMALITY[solution], abs=1e-6)
    assert episode.facts["opposition"] == pytest.approx(0.472017, abs=1e-6)
    assert not episode.facts["pareto_optimal"]


def test_at_a_solution_its_distance_is_zero() -> None:
    for solution, (choice, _, _) in SOLUTIONS.items():
        episode = purchase(makes(offer(*choice)), makes(ACCEPT))
        assert rows(episode)[solution]["distance"] == 0 and episode.facts["pareto_optimal"]


def test_the_purchase_has_165_outcomes_and_13_of_them_are_pareto_optimal() -> None:
    state = first_state(MultiIssue())
    space, choices = list_outcomes(state.utilities("seller"), state.utilities("buyer"), (0.3, 0.2))
    assert len(choices) == 165 and len(space.pareto) == 13


@pytest.mark.parametrize("ending", ["walk", "turns", "forfeit"])
def test_without_an_agreement_both_have_their_reservation_values(ending: str) -> None:
    talk = makes(*[offer(10, 4, 0)] * 2)
    buyer = {"walk": makes(WALK), "turns": makes(*["No."] * 2), "forfeit": lambda view: ""}[ending]
    episode = purchase(talk, buyer, turns=2)
    assert episode.scores == {"seller": 0.3, "buyer": 0.2}
    assert not episode.facts["deal"] and episode.facts["outcome"] is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (offer(11, 0, 0), "price cannot be 11"),
        (offer(-1, 0, 0), "price cannot be -1"),
        (does("offer", price=1, delivery=1), "needs the argument 'warranty'"),
        (offer("cheap", 0, 0), "takes a integer"),
        (ACCEPT, "no action named 'accept'"),
    ],
)
def test_bad_offers_are_refused(bad: Any, why: str) -> None:
    episode = purchase(makes(bad, WALK), makes())
    assert why in episode.turns[0].refused


def test_nobody_sees_what_an_option_is_worth_to_the_other() -> None:
    state = first_state(MultiIssue())
    seller, buyer = MultiIssue().view(state, "seller"), MultiIssue().view(state, "buyer")
    assert seller.known["utilities"] != buyer.known["utilities"]
    assert "price: 0 → 0, 1 → 6" in seller.rules and "price: 0 → 40, 1 → 36" in buyer.rules
    assert "is worth 30" in seller.rules and "is worth 20" in buyer.rules


def test_options_may_be_words() -> None:
    issue = {"name": "colour", "options": ["red", "blue"], "first": [0, 1], "second": [1, 0]}
    game: Any = {"issues": [issue], "reserves": [0, 0], "parties": ["painter", "client"]}
    seats: Any = {
        "painter": makes(does("offer", colour="green"), does("offer", colour="blue")),
        "client": makes(ACCEPT),
    }
    episode = play({"name": "multi-issue", **game}, seats)
    assert "did you mean" in episode.turns[0].refused or "no colour named 'green'" in episode.turns[0].refused
    assert episode.scores == {"painter": 1.0, "client": 0.0}


def test_drawn_domains_have_weights_that_sum_to_one_and_differ_by_seed() -> None:
    game = MultiIssue(drawn=(5, 4, 3))
    tables = [first_state(game, seed).utilities("seller") for seed in range(30)]
    assert len(set(tables)) == 30
    for table in tables:
        assert [len(values) for values in table] == [5, 4, 3]
        assert sum(map(max, table)) == pytest.approx(1, abs=0.003) and sum(map(min, table)) == 0


def drawn(buyer: Any, seeds: int = 40) -> list[Any]:
    game = {"name": "multi-issue", "drawn": [5, 4, 3]}
    return [play(game, {"seller": "logroller", "buyer": buyer}, seed) for seed in range(seeds)]


def test_logrollers_agree_near_the_pareto_front() -> None:
    episodes = drawn("logroller")
    assert all(episode.facts["deal"] for episode in episodes)
    assert mean(rows(episode)["pareto"]["optimality"] for episode in episodes) > 0.95
    assert all(score > 0 for episode in episodes for score in episode.facts["gains"].values())


def test_a_logroller_does_better_than_chance() -> None:
    episodes = drawn("random")
    assert mean(e.scores["seller"] for e in episodes) > mean(e.scores["buyer"] for e in episodes) + 0.1


def test_among_equally_good_offers_it_takes_the_one_the_rival_has_asked_for() -> None:
    game = MultiIssue()
    state = first_state(game)
    for seat, move in (("seller", offer(10, 4, 0)), ("buyer", offer(0, 0, 0))):
        state = after(game, state, {seat: move})
    made = answer(Logroller(), game.view(state, "seller"))
    assert made.args["delivery"] == 0, "which costs the seller little, and the buyer has asked for it"


def test_a_firmer_logroller_concedes_later() -> None:
    firm = {"name": "logroller", "exponent": 5}
    even, firmer = purchase("logroller", "logroller"), purchase(firm, "logroller")
    assert firmer.scores["seller"] > even.scores["seller"]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"turns": 0}, "turns is a count"),
        ({"parties": ["a", "a"]}, "two different names"),
        ({"issues": []}, "one issue or more"),
        ({"drawn": [1]}, "2 options or more"),
        ({"drawn": [10] * 6}, "20,000 outcomes"),
        ({"issues": [{"name": "x", "options": [1, 2], "first": [1], "second": [0, 1]}]}, "a value of each"),
    ],
)
def test_wrong_domains_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        purchase("logroller", "logroller", **parameters)


def test_both_hear_what_was_offered_and_agreed() -> None:
    seen: list[View] = []
    episode = purchase(makes(offer(9, 0, 0)), makes(ACCEPT, seen=seen))
    assert seen[0].messages[0].args == {"price": 9, "delivery": 0, "warranty": 0}
    game, _ = episode.match.build_parts()
    assert seen[0].known["offers"] == (("seller", (9, 0, 0)),)
    assert game.seats == ("seller", "buyer")
