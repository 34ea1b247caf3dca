"""Kuhn poker: its payoffs, its equilibria, and what each player sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, Protocol

import pytest
from game_driver import after, first_state, makes

from agents.players.kuhn import Gambler, Straight
from arena.engine.play import play
from arena.game import View
from games.classic.kuhn import Deals, Kuhn

GAME = Kuhn()
VALUE = Fraction(-1, 18)


def deals() -> dict[tuple[int, int], Deals]:
    """A first state for each of the six deals, found by seed."""
    states = [first_state(GAME, seed) for seed in range(200)]
    return {(state.card("first", 1), state.card("second", 1)): state for state in states}


class Mixing(Protocol):
    def mix(self, view: View) -> Mapping[str, Fraction]: ...


def value(state: Deals, players: Mapping[str, Mixing]) -> Fraction:
    """What the first player wins on average from here on, exactly."""
    if not (movers := GAME.to_act(state)):
        return Fraction(GAME.scores(state)["first"] or 0)
    (seat,) = movers
    mix = players[seat].mix(GAME.view(state, seat))
    return sum((p * value(after(GAME, state, {seat: act}), players) for act, p in mix.items() if p), Fraction(0))


def expected(first: Mixing, second: Mixing) -> Fraction:
    """The first player's mean over the six equally likely deals."""
    return sum((value(state, {"first": first, "second": second}) for state in deals().values()), Fraction(0)) / 6


def test_all_six_deals_are_dealt() -> None:
    assert len(deals()) == 6


ENDINGS = [
    (("check", "check"), 1), (("bet", "call"), 2), (("check", "bet", "call"), 2),
    (("bet", "fold"), "first"), (("check", "bet", "fold"), "second"),
]  # fmt: skip


@pytest.mark.parametrize(("acts", "pays"), ENDINGS)
@pytest.mark.parametrize("deal", [(2, 0), (0, 1)])
def test_the_higher_card_wins_the_stake_and_a_fold_loses_the_ante(
    acts: tuple[str, ...], pays: int | str, deal: tuple[int, int]
) -> None:
    state = deals()[deal]
    for act in acts:
        (seat,) = GAME.to_act(state)
        state = after(GAME, state, {seat: act})
    won = pays if isinstance(pays, int) and deal[0] > deal[1] else -pays if isinstance(pays, int) else None
    assert GAME.scores(state)["first"] == (won if won is not None else 1 if pays == "first" else -1)
    assert GAME.to_act(state) == ()


@pytest.mark.parametrize("alpha", [0, 1 / 9, 1 / 6, 1 / 4, 1 / 3])
def test_equilibrium_is_worth_minus_one_eighteenth_to_the_first_player(alpha: float) -> None:
    assert expected(Gambler(alpha), Gambler()) == VALUE


@dataclass(frozen=True)
class Pure:
    """A strategy without chance: what to do by card and what was done before."""

    bold: Mapping[tuple[int, tuple[str, ...]], bool]

    def mix(self, view: View) -> Mapping[str, Fraction]:
        known: Any = view.known
        meek, bold = ("fold", "call") if "bet" in known["acts"] else ("check", "bet")
        return {bold if self.bold[known["card"], tuple(known["acts"])] else meek: Fraction(1)}


def strategies(*histories: tuple[str, ...]) -> list[Pure]:
    spots = list(product(range(3), histories))
    return [Pure(dict(zip(spots, choice, strict=True))) for choice in product((False, True), repeat=len(spots))]


@pytest.mark.parametrize("alpha", [0, 1 / 6, 1 / 3])
def test_no_strategy_does_better_against_the_equilibrium(alpha: float) -> None:
    best_first = max(expected(pure, Gambler(alpha)) for pure in strategies((), ("check", "bet")))
    best_second = min(expected(Gambler(alpha), pure) for pure in strategies(("check",), ("bet",)))
    assert best_first == best_second == VALUE


def test_who_never_bluffs_is_exploited() -> None:
    assert max(expected(pure, Straight()) for pure in strategies((), ("check", "bet"))) > VALUE
    assert min(expected(Straight(), pure) for pure in strategies(("check",), ("bet",))) < VALUE


def test_play_comes_near_the_value() -> None:
    hands, episodes = 20, 100
    means = [play({"name": "kuhn", "hands": hands}, seed=seed).scores["first"] for seed in range(episodes)]
    mean = sum(m for m in means if m is not None) / episodes
    assert abs(mean - float(VALUE)) < 4 * 1.25 / (hands * episodes) ** 0.5  # a hand's standard deviation is about 1.25


def test_nobody_sees_the_other_card_before_it_is_shown() -> None:
    seen: list[View] = []
    seats = {"first": makes("check", "fold", seen=seen), "second": makes("bet")}
    episode = play("kuhn", seats, seed=3)
    row: Any = episode.facts["hands"]
    assert episode.scores == {"first": -1.0, "second": 1.0} and not row[0]["shown"]
    told = " ".join(message.text for message in seen[-1].messages)
    assert row[0]["first_card"] in told and row[0]["second_card"] not in told


def test_wrong_acts_are_refused_and_who_gives_none_folds() -> None:
    episode = play("kuhn", {"first": lambda view: "raise", "second": "gambler"}, patience=1)
    assert [turn.refused != "" for turn in episode.turns] == [True, True]
    assert "is not a move here" in episode.turns[0].refused
    assert episode.scores == {"first": -1.0, "second": 1.0}
    assert episode.facts["hands"][0]["forfeit"] == "first"  # type: ignore[index]


def test_hands_follow_each_other_and_the_score_is_their_mean() -> None:
    episode = play({"name": "kuhn", "hands": 4}, {"first": makes(*["bet"] * 4), "second": makes(*["fold"] * 4)})
    assert episode.scores == {"first": 1.0, "second": -1.0}
    assert len({(row["first_card"], row["second_card"]) for row in episode.facts["hands"]}) > 1  # type: ignore
