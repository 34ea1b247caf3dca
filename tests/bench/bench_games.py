"""Steps per second of random play, game by game: the rules alone, and with the loop, its checks and its agents.

    python tests/bench/bench_games.py [NAME …]

A step is one accepted answer. "rules" asks a game for views and states only, with answers that were recorded before;
the ratio is to `bargaining` in the same run.
"""

import asyncio
import sys
import time
from typing import Any

from arena.episode import Match, Turn
from arena.game import Game
from arena.play import perform
from arena.registry import entries
from arena.spec import build
from arena.table import first_state

SECONDS = 1.0  # of measuring, for each game and way
BASE = "bargaining"


def played(match: Match, game: Game[Any], seconds: float) -> tuple[int, float, list[tuple[int, list[Turn]]]]:
    """Answers, time, and the accepted answers by seed, with random agents through the loop."""

    async def work() -> tuple[int, float, list[tuple[int, list[Turn]]]]:
        answers, record = 0, []
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            episode = await perform(match.with_seed(len(record)))
            answers += len(episode.moves)
            record.append((len(record), [] if episode.status == "forfeit" else list(episode.moves)))
        return answers, time.perf_counter() - start, record

    return asyncio.run(work())


def ruled(match: Match, game: Game[Any], record: list[tuple[int, list[Turn]]]) -> tuple[int, float]:
    """Answers and time of the same episodes through view and apply alone, up to where a seat gave up."""
    answers, spent = 0, 0.0
    for seed, turns in record:
        by_step: dict[int, dict[str, Any]] = {}
        for turn in turns:
            by_step.setdefault(turn.step, {})[turn.seat] = turn.move
        start = time.perf_counter()
        state = first_state(game, match.with_seed(seed))
        for step in range(len(by_step)):
            if step not in by_step or set(game.to_act(state)) != set(by_step[step]):
                break  # a seat used up its patience here
            for seat in by_step[step]:
                game.view(state, seat)
            state = game.apply(state, by_step[step])
            answers += len(by_step[step])
        spent += time.perf_counter() - start
    return answers, spent


def main(names: list[str]) -> None:
    print(f"{'game':<18} {'rules: steps/s':>15} {'µs/step':>8} {'play: steps/s':>15} {'µs/step':>8} {'ratio':>6}")
    base, rates = None, []
    for name in [BASE, *(name for name in names or entries("game") if name != BASE)]:
        game = build("game", name)
        match = Match(name, dict.fromkeys(game.seats, "random"))
        played(match, game, SECONDS / 10)  # warm the caches
        answers, seconds, record = played(match, game, SECONDS)
        steps, spent = ruled(match, game, record)
        rate, pure = answers / seconds, steps / spent if spent else 0.0
        base = base or rate
        rates.append(rate)
        print(
            f"{name:<18} {pure:>15,.0f} {1e6 / pure if pure else 0:>8.1f} {rate:>15,.0f} {1e6 / rate:>8.0f} "
            f"{rate / base:>6.2f}",
            flush=True,
        )
    said = f"{min(rates):,.0f} ({min(rates) / rates[0]:.2f}) to {max(rates):,.0f} ({max(rates) / rates[0]:.2f})"
    print(f"→ steps/s of random play: {said} over {len(rates)} games; {BASE} {rates[0]:,.0f} (1.00)")


if __name__ == "__main__":
    main(sys.argv[1:])
