"""Environments of PettingZoo under our loop: as they are played without us, seeded, replayed, and refused in words."""

import json
import re
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("pettingzoo", reason="the extra pettingzoo is not installed")
pytest.importorskip("pygame", reason="the extra pettingzoo is not installed")

from arena.distribution import install_line
from arena.engine.game_check import check_game
from arena.engine.match_loop import first_state
from arena.engine.play import play, replay
from arena.episode import Match
from arena.errors import ArenaError, BadPart, MissingExtra
from arena.game import Move, View
from arena.spec import build
from games.adapters.pettingzoo import PettingZoo
from games.adapters.pettingzoo_lookup import make_environment

TOYS = [{"name": "pettingzoo/toy_environments:Dice", "options": {"kind": kind, "seen": seen}}
        for kind in ("discrete", "many", "multi", "binary", "box", "text") for seen in ("number", "parts")]  # fmt: skip
SPECS: list[Any] = [
    "pettingzoo/tictactoe_v3",
    "pettingzoo/classic/connect_four_v3",
    "pettingzoo/rps_v2",
    {"name": "pettingzoo/rps_v2", "parallel": False, "names": ["rock", "paper", "scissors"]},
    "pettingzoo/toy_environments:kuhn",
    "pettingzoo/toy_environments:dilemma",
]


@pytest.mark.few(6)
@pytest.mark.parametrize("spec", [*SPECS, *TOYS], ids=str)
def test_environments_keep_the_contract_of_a_game(spec: Any) -> None:
    assert check_game(spec, 4) == []


def lines(*moves: int) -> Any:
    """An agent that says these numbers, one after the other."""
    return lambda view: str(moves[len(view.own)])


def test_a_game_ends_as_it_does_without_us() -> None:
    x, o = (0, 3, 6), (1, 4)
    episode = play("pettingzoo/tictactoe_v3", {"player_1": lines(*x), "player_2": lines(*o)})
    assert episode.scores == {"player_1": 1.0, "player_2": -1.0} and episode.status == "over"
    assert episode.facts["steps"] == 5
    env, _ = make_environment("tictactoe_v3", None, {})
    env.reset(seed=0)
    for action in (0, 1, 3, 4, 6):
        env.step(action)
    assert env.rewards == episode.scores


def test_what_a_mask_rules_out_is_no_move_and_the_documentation_is_the_rules() -> None:
    seen: list[View] = []

    def second(view: View) -> str:
        seen.append(view)
        return "0" if not view.complaint else "8"

    play("pettingzoo/tictactoe_v3", {"player_1": lines(0, 1, 2), "player_2": second})
    assert seen[0].legal == tuple("12345678") and "'0' is not a move here" in seen[1].complaint
    assert "three in a row" in seen[0].rules or "place 3 of their marks" in seen[0].rules
    assert "Version History" not in seen[0].rules and "<a href" not in seen[0].rules
    assert seen[0].messages[-1].text == "plane 1:\n0 0 0\n0 0 0\n0 0 0\nplane 2:\n1 0 0\n0 0 0\n0 0 0"


def test_agents_of_a_parallel_environment_act_at_once_by_the_names_given() -> None:
    spec = {"name": "pettingzoo/rps_v2", "names": ["rock", "paper", "scissors"], "options": {"max_cycles": 3}}
    episode = play(spec, {"player_0": lambda view: "rock", "player_1": lambda view: "paper"})
    assert episode.scores == {"player_0": -3.0, "player_1": 3.0} and episode.facts["truncated"]
    assert [turn.step for turn in episode.turns] == [0, 0, 1, 1, 2, 2]
    in_turns = play({**spec, "parallel": False}, {"player_0": lambda view: "rock", "player_1": lambda view: "paper"})
    assert in_turns.scores == episode.scores and in_turns.facts["steps"] == 6


def test_the_seed_of_a_match_is_the_environments_seed() -> None:
    spec = "pettingzoo/toy_environments:Dice"
    first, again, other = (play(spec, {}, seed) for seed in (1, 1, 2))
    assert first.scores == again.scores != other.scores
    env, _ = make_environment("toy_environments:Dice", None, {})
    env.reset(seed=first.facts["environment_seed"])
    paid = [env.step({"left": 5, "right": 6})[1]["left"] for _ in range(3)]
    assert first.scores["left"] == pytest.approx(sum(paid))


def test_a_state_is_a_value_although_the_environment_is_none() -> None:
    game: Any = build("game", "pettingzoo/connect_four_v3")
    early = first_state(game, Match(game, seed=3))
    for column in "0123":
        (seat,) = game.to_act(early)
        early = game.apply(early, {seat: Move(column)})
    left, right = (game.apply(early, {"player_0": Move(column)}) for column in "45")
    assert left.private["player_1"] != right.private["player_1"], "the second one plays on in an environment of its own"
    assert game.apply(early, {"player_0": Move("4")}) == left
    assert game.apply(left, {"player_1": Move("5")}).private != game.apply(right, {"player_1": Move("5")}).private


def test_an_episode_is_replayed_by_another_game_of_the_same_name() -> None:
    spec = {"name": "pettingzoo/toy_environments:Dice", "options": {"kind": "box"}}
    episode = play(spec, {}, 5)
    game: PettingZoo = build("game", spec)
    states: list[Any] = []
    end = replay(game, episode.turns, episode.match, on_state=states.append)
    assert game.scores(end) == episode.scores and len(states) == 4
    middle = replay(game, episode.turns[:4], episode.match)
    assert middle == states[2] and len(game.kept) <= 2


def test_an_environment_that_does_not_honour_its_seed_is_found_out() -> None:
    spec = "pettingzoo/toy_environments:loaded"
    game: Any = build("game", spec)
    state = game.start(Random(0))
    moves = {seat: Move("5") for seat in game.seats}
    game.apply(state, moves)
    with pytest.raises(ArenaError, match="does not repeat itself"):
        game.apply(state, moves)
    assert any("another state than playing" in problem for problem in check_game(spec, 1))


@pytest.mark.parametrize(
    ("kind", "bad", "why"),
    [
        ("discrete", "8", "'8' is not a move here"),
        ("many", Move(tool="act", args={"a0": 1000}), "outside of what can be done here"),
        ("multi", Move(tool="act", args={"a0": 1, "a1": 3}), "outside of what can be done here"),
        ("multi", Move(tool="act", args={"a0": 1}), "needs the argument 'a1'"),
        ("box", Move(tool="act", args={"a0": 0.5, "a1": 1.5}), "outside of what can be done here"),
        ("box", "up", "words alone do nothing here"),
        ("text", "Hello!", "outside of what can be done here"),
    ],
)
def test_what_is_outside_of_a_space_is_refused_and_patience_ends_the_match(kind: str, bad: Any, why: str) -> None:
    spec = {"name": "pettingzoo/toy_environments:Dice", "options": {"kind": kind}}
    episode = play(spec, {"left": lambda view: bad})
    assert why in episode.turns[0].refused, episode.turns[0].refused
    assert (episode.status, episode.blame) == ("forfeit", "left")
    assert episode.scores == {"left": None, "right": None}


def test_our_own_game_comes_back_as_itself() -> None:
    seats = {"first": "gambler", "second": "gambler"}
    for seed in range(12):
        native = play("kuhn", seats, seed)
        said = {seat: [turn.move.text for turn in native.turns if turn.seat == seat] for seat in seats}
        game: Any = build("game", "pettingzoo/toy_environments:kuhn")
        names = game.spaces["first"].n
        places = {"check": "0", "bet": "1", "call": "2", "fold": "3"}
        live, _ = game.open(0)
        live.begin(seed)
        for turn in native.turns:
            live.step({turn.seat: int(places[turn.move.text])})
        assert live.gains == native.scores and live.acting == () and names == 4, said


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("pettingzoo", "say which environment, as in pettingzoo/tictactoe_v3"),
        ("pettingzoo/tictacto_v3", "did you mean tictactoe_v3"),
        ("pettingzoo/sisl/tictactoe_v3", "no environment of PettingZoo named 'sisl/tictactoe_v3'"),
        ({"name": "pettingzoo/tictactoe_v3", "parallel": True}, "no Parallel form"),
        ({"name": "pettingzoo/rps_v2", "options": {"num_actions": 4}}, "must be an odd number"),
        ({"name": "pettingzoo/rps_v2", "options": {"cheat": 1}}, "unexpected keyword argument 'cheat'"),
        ("pettingzoo/toy_environments:SEEN", "cannot be made"),
        ("pettingzoo/random:Random", "neither an AECEnv nor a ParallelEnv"),
        ("pettingzoo/chess_v6", "cannot be told in words|pip install"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(spec: Any, why: str) -> None:
    with pytest.raises(BadPart, match=why):
        build("game", spec)


def test_without_the_extra_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pettingzoo", None)
    with pytest.raises(MissingExtra, match=re.escape(install_line("pettingzoo"))):
        build("game", "pettingzoo/pursuit_v5")


def test_it_is_recorded_told_again_and_verified_like_any_game(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from arena.cli.main import app

    def arena(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            app([*words, "--db", str(tmp_path / "zoo.db")])
        out = capfd.readouterr().out
        assert ended.value.code == 0, out
        return out

    played = arena("play", "pettingzoo/tictactoe_v3", "-n", "2", "--seed", "7")
    assert "episode" in played
    assert "player_1" in arena("show", "last") and "plane 1:" in arena("show", "last")
    arena("verify", "last")
    rows = json.loads(arena("sql", "select seat, tool, text from transcript where seat != ''", "--json"))
    assert {row["seat"] for row in rows} == {"player_1", "player_2"}
