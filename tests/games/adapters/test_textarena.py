"""Games of TextArena under our loop: played as they are, with a chance of their own, replayed, and refused in words."""

import json
import random
import re
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("textarena", reason="the extra textarena is not installed")

import textarena  # type: ignore[import-untyped]

from agents.llm.prompts import build_prompt
from arena.distribution import install_line
from arena.engine.game_check import check_game
from arena.engine.play import play, replay
from arena.errors import BadPart, MissingExtra
from arena.game import Move, View
from arena.spec import build

SPECS: list[Any] = [
    *("textarena/TicTacToe-v0", "textarena/KuhnPoker-v0", "textarena/IteratedPrisonersDilemma-v0", "textarena/Nim-v0"),
    *("textarena/ConnectFour-v0", "textarena/FrozenLake-v0", "textarena/Briscola-v0", "textarena/Blackjack-v0"),
    {"name": "textarena/ThreePlayerIPD-v0", "options": {"num_rounds": 1}},
]


def bracketed(view: View) -> str:
    """One of the actions that were last told, as TextArena writes them: '[4]'."""
    rng = Random(view.seed)
    board = next((m.text for m in reversed(view.messages) if "'[" in m.text), "")
    return str(rng.choice(re.findall(r"'(\[[^\]]+\])'", board) or ["[0]"]))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_games_keep_the_contract(spec: Any) -> None:
    assert check_game(spec, 3) == []


@pytest.mark.parametrize("name", ["TicTacToe-v0", "KuhnPoker-v0", "ConnectFour-v0"])
def test_a_game_goes_as_it_does_without_us(name: str) -> None:
    for seed in range(5):
        episode = play(f"textarena/{name}", dict.fromkeys(("player_0", "player_1"), bracketed), seed)
        assert episode.status == "over" and not any(turn.refused for turn in episode.turns)
        env = textarena.make(name)
        env.reset(num_players=2, seed=episode.facts["environment_seed"])
        for turn in episode.turns:
            player, _ = env.get_observation()
            assert turn.seat == f"player_{player}"
            done, _ = env.step(turn.move.text)
        assert done and {f"player_{k}": float(won) for k, won in env.close()[0].items()} == episode.scores
        assert episode.facts["reason"] and not episode.facts["capped"]


def test_each_player_is_told_what_textarena_tells_it_and_no_more() -> None:
    seen: dict[str, list[View]] = {"player_0": [], "player_1": []}

    def act(view: View) -> str:
        seen[view.seat].append(view)
        return "[Check]"

    spec = {"name": "textarena/KuhnPoker-v0", "options": {"max_rounds": 1}}
    play(spec, {"player_0": act, "player_1": act}, 3)
    cards = {seat: set(re.findall(r"Your card is: '(\w)'", str(views[-1].messages))) for seat, views in seen.items()}
    assert all(len(found) == 1 for found in cards.values()) and cards["player_0"] != cards["player_1"]
    for seat, views in seen.items():
        assert f"You are Player {seat[-1]} in a 1 round game of Kuhn Poker" in views[0].rules
        assert not any("Game Rules" in message.text for message in views[-1].messages)
    later = next(views[0] for views in seen.values() if any(m.sender for m in views[0].messages))
    assert "Check" in next(message.text for message in later.messages if message.sender not in ("", later.seat))


def test_a_seed_draws_the_same_game_and_leaves_everybodys_chance_alone() -> None:
    random.seed(11)
    state = random.getstate()
    seats = dict.fromkeys(("player_0", "player_1"), bracketed)
    spec = {"name": "textarena/KuhnPoker-v0", "options": {"max_rounds": 5}}
    first, again, other = (play(spec, seats, seed) for seed in (1, 1, 2))
    assert random.getstate() == state
    told = [[turn.move.text for turn in episode.turns] for episode in (first, again, other)]
    assert told[0] == told[1] != told[2] and first.scores == again.scores


def test_games_at_the_same_time_do_not_disturb_each_other() -> None:
    spec = {"name": "textarena/KuhnPoker-v0", "options": {"max_rounds": 6}}
    game: Any = build("game", spec)

    def turn(state: Any, seed: int) -> Any:
        (seat,) = game.to_act(state)
        legal = re.findall(r"'(\[\w+\])'", [m.text for m in game.view(state, seat).messages if "'[" in m.text][-1])
        return game.apply(state, {seat: Move(legal[seed % len(legal)])})

    def alone(seed: int) -> list[Any]:
        states = [game.start(Random(seed))]
        while game.to_act(states[-1]):
            states.append(turn(states[-1], seed))
        return states

    apart = [alone(seed) for seed in (0, 1)]
    side_by_side = [[game.start(Random(seed))] for seed in (0, 1)]
    while any(game.to_act(states[-1]) for states in side_by_side):
        for seed, states in enumerate(side_by_side):
            if game.to_act(states[-1]):
                states.append(turn(states[-1], seed))
    assert side_by_side == apart


def test_an_episode_is_replayed_and_gone_on_with_from_the_middle() -> None:
    spec = {"name": "textarena/KuhnPoker-v0", "options": {"max_rounds": 4}}
    episode = play(spec, dict.fromkeys(("player_0", "player_1"), bracketed), 4)
    states: list[Any] = []
    game: Any = build("game", spec)
    end = replay(game, episode.turns, episode.match, on_state=states.append)
    assert game.scores(end) == episode.scores and len(states) == len(episode.turns) + 1
    middle = len(states) // 2
    turn = episode.turns[middle]
    assert game.apply(states[middle], {turn.seat: turn.move}) == states[middle + 1], "made again from seed and moves"


def test_a_wrong_move_is_told_by_textarena_which_asks_once_more() -> None:
    seen: list[View] = []

    def stubborn(view: View) -> str:
        seen.append(view)
        return "the middle"

    episode = play("textarena/TicTacToe-v0", {"player_0": stubborn, "player_1": bracketed})
    assert len(seen) == 2 and "attempted an invalid move" in seen[1].messages[-2].text + seen[1].messages[-1].text
    assert episode.status == "over" and episode.facts["invalid_move"] == ["player_0"]
    assert episode.scores == {"player_0": -1.0, "player_1": 1.0}


def test_a_game_that_would_go_on_for_ever_is_ended_without_scores() -> None:
    episode = play(
        {"name": "textarena/Poker-v0", "cap": 40}, dict.fromkeys(("player_0", "player_1"), lambda view: "hm")
    )
    assert episode.status == "over" and episode.facts["capped"] and len(episode.moves) == 40
    assert episode.scores == {"player_0": None, "player_1": None}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("textarena", "say which game, as in textarena/TicTacToe-v0"),
        ("textarena/TicTakToe-v0", "did you mean TicTacToe-v0"),
        ({"name": "textarena/TicTacToe-v0", "players": 3}, "cannot be played by 3: The number of players has to be 2"),
        ({"name": "textarena/TicTacToe-v0", "options": {"size": 4}}, "unexpected keyword argument 'size'"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(spec: Any, why: str) -> None:
    with pytest.raises(BadPart, match=why):
        build("game", spec)


def test_the_number_of_players_is_found_or_given() -> None:
    counts = {"FrozenLake-v0": 1, "TicTacToe-v0": 2, "ThreePlayerIPD-v0": 3}
    assert {name: len(build("game", f"textarena/{name}").seats) for name in counts} == counts
    assert build("game", {"name": "textarena/Poker-v0", "players": 4}).seats[-1] == "player_3"


def test_without_the_extra_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textarena", None)
    with pytest.raises(MissingExtra, match=re.escape(install_line("textarena"))):
        build("game", "textarena/TicTacToe-v0")


def test_it_is_recorded_and_verified_and_prints_one_json_document(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from arena.cli.main import app

    def arena(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            app([*words, "--db", str(tmp_path / "text.db")])
        out = capfd.readouterr().out
        assert ended.value.code == 0, out
        return out

    played = json.loads(arena("play", "textarena/FrozenLake-v0", "--seat", "player_0=says/[right]", "--json"))
    assert played["episodes"][0]["status"] == "over"
    arena("verify", "last")
    assert "player_0  [right]" in arena("show", "last")


def test_words_with_brackets_reach_the_rival_as_they_were_written() -> None:
    """Here words are the moves, so that `[bet]` turned into `(bet)` would teach the others a wrong one."""
    heard: list[str] = []

    def listens(view: View) -> str:
        heard.extend(line.text for line in build_prompt(view, "text"))
        return "[defect]"

    play("textarena/IteratedPrisonersDilemma-v0", {"player_0": lambda _: "I will [cooperate]", "player_1": listens}, 1)
    assert any("Player 0: I will [cooperate]" in text for text in heard)
