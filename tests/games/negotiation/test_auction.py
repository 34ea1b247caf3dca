"""Auctions: who wins and pays what, and what theory says about how to bid."""

from dataclasses import replace
from itertools import product
from math import sqrt
from statistics import mean, stdev
from typing import Any

import pytest
from game_driver import after, answer, does, first_state, makes

from agents.players.auction import Shading, Truthful
from arena.engine.play import play
from arena.errors import UsageError
from arena.game import View
from games.negotiation.auction import Auction, Bidding

PASS = does("pass")


def bid(amount: float) -> Any:
    return does("bid", amount=amount)


def sealed(kind: str, *bids: float, seed: int = 0, **game: Any) -> Any:
    seats = {f"bidder_{k}": makes(bid(amount)) for k, amount in enumerate(bids, 1)}
    return play({"name": "auction", "kind": kind, "bidders": len(bids), **game}, seats, seed)


def sale(episode: Any) -> tuple[Any, Any]:
    (row,) = episode.facts["sales"]
    return row["winner"], row["price"]


@pytest.mark.parametrize(
    ("kind", "bids", "sold"),
    [
        ("first", (30, 50, 40), ("bidder_2", 50)),
        ("second", (30, 50, 40), ("bidder_2", 40)),
        ("second", (30, 0, 0), ("bidder_1", 0)),
        ("first", (0, 0, 0), (None, None)),
    ],
)
def test_the_highest_bid_wins_and_pays_by_the_rules(kind: str, bids: tuple[float, ...], sold: Any) -> None:
    episode = sealed(kind, *bids)
    assert sale(episode) == sold
    (row,) = episode.facts["sales"]
    gains = {seat: row["values"][seat] - sold[1] if seat == sold[0] else 0.0 for seat in episode.scores}
    assert episode.scores == gains


def test_the_reserve_is_the_least_price() -> None:
    assert sale(sealed("second", 60, 0, reserve=25)) == ("bidder_1", 25)
    assert sale(sealed("second", 60, 30, reserve=25)) == ("bidder_1", 30)
    assert sale(sealed("first", 0, 0, reserve=25)) == (None, None)


def test_equal_bids_are_settled_by_chance() -> None:
    winners = [sale(sealed("first", 50, 50, seed=seed))[0] for seed in range(60)]
    assert 15 < winners.count("bidder_1") < 45


@pytest.mark.parametrize(("amount", "why"), [(10, "bid $25 to $150"), (151, "bid $25"), (-1, "bid $25")])
def test_bids_out_of_bounds_are_refused(amount: float, why: str) -> None:
    seats = {"bidder_1": makes(bid(amount), bid(40)), "bidder_2": makes(bid(30))}
    episode = play({"name": "auction", "kind": "first", "bidders": 2, "reserve": 25}, seats)
    assert [why in turn.refused for turn in episode.turns if turn.refused] == [True]
    assert sale(episode) == ("bidder_1", 40)


def test_sealed_bids_are_seen_by_their_makers_alone() -> None:
    seen: list[View] = []
    seats = {"bidder_1": makes(bid(77), bid(1)), "bidder_2": makes(bid(30), bid(1), seen=seen)}
    play({"name": "auction", "kind": "first", "bidders": 2, "rounds": 2}, seats)
    heard = " ".join(f"{m.text} {dict(m.args)}" for m in seen[1].messages if m.sender != "bidder_2")
    assert "Sold to bidder_1 for $77" in heard and "amount" not in heard


def test_who_gives_no_bid_is_out_and_the_others_bid_again() -> None:
    seats = {"bidder_1": lambda view: "hm", "bidder_2": lambda view: bid(30), "bidder_3": lambda view: bid(20)}
    assert sale(play({"name": "auction", "kind": "second"}, seats)) == ("bidder_2", 20)
    nobody = play({"name": "auction", "kind": "second"}, dict.fromkeys(seats, lambda view: "hm"))
    assert sale(nobody) == (None, None) and nobody.status == "over"


def test_open_bids_rise_until_nobody_raises() -> None:
    game = Auction(kind="english", bidders=3, increment=5)
    state = first_state(game)
    one, two, three = state.order[0]
    for seat, move in ((one, bid(10)), (two, PASS), (three, bid(15)), (one, bid(40))):
        assert game.to_act(state) == (seat,)
        state = after(game, state, {seat: move})
    assert game.view(state, three).known["least"] == 45
    state = after(game, state, {three: PASS})
    assert game.to_act(state) == () and (state.sales[0].winner, state.sales[0].price) == (one, 40)


def test_without_an_open_bid_nothing_is_sold() -> None:
    seats = {f"bidder_{k}": makes(PASS) for k in (1, 2, 3)}
    assert sale(play({"name": "auction", "kind": "english"}, seats)) == (None, None)


def test_the_last_who_could_bid_may_still_do_so() -> None:
    game = Auction(kind="english", bidders=2)
    state = first_state(game)
    one, two = state.order[0]
    state = after(game, state, {one: PASS})
    assert game.to_act(state) == (two,)
    state = after(game, state, {two: bid(0)})
    assert (state.sales[0].winner, state.sales[0].price) == (two, 0)


def test_values_are_drawn_evenly_and_known_to_their_owner_alone() -> None:
    game = Auction(bidders=2)
    values = [first_state(game, seed).worth("bidder_1", 1) for seed in range(3000)]
    assert min(values) == 0 and max(values) == 100 and abs(mean(values) - 50) < 2
    state = first_state(game)
    other = game.view(state, "bidder_2")
    assert f"worth ${state.worth('bidder_1', 1):.0f} " not in other.rules + " ".join(m.text for m in other.messages)


def test_wrong_parameters_are_named() -> None:
    for parameters, why in (({"bidders": 1}, "bidders is a count of 2"), ({"reserve": 200}, "reserve <= budget")):
        with pytest.raises(UsageError, match=why):
            play({"name": "auction", **parameters})


# ---- theory ----------------------------------------------------------------------------------------------------------


def with_values(state: Bidding, *values: float) -> Bidding:
    return replace(state, private={f"bidder_{k}": {"values": (v,)} for k, v in enumerate(values, 1)})


def gain(game: Auction, state: Bidding, *bids: float) -> float:
    """What bidder_1 gains by these bids."""
    end = after(game, state, {f"bidder_{k}": bid(amount) for k, amount in enumerate(bids, 1)})
    return game.scores(end)["bidder_1"] or 0.0


def test_at_the_second_price_no_bid_is_ever_better_than_the_truth() -> None:
    game = Auction(kind="second", bidders=3, high=7, budget=9)
    agent, strictly = Truthful(), 0
    for value in range(8):
        state = with_values(first_state(game, value), value, 0, 0)
        truth = answer(agent, game.view(state, "bidder_1")).args["amount"]
        assert isinstance(truth, float | int) and truth == value
        for others in product(range(10), repeat=2):
            honest = gain(game, state, truth, *others)
            gains = [gain(game, state, other, *others) for other in range(10)]
            assert honest >= max(gains) - 1e-9
            strictly += honest > min(gains)
    assert strictly > 300, "and often it is better"


@pytest.mark.parametrize("bidders", [2, 3])
@pytest.mark.parametrize("value", [20, 50, 80])
def test_at_the_first_price_the_shaded_bid_is_the_best_reply_to_shaded_bids(bidders: int, value: int) -> None:
    game = Auction(kind="first", bidders=2, tick=1)
    state = first_state(game)
    agent = Shading()
    theirs = [agent.most(v / 10, 0.0, 0.0, bidders) for v in range(1001)]  # values in steps of ten cents

    def expected(amount: float) -> float:
        """Against the highest of the other bids; P(win) by counting all values of the others."""
        below = sum(amount > other for other in theirs) / 1001
        level = sum(amount == other for other in theirs) / 1001
        return (value - amount) * (below + level / 2) ** (bidders - 1)

    shaded = agent.most(value, 0.0, 0.0, bidders)
    assert shaded == pytest.approx(value * (bidders - 1) / bidders, abs=0.01)
    assert expected(shaded) > 0 and expected(shaded) >= max(expected(k / 4) for k in range(4 * value)) * 0.99
    paid = gain(game, with_values(state, value, 0), shaded, 0)
    assert paid == pytest.approx(value - shaded)


def test_with_a_reserve_the_lowest_bidder_bids_it_and_others_a_little_more() -> None:
    agent = Shading()
    assert agent.most(20, 0.0, 20.0, 3) == 20
    assert 20 < agent.most(21, 0.0, 20.0, 3) < 21
    assert agent.most(100, 0.0, 20.0, 2) == pytest.approx(50 + 400 / 200)


def revenue(kind: str, agent: str) -> list[float]:
    game = {"name": "auction", "kind": kind, "rounds": 10, "increment": 1}
    plays = [play(game, {f"bidder_{k}": agent for k in (1, 2, 3)}, seed) for seed in range(30)]
    return [row["price"] or 0.0 for episode in plays for row in episode.facts["sales"]]  # type: ignore


@pytest.mark.parametrize(("kind", "agent"), [("first", "shading"), ("second", "truthful"), ("english", "truthful")])
def test_all_three_forms_earn_the_same_on_average(kind: str, agent: str) -> None:
    prices = revenue(kind, agent)
    aim = 50.0  # (n - 1) / (n + 1) of 100 for three bidders: the expected second highest value
    assert abs(mean(prices) - aim) < 3.5 * stdev(prices) / sqrt(len(prices)) + 0.5


def test_the_one_who_values_it_most_gets_it() -> None:
    for kind in ("first", "second"):
        episode = play({"name": "auction", "kind": kind, "rounds": 20, "tick": 0.01})
        assert all(row["efficient"] for row in episode.facts["sales"])  # type: ignore
