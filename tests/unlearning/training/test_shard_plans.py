"""Exact deletion: what is trained again, what is bit for bit as it was, and the numbers of the simulator."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_facts
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearning.modeling.agent_weights import open_weights
from unlearning.request import Request
from unlearning.training.shard_plans import (
    ShardTraining,
    average_over,
    compute_share,
    count_deletions,
    find_survivors,
    list_rotations,
    plan_groups,
    plan_retraining,
    plan_shards,
    without_items,
)


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 5), st.integers(0, 9))
def test_every_item_is_in_one_slice(count: int, shards: int, slices: int, seed: int) -> None:
    plan = plan_shards(count, shards, slices, seed)
    dealt = [item for shard in plan for part in shard for item in part]
    assert sorted(dealt) == list(range(count)) and len(plan) == shards and {len(shard) for shard in plan} == {slices}
    sizes = [sum(map(len, shard)) for shard in plan]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.integers(1, 3), st.integers(1, 3), st.integers(0, 9))
def test_items_of_a_group_stay_together(groups: list[str], shards: int, slices: int, seed: int) -> None:
    plan = plan_groups(groups, shards, slices, seed)
    parts = [part for shard in plan for part in shard]
    assert sorted(item for part in parts for item in part) == list(range(len(groups)))
    assert all(sum(any(groups[item] == name for item in part) for part in parts) == 1 for name in set(groups))
    alone = [f"item {n}" for n in range(len(groups))]
    assert plan_groups(alone, shards, slices, seed) == plan_shards(len(groups), shards, slices, seed)


async def test_who_leaves_with_all_facts_touches_one_slice() -> None:
    """Two facts of one person, asked for in two ways each, in shards by person: three of four slices are served."""
    items = tuple(replace(item, tags={**item.tags, "person": str(n // 2)}) for n, item in enumerate(tiny_facts.ITEMS))
    method = tiny_facts.made("sisa", epochs=1, shards=2, slices=2, by="person")
    groups = [item.tags["person"] for item in sorted(items, key=lambda item: item.name)]
    plan = plan_groups(groups, 2, 2, method.seed)
    gone = {place for place, item in enumerate(sorted(items, key=lambda item: item.name)) if item in items[:2]}
    assert len(plan_retraining(plan, gone)) == 1
    apart = await method.run(tiny_facts.knower(), Request(items[:2], items[2:]))
    assert apart.ended.steps > 0


def test_a_deletion_trains_its_shard_from_its_slice() -> None:
    plan = (((0, 1), (2, 3)), ((4, 5), (6, 7)))
    assert plan_retraining(plan, {2}) == (ShardTraining(0, 1),)
    assert plan_retraining(plan, {2, 4}) == (ShardTraining(0, 1), ShardTraining(1, 0))
    assert without_items(plan, {2, 4}) == (((0, 1), (3,)), ((5,), (6, 7)))
    assert compute_share(plan, set()) == 0


@pytest.mark.parametrize("slices", [1, 2, 4, 8])
def test_one_deletion_trains_two_thirds_of_a_shard_in_the_limit(slices: int) -> None:
    """(2R + 1) / (3R), exactly, when slices are large: each item in turn."""
    count = 400 * slices
    plan = plan_shards(count, 1, slices, 0)
    shares = [compute_share(plan, {part[0]}) for part in plan[0]]
    assert sum(shares) / slices == pytest.approx((2 * slices + 1) / (3 * slices), rel=5e-3)


def test_rotations_put_every_slice_last_once() -> None:
    orders = list_rotations(5, 5)
    assert sorted(order[-1] for order in orders) == list(range(5)) == sorted(order[0] for order in orders)
    assert list_rotations(3, 1) == ((0, 1, 2),), "one order is SISA's schedule"


def test_the_longest_beginning_that_is_clean_is_served() -> None:
    slices = ((0, 1), (2, 3), (4, 5))
    assert find_survivors(slices, list_rotations(3, 1), {0}) == ()
    assert find_survivors(slices, list_rotations(3, 3), {0}) == (1, 2)
    assert find_survivors(slices, list_rotations(3, 3), {0, 4}) == (1,)
    assert find_survivors(slices, list_rotations(3, 3), set()) == (0, 1, 2)


def test_more_orders_serve_more_deletions() -> None:
    served = [
        average_over(40, lambda seed, budget=budget: count_deletions(120, 2, 6, list_rotations(6, budget), seed))  # type: ignore[misc]
        for budget in (1, 3, 6)
    ]
    assert served[0] < served[1] < served[2] and served[0] > 1


def states(agent: Any) -> list[Mapping[str, torch.Tensor]]:
    module = open_weights(agent, "test").module
    return [part.state_dict() for part in (module.each if hasattr(module, "each") else [module])]


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


SHARDED = {"epochs": 2, "shards": 2, "slices": 2}


async def test_a_retrained_shard_is_that_of_training_without_and_the_other_is_untouched(tmp_path: Path) -> None:
    method = tiny_facts.made("sisa", shelf=str(tmp_path / "shelf"), **SHARDED)
    agent, request = tiny_facts.knower(), Request(tiny_facts.ITEMS[:1], tiny_facts.ITEMS[1:])
    full = states(await method.teach(agent, tiny_facts.ITEMS))
    kept = len(list((tmp_path / "shelf").iterdir()))
    assert kept == 4, "every state of two shards of two slices"
    outcome = await method.run(agent, request)
    fresh = await tiny_facts.made("sisa", shelf=str(tmp_path / "other"), **SHARDED).run(agent, request)
    assert 0 < outcome.ended.steps < fresh.ended.steps
    assert all(same(one, other) for one, other in zip(states(outcome.agent), states(fresh.agent), strict=True))
    assert sorted(same(one, other) for one, other in zip(full, states(outcome.agent), strict=True)) == [False, True]
    again = await method.run(agent, request)
    assert again.ended.steps == 0, "all of it stands on the shelf"


async def test_s3t_serves_a_deletion_from_the_shelf_without_training(tmp_path: Path) -> None:
    settings = {"epochs": 2, "slices": 3, "orders": 3, "lora": {"rank": 2}}
    method = tiny_facts.made("s3t", shelf=str(tmp_path / "shelf"), **settings)
    agent, request = tiny_facts.knower(), Request(tiny_facts.ITEMS[:1], tiny_facts.ITEMS[1:])
    await method.teach(agent, tiny_facts.ITEMS)
    served = await method.run(agent, request)
    assert served.ended.steps == 0
    fresh = await tiny_facts.made("s3t", shelf="", **settings).run(agent, request)
    assert fresh.ended.steps > 0 and same(states(served.agent)[0], states(fresh.agent)[0])


async def test_retraining_is_the_same_whatever_was_to_be_forgotten() -> None:
    method, agent = tiny_facts.made("retrain", epochs=3), tiny_facts.knower()
    one = await method(agent, Request(tiny_facts.ITEMS[:2], tiny_facts.ITEMS[4:]))
    other = await method(agent, Request(tiny_facts.ITEMS[2:4], tiny_facts.ITEMS[4:]))
    assert same(states(one)[0], states(other)[0])
