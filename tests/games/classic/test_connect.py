"""Connect-k: its rules, and the look-ahead player against what is known of best play."""

from collections.abc import Iterator
from typing import Any

import pytest
from game_driver import after, answer, first_state, makes

from agents.players.connect import WON, AlphaBeta, Minimax, Shape
from arena.engine.play import play
from arena.errors import UsageError
from games.classic.connect import Connect, ConnectState

FOUR: dict[str, Any] = {"name": "connect", "preset": "connect-four"}


def game_of(x: str, o: str, **parameters: Any) -> Any:
    """A match in which x and o move as written, in order."""
    table = {"name": "connect", **parameters}
    return play(table, {"x": makes(*x.split()), "o": makes(*o.split())}, patience=0)


@pytest.mark.parametrize(
    ("x", "o"),
    [("a1 b1 c1", "a2 b2"), ("b1 b2 b3", "a1 a2"), ("a1 b2 c3", "a2 a3"), ("a3 b2 c1", "a1 a2"), ("c3 a3 b3", "a1 a2")],
)
def test_three_in_a_line_win(x: str, o: str) -> None:
    episode = game_of(x, o)
    assert episode.scores == {"x": 1.0, "o": -1.0} and episode.facts["winner"] == "x"


def test_a_full_board_is_a_draw() -> None:
    episode = game_of("a1 c1 b2 a2 b3", "b1 a3 c3 c2")
    assert episode.facts["draw"] and episode.scores == {"x": 0.0, "o": 0.0}
    assert episode.facts["plies"] == 9


def test_marks_fall_and_a_full_column_is_closed() -> None:
    game = Connect(rows=2, columns=3, length=3, gravity=True)
    state = first_state(game)
    for seat, move in (("x", "2"), ("o", "2")):
        state = after(game, state, {seat: move})
    assert state.rows == (".o.", ".x.")
    assert game.view(state, "x").legal == ("1", "3")


@pytest.mark.parametrize("column", range(4))
def test_four_in_a_column_win_in_connect_four(column: int) -> None:
    own, other = str(column + 1), str(column + 2)
    episode = play(FOUR, {"x": makes(*[own] * 4), "o": makes(*[other] * 4)})
    assert episode.scores == {"x": 1.0, "o": -1.0} and episode.facts["plies"] == 7


def test_lines_do_not_wrap_around_the_edge() -> None:
    game = Connect()
    state = first_state(game)
    for k, move in enumerate(["c3", "a1", "a2", "c2", "b2"]):  # x: the last of the top row, two of the middle one
        state = after(game, state, {"xo"[k % 2]: move})
    assert not state.winner and game.to_act(state) == ("o",)


@pytest.mark.parametrize("bad", ["a4", "1", "", "d1", "b2"])
def test_a_move_that_is_no_free_square_loses_at_last(bad: str) -> None:
    episode = play("connect", {"x": makes("b2", "a1"), "o": lambda view: bad}, patience=1)
    assert episode.scores == {"x": 1.0, "o": -1.0} and episode.facts["forfeit"] == "o"


def test_openings_are_drawn_by_the_seed_and_win_nothing() -> None:
    game = Connect(opening=5)
    boards = {first_state(game, seed).rows for seed in range(40)}
    assert len(boards) > 20
    assert all(not first_state(game, seed).winner for seed in range(200))
    assert all(game.to_act(first_state(game, seed)) for seed in range(200))


@pytest.mark.parametrize(
    ("parameters", "why"),
    [({"rows": 0}, "1 to 26"), ({"length": 4}, "length is from 2"), ({"opening": 9}, "opening counts moves")],
)
def test_wrong_parameters_are_named(parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        play({"name": "connect", **parameters})


# ---- best play -------------------------------------------------------------------------------------------------------


def against_all(game: Connect, seat: str, player: Minimax, state: ConnectState) -> Iterator[float]:
    """The scores of `player` in `seat` against every way the other could play."""
    if not (movers := game.to_act(state)):
        score = game.scores(state)[seat]
        assert score is not None
        yield score
        return
    view = game.view(state, movers[0])
    choices = (answer(player, view).text,) if movers[0] == seat else view.legal or ()
    for move in choices:
        yield from against_all(game, seat, player, after(game, state, {movers[0]: move}))


@pytest.mark.parametrize("seat", ["x", "o"])
def test_nobody_beats_minimax_in_tic_tac_toe_whatever_they_try(seat: str) -> None:
    game = Connect()
    scores = set(against_all(game, seat, Minimax(), first_state(game)))
    assert min(scores) == 0 and max(scores) == 1


def test_minimax_draws_with_itself_in_tic_tac_toe() -> None:
    assert play("connect").scores == {"x": 0.0, "o": 0.0}


@pytest.mark.parametrize(
    ("rows", "columns", "gravity"),
    [(3, 4, False), (4, 3, False), (3, 4, True)],
)
def test_three_in_a_line_is_won_by_the_first_player_on_a_larger_board(rows: int, columns: int, gravity: bool) -> None:
    game = Connect(rows, columns, 3, gravity)
    assert set(against_all(game, "x", Minimax(), first_state(game))) == {1.0}


@pytest.mark.parametrize("shape", [Shape(3, 3, 3, False), Shape(4, 4, 4, True)])
def test_tic_tac_toe_and_connect_four_on_four_by_four_are_draws(shape: Shape) -> None:
    value, _ = AlphaBeta(shape, 10**6).value((0, 0), shape.rows * shape.columns, -WON, WON)
    assert value == 0


def test_so_it_draws_with_itself_there() -> None:
    board = {"name": "connect", "rows": 4, "columns": 4, "length": 4, "gravity": True}
    best = {"name": "minimax", "nodes": 60_000}
    assert play(board, {"x": best, "o": best}).scores == {"x": 0.0, "o": 0.0}


@pytest.mark.parametrize("seat", ["x", "o"])
def test_minimax_beats_a_random_player_in_connect_four(seat: str) -> None:
    seats = {"x": "random", "o": "random", seat: {"name": "minimax", "nodes": 200}}
    scores = [play(FOUR, seats, seed).scores[seat] for seed in range(6)]
    assert scores == [1.0] * 6


def test_it_wins_at_once_where_it_can_and_else_stops_the_other() -> None:
    game = Connect(rows=6, columns=7, length=4, gravity=True)
    state = first_state(game)
    for k, move in enumerate(["1", "7", "1", "7", "1"]):
        state = after(game, state, {"xo"[k % 2]: move})
    assert answer(Minimax(nodes=50), game.view(state, "o")).text == "1"  # x threatens column 1
    state = after(game, state, {"o": "7"})
    assert answer(Minimax(nodes=50), game.view(state, "x")).text == "1"
