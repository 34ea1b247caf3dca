"""Random but sensible steps through an environment, and the harness that takes them without a match around it."""

import re
from collections.abc import Callable
from random import Random
from typing import Any

from arena.engine.move_validation import well_formed
from arena.errors import IllegalMove
from arena.game import Move, View

ANY = "…"


def wander(view: View, rng: Random, wild: float = 0.1) -> Move:
    """One of the actions said to be possible, with words from what was said; with chance `wild` something odd."""
    said = re.findall(r"[\w-]+", " ".join(message.text for message in view.messages[-3:]))
    if rng.random() < wild:
        tool = rng.choice(view.tools)
        odd = rng.choice(("", "nothing", rng.choice(said), " ".join(rng.sample(said, min(3, len(said))))))
        return rng.choice((Move("I wonder"), Move(tool=tool.name, args=dict.fromkeys(tool.parameters, odd))))
    possible: Any = view.known["possible"]
    tool_name, args = rng.choice(possible)
    start = rng.randrange(len(said))
    words = " ".join(said[start : start + rng.randint(1, 3)])
    return Move(tool=tool_name, args={k: words if value == ANY else value for k, value in args.items()})


def roam(game: Any, seed: int, policy: Callable[[View, Random], Move] = wander, look: Any = None) -> Any:
    """The last state of an episode; a refused action loses the step. `look` is shown each state."""
    rng, state = Random(f"roam/{seed}"), game.start(Random(seed))
    while game.to_act(state):
        if look is not None:
            look(state)
        view = game.view(state, "agent")
        try:
            state = game.apply(state, {"agent": well_formed(view, policy(view, rng))})
        except IllegalMove:
            state = game.forfeit(state, "agent")
    return state
