"""Wrap stateful environments of other libraries as games with immutable states.

A foreign environment is changed by every step and cannot be copied. So a state holds what was seen of it, its seed and
the moves that lead there; and `apply` needs the environment itself, at just that point. The one that led to the newest
states is cached; for any other state (a replay, a fork, another process) an environment is created from the seed and
the moves are applied again, and the observations must equal the earlier ones. The cost is linear in the number of
steps. An environment that does not honour its seed is detected there and reported: it cannot be replayed.
"""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from arena.errors import ArenaError
from arena.game import JSON, Game, Message, Move

E = TypeVar("E")
MOST_KEPT = 64  # most live environments; the oldest is closed when there are more


@dataclass(frozen=True, slots=True)
class ForeignState:
    """State of a match in a foreign environment: all observations, and the moves that lead here.

    `private` holds what each seat is shown. `scores` are the rewards so far; nobody acts when it is over.
    """

    seed: int
    acting: tuple[str, ...]
    private: Mapping[str, Mapping[str, JSON]]
    scores: Mapping[str, float | None]
    told: Mapping[str, JSON] = field(default_factory=dict)
    log: tuple[Message, ...] = ()
    moves: tuple[Mapping[str, Move], ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign(Game[ForeignState]):
    """A game whose rules are an environment of another library; abstract methods: `open`, `act` and `close`."""

    kept: "OrderedDict[int, tuple[ForeignState, Any]]" = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    @abstractmethod
    def open(self, seed: int) -> tuple[Any, ForeignState]:
        """Create an environment, reset it with this seed, and return it with the first observation."""

    @abstractmethod
    def act(self, live: Any, state: ForeignState, moves: Mapping[str, Move]) -> ForeignState:
        """Apply the moves to the environment, which is at `state`; returns the new state. Checks nothing."""

    @abstractmethod
    def close(self, live: Any) -> None:
        """Release an environment."""

    def check(self, state: ForeignState, moves: Mapping[str, Move]) -> None:
        """Raises IllegalMove for moves that the environment would not take."""

    # ---- the contract of a game ----------------------------------------------------------------------------------

    def start(self, rng: Random) -> ForeignState:
        live, state = self.open(rng.getrandbits(31))
        self._keep(state, live)
        return state

    def to_act(self, state: ForeignState) -> tuple[str, ...]:
        return state.acting

    def apply(self, state: ForeignState, moves: Mapping[str, Move]) -> ForeignState:
        self.check(state, moves)
        made = {seat: Move(move.text, move.tool, move.args) for seat, move in moves.items()}
        live = self._live(state)
        after = replace(self.act(live, state, made), moves=(*state.moves, made))
        self._keep(after, live)
        return after

    def scores(self, state: ForeignState) -> dict[str, float | None]:
        return {seat: None if state.acting else state.scores[seat] for seat in self.seats}

    def facts(self, state: ForeignState) -> dict[str, JSON]:
        return {"steps": len(state.moves), "environment_seed": state.seed, **state.told}

    def watch(self, state: ForeignState) -> tuple[Message, ...]:
        return state.log

    # ---- live environments ---------------------------------------------------------------------------------------

    def _keep(self, state: ForeignState, live: Any) -> None:
        """Cache the environment for the continuation of this state; nothing is cached for a finished one."""
        if not state.acting:
            self.close(live)
            return
        self.kept[id(state)] = (state, live)
        if len(self.kept) > MOST_KEPT:
            _, (_, oldest) = self.kept.popitem(last=False)
            self.close(oldest)

    def _live(self, state: ForeignState) -> Any:
        """The environment at `state`: taken from the cache, or created and stepped again."""
        held, live = self.kept.pop(id(state), (None, None))
        if held is state:
            return live
        live, again = self.open(state.seed)
        for moves in state.moves:
            again = replace(self.act(live, again, moves), moves=(*again.moves, moves))
        if again != state:
            raise ArenaError("the environment does not repeat itself: the same seed and moves lead to something else")
        return live
