"""Steps per second of random play, game by game: the rules alone, and with the loop, its checks and its agents.

    python tests/bench/bench_games.py [NAME …]

A step is one accepted answer, a second one of processor time, so that other work on the machine counts less. "rules"
asks a game for views and states only, with answers that were recorded before; the ratio is to `bargaining` in the same
run. The second table holds games that PettingZoo, TextArena or NegMAS have: ours by the rules alone, in the loop, and
as an environment of PettingZoo; theirs in the loop that they recommend, and in ours, through the adapters. Its ratio is
to ours in the loop. A library that is not installed is named.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from random import Random
from typing import Any

import peers
from registered_games import game_names

from arena.engine.match_loop import first_state
from arena.engine.play import perform
from arena.episode import Match, Turn
from arena.game import Game
from arena.spec import build

SECONDS = 1.0  # of measuring, for each game and way
BASE = "bargaining"


def played(match: Match, game: Game, seconds: float) -> tuple[int, float, list[tuple[int, list[Turn]]]]:
    """Answers, time, and the accepted answers by seed, with random agents through the loop."""

    async def work() -> tuple[int, float, list[tuple[int, list[Turn]]]]:
        answers, record = 0, []
        start = time.process_time()
        while time.process_time() - start < seconds:
            episode = await perform(match.with_seed(len(record)))
            answers += len(episode.moves)
            record.append((len(record), [] if episode.status == "forfeit" else list(episode.moves)))
        return answers, time.process_time() - start, record

    return asyncio.run(work())


def ruled(match: Match, game: Game, record: list[tuple[int, list[Turn]]]) -> tuple[int, float]:
    """Answers and time of the same episodes through view and apply alone, up to where a seat gave up."""
    answers, spent = 0, 0.0
    for seed, turns in record:
        by_step: dict[int, dict[str, Any]] = {}
        for turn in turns:
            by_step.setdefault(turn.step, {})[turn.seat] = turn.move
        start = time.process_time()
        state = first_state(game, match.with_seed(seed))
        for step in range(len(by_step)):
            if step not in by_step or set(game.to_act(state)) != set(by_step[step]):
                break  # a seat used up its patience here
            for seat in by_step[step]:
                game.view(state, seat)
            state = game.apply(state, by_step[step])
            answers += len(by_step[step])
        spent += time.process_time() - start
    return answers, spent


def looped(spec: Any, agent: Any = "random") -> peers.Count:
    """A game in our loop."""
    game = build("game", spec)
    match = Match(spec, dict.fromkeys(game.seats, agent))
    played(match, game, SECONDS / 10)
    return played(match, game, SECONDS)[:2]


def bare(spec: Any, agent: Any = "random") -> peers.Count:
    """A game without the loop."""
    game = build("game", spec)
    match = Match(spec, dict.fromkeys(game.seats, agent))
    return ruled(match, game, played(match, game, SECONDS)[2])


def ours(spec: Any, agent: Any = "random", numbered: bool = True) -> dict[str, tuple[str, Callable[[], peers.Count]]]:
    """Each way of playing a game of ours, with the library that it needs."""

    def aec() -> peers.Count:
        from arena.adapters.pettingzoo_env import as_aec

        return peers.aec(as_aec(spec), SECONDS)

    ways = {
        "ours, in the loop": ("arena", lambda: looped(spec, agent)),
        "ours, rules": ("arena", lambda: bare(spec, agent)),
    }
    return {**ways, "ours, as AEC": ("pettingzoo", aec)} if numbered else ways


def zoo(name: str, **options: Any) -> dict[str, tuple[str, Callable[[], peers.Count]]]:
    """An environment of PettingZoo, in its loop and in ours."""
    adapted = {"name": f"pettingzoo/{name}", "parallel": False, "options": options}
    return {
        f"PettingZoo {name}": ("pettingzoo", lambda: peers.pettingzoo(f"classic/{name}", SECONDS, **options)),
        f"PettingZoo {name} in our loop": ("pettingzoo", lambda: looped(adapted)),
    }


def text(name: str, say: Any, **options: Any) -> dict[str, tuple[str, Callable[[], peers.Count]]]:
    """A game of TextArena, in its loop and in ours."""
    adapted = {"name": f"textarena/{name}", "options": options}

    def answer(view: Any) -> str:
        return str(say(Random(view.seed), "\n".join(message.text for message in view.messages)))

    return {
        f"TextArena {name}": ("textarena", lambda: peers.textarena(name, SECONDS, say, **options)),
        f"TextArena {name} in our loop": ("textarena", lambda: looped(adapted, answer)),
    }


FOUR = {"name": "connect", "preset": "connect-four"}
ROCK = {"name": "dilemma", "preset": "rock-paper-scissors", "rounds": 15}
PRICE = {
    "name": "bargaining",
    "cost": 0,
    "value": 100,
    "low": 0,
    "high": 100,
    "tick": 1,
    "turns": 20,
    "moderation": "never",
}
BESIDE = {
    "tic-tac-toe": ours("connect") | zoo("tictactoe_v3") | text("TicTacToe-v0", peers.listed),
    "connect four": ours(FOUR) | zoo("connect_four_v3") | text("ConnectFour-v0", peers.column),
    "Kuhn poker": ours("kuhn") | text("KuhnPoker-v0", peers.listed, max_rounds=1),
    "rock-paper-scissors, 15 rounds": ours(ROCK) | zoo("rps_v2", max_cycles=15),
    "prisoner's dilemma": ours("dilemma") | text("IteratedPrisonersDilemma-v0", peers.decision),
    "one price, two Boulware sides": ours(PRICE, "boulware", numbered=False)
    | {"NegMAS SAOMechanism": ("negmas", lambda: peers.negmas(20, 101, SECONDS))},
}


def beside() -> None:
    print(f"\n{'game':<31} {'whose':<50} {'steps/s':>10} {'ratio':>6}")
    theirs = []
    for name, rows in BESIDE.items():
        base = None
        for whose, (library, measure) in rows.items():
            if not find_spec(library):
                print(f"{name:<31} {whose:<50} {library} is not installed", flush=True)
                continue
            steps, seconds = measure()
            base = base or steps / seconds
            print(f"{name:<31} {whose:<50} {steps / seconds:>10,.0f} {steps / seconds / base:>6.2f}", flush=True)
            if not whose.startswith("ours") and not whose.endswith("in our loop"):
                theirs.append(f"{whose} {steps / seconds / base:.2f}")
    print(f"→ steps/s of theirs, of ours in the loop: {', '.join(theirs) or 'none is installed'}")


def main(names: list[str]) -> None:
    print(f"{'game':<18} {'rules: steps/s':>15} {'µs/step':>8} {'play: steps/s':>15} {'µs/step':>8} {'ratio':>6}")
    base, rates = None, []
    for name in [BASE, *(name for name in names or game_names() if name != BASE)]:
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
    if not sys.argv[1:]:
        beside()
