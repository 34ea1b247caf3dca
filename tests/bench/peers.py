"""Random play of the same games in other libraries, for benchmarks: each function plays for a while and counts."""

import re
import time
from collections.abc import Callable
from random import Random
from typing import Any

Count = tuple[int, float]  # accepted answers, and the seconds of processor time that they took


def lasting(seconds: float, episode: Callable[[int], int]) -> Count:
    """Plays episodes, by number, until the time is up; the first one is not counted."""
    episode(0)
    steps, number, start = 0, 1, time.process_time()
    while (spent := time.process_time() - start) < seconds or not steps:
        steps += episode(number)
        number += 1
    return steps, spent


def pettingzoo(name: str, seconds: float, **options: Any) -> Count:
    """An AEC environment with random actions of its mask."""
    from pettingzoo import make

    env: Any = make("aec", name, **options)
    return aec(env, seconds)


def aec(env: Any, seconds: float) -> Count:
    def episode(number: int) -> int:
        rng, steps = Random(number), 0
        env.reset(seed=number)
        for agent in env.agent_iter():
            seen, _, terminated, truncated, _ = env.last()
            if terminated or truncated:
                env.step(None)
                continue
            mask = seen.get("action_mask") if isinstance(seen, dict) else None
            legal = range(env.action_space(agent).n) if mask is None else mask.nonzero()[0].tolist()
            env.step(rng.choice(legal))
            steps += 1
        return steps

    return lasting(seconds, episode)


def textarena(name: str, seconds: float, say: Callable[[Random, str], str], **options: Any) -> Count:
    """A game of TextArena; `say` answers what is read."""
    import textarena as ta

    def episode(number: int) -> int:
        env = ta.make(name, **options)
        rng, steps, over = Random(number), 0, False
        env.reset(num_players=2, seed=number)
        while not over:
            _, text = env.get_observation()
            over, _ = env.step(say(rng, text))
            steps += 1
        return steps

    return lasting(seconds, episode)


def listed(rng: Random, text: str) -> str:
    """One of the moves in quoted brackets in the last line that lists some."""
    line = next(line for line in reversed(text.splitlines()) if "'[" in line)
    return rng.choice(re.findall(r"'(\[\w+\])'", line))


def column(rng: Random, text: str) -> str:
    """A column of the last board whose top row is free."""
    top = text.rpartition("-------------")[2].split("\n")[1].split()
    return f"[col {rng.choice([k for k, mark in enumerate(top) if mark == '.'])}]"


def decision(rng: Random, text: str) -> str:
    return rng.choice(("[Cooperate]", "[Defect]"))


def negmas(steps: int, prices: int, seconds: float) -> Count:
    """Bilateral alternating offers over one price between two Boulware negotiators; a step is an offer or an answer."""
    from negmas import SAOMechanism, make_issue
    from negmas.preferences import LinearAdditiveUtilityFunction
    from negmas.sao.negotiators import BoulwareTBNegotiator

    def episode(number: int) -> int:
        issues = [make_issue(prices, "price")]
        session = SAOMechanism(issues=issues, n_steps=steps)
        for side, name in enumerate(("seller", "buyer")):
            values = {p: (p if side == 0 else prices - 1 - p) / (prices - 1) for p in range(prices)}
            utility = LinearAdditiveUtilityFunction(values=[values], issues=issues, reserved_value=0.0)
            session.add(BoulwareTBNegotiator(name=name), ufun=utility)
        session.run()
        return len(session.extended_trace) + 1  # the acceptance makes no entry

    return lasting(seconds, episode)
