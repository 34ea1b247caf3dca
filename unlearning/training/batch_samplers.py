"""Which samples form a batch: functions from sample pools to the draws of an epoch, pure given their seed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from random import Random
from typing import Protocol, TypeAlias

from arena.cache_register import register
from unlearning.losses.objective import Draw
from unlearning.modeling.forward_view import Sample
from unlearning.modeling.item_tokenization import Encoded

Pools: TypeAlias = Mapping[str, tuple[Sample, ...]]
NOBODY: frozenset[int] = frozenset()


class BatchPlan(Protocol):
    """pools: what each role draws from. Every forget sample that is not dropped comes once in an epoch."""

    @property
    def pools(self) -> Pools: ...
    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]: ...


def build_pool(encoded: Sequence[Encoded]) -> tuple[Sample, ...]:
    """Encoded items as samples that know their place."""
    return tuple(Sample(one, place) for place, one in enumerate(encoded))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each batch of the `anchor` role comes with as many samples of every other role.

    tied: roles that hold, for each anchor, equally many variants one after the other; an epoch takes one of them
    (refusals, alternates). The others are gone through in shuffled rounds that go on from epoch to epoch.
    """

    pools: Pools
    tied: frozenset[str] = frozenset()
    anchor: str = "forget"

    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]:
        anchors = self.pools[self.anchor]
        order = shuffle_places(len(anchors), f"{seed} {number}", dropped if self.anchor == "forget" else NOBODY)
        for first in range(0, len(order), batch):
            places = order[first : first + batch]
            draw = {self.anchor: tuple(anchors[place] for place in places)}
            for role, others in self.pools.items():
                if role in self.tied:
                    draw[role] = tuple(pick_variant(others, place, len(anchors), number, seed) for place in places)
                elif role != self.anchor and others:
                    start = number * len(anchors) + first
                    draw[role] = tuple(round_robin(others, start + row, f"{seed} {role}") for row in range(len(places)))
            yield draw


@dataclass(frozen=True, slots=True)
class Partners:
    """Each forget sample comes with one of its own partners in the role `retain`; another one each epoch.

    partners: for each forget sample, places in the retain pool: the k nearest (ICU, Xu et al. 2024), or the module of
    its entity (MELU).
    """

    pools: Pools
    partners: tuple[tuple[int, ...], ...]

    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]:
        anchors, others = self.pools["forget"], self.pools["retain"]
        order = shuffle_places(len(anchors), f"{seed} {number}", dropped)
        for first in range(0, len(order), batch):
            places = order[first : first + batch]
            chosen = (pick_in_cycle(self.partners[place], number, f"{seed} {place}") for place in places)
            yield {
                "forget": tuple(anchors[place] for place in places),
                "retain": tuple(others[place] for place in chosen),
            }


@dataclass(frozen=True, slots=True)
class Joined:
    """Another plan's draws with a role more: row b is made of forget sample b and retain sample b of the draw (SU)."""

    plan: BatchPlan
    join: Callable[[Sample, Sample], Encoded]
    role: str = "joined"

    @property
    def pools(self) -> Pools:
        return self.plan.pools

    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]:
        for draw in self.plan.epoch(number, batch, seed, dropped):
            pairs = zip(draw["forget"], draw["retain"], strict=True)
            yield {**draw, self.role: tuple(Sample(self.join(forget, retain)) for forget, retain in pairs)}


@dataclass(frozen=True, slots=True)
class Repeated:
    """Another plan gone through again and again: an epoch has `steps` draws, and goes on where the last one ended."""

    plan: BatchPlan
    steps: int

    @property
    def pools(self) -> Pools:
        return self.plan.pools

    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]:
        each = sum(1 for _ in self.plan.epoch(0, batch, seed, dropped))
        if not each:
            return
        lap, at = divmod(number * self.steps, each)
        laps = (draw for again in count(lap) for draw in self.plan.epoch(again, batch, seed, dropped))
        yield from islice(laps, at, at + self.steps)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same draws in each epoch, in order; for closed forms and for what others planned."""

    pools: Pools
    draws: tuple[Draw, ...] = field(default_factory=tuple)

    def epoch(self, number: int, batch: int, seed: int, dropped: frozenset[int] = NOBODY) -> Iterator[Draw]:
        yield from self.draws


def shuffle_places(size: int, seed: str, dropped: frozenset[int] = NOBODY) -> list[int]:
    """The places below `size` in random order, without those that are dropped."""
    order = list(range(size))
    Random(seed).shuffle(order)
    return [place for place in order if place not in dropped]


def round_robin(others: Sequence[Sample], place: int, seed: str) -> Sample:
    """The place-th of an endless row of shuffled rounds through `others`."""
    lap, at = divmod(place, len(others))
    return others[shuffle_cached(len(others), f"{seed} {lap}")[at]]


def pick_in_cycle(places: Sequence[int], number: int, seed: str) -> int:
    """One of the places: in shuffled rounds, by epoch."""
    lap, at = divmod(number, len(places))
    return places[shuffle_cached(len(places), f"{seed} {lap}")[at]]


def pick_variant(others: Sequence[Sample], place: int, anchors: int, number: int, seed: int) -> Sample:
    """The variant of anchor number `place` that is due in an epoch."""
    each = len(others) // anchors
    return others[pick_in_cycle(range(place * each, (place + 1) * each), number, f"{seed} {place}")]


_ORDERS: dict[tuple[int, str], list[int]] = register("tables", {})


def shuffle_cached(size: int, seed: str) -> list[int]:
    """A shuffled order, remembered, since every row of every batch asks for it."""
    if (size, seed) not in _ORDERS:
        if len(_ORDERS) > 4096:
            _ORDERS.clear()
        _ORDERS[size, seed] = shuffle_places(size, seed)
    return _ORDERS[size, seed]
