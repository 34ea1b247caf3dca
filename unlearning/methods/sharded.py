"""Exact methods: the items to be forgotten were never learnt by what answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from agents.engine_composed import Composed, Rule
from agents.engine_weights import fingerprint
from arena.agent import Agent
from arena.spec import canonical, describe
from unlearning.anatomy import anatomy
from unlearning.cost import Meter
from unlearning.method import method
from unlearning.request import Item, Request
from unlearning.scope import Lora, adapted, merged, workpiece
from unlearning.sharding import Slices, rotations, shard_plan, survivors, without
from unlearning.slices import Shelf, name_of
from unlearning.study import Study
from unlearning.taught import Taught
from unlearning.training import Ended, Tell, Training


@method("retrain")
@dataclass(frozen=True, slots=True, kw_only=True)
class Retrain(Taught):
    """Retraining without the items: the definition of having forgotten.

    L = NLL(retain), from the weights before teaching (`origin`), or from fresh ones. Cost: 3F a step over all that is
    kept: that of teaching. Leaks: nothing that is not in what is kept, or in the origin.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharded(Taught):
    """The base of methods that train shards apart. shards: models, whose mean probability answers; slices: of each.
    shelf: a folder that keeps every state, so that later requests train only what they change; "" keeps none."""

    shards: int = 2
    slices: int = 3
    shelf: str = ""

    def __post_init__(self) -> None:
        Taught.__post_init__(self)
        if self.shards < 1 or self.slices < 1:
            raise ValueError(f"shards and slices are 1 or more, not {self.shards} and {self.slices}")

    def _train(self, study: Study, tell: Tell | None, folder: Path | None) -> tuple[Any, Ended, Meter]:
        meter = Meter()
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            models, steps = self.models(study, meter, tell)
        finally:
            torch.set_num_threads(threads)
        whole = models[0] if len(models) == 1 else Composed(
            {f"shard{number}": model for number, model in enumerate(models)}, Rule("mean")
        )  # fmt: skip
        return whole, Ended(steps, self.epochs), meter

    def models(self, study: Study, meter: Meter, tell: Tell | None) -> tuple[list[Any], int]:
        """The model of each shard, and how many steps were trained."""
        items = sorted((*study.request.forget, *study.request.retain), key=lambda item: item.name)
        gone = {place for place, item in enumerate(items) if item in study.request.forget}
        plan = shard_plan(len(items), self.shards, self.slices, self.seed)
        shelf = Shelf(Path(self.shelf) if self.shelf else None)
        models, steps = [], 0
        for number, slices in enumerate(plan):
            found = self.shard(study, number, slices, gone, items, shelf, meter, tell)
            steps += found[1]
            models.append(found[0])
        return models, steps

    def shard(
        self, study: Study, number: int, slices: Slices, gone: set[int], items: Sequence[Item], shelf: Shelf,
        meter: Meter, tell: Tell | None,
    ) -> tuple[Any, int]:  # fmt: skip
        """One shard's model, and how many steps were trained for it: the hole."""
        raise NotImplementedError

    def learn(
        self, study: Study, piece: Any, where: str, items: Sequence[Item], seed: int, meter: Meter, tell: Tell | None
    ) -> int:
        """Train the parameters of `piece` whose names match on the items, and return the steps it took."""
        if not items:
            return 0
        for name, parameter in piece.named_parameters():
            parameter.requires_grad_(bool(re.search(where, name)))
        request = Request((Item("none of these"),), tuple(items))
        job = replace(self, seed=seed).job(replace(study, request=request), meter, piece=piece)
        return Training(job, meter, tell).run().steps

    def key(self, origin: Any, number: int, learnt: Sequence[Sequence[Item]]) -> str:
        """The name of a shard's state: settings, origin and all that was trained on, slice by slice."""
        settings = describe(self)
        settings.pop("shelf")
        return name_of(canonical(settings), fingerprint(origin), str(number), [repr(part) for part in learnt])


@method("sisa")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sisa(Sharded):
    """SISA: shards trained apart, in slices whose states are kept; a deletion trains its own shard again, from the
    slice before.

    Slice r of a shard is trained, from the state after r − 1, on slices 1 … r; the mean probability of the shards
    answers (Bourtoule et al. 2021). An untouched shard is bit for bit what it was; a touched one is what training
    without the item gives. Cost: for one deletion (2R + 1)/(3R) of one shard of R slices in the mean, from the shelf;
    all of it without one. S models in memory. Leaks: nothing; each shard knows less than one model would.
    """

    def shard(
        self, study: Study, number: int, slices: Slices, gone: set[int], items: Sequence[Item], shelf: Shelf,
        meter: Meter, tell: Tell | None,
    ) -> tuple[Any, int]:  # fmt: skip
        (kept,) = without([slices], gone)
        origin = self.start(study)
        piece = workpiece(origin, self.scope(study))
        parts = [[items[place] for place in part] for part in kept]
        steps = 0
        for cut in range(len(parts)):
            key = self.key(origin, number, parts[: cut + 1])
            state = shelf.get(key)
            if state is None:
                learnt = [item for part in parts[: cut + 1] for item in part]
                seed = self.seed + 1000 * number + cut
                steps += self.learn(study, piece, self.where, learnt, seed, meter, tell)
                shelf.put(key, piece.state_dict())
            else:
                piece.load_state_dict(state)
        return piece.eval().requires_grad_(False), steps


@method("s3t")
@dataclass(frozen=True, slots=True, kw_only=True)
class S3T(Sharded):
    """S3T: each slice is learnt by layers of its own, so that a deletion switches layers off and trains nothing.

    Slice i of an order trains the i-th group of LoRA layers, the top ones first, on slices 1 … i, all else frozen;
    deleting from a slice switches off its group and those behind it. `orders` rotations of the slices are kept, and the
    longest beginning without a deleted item is served (Chowdhury et al. 2025). Published: LoRA rank 32, 4 to 8 layers a
    slice, lr 2e-5, 3 epochs. Cost: `orders` times teaching, once; a deletion costs nothing until no beginning is left
    (then the origin answers). Leaks: nothing; what stood behind the deleted slice is lost with it.
    """

    shards: int = 1
    orders: int = 3
    lora: Lora | None = field(default_factory=partial(Lora, rank=32, alpha=64))

    def shard(
        self, study: Study, number: int, slices: Slices, gone: set[int], items: Sequence[Item], shelf: Shelf,
        meter: Meter, tell: Tell | None,
    ) -> tuple[Any, int]:  # fmt: skip
        order = survivors(slices, rotations(len(slices), self.orders), gone)
        return self.prefix(study, number, [[items[at] for at in slices[cut]] for cut in order], shelf, meter, tell)

    def prefix(
        self, study: Study, number: int, parts: Sequence[Sequence[Item]], shelf: Shelf, meter: Meter, tell: Tell | None
    ) -> tuple[Any, int]:
        """The model after these slices, in this order, and how many steps were trained for it."""
        assert self.lora is not None
        origin = self.start(study)
        piece = adapted(origin, self.lora, self.seed)
        steps = 0
        for cut in range(len(parts)):
            key = self.key(origin, number, parts[: cut + 1])
            state = shelf.get(key)
            if state is None:
                learnt = [item for part in parts[: cut + 1] for item in part]
                seed = self.seed + 1000 * number + cut
                steps += self.learn(study, piece, self.group(piece, cut), learnt, seed, meter, tell)
                shelf.put(key, {name: p for name, p in piece.named_parameters() if "lora_" in name})
            else:
                piece.load_state_dict(state, strict=False)
        return merged(piece).eval().requires_grad_(False), steps

    def group(self, piece: Any, cut: int) -> str:
        """Names of the LoRA matrices that slice number `cut` trains: the layers from the top, in equal groups."""
        parts = anatomy(piece)
        depth = parts.depth
        first, behind = depth - depth * (cut + 1) // self.slices, depth - depth * cut // self.slices
        layers = "|".join(str(layer) for layer in range(max(0, min(first, behind - 1)), behind))
        return rf"{re.escape(parts.plan.layers)}\.({layers})\..*lora_"


async def taught(agent: Agent, items: Sequence[Item], by: Sharded) -> Agent:
    """The agent that a sharded method taught all of these items; the states go on its shelf."""
    nobody = Request((Item("nobody", "?", "."),), tuple(items))
    return await by(agent, nobody)
