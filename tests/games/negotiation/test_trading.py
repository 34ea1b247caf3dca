"""Swaps of goods: what an offer may hold, how long it stands, and what trade is worth."""

from typing import Any

import pytest
from game_driver import after, does, first_state, makes

from arena.engine.play import play
from arena.errors import IllegalMove, UsageError
from arena.game import View
from arena.spec import build
from games.negotiation.trading import Trading
from games.negotiation.trading_market import Market

PASS = does("pass")
PAIR: dict[str, Any] = {
    "traders": 2, "goods": ("X", "Y"), "endowments": ((4, 0), (0, 6)), "values": ((1.0, 3.0), (2.0, 1.0)),
}  # fmt: skip


def offer(**args: Any) -> Any:
    return does("offer", **args)


def accept(**args: Any) -> Any:
    return does("accept", **args)


def played(*moves: Any, **game: Any) -> tuple[Trading, Market]:
    """The state after these moves, in turn."""
    built = Trading(**{**PAIR, **game})
    state = first_state(built)
    for move in moves:
        (seat,) = built.to_act(state)
        state = after(built, state, {seat: move})
    return built, state


def test_a_swap_moves_goods_and_is_worth_what_the_two_make_of_it() -> None:
    game, state = played(offer(give_X=3, get_Y=2), accept(), PASS, PASS)
    assert state.holds("red") == (1, 2) and state.holds("blue") == (3, 4)
    assert game.to_act(state) == ()
    assert game.scores(state) == {"red": 2 * 3 - 3 * 1, "blue": 3 * 2 - 2 * 1}
    facts: Any = game.facts(state)
    assert facts["trades"][0]["maker_gain"] == 3 and facts["trades"][0]["taker_gain"] == 4
    assert facts["most_welfare"] == 4 * 1 + 6 * 2  # X is worth 1 more to blue, Y is worth 2 more to red
    assert facts["efficiency"] == pytest.approx(7 / 16)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (offer(give_X=5, get_Y=1), "takes 5 X, you have 4"),
        (offer(give_Y=1), "you have 0"),
        (offer(give_X=-1, get_Y=1), "less than nothing"),
        (offer(give_X=1, get_Y=-1), "less than nothing"),
        (offer(), "nothing for nothing"),
        (accept(), "no offer to you"),
    ],
)
def test_what_cannot_be_swapped_is_refused(bad: Any, why: str) -> None:
    with pytest.raises(IllegalMove, match=why):
        played(bad)


def test_an_offer_may_ask_for_more_than_there_is_but_nobody_can_accept_it() -> None:
    with pytest.raises(IllegalMove, match="takes 7 Y, you have 6"):
        played(offer(give_X=1, get_Y=7), accept())


def test_an_offer_stands_until_its_makers_next_turn() -> None:
    _, state = played(offer(give_X=1, get_Y=1), PASS)
    assert [swap.maker for swap in state.offers] == ["red"]
    _, state = played(offer(give_X=1, get_Y=1), PASS, PASS)
    assert not state.offers
    _, state = played(offer(give_X=1, get_Y=1), PASS, offer(give_X=2, get_Y=1))
    assert [swap.give for swap in state.offers] == [(2, 0)]


def three(*moves: Any) -> tuple[Trading, Market]:
    return played(*moves, traders=3, endowments=((4, 0), (0, 6), (2, 2)), values=((1, 3), (2, 1), (1, 1)))


def test_a_trade_uses_up_its_offer_and_leaves_those_of_others() -> None:
    _, state = three(offer(to="green", give_X=4, get_Y=1), offer(to="red", give_Y=6, get_X=1), accept(of="red"))
    assert state.holds("green") == (6, 1) and [swap.maker for swap in state.offers] == ["blue"]
    with pytest.raises(IllegalMove, match="you have 0"):
        three(
            offer(to="green", give_X=4, get_Y=1),
            offer(to="red", give_Y=6, get_X=1),
            accept(of="red"),
            accept(of="blue"),
        )
    _, state = three(offer(to="green", give_X=4), offer(to="green", give_Y=6), accept(of="red"))
    assert [swap.maker for swap in state.offers] == ["blue"]
    _, state = three(offer(to="blue", give_X=4, get_Y=1), accept(of="red"))
    assert not state.offers


def test_an_offer_is_for_one_trader_alone() -> None:
    with pytest.raises(IllegalMove, match="no offer to you by red"):
        three(offer(to="blue", give_X=1), PASS, accept(of="red"))


def test_it_ends_when_all_pass_in_a_row_or_the_turns_are_used() -> None:
    game, state = three(PASS, PASS, "Anybody?", PASS, PASS)
    assert game.to_act(state)
    game, state = three(PASS, PASS, "Anybody?", PASS, PASS, PASS)
    assert state.ended == "passes" and game.scores(state) == {"red": 0, "blue": 0, "green": 0}
    game, state = played("Hello.", "Hello.", turns=1)
    assert state.ended == "turns"


def test_goods_are_neither_made_nor_lost() -> None:
    for seed in range(30):
        episode: Any = play("trading", dict.fromkeys(("red", "blue", "green"), "random"), seed)
        for column in range(3):
            start, final = (sum(v[column] for v in episode.facts[key].values()) for key in ("start", "final"))
            assert start == final
        assert all(k >= 0 for held in episode.facts["final"].values() for k in held)


def test_values_are_private_and_so_are_holdings_where_they_are_not_open() -> None:
    for public in (True, False):
        game, state = played(open_holdings=public)
        blue = game.view(state, "blue")
        told = " ".join(message.text for message in blue.messages)
        assert ("red holds 4 X" in told) == public
        assert "X 1 and Y 3" not in told and "X 2 and Y 1" in told
        assert (blue.known["their_holdings"] is not None) == public


def test_instances_are_drawn_by_the_seed() -> None:
    starts = {str(first_state(Trading(), seed).private) for seed in range(50)}
    assert len(starts) == 50


# ---- the published resource exchange ---------------------------------------------------------------------------------


def published(red: Any, blue: Any) -> Any:
    return play({"name": "trading", "preset": "negotiation-arena"}, {"red": red, "blue": blue})


def test_the_published_exchange_is_one_trade_of_equal_worth_so_one_loses_what_the_other_wins() -> None:
    episode = published(makes(offer(give_X=10, get_Y=15)), makes(accept()))
    assert episode.scores == {"red": 5.0, "blue": -5.0} and episode.facts["ended"] == "trade"
    assert build("game", {"name": "trading", "preset": "negotiation-arena"}).zero_sum
    assert not Trading().zero_sum


def test_its_slips_are_mended() -> None:
    episode = published(makes(offer(give_X=26, get_Y=1), PASS), makes(PASS))
    assert "you have 25" in episode.turns[0].refused, "what is offered must be there"
    seen: list[View] = []
    episode = published(makes("Hello.", offer(give_X=1, get_Y=1)), makes(accept(), "Hm.", accept(), seen=seen))
    assert "no action named 'accept'" in seen[1].complaint, "there is nothing to accept after words alone"
    assert episode.facts["final"] == {"red": [24, 6], "blue": [6, 24]}


def test_who_trades_at_no_loss_does_not_trade_there() -> None:
    assert published("trader", "trader").scores == {"red": 0.0, "blue": 0.0}


# ---- traders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("public", "part"), [(True, 0.45), (False, 0.3)])
def test_traders_gain_and_never_lose(public: bool, part: float) -> None:
    game = {"name": "trading", "open_holdings": public}
    episodes: list[Any] = [play(game, seed=seed) for seed in range(60)]
    assert all(score >= 0 for episode in episodes for score in episode.scores.values())
    got = sum(sum(episode.scores.values()) for episode in episodes)
    assert got > part * sum(episode.facts["most_welfare"] for episode in episodes)
    assert sum(len(episode.facts["trades"]) for episode in episodes) > 60


def test_a_trader_at_a_table_of_chance_gains() -> None:
    seats = {"red": "trader", "blue": "random", "green": "random"}
    scores = [play("trading", seats, seed).scores for seed in range(40)]
    assert all(s["red"] >= 0 for s in scores) and sum(s["red"] for s in scores) > sum(s["blue"] for s in scores)  # type: ignore


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"traders": 1}, "2 to 8 traders"),
        ({"goods": ["a", "a"]}, "different names"),
        ({"endowments": [[1, 2, 3]]}, "endowments need a line for each of 3"),
        ({"values": [[1, 2, -3]] * 3}, "values need a line"),
    ],
)
def test_wrong_parameters_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        play({"name": "trading", **parameters})
