"""Who meets whom: the cells of a plan, from a sweep over settings and from seats that change places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any, TypeVar

from arena.episode import Match
from arena.errors import UsageError, unknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of a plan: its settings by path, its match with the first seed, and who changed places."""

    settings: Mapping[str, Any]
    match: Match
    swapped: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What tells it from the other cells: `game.cost=6 buyer⇄seller`."""
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
    """Every choice of one value for each path; the last path changes fastest. One empty choice without paths."""
    for values in product(*paths.values()):
        yield dict(zip(paths, values, strict=True))


def swaps(cell: Cell, swap: bool | Sequence[str]) -> Iterator[Cell]:
    """The cell, then the same with each pair of the seats in `swap` changing places, where that makes a difference.

    True stands for the two seats of a game that has two. Raises UsageError for any other.
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
    """Who sits down together: `seats` of the agents, each as often as any other, give or take one.

    With at least as many agents as seats these are all combinations; with fewer, some sit there more than once. With
    `self_play`, also each agent in all seats. An agent for one seat sits alone.
    """
    each, more = divmod(seats, len(agents))
    for extra in combinations(range(len(agents)), more):
        yield tuple(agent for k, agent in enumerate(agents) for _ in range(each + (k in extra)))
    if self_play and seats > 1:
        for agent in agents:
            yield (agent,) * seats


def orders(lineup: Sequence[T], which: str = "rotations") -> Iterator[tuple[T, ...]]:
    """The ways to sit: "rotations", in which each agent sits in each seat equally often, or "all"; equal ones once."""
    turned = (tuple(lineup[k:]) + tuple(lineup[:k]) for k in range(len(lineup)))
    seen: list[tuple[T, ...]] = []
    for order in turned if which == "rotations" else permutations(lineup):
        if order not in seen:
            seen.append(order)
            yield order
