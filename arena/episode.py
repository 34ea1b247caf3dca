"""Input and output of a game: Match and Episode, both JSON-serialisable."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

from arena.agent import Agent
from arena.cache_register import memoize
from arena.errors import UsageError, unknown
from arena.game import JSON, Game, Move
from arena.spec import Spec, build, describe, dump_canonical, is_stateless
from arena.usage import Call, Usage

Status: TypeAlias = Literal["over", "forfeit", "cut", "error"]
PATIENCE = 2


@dataclass(frozen=True)
class Match:
    """A plan for one episode: a game, an agent for each of its seats, a seed, and the patience with refused moves.

    `seats` may omit seats: the game's default agents fill them. `branch`, 0 except in forks, changes the seeds of the
    agents and leaves the game's as it is.
    """

    game: Spec
    seats: Mapping[str, Spec] = field(default_factory=dict)
    seed: int = 0
    patience: int = PATIENCE
    branch: int = 0

    def build_parts(self) -> tuple[Game, dict[str, Agent]]:
        """The game and the agents, built once and shared by this match and those derived from it (`with_seed` etc.);
        only parts with state of their own (against the contract, or wrapping foreign environments) are rebuilt each
        time. Raises UsageError for a wrong name, parameter or seat, or a missing key.
        """
        game, agents = self._parts
        if not is_stateless(game):
            game = build(Game, self.game, "game")
        return game, {seat: a if is_stateless(a) else self._agent(seat, game) for seat, a in agents.items()}

    @cached_property
    def _game(self) -> Game:
        game = build(Game, self.game, "game")
        return game

    @cached_property
    def _parts(self) -> tuple[Game, Mapping[str, Agent]]:
        game = self._game
        if self.patience < 0:
            raise UsageError(f"patience is how many refused answers a seat may give: 0 or more, not {self.patience}")
        for seat in self.seats:
            if seat not in game.seats:
                raise UsageError(unknown(f"seat in {describe(game)['name']}", seat, game.seats))
        return game, {seat: self._agent(seat, game) for seat in game.seats}

    def _agent(self, seat: str, game: Game) -> Agent:
        agent = build(Agent, self.seats.get(seat, game.cast[seat]), f"seats.{seat}")
        return agent

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The match with every default written out: plain data."""
        game, agents = self._parts
        return {
            "game": describe(game),
            "rules_version": game.rules_version,
            "seats": {seat: describe(agent) for seat, agent in agents.items()},
            **self._numbers,
        }

    @property
    def _numbers(self) -> dict[str, int]:
        """Seed, patience and branch; the branch only in forks, so that older ids stay valid."""
        numbers = {"seed": self.seed, "patience": self.patience}
        return numbers | {"branch": self.branch} if self.branch else numbers

    def with_seed(self, seed: int) -> "Match":
        """The same match with another seed; its parts are not rebuilt."""
        return self if seed == self.seed else self._with(replace(self, seed=seed))

    def with_branch(self, branch: int) -> "Match":
        """The same match as another fork; its parts are not rebuilt."""
        return self._with(replace(self, branch=branch))

    def with_seats(self, seats: Mapping[str, Spec]) -> "Match":
        """The same game with these agents; the game is not rebuilt."""
        return replace(self, seats=seats).of_game(self._game)

    def of_game(self, game: Game) -> "Match":
        """The same match with `game`, already built from its spec."""
        vars(self)["_game"] = game
        return self

    def _with(self, other: "Match") -> "Match":
        vars(other).update(_game=self._game, _parts=self._parts, resolved={**self.resolved, **other._numbers})
        return other

    @cached_property
    def id(self) -> str:
        """Hash of the resolved match, 16 hex digits; independent of which values were left to defaults."""
        return blake2b(dump_canonical(self.resolved).encode(), digest_size=8).hexdigest()


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
        return dump_canonical(
            {
                "game": describe_spec(value.game),
                "seats": {k: describe_spec(v) for k, v in value.seats.items()},
                **value._numbers,
            }
        )
    packed = replace(value, turns=tuple(_change_calls(turn, pack) for turn in value.turns))
    data = _make_adapter().dump_python(packed, mode="json", exclude={"match"})
    return dump_canonical({**data, "match": json.loads(to_json(value.match)), "texts": list(texts)})


def parse_match(text: str) -> Match:
    return Match(**json.loads(text))


def parse_episode(text: str) -> Episode:
    data = json.loads(text)
    texts = [(role, line) for role, line in data.pop("texts")]
    episode: Episode = _make_adapter().validate_python({**data, "match": Match(**data["match"])})

    def unpack(call: Call) -> Call:
        return replace(call, prompt=tuple(texts[int(number)] for number, _ in call.prompt))

    return replace(episode, turns=tuple(_change_calls(turn, unpack) for turn in episode.turns))


def describe_spec(spec: object) -> Any:
    """A spec as plain data, whether it was a name, a table or a built part."""
    return spec if isinstance(spec, str) else dict(spec) if isinstance(spec, Mapping) else describe(spec)


def _change_calls(turn: Turn, change: Any) -> Turn:
    usage = Usage(tuple(change(call) for call in turn.move.usage.calls))
    return replace(turn, move=replace(turn.move, usage=usage))


@memoize("code")
def _make_adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Episode)
