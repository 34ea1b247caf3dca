"""Exact unlearning: retrain, with shards and slices, so that the answering model never saw the forget items."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from agents.inference.logit_ensemble import CombinationRule, Composed
from agents.inference.weight_loading import hash_weights
from arena.agent import Agent
from arena.parameter_ranges import Count
from arena.spec import describe, dump_canonical
from unlearning.method import method
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.architectures import anatomy
from unlearning.modeling.trainable_parameters import Lora, add_adapter, copy_trainable, merge_adapter
from unlearning.modeling.training_cost import CostMeter
from unlearning.request import Item, Request
from unlearning.training.retrain import RetrainedWithout
from unlearning.training.shard_plans import (
    Slices,
    average_over,
    compute_share,
    count_deletions,
    find_survivors,
    list_rotations,
    plan_groups,
    without_items,
)
from unlearning.training.shard_states import ShardStates, name_of
from unlearning.training.trainer import Ended, Tell, Training
from unlearning.training.training_problem import TrainingProblem

DRAWS = 40  # random orders of deletions, for the mean of how many are served


@method("retrain")
@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain(RetrainedWithout):
    """Retraining without the items: the definition of having forgotten.

    L = NLL(retain), from the weights before teaching (`origin`), or from fresh ones. Cost: 3F a step over all that is
    kept: that of teaching. Weakness: nothing that is not in what is kept, or in the origin.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharded(RetrainedWithout):
    """Base of the methods that train separate models on shards of the data, in slices (SISA)."""

    shards: Count = 2
    """Models trained on disjoint parts of the data; an answer is drawn from their mean probability."""
    slices: Count = 3
    """Slices of each shard, learned one after the other with a checkpoint after each."""
    by: str = ""
    """Tag, such as subject: items that share its value go to one slice, so that forgetting all of them retrains one
    shard. "": items of one name go together."""
    shelf: str = ""
    """Folder that stores the checkpoint after each slice, so that later requests retrain only what they change; "":
    none is stored."""

    def _train(self, study: TrainingProblem, tell: Tell | None, folder: Path | None) -> tuple[Any, Ended, CostMeter]:
        meter, began, threads = CostMeter(), perf_counter(), torch.get_num_threads()
        items = (*study.request.forget, *study.request.retain)
        torch.set_num_threads(self.threads)
        try:
            gone = frozenset(item.name for item in study.request.forget)
            models, steps = self.models(study, items, gone, meter, tell)
        finally:
            torch.set_num_threads(threads)
        meter.seconds += perf_counter() - began
        return combine_models(models), Ended(steps, self.epochs, notes=(self.outlook(items, gone),)), meter

    @abstractmethod
    def outlook(self, items: Sequence[Item], gone: Collection[str]) -> str:
        """A sentence on the cost of the request, and of further ones, in this plan."""

    def groups(self, items: Sequence[Item]) -> list[str]:
        """The group of each item; a group is never split over shards."""
        return [item.tags.get(self.by, item.name) for item in items]

    async def teach(self, agent: Agent, items: Sequence[Item], *, tell: Tell | None = None) -> Agent:
        """The agent trained on all of these items in shards; the states are cached for later requests."""
        found = open_weights(agent, self._name)
        study = self.study(found, Request(tuple(items[:1]), tuple(items[1:])))
        models, _ = await asyncio.to_thread(self.models, study, items, frozenset(), CostMeter(), tell, True)
        return found.with_module(combine_models(models))

    def models(
        self, study: TrainingProblem, items: Sequence[Item], gone: frozenset[str], meter: CostMeter, tell: Tell | None,
        whole: bool = False,
    ) -> tuple[list[Any], int]:  # fmt: skip
        """The model of each shard, and how many steps were trained. gone: names of items that no shard may be trained
        on. whole: train all states that later requests may need."""
        ordered = sorted(items, key=lambda item: item.name)
        places = {place for place, item in enumerate(ordered) if item.name in gone}
        plan = plan_groups(self.groups(ordered), self.shards, self.slices, self.seed)
        shelf = ShardStates(Path(self.shelf) if self.shelf else None)
        found = [
            self.shard(Shard(study, number, slices, ordered, shelf, meter, tell), places, whole)
            for number, slices in enumerate(plan)
        ]
        return [model for model, _ in found], sum(steps for _, steps in found)

    @abstractmethod
    def shard(self, at: "Shard", gone: Collection[int], whole: bool) -> tuple[Any, int]:
        """One shard's model, and how many steps were trained for it; abstract."""

    def chain(self, at: "Shard", piece: Any, parts: Sequence[Sequence[Item]], where: Sequence[str], kept: str) -> int:
        """Train `piece` slice by slice, on all items so far and the parameters whose names match `where`, or take the
        states from the cache; `kept` matches what a state holds. Returns the steps that were trained."""
        origin, steps = hash_weights(self.start(at.study)), 0
        for cut in range(len(parts)):
            key = self.key(origin, at.number, parts[: cut + 1])
            state = at.shelf.get(key)
            if state is None:
                learnt = [item for part in parts[: cut + 1] for item in part]
                steps += self.learn(at, piece, where[cut], learnt, self.seed + 1000 * at.number + cut)
                at.shelf.put(key, {name: p for name, p in piece.named_parameters() if re.search(kept, name)})
            else:
                piece.load_state_dict(state, strict=False)
        return steps

    def learn(self, at: "Shard", piece: Any, where: str, items: Sequence[Item], seed: int) -> int:
        """Train the parameters of `piece` whose names match on the items, and return the steps it took."""
        if not items:
            return 0
        for name, parameter in piece.named_parameters():
            parameter.requires_grad_(bool(re.search(where, name)))
        request = Request((Item("none of these"),), tuple(items))
        job = replace(self, seed=seed).job(replace(at.study, request=request), at.meter, piece=piece)
        return Training(job, at.meter, at.tell).run().steps

    def key(self, origin: str, number: int, learnt: Sequence[Sequence[Item]]) -> str:
        """The name of a shard's state: settings, origin and all that was trained on, slice by slice."""
        settings = {name: value for name, value in describe(self).items() if name not in ("shelf", "orders")}
        return name_of(dump_canonical(settings), origin, str(number), [repr(part) for part in learnt])


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A shard in training: its number, its slices as indices of the items, and where its states are kept."""

    study: TrainingProblem
    number: int
    slices: Slices
    items: Sequence[Item]
    shelf: ShardStates
    meter: CostMeter
    tell: Tell | None

    def parts(self, slices: Sequence[Sequence[int]]) -> list[list[Item]]:
        """Places as items."""
        return [[self.items[place] for place in part] for part in slices]


@method("sisa")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sisa(Sharded):
    """SISA: a model per shard, a checkpoint after each slice; a deletion retrains its shard from the slice before.

    Slice r of a shard is trained, from the state after r − 1, on slices 1 … r; the mean probability of the shards
    answers (Bourtoule et al. 2021). An untouched shard is bit for bit what it was; a touched one is what training
    without the item gives. Cost: for one deletion (2R + 1)/(3R) of one shard of R slices in the mean, from the shelf;
    all of it without one. S models in memory. Weakness: nothing; each shard knows less than one model would.
    """

    def outlook(self, items: Sequence[Item], gone: Collection[str]) -> str:
        ordered = sorted(items, key=lambda item: item.name)
        plan = plan_groups(self.groups(ordered), self.shards, self.slices, self.seed)
        share = compute_share(plan, {place for place, item in enumerate(ordered) if item.name in gone})
        return f"with all states on a shelf the request trains {share:.0%} of the sample passes of teaching again"

    def shard(self, at: Shard, gone: Collection[int], whole: bool) -> tuple[Any, int]:
        (kept,) = without_items([at.slices], gone)
        piece = copy_trainable(self.start(at.study), self.scope(at.study))
        steps = self.chain(at, piece, at.parts(kept), [self.where] * len(kept), self.where)
        return piece.eval().requires_grad_(False), steps


@method("s3t")
@dataclass(frozen=True, slots=True, kw_only=True)
class S3T(Sharded):
    """S3T: each slice is learned by layers of its own, so that a deletion switches layers off and trains nothing.

    Slice i of an order trains the i-th group of LoRA layers, the top ones first, on slices 1 … i, all else frozen;
    deleting from a slice switches off its group and those after it. Several orders of the slices are trained, and the
    one with the longest prefix without a deleted item is served (Chowdhury et al. 2025). Published: LoRA rank 32, 4 to
    8 layers a slice, lr 2e-5, 3 epochs. Cost: `orders` times the fine-tuning, once; a deletion costs nothing until no
    prefix is left (then the origin answers). Weakness: none in forgetting; all slices after the deleted one are lost
    with it.
    """

    shards: Count = 1
    orders: Count = 3
    """Rotations of the slices that are trained and stored."""
    lora: Lora | None = field(default_factory=partial(Lora, rank=32, alpha=64))

    def outlook(self, items: Sequence[Item], gone: Collection[str]) -> str:
        count = len(set(self.groups(items)))

        def count_served(orders: int) -> float:
            rotated = list_rotations(self.slices, orders)
            return average_over(DRAWS, lambda seed: count_deletions(count, self.shards, self.slices, rotated, seed))

        many, one = count_served(self.orders), count_served(1)
        return (
            f"of {count} deletions, one at a time in random order, {self.orders} orders serve {many:.1f} in "
            f"the mean before a shard has nothing left to serve, one order {one:.1f}"
        )

    def shard(self, at: Shard, gone: Collection[int], whole: bool) -> tuple[Any, int]:
        orders = list_rotations(len(at.slices), self.orders)
        served = find_survivors(at.slices, orders, gone)
        done = [self.prefix(at, order) for order in (orders if whole else (served,))]
        return done[0][0], sum(steps for _, steps in done)

    def prefix(self, at: Shard, order: Sequence[int]) -> tuple[Any, int]:
        """The model after these slices, in this order, and how many steps were trained for it."""
        assert self.lora is not None
        piece = add_adapter(self.start(at.study), self.lora, self.seed)
        groups = [self.group(piece, cut) for cut in range(len(order))]
        steps = self.chain(at, piece, at.parts([at.slices[cut] for cut in order]), groups, "lora_")
        return merge_adapter(piece).eval().requires_grad_(False), steps

    def group(self, piece: object, cut: int) -> str:
        """Names of the LoRA matrices that slice number `cut` trains: the layers from the top, in equal groups."""
        parts = anatomy(piece)
        depth = parts.depth
        first, behind = depth - depth * (cut + 1) // self.slices, depth - depth * cut // self.slices
        layers = "|".join(str(layer) for layer in range(max(0, min(first, behind - 1)), behind))
        return rf"{re.escape(parts.plan.layers)}\.({layers})\..*lora_"


def combine_models(models: Sequence[object]) -> Any:
    """One model that answers for all shards."""
    if len(models) == 1:
        return models[0]
    return Composed({f"shard{number}": model for number, model in enumerate(models)}, CombinationRule("mean"))
