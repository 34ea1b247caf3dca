"""Random and wild play of every game: no crash, no illegal state, and what a game declares of its scores holds."""

import asyncio
from itertools import count
from random import Random
from typing import Any

import pytest
from registered_games import game_specs

from arena.engine.game_check import MOST_STEPS, check_bounds
from arena.engine.play import perform
from arena.episode import Episode, Match
from arena.game import Game, Move, View
from arena.spec import build
from games.language.question import Question

FEW, MANY = 100, 10_000
SPECS = game_specs()


def named(spec: dict[str, str]) -> str:
    return "/".join(spec.values())


def wild(view: View) -> Move | str:
    """Half of the time what is possible, else what is not: wrong names, wrong numbers, wrong texts, nothing at all.

    Actions that take arguments come most, so that games go on for long.
    """
    rng = Random(view.seed)
    bad = rng.random() < 0.5
    if view.legal:
        return rng.choice(view.legal) if not bad else rng.choice(("", "nonsense", "-1", "999999"))
    if not view.tools or rng.random() < 0.1:
        return rng.choice(("Hello.", "", "x" * 30_000) if bad else ("Hello.", "yes"))
    rich = [tool for tool in view.tools if tool.parameters]
    tool = rng.choice(rich if rich and rng.random() < 0.8 else view.tools)
    args: dict[str, Any] = {}
    for name, schema in tool.parameters.items():
        low, high = int(schema.get("minimum", 0)), int(schema.get("maximum", 5))  # type: ignore[call-overload]
        kind, choices = schema.get("type"), schema.get("enum")
        good = rng.choice(list(choices)) if choices else rng.randint(low, high) if kind != "string" else "a"  # type: ignore
        args[name] = (
            rng.choice((-1, high + 1, 10**20, -0.5, None, "lots", [], True)) if bad and rng.random() < 0.5 else good
        )
    return Move("", tool.name if not bad or rng.random() < 0.9 else "cheat", args)


def fuzz(spec: Any, episodes: int, agent: Any = "random") -> int:
    """Play at random and hold each state and each episode to what the game declares; the number of answers."""

    async def work() -> int:
        game: Game = build("game", spec)
        first = Match(game, dict.fromkeys(game.seats, agent))
        answers, sums = 0, list[float]()
        for seed in range(episodes):
            steps = count()

            def look(state: Any, steps: Any = steps) -> None:
                assert next(steps) < MOST_STEPS, "the game does not end"
                legal_state(game, state)

            episode = await perform(first.with_seed(seed), on_state=look)
            answers += len(episode.turns)
            hold(game, episode)
            if game.zero_sum and episode.status == "over":
                sums.append(sum(score for score in episode.scores.values() if score is not None))
                assert abs(sums[-1] - sums[0]) < 1e-9, (seed, episode.scores, sums[0])
        return answers

    return asyncio.run(work())


def legal_state(game: Game, state: Any) -> None:
    """What holds of every state: those to act are seats, each of them once, and there is something each can do."""
    acting = game.to_act(state)
    assert len(set(acting)) == len(acting) and set(acting) <= set(game.seats), acting
    for seat in acting:
        view = game.view(state, seat)
        assert view.seat == seat and view.rules
        assert view.legal is None or (view.legal and len(set(view.legal)) == len(view.legal)) or view.tools
    assert set(game.scores(state)) == set(game.seats)


def hold(game: Game, episode: Episode) -> None:
    scores = [score for score in episode.scores.values() if score is not None]
    assert set(episode.scores) == set(game.seats) and (scores or isinstance(game, Question)), (
        "a game that is over has scores"
    )
    assert not list(check_bounds(game, episode)), (episode.match.seed, *check_bounds(game, episode))
    for seat, most in (game.most_answers or {}).items():
        taken = sum(turn.seat == seat for turn in episode.moves)
        assert taken <= most, (episode.match.seed, seat, taken, most)


@pytest.mark.few(1)
@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_random_play_stays_within_what_a_game_declares(spec: Any) -> None:
    assert fuzz(spec, FEW // (1 + 3 * ("preset" in spec))) >= FEW // 4


@pytest.mark.few(1)
@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_wild_play_is_refused_and_breaks_nothing(spec: Any) -> None:
    assert fuzz(spec, FEW // 5, wild) >= FEW // 5


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for spec in SPECS if "preset" not in spec], ids=named)
def test_so_it_does_in_ten_thousand_episodes(spec: Any) -> None:
    assert fuzz(spec, MANY) >= MANY
