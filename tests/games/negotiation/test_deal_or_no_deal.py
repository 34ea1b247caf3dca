"""Books, hats and balls: the shape of the instances, the talk, and that both must say the same."""

from dataclasses import replace
from typing import Any

import pytest
from game_driver import after, does, first_state

from arena.engine.play import play
from arena.errors import IllegalMove
from arena.game import View
from games.negotiation.deal_or_no_deal import DealOrNoDeal, Division

END, ACCEPT, REFUSE = does("end_talk"), does("accept"), does("refuse")
GAME = DealOrNoDeal()


def takes(tool: str, *counts: int) -> Any:
    return does(tool, **dict(zip(("book", "hat", "ball"), counts, strict=True)))


def table(starter: str = "first", **game: Any) -> tuple[DealOrNoDeal, Division]:
    """A book, two hats and three balls: worth 1, 3, 1 each to the first, 4, 0, 2 to the second."""
    built = DealOrNoDeal(**game)
    private = {"first": {"values": (1, 3, 1)}, "second": {"values": (4, 0, 2)}}
    return built, replace(first_state(built), counts=(1, 2, 3), private=private, starter=starter)


def settle(game: DealOrNoDeal, state: Division, first: Any, second: Any) -> Division:
    """Both choose."""
    state = after(game, state, {state.starter: END}) if state.phase == "talk" else state
    end = after(game, state, {"first": first, "second": second})
    assert isinstance(end, Division) and game.to_act(end) == ()
    return end


@pytest.mark.parametrize("seed", range(150))
def test_instances_have_the_published_shape(seed: int) -> None:
    state = first_state(GAME, seed)
    assert len(state.counts) == 3 and min(state.counts) >= 1 and 5 <= sum(state.counts) <= 7
    values = [state.values(seat) for seat in GAME.seats]
    for value in values:
        assert sum(k * v for k, v in zip(state.counts, value, strict=True)) == 10
    assert all(a > 0 or b > 0 for a, b in zip(*values, strict=True)), "every type is worth something to somebody"
    assert any(a > 0 and b > 0 for a, b in zip(*values, strict=True)), "one is worth something to both"


def test_who_begins_is_drawn() -> None:
    starters = [first_state(GAME, seed).starter for seed in range(100)]
    assert 30 < starters.count("first") < 70


MODES = {"own": (6.0, 10.0), "sum": (16.0, 16.0), "difference": (-4.0, 4.0)}


@pytest.mark.parametrize("mode", MODES)
def test_what_adds_up_pays_by_the_mode(mode: Any) -> None:
    game, state = table(mode=mode)
    end = settle(game, state, takes("choose", 0, 2, 0), takes("choose", 1, 0, 3))
    assert (game.scores(end)["first"], game.scores(end)["second"]) == MODES[mode]
    assert game.facts(end)["agreement"] and game.facts(end)["pareto_optimal"]
    assert game.zero_sum == (mode == "difference")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (takes("choose", 1, 2, 0), takes("choose", 1, 0, 3)),  # the book twice
        (takes("choose", 0, 2, 0), takes("choose", 0, 0, 3)),  # the book not at all
        (REFUSE, takes("choose", 1, 2, 3)),
        (REFUSE, REFUSE),
    ],
)
def test_what_does_not_add_up_pays_nothing(first: Any, second: Any) -> None:
    game, state = table()
    end = settle(game, state, first, second)
    assert game.scores(end) == {"first": 0.0, "second": 0.0} and not game.facts(end)["agreement"]


@pytest.mark.parametrize("counts", [(2, 0, 0), (-1, 0, 0), (0, 3, 0), (0, 0, -2)])
def test_nobody_takes_more_than_there_is_or_less_than_nothing(counts: tuple[int, int, int]) -> None:
    game, state = table()
    with pytest.raises(IllegalMove, match="you cannot take"):
        after(game, state, {"first": takes("offer", *counts)})
    with pytest.raises(IllegalMove, match="second: you cannot take"):
        settle(game, state, takes("choose", 0, 0, 0), takes("choose", *counts))


def test_an_accepted_offer_ends_the_talk_and_binds_nobody() -> None:
    game, state = table()
    for seat, move in (("first", takes("offer", 1, 2, 0)), ("second", takes("offer", 1, 0, 3)), ("first", ACCEPT)):
        state = after(game, state, {seat: move})
    assert state.phase == "choose"
    assert game.view(state, "first").known["agreed"] == (0, 2, 0)
    assert game.view(state, "second").known["agreed"] == (1, 0, 3)
    lied = settle(game, state, takes("choose", 1, 2, 0), takes("choose", 1, 0, 3))
    assert game.scores(lied) == {"first": 0.0, "second": 0.0}
    assert game.facts(lied)["talked_to_agreement"] and not game.facts(lied)["agreement"]


def test_accepting_needs_an_offer_of_the_other() -> None:
    game, state = table()
    state = after(game, after(game, state, {"first": takes("offer", 1, 2, 0)}), {"second": "Hm."})
    with pytest.raises(IllegalMove, match="no offer that you could accept"):
        after(game, state, {"first": ACCEPT})


def test_the_talk_ends_with_its_last_message() -> None:
    game, state = table(turns=1)
    state = after(game, after(game, state, {"first": "Hello."}), {"second": "Hello."})
    assert state.phase == "choose"


def test_values_are_private_and_choices_unseen() -> None:
    seen: list[View] = []
    seats = {
        "first": lambda view: END if view.known["phase"] == "talk" else takes("choose", 0, 0, 0),
        "second": lambda view: seen.append(view) or (END if view.known["phase"] == "talk" else REFUSE),
    }
    play("deal-or-no-deal", seats, seed=2)  # type: ignore[arg-type]
    assert all("choose" not in {message.tool for message in view.messages} for view in seen)
    game, state = table()
    assert "a book is worth 1, a hat is worth 3, a ball is worth 1" in game.view(state, "first").rules
    assert "a book is worth 1, a hat is worth 3" not in game.view(state, "second").rules


def test_who_gives_no_answer_ends_it_without_a_deal() -> None:
    episode = play("deal-or-no-deal", {"first": lambda view: ""})
    assert episode.scores == {"first": 0.0, "second": 0.0} and episode.facts["forfeit"] == "first"


def test_logrollers_agree_and_leave_little_on_the_table() -> None:
    episodes: list[Any] = [play("deal-or-no-deal", seed=seed) for seed in range(60)]
    assert sum(episode.facts["agreement"] for episode in episodes) >= 57
    got = sum(sum(episode.scores.values()) for episode in episodes)
    assert got > 0.85 * sum(episode.facts["most_welfare"] for episode in episodes)
