"""Steps per second of each environment: its rules alone, and whole matches with the expert and without a record.

    python tests/bench/bench_environments.py

"rules" is view, one random possible action, apply, in a bare loop; "match" is the loop of the arena with the game's own
expert. The baselines of the same run, where they are installed, are walks on a grid with random actions: TextArena's
FrozenLake-v0, of the gridworld's size and told in text, too, and gymnasium's FrozenLake-v1, told in numbers.
"""

import asyncio
import importlib.util
import time
from collections.abc import Callable
from random import Random
from typing import Any

from arena.engine.play import perform
from arena.episode import Match
from arena.game import Move
from arena.spec import build

NAMES = ("gridworld", "household", "shopping", "wiki")
EPISODES, RUNS = 100, 3
WORDS = ("teapot", "lamp", "born", "founded")


def rules(name: str) -> int:
    """Steps taken in `EPISODES` random episodes over five worlds."""
    steps = 0
    for seed in range(EPISODES):
        game: Any = build("game", {"name": name, "world": seed % 5})
        rng, state = Random(seed), game.start(Random(seed))
        while game.to_act(state):
            tool, args = rng.choice(game.view(state, "agent").known["possible"])
            filled = {key: rng.choice(WORDS) if value == "…" else value for key, value in args.items()}
            state = game.apply(state, {"agent": Move(tool=tool, args=filled)})
            steps += 1
    return steps


def matches(name: str) -> int:
    """Answers given in `EPISODES` matches of the expert over five worlds."""

    async def work() -> int:
        plans = [Match({"name": name, "world": seed % 5}, {}, seed) for seed in range(EPISODES)]
        return sum([len((await perform(plan)).turns) for plan in plans])

    return asyncio.run(work())


def textarena() -> int:
    import textarena as ta

    rng, steps = Random(0), 0
    for seed in range(EPISODES):
        env = ta.make("FrozenLake-v0", size=10, num_holes=20)
        env.reset(num_players=1, seed=seed)
        over = False
        while not over:
            env.get_observation()
            over, _ = env.step(rng.choice(("[up]", "[down]", "[left]", "[right]")))
            steps += 1
    return steps


def gymnasium() -> int:
    import gymnasium as gym

    env = gym.make("FrozenLake-v1", is_slippery=False)
    rng, steps = Random(0), 0
    for seed in range(EPISODES * 10):
        env.reset(seed=seed)
        over = False
        while not over:
            _, _, ended, cut, _ = env.step(rng.randrange(4))
            over, steps = ended or cut, steps + 1
    return steps


def best(work: Callable[[], int]) -> float:
    """Steps per second of the quickest of some runs; the worlds are drawn before."""
    work()
    speeds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        steps = work()
        speeds.append(steps / (time.perf_counter() - start))
    return max(speeds)


def main() -> None:
    print(f"{'environment':<14} {'rules, steps/s':>15} {'match, steps/s':>15} {'world, ms':>10}")
    build("game", "kuhn").start(Random(0))  # what loads only once
    speeds: dict[str, tuple[float, float]] = {}
    for name in NAMES:
        start = time.perf_counter()
        build("game", {"name": name, "world": 99}).start(Random(0))
        made = (time.perf_counter() - start) * 1e3
        bare, whole = best(lambda n=name: rules(n)), best(lambda n=name: matches(n))
        print(f"{name:<14} {bare:>15,.0f} {whole:>15,.0f} {made:>10.1f}")
        speeds[name] = bare, whole
    for baseline in (textarena, gymnasium):
        if importlib.util.find_spec(baseline.__name__):
            speed = best(baseline)
            print(
                f"{baseline.__name__:<14} {speed:>15,.0f} {speed / speeds['gridworld'][0]:>15.2f} of gridworld's rules"
            )
        else:
            print(f"{baseline.__name__:<14} is not installed")
    said = ", ".join(f"{name} {whole:,.0f} ({whole / bare:.2f})" for name, (bare, whole) in speeds.items())
    print(f"→ steps/s of matches (of the rules alone): {said}")


if __name__ == "__main__":
    main()
