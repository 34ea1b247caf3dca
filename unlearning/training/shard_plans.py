"""Exact deletion with shards and slices: what has to be retrained, and how much of it, as plain numbers."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Slices: TypeAlias = tuple[tuple[int, ...], ...]  # of one shard: the items of each slice


@dataclass(frozen=True, slots=True)
class ShardTraining:
    """A shard to train again, from the state after `first` of its slices (0: from scratch)."""

    shard: int
    first: int


def plan_shards(count: int, shards: int, slices: int, seed: int) -> tuple[Slices, ...]:
    """The items 0 … count − 1 dealt to shards, and within each to slices, at random; sizes differ by one at most."""
    order = list(range(count))
    Random(seed).shuffle(order)
    parts = [order[shard::shards] for shard in range(shards)]
    return tuple(tuple(tuple(sorted(part[cut::slices])) for cut in range(slices)) for part in parts)


def plan_groups(groups: Sequence[str], shards: int, slices: int, seed: int) -> tuple[Slices, ...]:
    """The same for items of which those of one group, named by item, stay together; sizes are counted in groups."""
    names = list(dict.fromkeys(groups))
    places: dict[str, list[int]] = {name: [] for name in names}
    for place, name in enumerate(groups):
        places[name].append(place)
    plan = plan_shards(len(names), shards, slices, seed)
    return tuple(
        tuple(tuple(sorted(place for number in part for place in places[names[number]])) for part in shard)
        for shard in plan
    )


def without_items(plan: Sequence[Slices], gone: Collection[int]) -> tuple[Slices, ...]:
    """The plan without these items; all others stay where they are."""
    return tuple(tuple(tuple(i for i in part if i not in gone) for part in shard) for shard in plan)


def plan_retraining(plan: Sequence[Slices], gone: Collection[int]) -> tuple[ShardTraining, ...]:
    """The retraining plan of SISA (Bourtoule et al. 2021): each shard that held one of them, from before its first
    slice that did."""
    found = []
    for shard, slices in enumerate(plan):
        hit = [number for number, part in enumerate(slices) if set(part) & set(gone)]
        if hit:
            found.append(ShardTraining(shard, hit[0]))
    return tuple(found)


def compute_share(plan: Sequence[Slices], gone: Collection[int]) -> float:
    """The sample passes of that work over those of training everything; slice r is trained on slices 1 … r.

    One uniform deletion, one shard, R equal slices: (2R + 1) / (3R) in the mean, towards 2/3.
    """
    left = without_items(plan, gone)

    def passes(shard: Slices, first: int) -> int:
        return sum(sum(map(len, shard[: number + 1])) for number in range(first, len(shard)))

    again = sum(passes(left[work.shard], work.first) for work in plan_retraining(plan, gone))
    return again / sum(passes(shard, 0) for shard in plan)


def list_rotations(slices: int, budget: int) -> tuple[tuple[int, ...], ...]:
    """`budget` orders of the slices, each the one before moved on (S3T, Chowdhury et al. 2025): with as many as there
    are slices, each slice is at every position once, also the last."""
    step = max(1, slices // max(1, budget))
    starts = [(number * step) % slices for number in range(min(budget, slices))]
    return tuple(tuple((start + place) % slices for place in range(slices)) for start in starts)


def find_survivors(slices: Slices, orders: Sequence[Sequence[int]], gone: Collection[int]) -> tuple[int, ...]:
    """The longest prefix of one of the orders without a slice with a deleted item; () where there is none."""
    hit = {number for number, part in enumerate(slices) if set(part) & set(gone)}
    best: tuple[int, ...] = ()
    for order in orders:
        clean = next((place for place, number in enumerate(order) if number in hit), len(order))
        best = max(best, tuple(order[:clean]), key=len)
    return best


def count_deletions(count: int, shards: int, slices: int, orders: Sequence[Sequence[int]], seed: int) -> int:
    """The number of deletions, one at a time in random order, that S3T serves before a shard is exhausted."""
    plan = plan_shards(count, shards, slices, seed)
    order = list(range(count))
    Random(f"deletions {seed}").shuffle(order)
    gone: set[int] = set()
    for number, item in enumerate(order):
        gone.add(item)
        if any(not find_survivors(shard, orders, gone) for shard in plan):
            return number
    return count


def average_over(seeds: int, reading: Callable[[int], float]) -> float:
    """The mean of a reading over the seeds 0 … seeds − 1: the simulator."""
    return sum(reading(seed) for seed in range(seeds)) / seeds
