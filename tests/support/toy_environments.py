"""Small environments of PettingZoo with every kind of space, honest and not, and a game of ours made one."""

import random
from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv  # type: ignore[import-untyped]

from arena.adapters.pettingzoo_env import as_aec, as_parallel

SPACES: dict[str, spaces.Space[Any]] = {
    "discrete": spaces.Discrete(3, start=5),
    "many": spaces.Discrete(1000),
    "multi": spaces.MultiDiscrete([2, 3]),
    "binary": spaces.MultiBinary(2),
    "box": spaces.Box(-1.0, 1.0, (2,)),
    "text": spaces.Text(20, charset="abcdefghijklmnopqrstuvwxyz "),
}
SEEN = {
    "number": spaces.Box(0.0, 1.0, (2,)),
    "parts": spaces.Dict({"dice": spaces.Discrete(6), "map": spaces.Box(0, 9, (2, 2), np.int64)}),
}


class Dice(ParallelEnv):  # type: ignore[misc]
    """Two agents act `rounds` times; each sees a number that its seed drew, and is paid it each time."""

    metadata = {"name": "dice"}  # noqa: RUF012

    def __init__(self, kind: str = "discrete", seen: str = "number", rounds: int = 3, honest: bool = True) -> None:
        self.possible_agents = ["left", "right"]
        self.kind, self.told, self.rounds, self.honest = kind, seen, rounds, honest
        self.taken: list[dict[str, Any]] = []

    def observation_space(self, agent: str) -> Any:
        return SEEN[self.told]

    def action_space(self, agent: str) -> Any:
        return SPACES[self.kind]

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents = list(self.possible_agents)
        self.rng = random.Random(seed) if self.honest else random.Random()
        self.taken = []
        return self._looks(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        assert all(SPACES[self.kind].contains(action) for action in actions.values()), actions
        self.taken.append(actions)
        paid = {agent: float(self.worth[agent]) for agent in self.agents}
        seen, over = self._looks(), len(self.taken) == self.rounds
        ends = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, over)
        infos: Any = {agent: {} for agent in self.agents}
        self.agents = [] if over else self.agents
        return seen, paid, *ends, infos

    def _looks(self) -> dict[str, Any]:
        self.worth = {agent: self.rng.random() for agent in self.possible_agents}
        if self.told == "parts":
            return {a: {"dice": int(w * 6), "map": np.full((2, 2), int(w * 9))} for a, w in self.worth.items()}
        return {agent: np.array([worth, 0.5], np.float32) for agent, worth in self.worth.items()}


def loaded(**options: Any) -> Dice:
    """Dice that fall as they like, whatever the seed."""
    return Dice(honest=False, **options)


def kuhn(hands: int = 1) -> AECEnv:
    return as_aec({"name": "kuhn", "hands": hands}, actions=("check", "bet", "call", "fold"))


def dilemma(rounds: int = 4) -> ParallelEnv:
    return as_parallel({"name": "dilemma", "rounds": rounds})
