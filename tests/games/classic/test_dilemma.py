"""Repeated two-seat games: their tables, slips and ends, and the classical players."""

from itertools import product
from typing import Any

import pytest
from game_driver import after, first_state, makes

from arena.engine.play import play
from arena.errors import UsageError
from arena.game import View
from games.classic.dilemma import Dilemma


def repeated(row: Any, column: Any, seed: int = 0, **game: Any) -> Any:
    return play({"name": "dilemma", **game}, {"row": row, "column": column}, seed)


def choices(episode: Any, seat: str) -> str:
    """The first letters of what a seat did."""
    return "".join(row[seat][0] for row in episode.facts["plays"])


@pytest.mark.parametrize(
    ("row", "column", "pays"),
    [("cooperate", "cooperate", (3, 3)), ("cooperate", "defect", (0, 5)), ("defect", "cooperate", (5, 0)),
     ("defect", "defect", (1, 1))],
)  # fmt: skip
def test_the_prisoners_dilemma_pays_as_its_table_says(row: str, column: str, pays: tuple[float, float]) -> None:
    episode = repeated(f"always/{row}", f"always/{column}", rounds=3)
    assert (episode.scores["row"], episode.scores["column"]) == pays


EQUILIBRIA = {
    "prisoners": [["defect", "defect"]],
    "stag-hunt": [["stag", "stag"], ["hare", "hare"]],
    "chicken": [["swerve", "straight"], ["straight", "swerve"]],
    "battle-of-the-sexes": [["opera", "opera"], ["football", "football"]],
    "matching-pennies": [],
    "rock-paper-scissors": [],
    "coordination": [["left", "left"], ["right", "right"]],
}


@pytest.mark.parametrize("preset", Dilemma.presets)
def test_each_preset_has_the_equilibria_it_is_known_for(preset: str) -> None:
    episode = play({"name": "dilemma", "preset": preset, "rounds": 1})
    assert episode.facts["equilibria"] == {"pure": EQUILIBRIA[preset]}


@pytest.mark.parametrize("preset", Dilemma.presets)
def test_bounds_and_zero_sum_follow_from_the_table(preset: str) -> None:
    parameters: Any = Dilemma.presets[preset]
    game = Dilemma(**parameters)
    cells = [cell for line in parameters["payoffs"] for cell in line]
    assert game.bounds() == (min(map(min, cells)), max(map(max, cells)))
    assert game.zero_sum == (preset in ("matching-pennies", "rock-paper-scissors"))


def test_each_seat_sees_the_table_from_its_own_side() -> None:
    seen: list[View] = []
    table = [[[1, 10], [2, 20], [3, 30]], [[4, 40], [5, 50], [6, 60]]]
    game = {"actions": ["up", "down"], "column_actions": ["a", "b", "c"], "payoffs": table, "rounds": 2}
    episode = repeated(makes("up", "down"), makes("c", "a", seen=seen), **game)
    assert episode.scores == {"row": 3.5, "column": 35.0}
    assert seen[0].legal == ("a", "b", "c")
    assert seen[0].known["payoffs"] == [[[10, 1], [40, 4]], [[20, 2], [50, 5]], [[30, 3], [60, 6]]]
    assert seen[1].known["history"] == [[2, 0]]
    assert "you c, they up: you get 30, they get 3" in seen[0].rules


def test_both_choose_before_either_hears_the_other() -> None:
    seen: list[View] = []
    repeated(makes("defect", "defect"), makes("cooperate", "cooperate", seen=seen), rounds=2)
    assert not any(message.sender == "row" for message in seen[0].messages)
    assert [message.text for message in seen[1].messages if message.sender == "row"] == ["defect"]


PAIRS = [
    ("copycat", "always/defect", "cddddd", "dddddd"),
    ("always/defect", "copycat", "dddddd", "cddddd"),
    ("grim", "pavlov", "cccccc", "cccccc"),
    ("pavlov", "always/defect", "cdcdcd", "dddddd"),
    ("pavlov", "always/cooperate", "cccccc", "cccccc"),
    ("copycat", "grim", "cccccc", "cccccc"),
    ("always", "copycat", "cccccc", "cccccc"),
]


@pytest.mark.parametrize(("row", "column", "done", "answered"), PAIRS)
def test_the_classical_players_play_as_they_are_known_to(row: str, column: str, done: str, answered: str) -> None:
    episode = repeated(row, column, rounds=6)
    assert (choices(episode, "row"), choices(episode, "column")) == (done, answered)


def test_after_a_slip_copycats_take_turns_grim_never_forgives_and_pavlov_mends() -> None:
    def slip(player: str) -> tuple[str, str]:
        moves = iter("ccd")

        def once(view: View) -> str:  # copies what `player` would do, but for one defection in the third round
            letter = next(moves, "")
            if letter:
                return {"c": "cooperate", "d": "defect"}[letter]
            own, rival = view.known["history"][-1]  # type: ignore[index, misc]
            kind = rival == 0 if player == "copycat" else own == rival if player == "pavlov" else False
            return "cooperate" if kind else "defect"

        episode = repeated(once, player, rounds=7)
        return choices(episode, "row"), choices(episode, "column")

    assert slip("copycat") == ("ccdcdcd", "cccdcdc")
    assert slip("pavlov") == ("ccddccc", "cccdccc")
    assert slip("grim")[1] == "cccdddd"


def test_a_forgiving_copycat_forgives_sometimes() -> None:
    forgiving = {"name": "copycat", "forgives": 0.3}
    done = choices(repeated(forgiving, "always/defect", rounds=200), "row")
    assert 30 < done.count("c") < 90


def test_fictitious_play_comes_to_the_equilibrium_of_a_zero_sum_game() -> None:
    episode = repeated("best-reply", "best-reply", preset="rock-paper-scissors", rounds=300)
    for seat in ("row", "column"):
        assert all(abs(share - 1 / 3) < 0.12 for share in episode.facts["shares"][seat].values())
    assert episode.scores["row"] == -episode.scores["column"]
    assert abs(episode.scores["row"]) < 0.15


def test_fictitious_play_exploits_who_never_changes() -> None:
    assert repeated("best-reply", "always/rock", preset="rock-paper-scissors", rounds=30).scores["row"] > 0.9


def test_slips_are_as_frequent_as_told_and_seen_by_both() -> None:
    episode = repeated("always/cooperate", "always/cooperate", rounds=400, noise=0.1)
    slips = sum(len(row["slipped"]) for row in episode.facts["plays"])
    assert 50 < slips < 110
    assert all(("row" in row["slipped"]) == (row["row"] == "defect") for row in episode.facts["plays"])
    everybody = repeated("always/cooperate", "always/cooperate", rounds=20, noise=1.0)
    assert everybody.scores == {"row": 1.0, "column": 1.0}


def test_an_unknown_end_is_drawn_by_the_seed_and_not_told() -> None:
    game = Dilemma(ends=0.2, rounds=100)
    lengths = [first_state(game, seed).length for seed in range(2000)]
    assert abs(sum(lengths) / len(lengths) - 5) < 0.4
    one, other = (next(first_state(game, s) for s in range(99) if first_state(game, s).length == n) for n in (3, 9))
    assert game.view(one, "row").messages == game.view(other, "row").messages
    assert game.view(one, "row").known == game.view(other, "row").known
    assert game.view(one, "row").rules == game.view(other, "row").rules


def test_who_gives_no_answer_does_as_before() -> None:
    state = first_state(game := Dilemma(rounds=3))
    state = game.forfeit(after(game, state, {"row": "defect", "column": "cooperate"}), "row")
    assert [(play.row, play.column, play.forfeit) for play in state.plays] == [(1, 0, ""), (1, 0, "row")]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"rounds": 0}, "rounds is a count"),
        ({"payoffs": [[[1, 1]]]}, "payoffs need 2 lines"),
        ({"actions": ["a", "a"]}, "names of the actions differ"),
        ({"ends": 1.0}, "chances"),
        ({"noise": -0.1}, "chances"),
        ({"payoffs": [[[1, 1], [float("inf"), 0]], [[0, 0], [1, 1]]]}, "finite"),
    ],
)
def test_wrong_tables_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        repeated("always", "always", **parameters)


def test_an_action_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="always/cooperate or always/defect"):
        repeated("always/betray", "always")


def test_no_pair_of_classical_players_earns_more_than_cooperation_does_together() -> None:
    players = ("copycat", "grim", "pavlov", "always/defect", "always/cooperate", "best-reply")
    for row, column in product(players, players):
        scores = repeated(row, column, rounds=12).scores
        assert scores["row"] + scores["column"] <= 6
