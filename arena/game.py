"""The contract of a game: a pure, seeded state machine over named seats.

A game holds no model, clock, file or `await`. `start` draws everything that is drawn; after that, moves alone decide.
So one loop plays every game, replay is a fold over recorded moves, and each game is testable without a model.
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


@dataclass(frozen=True, slots=True)
class Message:
    """Something said or announced. `sender` "" is the arena itself; `to` () means everybody may read it.

    `tool` and `args` carry the action taken with the words, so that no reader has to guess it from them.
    `literal`: words are the only moves of this game, so brackets in them stand as they were written; elsewhere readers
    are shown round ones, since square brackets mark actions.
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

    The loop refuses a wrong type and what is not in an `enum`. `minimum` and `maximum` tell agents where to look; a
    number out of range is refused by the game's `apply`, in its own words.
    """

    name: str
    about: str
    parameters: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.parameters)})"


@dataclass(frozen=True, slots=True)
class Move:
    """What a seat answers: words, an action (`tool` with `args`), a thought nobody else sees, and its cost."""

    text: str = ""
    tool: str = ""
    args: Mapping[str, JSON] = field(default_factory=dict)
    thought: str = ""
    usage: Usage = FREE


@dataclass(frozen=True, slots=True)
class View:
    """All that a seat may know when it is asked.

    `known` says in numbers what `rules` and `messages` say in words, for policies that do not read. `legal` lists
    the texts that are moves, where they can be listed. `own` are the seat's earlier moves. The loop adds the last
    three: `complaint`, why the previous answer was refused, `seed`, the only source of chance an agent may use, and
    `seats`, everybody at the table.
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

    A state is a frozen value. What only one seat knows stands in `state.private[seat]`, where the game has hidden
    information; `arena check` alters it and demands that the other seats' views stay the same.

    `rules_version` is raised when the same answers would lead to other states, scores or facts, or a seat would be
    asked something else: matches of another version are other matches, and open ones are not gone on with.
    """

    rules_version: ClassVar[int] = 1
    presets: ClassVar[Mapping[str, Mapping[str, JSON]]] = {}

    @property
    @abstractmethod
    def seats(self) -> tuple[str, ...]:
        """The names of the seats, in order."""

    @property
    def cast(self) -> Mapping[str, str]:
        """Who sits where when nobody is named: an agent's name by seat."""
        return dict.fromkeys(self.seats, "random")

    @abstractmethod
    def start(self, rng: Random) -> S:
        """The first state; all chance is drawn from `rng` here."""

    @abstractmethod
    def to_act(self, state: S) -> tuple[str, ...]:
        """Whose answers are needed: one seat for turns, several for simultaneous moves, none when it is over."""

    @abstractmethod
    def view(self, state: S, seat: str) -> View:
        """What `seat` sees; it must not depend on what is private to seats it is not `privy` to."""

    @abstractmethod
    def apply(self, state: S, moves: Mapping[str, Move]) -> S:
        """The next state. Raises IllegalMove(seat, why), which depends on that seat's own move alone."""

    @abstractmethod
    def scores(self, state: S) -> dict[str, float | None]:
        """Payoff by seat; None for a seat that has none."""

    def facts(self, state: S) -> dict[str, JSON]:
        """What is worth a row: values by name; a list of tables becomes one row each."""
        return {}

    def watch(self, state: S) -> tuple[Message, ...]:
        """Everything said and announced so far, private parts included: the transcript."""
        return ()

    def privy(self, seat: str) -> frozenset[str]:
        """The seats whose private fields `seat` may see."""
        return frozenset({seat})

    @property
    def most_answers(self) -> Mapping[str, int] | None:
        """How often each seat may be asked at most in one match, refusals apart; None: the rules set no limit."""
        return None

    @property
    def zero_sum(self) -> bool:
        """Whether what one seat gains the others lose: the scores of every episode that is over have the same sum."""
        return False

    def bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest score that a seat can have; None: the rules set none."""
        return None

    def forfeit(self, state: S, seat: str) -> S | None:
        """The state after `seat` used up its patience; None ends the match there."""
        return None


game = part("game", Game)
