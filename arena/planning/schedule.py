"""Match schedule: the cells of a plan, from a sweep over settings and swapped seats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any, TypeVar

from arena.episode import Match
from arena.errors import UsageError, unknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a plan: its settings by path, its match with the first seed, and the swapped seats."""

    settings: Mapping[str, Any]
    match: Match
    swapped: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A label that distinguishes the cell: `game.cost=6 buyer⇄seller`."""
        said = [f"{path}={value.get('name', value) if isinstance(value, Mapping) else value}" for path, value in
                self.settings.items()]  # fmt: skip
        return " ".join([*said, *(["⇄".join(self.swapped)] if self.swapped else [])])


def sweep_paths(table: Mapping[str, object], above: str = "") -> dict[str, list[Any]]:
    """The swept settings by path, `seats.buyer.model.name`, with the values each takes. Raises UsageError."""
    paths: dict[str, list[Any]] = {}
    for key, value in table.items():
        path = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            paths |= sweep_paths(value, path)
        elif isinstance(value, list) and value:
            paths[path] = value
        else:
            raise UsageError(f"plan: sweep.{path} takes a list of values, such as [6, 8]; got {value!r}")
    return paths


def combinations_of(paths: Mapping[str, Sequence[object]]) -> Iterator[dict[str, Any]]:
    """All combinations of one value per path; the last path changes fastest. One empty combination without paths."""
    for values in product(*paths.values()):
        yield dict(zip(paths, values, strict=True))


def swaps(cell: Cell, swap: bool | Sequence[str]) -> Iterator[Cell]:
    """The cell, then the same with each pair of the seats in `swap` exchanged, where that makes a difference.

    True means the two seats of a two-seat game. Raises UsageError for other games.
    """
    game, _ = cell.match.build_parts()
    yield cell
    if swap is False:
        return
    if swap is True and len(game.seats) != 2:
        raise UsageError(
            f"plan: swap = true needs a game of two seats; name who changes places among {', '.join(game.seats)}, "
            f"such as swap = {list(game.seats[:2])}"
        )
    seats = game.seats if swap is True else tuple(swap)
    for seat in seats:
        if seat not in game.seats:
            raise UsageError(f"plan: swap: {unknown('seat', seat, game.seats)}")
    if len(seats) == 1:
        raise UsageError(f"plan: swap takes two seats or more, got {list(seats)}")
    for left, right in combinations(seats, 2):
        named = {seat: cell.match.seats.get(seat, game.cast[seat]) for seat in game.seats}
        other = cell.match.with_seats({**named, left: named[right], right: named[left]})
        if other.resolved != cell.match.resolved:
            yield Cell(cell.settings, other, (left, right))


def lineups(agents: Sequence[T], seats: int, self_play: bool = False) -> Iterator[tuple[T, ...]]:
    """Groups of agents that play together: `seats` of them, each about equally often.

    With at least as many agents as seats these are all combinations; with fewer, some agents fill several seats. With
    `self_play`, also each agent in all seats. In a one-seat game each group is one agent.
    """
    each, more = divmod(seats, len(agents))
    for extra in combinations(range(len(agents)), more):
        yield tuple(agent for k, agent in enumerate(agents) for _ in range(each + (k in extra)))
    if self_play and seats > 1:
        for agent in agents:
            yield (agent,) * seats


def orders(lineup: Sequence[T], which: str = "rotations") -> Iterator[tuple[T, ...]]:
    """Seat orders of a group: "rotations", in which each agent has each seat equally often, or "all"; without
    duplicates.
    """
    turned = (tuple(lineup[k:]) + tuple(lineup[:k]) for k in range(len(lineup)))
    seen: list[tuple[T, ...]] = []
    for order in turned if which == "rotations" else permutations(lineup):
        if order not in seen:
            seen.append(order)
            yield order
