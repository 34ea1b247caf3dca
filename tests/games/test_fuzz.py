"""Random and wild play of every game that declares bounds: no crash, no illegal state, what it declares holds."""

import asyncio
import os
from itertools import count
from random import Random
from typing import Any

import pytest

from arena.check import MOST_STEPS
from arena.episode import Episode, Match
from arena.game import Game, Move, View
from arena.play import perform
from arena.registry import entries, find
from arena.spec import build

FEW, MANY = 200, 10_000
SPECS: list[Any] = [
    {"name": name, "preset": preset} if preset else {"name": name}
    for name in entries("game")
    if hasattr(find("game", name)[0], "bounds")
    for preset in ("", *find("game", name)[0].presets)
]


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
    """Play at random and hold each episode to what the game declares; the number of answers."""

    async def work() -> int:
        game: Game[Any] = build("game", spec)
        first = Match(spec, dict.fromkeys(game.seats, agent))
        answers = 0
        for seed in range(episodes):
            steps = count()
            episode = await perform(first.with_seed(seed), on_state=lambda state, steps=steps: within(next(steps)))  # type: ignore[misc]
            answers += len(episode.turns)
            hold(game, episode)
        return answers

    return asyncio.run(work())


def within(steps: int) -> None:
    assert steps < MOST_STEPS, "the game does not end"


def hold(game: Any, episode: Episode) -> None:
    low, high = game.bounds()
    scores = [score for score in episode.scores.values() if score is not None]
    assert set(episode.scores) == set(game.seats) and scores, "a game that is over has scores"
    assert all(low - 1e-9 <= score <= high + 1e-9 for score in scores), (episode.match.seed, episode.scores, low, high)
    if getattr(game, "zero_sum", False):
        assert abs(sum(scores)) < 1e-9, (episode.match.seed, episode.scores)
    for seat, most in (game.most_answers or {}).items():
        taken = sum(turn.seat == seat for turn in episode.moves)
        assert taken <= most, (episode.match.seed, seat, taken, most)


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_random_play_stays_within_what_a_game_declares(spec: Any) -> None:
    assert fuzz(spec, FEW // (1 + 3 * ("preset" in spec))) >= FEW // 4


@pytest.mark.parametrize("spec", SPECS, ids=named)
def test_wild_play_is_refused_and_breaks_nothing(spec: Any) -> None:
    assert fuzz(spec, FEW // 5, wild) >= FEW // 5


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for spec in SPECS if "preset" not in spec], ids=named)
def test_so_it_does_in_ten_thousand_episodes(spec: Any, request: pytest.FixtureRequest) -> None:
    if "slow" not in str(request.config.getoption("markexpr")) and not os.environ.get("ARENA_SLOW"):
        pytest.skip("takes minutes; run with -m slow")
    assert fuzz(spec, MANY) >= MANY
