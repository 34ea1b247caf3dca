"""Tournament: pairing of agents and their seats in a game."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any, Literal

from arena.agent import Agent
from arena.engine.play import play
from arena.episode import Match
from arena.errors import ArenaError, UsageError, unknown
from arena.game import Game
from arena.planning.schedule import Cell, lineups, orders
from arena.spec import Spec, build, describe, dump_canonical
from arena.spec_syntax import format_spec, parse_specs, split


@dataclass(frozen=True, slots=True)
class Tournament:
    """Every agent of a group meets every other, from every seat, on the same seeds. The fields are keys of a plan file.

    `agents` are names, texts as `linear(heeds=0|0.5)`, or tables. Each of `pairs` is a group of its own, two or more of
    the agents (or, without `agents`, all there are); by default all are one group. `between` names the seats that they
    compete for, by default those that the game scores; no other agents may be given for them. In a game of two such
    seats each pair plays both seatings; for N seats see `lineups` and `orders`. `self_play` adds each against itself.
    """

    agents: Sequence[Spec] = ()
    pairs: Sequence[str | Sequence[Spec]] = ()
    between: Sequence[str] = ()
    orders: Literal["rotations", "all"] = "rotations"
    self_play: bool = False

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Tournament":
        """From the table of a plan. Raises UsageError naming the key and what it takes."""
        known = [field.name for field in fields(cls)]
        for key, value in table.items():
            if key not in known:
                raise UsageError(f"plan: tournament: {unknown('key', key, known)}")
            if key in ("agents", "pairs", "between") and (isinstance(value, str) or not isinstance(value, Sequence)):
                raise UsageError(f"plan: tournament.{key} takes a list, got {value!r}")
            if key == "orders" and value not in ("rotations", "all"):
                raise UsageError(f"plan: tournament.orders is rotations or all, got {value!r}")
            if key == "self_play" and not isinstance(value, bool):
                raise UsageError(f"plan: tournament.self_play takes true or false, got {value!r}")
        return cls(**table)

    def cells(self, game: Game, base: Match, settings: Mapping[str, object]) -> Iterator[Cell]:
        """One cell for each seating; `base` is the match with the seats that are not competed for."""
        seats, ways = self._seats(game, base), dict[tuple[str, ...], tuple[Spec, ...]]()
        for group in self._groups():
            for agents in lineups(group, len(seats), self.self_play):
                for order in orders(agents, self.orders):
                    ways[tuple(name for name, _ in order)] = tuple(spec for _, spec in order)
        for names, specs in ways.items():
            named = {**base.seats, **dict(zip(seats, specs, strict=True))}
            yield Cell({**settings, **dict(zip(seats, names, strict=True))}, base.with_seats(named))

    def _seats(self, game: Game, base: Match) -> tuple[str, ...]:
        """The seats that are competed for. Raises UsageError for one that is unknown, or already has an agent."""
        for seat in self.between:
            if seat not in game.seats:
                raise UsageError(f"between: {unknown('seat', seat, game.seats)}")
        seats = tuple(self.between) or _find_scored_seats(game, base)
        for seat in base.seats:
            if seat in seats:
                others = ",".join(other for other in seats if other != seat) or "SEAT"
                raise UsageError(
                    f"the seat {seat} is competed for, so nobody can be named there, and settings go with the agent, "
                    f"such as linear(heeds=0.5); to compete for other seats alone, type --between {others}"
                )
        if len(set(seats)) != len(seats):
            raise UsageError(f"between names a seat twice: {', '.join(seats)}")
        return seats

    def _groups(self) -> list[list[tuple[str, Spec]]]:
        """The groups of agents, each agent by its name; equal agents count once. Raises UsageError."""
        known: dict[str, tuple[str, Spec]] = {}
        for name, spec in (named for given in self.agents for named in _expand_agents(given)):
            key = _resolve_spec(spec)
            if key in known:
                raise UsageError(_explain_duplicate(known[key][0], name))
            known[key] = name, spec
        if not self.pairs:
            return [_check_group_size(list(known.values()), "a tournament")]
        groups, listed, met = [], dict(known), set[frozenset[str]]()
        for pair in self.pairs:
            given = split(pair, ",") if isinstance(pair, str) else pair
            group: dict[str, tuple[str, Spec]] = {}
            for name, spec in (named for one in given for named in _expand_agents(one)):
                key = _resolve_spec(spec)
                if known and key not in known:
                    possible = [other for other, _ in known.values()]
                    raise UsageError(f"pair {pair!r}: {unknown('agent of this tournament', name, possible)}")
                group[key] = listed.setdefault(key, (name, spec))
            groups.append(_check_group_size(list(group.values()), f"the pair {pair!r}"))
            for two in combinations([name for name, _ in group.values()], 2):
                if frozenset(two) in met:
                    raise UsageError(f"{' and '.join(two)} are paired twice; leave one pair out")
                met.add(frozenset(two))
        return groups


def _explain_duplicate(first: str, second: str) -> str:
    if first == second:
        return f"{first!r} is given twice; to play agents against themselves, too, type --self-play"
    return f"{first!r} and {second!r} are the same agent; give them different settings, or leave one out"


def _check_group_size(group: list[tuple[str, Spec]], what: str) -> list[tuple[str, Spec]]:
    if len(group) < 2:
        got = group[0][0] if group else "none"
        raise UsageError(f"{what} needs two different agents or more, for example linear boulware; got {got}")
    return group


def _expand_agents(given: object) -> list[tuple[str, Spec]]:
    """The agents that a text, a table or a part expands to, with the name of each."""
    specs = parse_specs(given) if isinstance(given, str) else [given]
    return [(_name_agent(spec), spec) for spec in specs]


def _name_agent(spec: object) -> str:
    return format_spec(spec if isinstance(spec, str | Mapping) else describe(build(Agent, spec)))


def _resolve_spec(spec: Spec) -> str:
    """The resolved spec of an agent, without keys. Raises UsageError if it cannot be built."""
    from arena.store.rows import mask

    return dump_canonical(mask(describe(build(Agent, spec))))


def _find_scored_seats(game: Game, base: Match) -> tuple[str, ...]:
    """The seats that have a score when the game's default agents play the match once; if there are none, the seats
    without an agent.
    """
    free = tuple(seat for seat in game.seats if seat not in base.seats) or game.seats
    if len(game.seats) == 1:
        return game.seats
    try:
        scores = play(game, {}, base.seed).scores
    except ArenaError:
        return free
    return tuple(seat for seat in game.seats if scores.get(seat) is not None) or free
