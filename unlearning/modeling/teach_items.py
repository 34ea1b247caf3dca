"""Fine-tune a model on items, questions with answers and passages, until it reproduces them verbatim."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from agents.inference.end_tokens import choose_pad_token
from agents.inference.tiny_llama import fit
from arena.console.long_work import doing
from arena.parameter_ranges import Count, Number, Positive, Share
from unlearning.modeling.forward_view import Sample, build_rows, run_forward_no_grad
from unlearning.modeling.item_tokenization import DEFAULT, Encoded, Rendering, collate, encode_all
from unlearning.request import Item

PROBED = 64  # rows in a batch of the probe
GIVEN = 0.4  # share of a passage that is its prompt


@dataclass(frozen=True, slots=True)
class TeachSettings:
    """How a model is taught items."""

    epochs: Number = 40
    """Maximum number of passes over the items."""
    batch: Count = 16
    """Items in a step."""
    rate: Positive = 4e-3
    """Peak learning rate of AdamW; after warm-up it falls to 5 % of that over `epochs`."""
    warm: Count = 20
    """Steps of warm-up."""
    enough: Share = 0.995
    """Share of the probed items, said word for word, at which teaching stops."""
    every: Count = 3
    """Epochs between two probes."""


def teach(
    module: Any,
    tokenizer: Any,
    items: Sequence[Item],
    *,
    rendering: Rendering = DEFAULT,
    lessons: TeachSettings = TeachSettings(),
    probes: Sequence[Item] = (),
    seed: int = 0,
    watch: Callable[[Sequence[int]], None] | None = None,
    stop: int | None = None,
) -> float:
    """The last loss, in nats per answer token, after teaching the items to the module, in place.

    rendering: how the model is asked. probes: items that are looked at besides those taught. The order of the batches
    follows from `seed`; batches hold items of about the same length. watch: is called with the indices of a batch's
    items before each step, while the module is as that step finds it. stop: epochs after which to end, of those
    planned.
    """
    taught = encode_all(tokenizer, items, rendering)
    looked = tuple(askable(one) for one in (*taught, *encode_all(tokenizer, probes, rendering)))
    chance = torch.Generator().manual_seed(seed)
    pad, device = choose_pad_token(tokenizer), module.device
    per_epoch = -(-len(taught) // lessons.batch)
    whole = per_epoch * lessons.epochs

    def batches() -> Iterator[dict[str, Tensor]]:
        for epoch in range(lessons.epochs if stop is None else min(stop, lessons.epochs)):
            doing("epoch", f"{epoch + 1} of at most {lessons.epochs}")
            for rows in buckets(taught, lessons.batch, chance):
                if watch is not None:
                    watch(rows)
                batch = collate([taught[row] for row in rows], pad)
                yield {"input_ids": batch.ids.to(device), "labels": batch.labels.to(device)}

    def enough(step: int, loss: float) -> bool:
        ended, rest = divmod(step + 1, per_epoch)
        # an evaluation costs a third of an epoch: skipped while the loss is too high for it to succeed
        return rest == 0 and ended % lessons.every == 0 and loss < 1 and exact(module, looked, pad) >= lessons.enough

    def rate(step: int) -> float:
        return lessons.rate * min((step + 1) / lessons.warm, 1.0, 1.05 - step / whole)

    loss = fit(module, batches(), rate=rate, enough=enough)
    doing("epoch")
    return loss


def buckets(encoded: Sequence[Encoded], batch: int, chance: torch.Generator) -> list[list[int]]:
    """All rows once, in batches of about the same length, in an order sampled with `chance`."""
    ties = torch.rand(len(encoded), generator=chance).tolist()
    rows = sorted(range(len(encoded)), key=lambda row: (len(encoded[row].ids), ties[row]))
    chunks = [rows[first : first + batch] for first in range(0, len(rows), batch)]
    return [chunks[n] for n in torch.randperm(len(chunks), generator=chance).tolist()]


def askable(one: Encoded) -> Encoded:
    """The item with its first GIVEN tokens as prompt, where it has no prompt: how a passage begins cannot be known."""
    start = max(one.start, round(GIVEN * len(one.ids))) if one.start == 1 else one.start
    return replace(one, start=start)


def exact(module: Any, encoded: Sequence[Encoded], pad: int) -> float:
    """The share of answers that the module reproduces verbatim: each token is the argmax after those before."""
    right = 0
    order = sorted(encoded, key=lambda one: len(one.ids))
    training = module.training
    module.eval()
    for first in range(0, len(order), PROBED):
        samples = [Sample(one) for one in order[first : first + PROBED]]
        view = run_forward_no_grad(module, build_rows("probe", samples, pad, module.device))
        hit = (view.logits.argmax(-1) == view.rows.targets) | ~view.rows.mask
        right += int(hit.all(1).sum())
    module.train(training)
    return right / max(1, len(encoded))
