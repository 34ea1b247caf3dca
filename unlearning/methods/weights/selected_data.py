"""Another method's losses on selected data: modules of neighbours, and a coreset of the forget set."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

import torch

from arena.parameter_ranges import Number, SomeShare
from unlearning.method import Method, method
from unlearning.methods.weights.ascent import GradDiff
from unlearning.methods.weights.npo import NPO
from unlearning.modeling.forward_view import ForwardView
from unlearning.modeling.item_tokenization import Encoded
from unlearning.modeling.trainable_parameters import Scope
from unlearning.modeling.training_cost import CostMeter
from unlearning.request import Item
from unlearning.scoring.text_overlap import likeness, nearest
from unlearning.training.batch_samplers import BatchPlan, Partners, Repeated, build_pool
from unlearning.training.hosted_method import Hosted
from unlearning.training.saliency import gradients
from unlearning.training.trainer import TrainingJob
from unlearning.training.training_problem import TrainingProblem
from unlearning.training.training_state import Lens


@method("melu")
@dataclass(frozen=True, slots=True, kw_only=True)
class Melu(Hosted):
    """Trains each forgotten entity together with its own neighbours in the retain set, instead of random retain items.

    A batch plan, not a loss. The items of one entity share a module of retain items; a forget item is paired with
    another of them each epoch. Published (MELU): several neighbour sets beat one, 1:1 random pairs are poor;
    Llama-3.1-8B-Instruct. Cost: the host's. Weakness: the host's, with less damage to neighbours.
    """

    host: Method = field(default_factory=GradDiff)
    by: str = "subject"
    """Tag that names an item's entity; an item without it is an entity of its own."""
    direct: Number = 4
    """Retain items most similar to the entity's items."""
    indirect: Number = 4
    """Retain items most similar to the direct ones, beyond those."""
    general: Number = 4
    """Retain items drawn at random from the rest."""

    def plan(self, study: TrainingProblem, pools: Mapping[str, tuple[Encoded, ...]]) -> BatchPlan:
        study.check(pools, ("retain",))
        modules = entity_modules(study.request.forget, study.request.retain, self.by, study.seed,
                                 (self.direct, self.indirect, self.general))  # fmt: skip
        return Partners({role: build_pool(encoded) for role, encoded in pools.items()}, modules)


def entity_modules(
    forget: Sequence[Item], retain: Sequence[Item], by: str, seed: int, sizes: tuple[int, int, int]
) -> tuple[tuple[int, ...], ...]:
    """For each forget item, the places of its module's retain items; items of one entity have the same."""
    entities: dict[str, list[Item]] = defaultdict(list)
    for item in forget:
        entities[item.tags.get(by, item.name)].append(item)
    modules = {}
    for entity, items in entities.items():
        ranked = sorted(range(len(retain)), key=lambda place: -max(likeness(one, retain[place]) for one in items))
        direct = ranked[: sizes[0]]
        around = [near for place in direct for near in nearest(retain[place], retain, sizes[1] + 1)]
        indirect = [place for place in dict.fromkeys((*around, *ranked)) if place not in direct][: sizes[1]]
        rest = [place for place in ranked if place not in direct and place not in indirect]
        general = Random(f"{seed} {entity}").sample(rest, min(sizes[2], len(rest)))
        modules[entity] = tuple(direct + indirect + general)
    return tuple(modules[item.tags.get(by, item.name)] for item in forget)


@method("coreset")
@dataclass(frozen=True, slots=True, kw_only=True)
class Coreset(Hosted):
    """Trains on a part of the forget set, for as many steps as the whole would take.

    Epochs are multiplied so that the number of steps is that of the whole set (Pal et al. 2025: 5 % does as well as
    all, where facts are redundant). ratio 1 is the host. Cost: the host's, and one pass over the forget set before
    (grand: a backward pass for each item). Weakness: unique facts outside of the selection stay known.
    """

    host: Method = field(default_factory=NPO)
    ratio: SomeShare = 0.05
    """Share of the forget items that are kept; 1: all of them."""
    choose: Literal["random", "grand", "moderate", "min-k"] = "random"
    """Criterion of the selection. "random". "grand": largest gradient norm. "moderate": loss nearest to the median.
    "min-k": best memorised, by the least likely fifth of their tokens."""

    def job(
        self, study: TrainingProblem, meter: CostMeter | None = None, remembered: bool = True, piece: object = None
    ) -> TrainingJob:
        part = self.part(study)
        job = Hosted.job(self, part, meter, remembered, piece)
        if part is study:
            return job
        steps = sum(1 for _ in self.plan(study, self.pools(study)).epoch(0, self.batch, self.seed))
        return replace(job, plan=Repeated(job.plan, steps))

    def part(self, study: TrainingProblem) -> TrainingProblem:
        """The study with the chosen forget items alone."""
        items = study.request.forget
        count = max(1, round(self.ratio * len(items)))
        if count >= len(items):
            return study
        scores = ranks(study, self.choose)
        chosen = sorted(sorted(range(len(items)), key=lambda at: -scores[at])[:count])
        return replace(study, request=replace(study.request, forget=tuple(items[at] for at in chosen)))


def ranks(study: TrainingProblem, choose: str) -> list[float]:
    """A score for each forget item; the greatest are chosen. A permutation of the items permutes the scores."""
    if choose == "random":
        return [Random(f"{study.seed} {item.name}").random() for item in study.request.forget]
    if choose == "grand":
        found = (gradients(study.module, Scope(), [one], study.pad) for one in study.forget)
        return [float(torch.stack([g.norm() for g in each.values()]).norm()) for each in found]
    lens = Lens(study.module, study.tokenizer, {"forget": build_pool(study.forget)}, study.pad, study.device, 32)
    if choose == "moderate":
        loss = lens.over("forget", lambda view: -view.s / view.n)
        return (-(loss - loss.median()).abs()).tolist()
    return lens.over("forget", least_likely).tolist()


def least_likely(view: ForwardView, share: float = 0.2) -> torch.Tensor:
    """(B,) the mean log-probability of the `share` of answer tokens that are least likely: high means memorised."""
    ordered = view.lp.masked_fill(~view.rows.mask, torch.inf).sort(1).values
    count = (view.n * share).ceil().clamp(min=1)
    first = torch.arange(ordered.shape[1], device=ordered.device) < count[:, None]
    return ordered.masked_fill(~first, 0.0).sum(1) / count
