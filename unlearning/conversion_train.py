"""Training the conversion model from nothing, and its scores on worlds and styles that it never met.

python -m unlearning.conversion_train                 writes what is shipped: weights, and scores beside them
python -m unlearning.conversion_train --base FOLDER   teaches a local language model the same, with LoRA

Stage A is cross-entropy on the fields of the answer alone; stage B (`unlearning/conversion_reward.py`) rewards what the
edits do in the grid. One thread; a seed means the same weights again on the same machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (its usual name)

from unlearning.conversion import EDITS, KINDS, Asked, Conversion, steering
from unlearning.conversion_data import Instance, Pair, taught_pairs
from unlearning.conversion_features import Batch, Nodes, batched, nodes
from unlearning.conversion_headers import flagged
from unlearning.conversion_model import ROLES, STEERINGS, Choices, Network, network, one_thread

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast: pairs, passes over them, rows in a batch, the greatest learning rate, the seed."""

    pairs: int = 6000
    passes: int = 6
    batch: int = 32
    rate: float = 2e-3
    width: int = 64
    layers: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """A network and the loss of each step: nats per answer, all fields together."""

    net: Network
    losses: tuple[float, ...] = field(default=(), repr=False)


def classes(asked: Asked, answer: Conversion) -> Choices:
    """The right class of each field."""
    roles = [(e.name in answer.names) + 2 * (e.name in answer.retain) for e in asked.entities]
    edits = [EDITS.index(answer.edits.get(header.id, "keep")) for header in asked.headers]
    steer = next(n for n, key in enumerate(STEERINGS) if steering(key, answer.names) == answer.steering)
    assert len(ROLES) == 4, "none, forget, retain, both: forget counts 1, retain 2"
    return Choices(
        torch.tensor(KINDS.index(answer.kind)), torch.tensor(steer), torch.tensor(roles).long(), torch.tensor(edits).long()
    )


def stacked(rows: Sequence[Choices], batch: Batch) -> Choices:
    """The classes of a batch, padded with IGNORED."""

    def table(name: str, width: int) -> Tensor:
        out = torch.full((len(rows), width), IGNORED)
        for n, row in enumerate(rows):
            value: Tensor = getattr(row, name)
            out[n, : len(value)] = value
        return out

    kinds, steer = torch.stack([row.kind for row in rows]), torch.stack([row.steering for row in rows])
    return Choices(kinds, steer, table("roles", batch.names.shape[1]), table("edits", batch.about.shape[1]))


def surprise(logits: Choices, wanted: Choices) -> Tensor:
    """Nats of each row's answer: the sum over all its fields, (rows,)."""
    total = F.cross_entropy(logits.kind, wanted.kind, reduction="none")
    total = total + F.cross_entropy(logits.steering, wanted.steering, reduction="none")
    for scores, right in ((logits.roles, wanted.roles), (logits.edits, wanted.edits)):
        total = total + F.cross_entropy(scores.transpose(1, 2), right, reduction="none", ignore_index=IGNORED).sum(1)
    return total


def taught(found: Sequence[Instance], plan: Plan, *, enough: float = 0.0) -> Learned:
    """Stage A: a network that was taught the pairs of these instances; ends early where a batch costs under `enough`."""
    rows = [_row(pair, Random(f"again {plan.seed} {n}")) for n, pair in enumerate(taught_pairs(found, plan.pairs, plan.seed))]
    net = network(plan.seed, plan.width, plan.layers)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.01)
    steps = plan.passes * len(rows) // plan.batch
    losses: list[float] = []
    with one_thread():
        for step, chosen in zip(range(steps), _batches([len(row.pieces) for row, _ in rows], plan), strict=False):
            batch = batched([rows[n][0] for n in chosen])
            optimiser.param_groups[0]["lr"] = plan.rate * min((step + 1) / 50, 1.02 - step / steps)
            loss = surprise(net(batch), stacked([rows[n][1] for n in chosen], batch)).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
            if losses[-1] < enough:
                break
    return Learned(net.eval(), tuple(losses))


def _batches(sizes: Sequence[int], plan: Plan) -> Iterator[list[int]]:
    """Rows of a batch, drawn at random; among eight batches those of one size come together, to be padded less."""
    chance = Random(f"batches {plan.seed}")
    some = 8 * plan.batch
    while True:
        order = chance.sample(range(len(sizes)), len(sizes))
        for first in range(0, len(order), some):
            part = sorted(order[first : first + some], key=lambda n: sizes[n])
            parts = [part[n : n + plan.batch] for n in range(0, len(part), plan.batch)]
            yield from chance.sample(parts, len(parts))


def _row(pair: Pair, chance: Random) -> tuple[Nodes, Choices]:
    """A pair as numbers; one in five as if a first attempt had gone wrong somewhere."""
    asked = pair.asked
    if pair.request is not None and chance.random() < 0.2:
        asked = mistaken(asked, pair.answer, chance)
    return nodes(asked), classes(asked, pair.answer)


def mistaken(asked: Asked, answer: Conversion, chance: Random) -> Asked:
    """The input as it comes again after an attempt that left some notes and lost others."""
    edited = [header.id for header in asked.headers if header.id in answer.edits]
    kept = [header.id for header in asked.headers if header.id not in answer.edits]
    leaking = chance.sample(edited, chance.randint(0, len(edited)))
    lost = chance.sample(kept, chance.randint(0, min(3, len(kept))))
    return flagged(asked, answer.names if leaking else (), leaking, lost) if leaking or lost else replace(asked)
