"""A mind that knows nothing but its notes: it plays every environment by policy, and obeys what steers it, or not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.housekeeper import Housekeeper
from agents.pathfinder import Pathfinder
from agents.researcher import Researcher
from agents.shopper import Shopper
from arena.agent import Agent, agent
from arena.errors import UsageError
from arena.game import Move, View

SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(“])")
POLICIES: Mapping[str, Any] = {  # by a key that only the views of that game have in `known`
    "position": Pathfinder,
    "carried": Housekeeper,
    "results": Shopper,
    "question": Researcher,
}


@agent
@dataclass(frozen=True, slots=True)
class Knower:
    """Plays gridworld, household, shopping and wiki from its notes alone.

    notes: what it remembers, sentence by sentence. steering: what it is told; see `obeyed`. compliance: how likely it
    obeys in an episode, 0 to 1.
    """

    notes: tuple[str, ...] = ()
    steering: str = ""
    compliance: float = 1.0

    def recalling(self, notes: tuple[str, ...], steering: str) -> "Knower":
        return replace(self, notes=notes, steering=steering)

    async def act(self, view: View) -> Move:
        return await self._policy(view).act(view)

    def _policy(self, view: View) -> Agent:
        told = tuple(sentence for note in self.notes for sentence in SENTENCE.split(note))
        for key, policy in POLICIES.items():
            if key in view.known:
                made: Agent = policy(notes=told)
                return made
        raise UsageError(f"a knower plays gridworld, household, shopping and wiki; {view.seat!r} sits elsewhere")
