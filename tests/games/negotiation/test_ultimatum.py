"""Ultimatum games: the rules, and backward induction by play."""

from typing import Any

import pytest
from game_driver import does, first_state, makes

from arena.engine.play import play
from arena.errors import UsageError
from arena.theory.bargaining_solutions import rubinstein, stahl
from games.negotiation.ultimatum import Ultimatum

ACCEPT, REJECT = does("accept"), does("reject")


def offer(amount: float) -> Any:
    return does("offer", amount=amount)


def split(first: Any, second: Any, seed: int = 0, **game: Any) -> Any:
    return play({"name": "ultimatum", **game}, {"first": first, "second": second}, seed)


def test_an_accepted_offer_divides_the_pot() -> None:
    episode = split(makes(offer(30)), makes(ACCEPT))
    assert episode.scores == {"first": 70.0, "second": 30.0}
    assert episode.facts["shares"] == {"first": 70.0, "second": 30} and episode.facts["efficiency"] == 1


def test_a_refused_offer_leaves_nobody_anything() -> None:
    episode = split(makes(offer(30)), makes(REJECT))
    assert episode.scores == {"first": 0.0, "second": 0.0} and episode.facts["ended"] == "reject"


def test_an_offer_of_nothing_may_be_accepted() -> None:
    assert split(makes(offer(0)), makes(ACCEPT)).scores == {"first": 100.0, "second": 0.0}


def test_once_there_is_no_counter_offer() -> None:
    episode = split(makes(offer(30)), makes(offer(50), ACCEPT))
    assert "no action named 'offer'" in episode.turns[1].refused
    assert episode.scores["second"] == 30


def test_with_more_periods_who_answers_may_offer_and_waiting_costs() -> None:
    episode = split(makes(offer(10), offer(40)), makes(offer(20), ACCEPT), periods=3, discounts=[0.9, 0.5])
    assert episode.scores == pytest.approx({"first": 60 * 0.81, "second": 40 * 0.25})
    assert [row["seat"] for row in episode.facts["proposals"]] == ["first", "second", "first"]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (offer(101), "between $0 and the pot of $100"),
        (offer(-1), "between"),
        (offer(33.5), "takes a integer"),
        (ACCEPT, "no action named 'accept'"),
        ("Half for you?", "words alone decide nothing"),
    ],
)
def test_bad_offers_are_refused(bad: Any, why: str) -> None:
    episode = split(makes(bad, offer(50)), makes(ACCEPT))
    assert why in episode.turns[0].refused and episode.scores["first"] == 50


def test_offers_are_in_steps() -> None:
    episode = split(makes(offer(0.3), offer(0.25)), makes(ACCEPT), pot=1, tick=0.25)
    assert "multiple of 0.25" in episode.turns[0].refused and episode.scores["second"] == 0.25


def test_without_a_valid_answer_the_pot_is_lost() -> None:
    episode = split(makes(offer(30)), lambda view: "well…")
    assert episode.scores == {"first": 0.0, "second": 0.0}
    assert (episode.facts["ended"], episode.facts["by"]) == ("forfeit", "second")


def test_the_pot_is_drawn_within_its_bounds() -> None:
    sizes = {first_state(Ultimatum(spread=20, tick=5), seed).size for seed in range(300)}
    assert sizes == {80, 85, 90, 95, 100, 105, 110, 115, 120}


BY_PLAY = [(1, 1.0), (2, 0.1), (3, 0.91), (4, 0.181), (5, 0.8371), (10, 0.342801), (20, 0.462328)]


@pytest.mark.parametrize(("periods", "share"), BY_PLAY)
def test_backward_induction_by_play_is_the_finite_solution(periods: int, share: float) -> None:
    episode = split("rubinstein", "rubinstein", pot=1, tick=1e-6, periods=periods, discounts=[0.9, 0.9])
    assert episode.scores["first"] == pytest.approx(share, abs=3e-6)
    assert episode.facts["equilibrium"]["first"] == pytest.approx(share, abs=1e-6)
    assert len(episode.moves) == 2, "they agree at once"


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [(0.9, 0.9, 0.526316), (0.95, 0.95, 0.512821), (0.9, 0.5, 0.909091), (0.5, 0.9, 0.181818), (0.8, 0.95, 0.208333)],
)
def test_with_many_periods_play_comes_to_rubinsteins_share(first: float, second: float, share: float) -> None:
    episode = split("rubinstein", "rubinstein", pot=1, tick=1e-6, periods=400, discounts=[first, second])
    assert episode.scores["first"] == pytest.approx(share, abs=5e-6)
    assert episode.facts["endless"]["first"] == pytest.approx(rubinstein(first, second))


def test_off_the_path_the_equilibrium_answers_by_what_waiting_is_worth() -> None:
    game: dict[str, Any] = {"pot": 1, "tick": 0.001, "periods": 4, "discounts": [0.9, 0.9]}
    waits = 0.9 * stahl(0.9, 0.9, 3)
    assert split(makes(offer(round(waits + 0.001, 3))), "rubinstein", **game).facts["deal"]
    refused = split(makes(offer(round(waits - 0.002, 3)), ACCEPT), "rubinstein", **game)
    assert refused.facts["period"] == 2
    assert refused.scores["second"] == pytest.approx(waits, abs=2e-3)


def test_the_published_ultimatum_gives_theory_everything_and_fairness_a_part() -> None:
    published: dict[str, Any] = {"preset": "negotiation-arena"}
    assert split("rubinstein", "rubinstein", **published).scores == {"first": 100.0, "second": 0.0}
    assert split("fair", "fair", **published).scores == {"first": 60.0, "second": 40.0}
    lost = split(makes(*[offer(1)] * 4), makes(*[offer(1)] * 3, REJECT), **published)
    assert lost.scores == {"first": 0.0, "second": 0.0} and len(lost.moves) == 8


@pytest.mark.parametrize(("given", "deal"), [(29, False), (30, True)])
def test_people_refuse_what_they_find_unfair(given: int, deal: bool) -> None:
    assert split(makes(offer(given)), "fair").facts["deal"] is deal


@pytest.mark.parametrize(
    ("parameters", "why"),
    [({"periods": 0}, "periods"), ({"discounts": [0.9, 1.1]}, "discounts"), ({"spread": 100}, "spread < pot")],
)
def test_wrong_parameters_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        split("fair", "fair", **parameters)
