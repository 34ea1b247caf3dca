"""Our games as environments of PettingZoo: its own tests pass, and they are the games they were."""

import json
from random import Random
from typing import Any

import pytest

pytest.importorskip("pettingzoo", reason="the extra pettingzoo is not installed")

import numpy as np
from gymnasium import spaces
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from registered_games import game_names

from arena.adapters.action_list import format_move, list_moves
from arena.adapters.pettingzoo_env import as_aec, as_parallel
from arena.engine.play import play
from arena.errors import UsageError
from arena.game import Move, Tool, View
from arena.spec import build

pytestmark = pytest.mark.filterwarnings("ignore")  # it warns of text where it expects pictures
ALL_AT_ONCE: list[Any] = ["dilemma", {"name": "dilemma", "preset": "rock-paper-scissors"}, "auction"]


@pytest.mark.few(1)
@pytest.mark.parametrize("name", game_names())
def test_a_game_passes_the_tests_of_pettingzoo(name: str) -> None:
    api_test(as_aec(name), num_cycles=30)
    seed_test(lambda: as_aec(name), num_cycles=30)


@pytest.mark.parametrize("spec", ALL_AT_ONCE, ids=str)
def test_where_all_move_at_once_it_passes_those_of_parallel_environments_too(spec: Any) -> None:
    parallel_api_test(as_parallel(spec), 40)
    parallel_seed_test(lambda: as_parallel(spec), 40)


@pytest.mark.parametrize("name", ["connect", "bargaining", "kuhn"])
def test_a_game_in_turns_is_no_parallel_environment(name: str) -> None:
    with pytest.raises(UsageError, match="use as_aec"):
        as_parallel(name)


def finish(env: Any, seed: int, act: Any) -> dict[str, float]:
    """Plays an episode; what each agent got in all, read as a learner reads it."""
    env.reset(seed=seed)
    got = dict.fromkeys(env.agents, 0.0)
    for agent in env.agent_iter():
        seen, reward, terminated, truncated, _ = env.last()
        got[agent] += reward
        env.step(None if terminated or truncated else act(agent, seen))
    return got


@pytest.mark.parametrize("name", ["connect", "kuhn", "dilemma", "deal-or-no-deal", "ultimatum", "gridworld"])
def test_the_same_moves_bring_the_scores_that_the_arena_gives(name: str) -> None:
    game: Any = build("game", name)
    env = as_aec(name)
    for seed in range(3):
        episode = play(name, dict.fromkeys(game.seats, "random"), seed)
        made = {seat: iter([turn.move for turn in episode.moves if turn.seat == seat]) for seat in game.seats}

        def act(agent: str, seen: Any, made: Any = made) -> int:
            place = [format_move(move) for move in env.moves(agent) or ()].index(format_move(next(made[agent])))
            assert seen["action_mask"][place] == 1
            return place

        if episode.status == "over" and not any(turn.refused for turn in episode.turns):
            assert finish(env, seed, act) == pytest.approx(episode.scores)


def test_simultaneous_moves_are_not_seen_before_all_are_made() -> None:
    env = as_aec("dilemma")
    env.reset(seed=0)
    before = env.observe("column")["text"]
    assert env.agent_selection == "row"
    env.step(1)
    assert env.agent_selection == "column" and env.observe("column")["text"] == before
    env.step(0)
    assert env.observe("column")["text"] != before


def test_the_two_forms_of_a_game_pay_the_same() -> None:
    together, turns = as_parallel("dilemma"), as_aec("dilemma")
    rng = Random(4)
    pairs = [(rng.randrange(2), rng.randrange(2)) for _ in range(10)]
    together.reset(seed=1)
    paid = [together.step({"row": a, "column": b})[1] for a, b in pairs]
    queues = {"row": iter([a for a, _ in pairs]), "column": iter([b for _, b in pairs])}
    assert finish(turns, 1, lambda agent, seen: next(queues[agent])) == pytest.approx(
        {seat: sum(step[seat] for step in paid) for seat in ("row", "column")}
    )
    assert together.agents == []


def test_a_number_that_the_mask_rules_out_counts_as_a_forfeit() -> None:
    env = as_aec("connect")
    env.reset(seed=0)
    env.step(0)
    env.step(0)
    assert env.terminations == {"x": True, "o": True} and env.rewards == {"x": 1.0, "o": -1.0}
    assert "is not a move here" in env.infos["o"]["refused"]


def test_words_and_actions_may_be_texts() -> None:
    env = as_aec({"name": "bargaining", "moderation": "never"})
    offer, accept = json.dumps({"tool": "offer", "args": {"price": 14}}), json.dumps({"tool": "accept"})
    said = iter([offer, "Hm, let me think.", offer, accept])
    assert finish(env, 0, lambda agent, seen: next(said)) == {"seller": 6.0, "buyer": 6.0}
    assert env.moves("buyer") is None and env.action_space("buyer").contains(offer)
    assert "Hm, let me think." in env.render()


def test_a_caller_may_number_the_moves_itself() -> None:
    bids = [Move(tool="bid", args={"amount": amount}) for amount in (0, 25, 50, 75, 100)]
    env = as_parallel({"name": "auction", "bidders": 2}, actions=bids)
    env.reset(seed=0)
    _, rewards, ended, _, _ = env.step({"bidder_1": 4, "bidder_2": 1})
    assert all(ended.values()) and rewards["bidder_2"] == 0.0 and rewards["bidder_1"] != 0.0


def board(view: View) -> Any:
    rows: Any = view.known["board"]
    return np.array([[{".": 0, "x": 1, "o": -1}[mark] for mark in row] for row in rows], np.int8)


def test_features_of_a_view_stand_beside_its_text() -> None:
    env = as_aec("connect", features=(spaces.Box(-1, 1, (3, 3), np.int8), board))
    api_test(env, num_cycles=20)
    env.reset(seed=0)
    env.step(4)
    seen = env.observe("o")
    assert seen["observation"].sum() == 1 and seen["action_mask"].sum() == 8


def test_resets_without_a_seed_go_on_from_the_last() -> None:
    texts = []
    one, other = as_aec("gridworld"), as_aec("gridworld")
    for env, seeds in ((one, (5, None)), (other, (None, 6))):
        for seed in seeds:
            env.reset(seed=seed)
            texts.append(env.observe("agent")["text"])
    assert texts[1] == texts[3] != texts[0]
    fresh = as_aec("gridworld")
    fresh.reset()
    assert fresh.observe("agent")["text"] == texts[2], "the first is seed 0"


def offered(*tools: Tool, legal: Any = None) -> Any:
    moves = list_moves(View("a", "", tools=tools, legal=legal))
    return None if moves is None else [format_move(move) for move in moves]


def test_what_a_view_offers_is_listed_where_it_can_be() -> None:
    way = Tool("go", "", {"way": {"type": "string", "enum": ["up", "down"]}})
    few = Tool("take", "", {"n": {"type": "integer", "minimum": 0, "maximum": 2}, "all": {"type": "boolean"}}, ("all",))
    assert offered(legal=("a1", "b2")) == ["a1", "b2"]
    assert offered(way, legal=("wait",)) == ["wait", "go way=up", "go way=down"]
    assert offered(few) == [f"take n={n}{x}" for n in range(3) for x in ("", " all=false", " all=true")]
    assert offered(way, Tool("say", "", {"words": {"type": "string"}})) is None
    assert offered(Tool("pay", "", {"price": {"type": "number", "minimum": 0, "maximum": 1}})) is None
    assert (
        offered(Tool("dial", "", {f"n{k}": {"type": "integer", "minimum": 0, "maximum": 9} for k in range(4)})) is None
    )
    assert offered() is None
