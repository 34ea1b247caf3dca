"""Contract of a game: a pure, seeded state machine over named seats.

A game holds no model, clock, file or `await`. `start` makes all random draws; after it, the state depends on moves
alone. So one loop plays every game, replay applies the recorded moves, and each game is testable without a model.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Generic

from typing_extensions import TypeAliasType, TypeVar

from arena.part_decorators import part
from arena.usage import FREE, Usage

JSON = TypeAliasType("JSON", "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None")
S = TypeVar("S", default=Any)
FREE_TEXT = "…"  # stands for free text in an action that a view lists as possible


@dataclass(frozen=True, slots=True)
class Message:
    """Something said or announced. `sender` "" is the arena itself; `to` () means everybody may read it.

    `tool` and `args` carry the action taken with the words, so that readers need not parse it from the text.
    `literal`: words are the only moves of this game, so their brackets are kept; elsewhere they are shown as round
    ones, since square brackets mark actions.
    """

    sender: str
    text: str
    tool: str = ""
    args: Mapping[str, JSON] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    round: int = 0
    literal: bool = False

    def reaches(self, seat: str) -> bool:
        """Whether `seat` may read it: everybody's, its own, or addressed to it."""
        return not self.to or seat in self.to or seat == self.sender


@dataclass(frozen=True, slots=True)
class Tool:
    """An action a seat can take. `parameters` are JSON Schema properties; all are required but `optional`.

    The loop refuses a wrong type and a value outside of an `enum`. `minimum` and `maximum` inform agents; a number out
    of range is refused by the game's `apply`, with a message of its own.
    """

    name: str
    about: str
    parameters: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.parameters)})"


@dataclass(frozen=True, slots=True)
class Move:
    """Answer of a seat: words, an action (`tool` with `args`), a private thought, and its usage."""

    text: str = ""
    tool: str = ""
    args: Mapping[str, JSON] = field(default_factory=dict)
    thought: str = ""
    usage: Usage = FREE


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a seat may know when it is asked.

    `known` holds as data what `rules` and `messages` say in words, for policies that do not parse text. `legal` lists
    the texts that are moves, where they can be listed. `own` are the seat's earlier moves. The loop adds the last
    three: `complaint`, the reason why the previous answer was refused, `seed`, the only source of randomness an agent
    may use, and `seats`, the names of all seats.
    """

    seat: str
    rules: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    legal: tuple[str, ...] | None = None
    own: tuple[Move, ...] = ()
    known: Mapping[str, JSON] = field(default_factory=dict)
    complaint: str = ""
    seed: int = 0
    seats: tuple[str, ...] = ()


class Game(ABC, Generic[S]):
    """The rules of one game; subclasses are frozen dataclasses whose fields are the game's parameters.

    A state is a frozen value. In games with hidden information, what only one seat knows is stored in
    `state.private[seat]`; `arena check` alters it and requires that the other seats' views stay the same.

    `rules_version` must be raised when the same answers would lead to other states, scores or facts, or a seat would
    get another prompt: matches of another version are different matches, and open ones are not resumed.
    """

    rules_version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {}

    @property
    @abstractmethod
    def seats(self) -> tuple[str, ...]:
        """The names of the seats, in order."""

    @property
    def cast(self) -> Mapping[str, str]:
        """Default agents: an agent's name by seat."""
        return dict.fromkeys(self.seats, "random")

    @abstractmethod
    def start(self, rng: Random) -> S:
        """The initial state; all random draws use `rng` here."""

    @abstractmethod
    def to_act(self, state: S) -> tuple[str, ...]:
        """The seats whose answers are needed: one for turns, several for simultaneous moves, none at the end."""

    @abstractmethod
    def view(self, state: S, seat: str) -> View:
        """The view of `seat`; it must not depend on what is private to seats that it is not `privy` to."""

    @abstractmethod
    def apply(self, state: S, moves: Mapping[str, Move]) -> S:
        """The next state. Raises IllegalMove(seat, why), which may depend on that seat's own move alone."""

    @abstractmethod
    def scores(self, state: S) -> dict[str, float | None]:
        """Payoff by seat; None for a seat without one."""

    def facts(self, state: S) -> dict[str, JSON]:
        """Values to record, by name; a list of objects becomes one row each."""
        return {}

    def watch(self, state: S) -> tuple[Message, ...]:
        """The transcript so far: all messages, private ones included."""
        return ()

    def privy(self, seat: str) -> frozenset[str]:
        """The seats whose private fields `seat` may see."""
        return frozenset({seat})

    @property
    def most_answers(self) -> Mapping[str, int] | None:
        """The most answers of each seat in one match, without refused ones; None: no limit."""
        return None

    @property
    def zero_sum(self) -> bool:
        """Whether one seat's gain is the others' loss: the scores of every finished episode have the same sum."""
        return False

    def bounds(self) -> tuple[float, float] | None:
        """The lowest and highest possible score of a seat; None: no bounds."""
        return None

    def forfeit(self, state: S, seat: str) -> S | None:
        """The state after `seat` used up its patience; None ends the match there."""
        return None


game = part("game", Game)
