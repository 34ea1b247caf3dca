"""What goes into a game and what comes out: Match and Episode, both JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

from arena.agent import Agent
from arena.caches import memoize
from arena.errors import UsageError, unknown
from arena.game import JSON, Game, Move
from arena.spec import Spec, build, canonical, describe
from arena.usage import Call, Usage

Status: TypeAlias = Literal["over", "forfeit", "cut", "error"]
PATIENCE = 2


@dataclass(frozen=True)
class Match:
    """A plan for one episode: a game, an agent for each of its seats, a seed, and the patience with refused moves.

    `seats` may leave out seats: the game's own cast sits there. `branch`, 0 but in forks, changes the chance that the
    agents draw on and leaves the game's as it is.
    """

    game: Spec
    seats: Mapping[str, Spec] = field(default_factory=dict)
    seed: int = 0
    patience: int = PATIENCE
    branch: int = 0

    def built(self) -> tuple[Game[Any], dict[str, Agent]]:
        """The game and the agents. Raises UsageError for a wrong name, parameter, seat, or a missing key."""
        game = build("game", self.game, "game")
        if self.patience < 0:
            raise UsageError(f"patience is how many refused answers a seat may give: 0 or more, not {self.patience}")
        for seat in self.seats:
            if seat not in game.seats:
                raise UsageError(unknown(f"seat in {describe(game)['name']}", seat, game.seats))
        return game, {
            seat: build("agent", self.seats.get(seat, game.cast[seat]), f"seats.{seat}") for seat in game.seats
        }

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The match with every default written out: plain data."""
        game, agents = self.built()
        return {
            "game": describe(game),
            "rules_version": game.rules_version,
            "seats": {seat: describe(agent) for seat, agent in agents.items()},
            **self._numbers,
        }

    @property
    def _numbers(self) -> dict[str, int]:
        """Seed, patience and branch; the last only in forks, so that ids are what they were before there were forks."""
        numbers = {"seed": self.seed, "patience": self.patience}
        return numbers | {"branch": self.branch} if self.branch else numbers

    def with_seed(self, seed: int) -> "Match":
        """The same match with another seed; what it resolves to is not worked out again."""
        other = replace(self, seed=seed)
        other.__dict__["resolved"] = {**self.resolved, **other._numbers}
        return other

    @cached_property
    def id(self) -> str:
        """The hash of the resolved match, 16 hex digits: equal plans have equal ids, whatever was left to defaults."""
        return blake2b(canonical(self.resolved).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of one seat: accepted, or `refused` for the reason given.

    `step` counts the game's transitions, so simultaneous answers share one; `attempt` counts a seat's answers in it.
    """

    step: int
    seat: str
    move: Move
    attempt: int = 0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Episode:
    """A played match. `scores` are None where there is no payoff: never a number for something that failed.

    status: "over" by the rules, "forfeit" (`blame` used up its patience), "cut" (stopped from outside), "error".
    """

    match: Match
    turns: tuple[Turn, ...]
    scores: Mapping[str, float | None]
    facts: Mapping[str, JSON]
    status: Status = "over"
    blame: str = ""
    error: str = ""
    id: str = ""

    @property
    def moves(self) -> tuple[Turn, ...]:
        """The accepted answers."""
        return tuple(turn for turn in self.turns if not turn.refused)

    @property
    def usage(self) -> Usage:
        """All calls of all seats, refused answers included."""
        return Usage(tuple(call for turn in self.turns for call in turn.move.usage.calls))


def to_json(value: Match | Episode) -> str:
    """JSON of a match or an episode; each text of the prompts is written once."""
    texts: dict[tuple[str, str], int] = {}

    def pack(call: Call) -> Call:
        numbers = tuple((str(texts.setdefault(line, len(texts))), "") for line in call.prompt)
        return replace(call, prompt=numbers)

    if isinstance(value, Match):
        return canonical(
            {
                "game": describe_spec(value.game),
                "seats": {k: describe_spec(v) for k, v in value.seats.items()},
                **value._numbers,
            }
        )
    packed = replace(value, turns=tuple(_with_calls(turn, pack) for turn in value.turns))
    data = _adapter().dump_python(packed, mode="json", exclude={"match"})
    return canonical({**data, "match": json.loads(to_json(value.match)), "texts": list(texts)})


def match_from_json(text: str) -> Match:
    return Match(**json.loads(text))


def episode_from_json(text: str) -> Episode:
    data = json.loads(text)
    texts = [(role, line) for role, line in data.pop("texts")]
    episode: Episode = _adapter().validate_python({**data, "match": Match(**data["match"])})

    def unpack(call: Call) -> Call:
        return replace(call, prompt=tuple(texts[int(number)] for number, _ in call.prompt))

    return replace(episode, turns=tuple(_with_calls(turn, unpack) for turn in episode.turns))


def describe_spec(spec: Any) -> Any:
    """A spec as plain data, whether it was a name, a table or a built part."""
    return spec if isinstance(spec, str) else dict(spec) if isinstance(spec, Mapping) else describe(spec)


def _with_calls(turn: Turn, change: Any) -> Turn:
    usage = Usage(tuple(change(call) for call in turn.move.usage.calls))
    return replace(turn, move=replace(turn.move, usage=usage))


@memoize("code")
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Episode)
