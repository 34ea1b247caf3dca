"""What is measured in an episode, and by which names."""

import pytest

import arena
from arena.analysis.measures import measure, resolve_name
from arena.errors import UsageError

FACTS = {
    "revenue": 16.0, "success": True, "winner": None, "item": "balloon", "gains": {"buyer": 2, "seller": 0.5},
    "shares": {"row": {"yes": 0.25}}, "visited": ["a"], "readings": [], "bad": float("nan"),
    "rounds": [
        {"round": 1, "deal": True, "price": 12.0, "buyer_surplus": 8, "seller_surplus": 4.0, "ended": "accept"},
        {"round": 2, "deal": False, "price": None, "buyer_surplus": 0, "seller_surplus": 0.0, "ended": "turns"},
    ],
    "offers": [{"price": 1.0}, {"price": 2.0}],
}  # fmt: skip
FOUND = measure({"buyer": 4.0, "seller": None}, FACTS)


def test_an_episode_counts_once_and_no_deal_as_it_is_scored() -> None:
    assert dict(FOUND.values) == {
        "score.buyer": 4.0, "score.seller": None, "revenue": 16.0, "success": 1.0, "winner": None, "bad": None,
        "gains.buyer": 2.0, "gains.seller": 0.5, "shares.row.yes": 0.25, "round": 1.5, "deal": 0.5, "price": 12.0,
        "surplus.buyer": 4.0, "surplus.seller": 2.0, "offers.price": 1.5,
    }  # fmt: skip
    assert FOUND.shares == {"success", "deal"} and FOUND.empty == {"readings"}
    assert FOUND.aside == {"round", "offers.price"}


@pytest.mark.parametrize(
    "spelled, meant",
    [
        ("surplus.buyer", "surplus.buyer"), ("buyer_surplus", "surplus.buyer"), ("deal", "deal"),
        ("rounds.buyer_surplus", "surplus.buyer"), ("rounds.deal", "deal"), ("offers.price", "offers.price"),
        ("readings.price", "readings.price"),
    ],
)  # fmt: skip
def test_names_are_found_however_they_are_spelled(spelled: str, meant: str) -> None:
    assert resolve_name(spelled, [FOUND]) == meant


def test_a_wrong_name_is_told_with_near_ones() -> None:
    with pytest.raises(UsageError, match=r"'surplus\.byer'; did you mean surplus\.buyer"):
        resolve_name("surplus.byer", [FOUND])


def test_the_scores_of_a_negotiation_are_its_surplus() -> None:
    episode = arena.play({"name": "bargaining", "rounds": 3}, seed=1)
    found = measure(episode.scores, episode.facts).values
    assert found["score.buyer"] == pytest.approx(found["surplus.buyer"]) and found["deal"] == 1
