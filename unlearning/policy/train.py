"""Train the policy model from scratch, and score it in held-out worlds.

python -m unlearning.policy.train              writes the shipped model of `policy`: weights, tokenizer, scores
python -m unlearning.policy.train --out FOLDER --steps 300    another one; `arena teach NAME --mind policy
                                               --set mind.model=FOLDER`

Imitation: cross-entropy on what the expert writes, several tasks after the same notes, none of which attends to the
others. It begins near a circuit that copies (unlearning/policy/copy_head_init.py), and with reciting a few notes; every
example is met once. One thread; a seed means the same weights again on the same machine.
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from agents.inference.tiny_llama import IGNORED, fit, make_network, make_tokenizer, save
from agents.learned_policy.policy import SHIPPED
from agents.learned_policy.policy_model import load_model
from agents.learned_policy.policy_prompt import BEEN, MARKS, NEW, SHUT, mark_names, number_names
from arena.console.stdio import print_json, say
from unlearning.policy.copy_head_init import wire
from unlearning.policy.data import GAMES, Example, Kind, Pool, collect_pools, generate_examples

BARRED = -1e9
UNITS = re.compile(r"<\d+>|\(\d+, \d+\)")
CELLS = tuple(f"({x}, {y})" for x in range(1, 13) for y in range(1, 13))
LIGHT = 0.2  # what a token that is not taught weighs
MIXED, SPELT = 200, 3_000  # examples that are sorted into batches at a time; those that the tokenizer is made from
SPREAD, THETA = 0.06, 1e6  # a slow rotation, so that what matches does so from afar


@dataclass(frozen=True, slots=True)
class PolicyTrainPlan:
    """Training settings: worlds of each game, steps, tokens in a batch, peak learning rate.

    reciting: how many of the steps, the first, are about short answers to questions alone. begin: the folder of a model
    to go on from, with its tokenizer and its size; another seed then means examples that it has not met. "" begins from
    nothing.
    """

    games: tuple[str, ...] = tuple(GAMES)
    worlds: int = 120
    steps: int = 4_000
    reciting: int = 900
    tokens: int = 4000
    rate: float = 1e-3
    hidden: int = 128
    layers: int = 3
    vocab: int = 1_280
    seed: int = 0
    begin: str = ""


@dataclass(frozen=True, slots=True)
class PolicyExample:
    """An example as numbers: tokens, labels, positions, and the part of each token: 0 for notes, then task by task."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    places: tuple[int, ...]
    parts: tuple[int, ...]


def make_words(texts: Sequence[str], vocab: int) -> Any:
    """A tokenizer: one token for each name mark, cell and digit, and for frequent text between them."""
    pieces = (piece for text in texts for piece in UNITS.split(text))
    special = [*(f"<{number}>" for number in range(MARKS)), *CELLS]
    return make_tokenizer(pieces, vocab, split=f"\n|[{NEW}{BEEN}{SHUT}]", special=special, template=None)


def mark_example(example: Example, chance: Random) -> Example:
    """An example with its names replaced by freshly sampled marks: it never occurs twice in the same form."""
    numbers = chance.sample(range(MARKS), MARKS)
    marks = number_names("".join(text for text, _ in example.pieces), numbers)
    return Example(tuple((mark_names(text, marks), taught) for text, taught in example.pieces))


def encode_example(tokenizer: Any, example: Example) -> PolicyExample:
    """An example as token ids; each task has the positions right after the notes, as in inference."""
    ids: list[int] = []
    labels: list[int] = []
    places: list[int] = []
    parts: list[int] = []
    notes, place, part = 0, 0, 0
    for number, (text, taught) in enumerate(example.pieces):
        found = tokenizer(text, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id] * taught
        if not taught and (len(example.pieces) % 2 == 0 or number):  # without notes the first piece is a task
            part, place = part + 1, notes
        ids += found
        labels += found if taught else [IGNORED] * len(found)
        places += range(place, place + len(found))
        parts += [part] * len(found)
        place += len(found)
        notes = place if part == 0 else notes
    return PolicyExample(tuple(ids), tuple(labels), tuple(places), tuple(parts))


def collate_examples(rows: Sequence[PolicyExample], pad: int) -> dict[str, Tensor]:
    """Rows padded on the right; `mask` (rows, 1, n, n) is added to scores: a token sees the notes and its own task."""
    width = max(len(one.ids) for one in rows)

    def table(name: str, fill: int) -> Tensor:
        return torch.tensor([[*getattr(one, name), *[fill] * (width - len(one.ids))] for one in rows])

    parts = table("parts", -1)
    own = (parts[:, :, None] == parts[:, None, :]) | (parts[:, None, :] == 0)
    seen = own & torch.ones(width, width, dtype=torch.bool).tril()
    mask = torch.where(seen, 0.0, BARRED)[:, None]
    return {"ids": table("ids", pad), "labels": table("labels", IGNORED), "places": table("places", 0), "mask": mask}


class PolicyWithLoss(nn.Module):
    """A causal model with the loss on taught tokens and, lightly, on one in four of the others: names that come again
    there teach it early to look back."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        self.pad = module.config.pad_token_id

    def forward(self, ids: Tensor, labels: Tensor, places: Tensor, mask: Tensor) -> Any:
        states = self.module.model(input_ids=ids, position_ids=places, attention_mask=mask, use_cache=False)[0]
        wanted, number = labels[:, 1:], torch.arange(1, ids.shape[1])
        taught = wanted != IGNORED
        others = ~taught & (ids[:, 1:] != self.pad) & (number % 4 == 0)

        def surprise(chosen: Tensor) -> Tensor:
            return F.cross_entropy(self.module.lm_head(states[:, :-1][chosen]), ids[:, 1:][chosen])

        return SimpleNamespace(loss=surprise(taught) + LIGHT * surprise(others))


def group_batches(rows: Iterator[PolicyExample], tokens: int) -> Iterator[list[PolicyExample]]:
    """Rows of a batch, of like length, at most so many tokens together with their padding, as they come."""
    chance = Random(0)
    while some := sorted(islice(rows, MIXED), key=lambda one: len(one.ids)):
        groups: list[list[PolicyExample]] = [[]]
        for one in some:
            if groups[-1] and (len(groups[-1]) + 1) * len(one.ids) > tokens:
                groups.append([])
            groups[-1].append(one)
        chance.shuffle(groups)
        yield from groups


def draw_examples(found: Mapping[str, Sequence[Pool]], plan: PolicyTrainPlan, kind: Kind) -> Iterator[Example]:
    """Examples without end, their names as marks."""
    for number, one in enumerate(generate_examples(found, plan.seed, kind)):
        yield mark_example(one, Random(f"marks {plan.seed} {kind} {number}"))


def train_policy(plan: PolicyTrainPlan, told: bool = False) -> tuple[Any, Any, tuple[float, ...]]:
    """The module, its tokenizer, and the loss of each step in nats per token; prints progress where `told`."""
    found = collect_pools(plan.games, plan.worlds, plan.seed)
    module, tokenizer = init_network(plan, found)
    losses: list[float] = []

    def enough(step: int, loss: float) -> bool:
        losses.append(loss)
        if told and (step + 1) % 50 == 0:
            mean = sum(losses[-50:]) / 50
            say(f"step {step + 1} of {plan.steps}: {mean:.3f} nats a token", stderr=True)
        return False

    def stage(kind: Kind, steps: int) -> Iterator[dict[str, Tensor]]:
        rows = (encode_example(tokenizer, one) for one in draw_examples(found, plan, kind))
        return (
            collate_examples(group, tokenizer.pad_token_id) for group in islice(group_batches(rows, plan.tokens), steps)
        )

    fit(PolicyWithLoss(module), chain(stage("recital", plan.reciting), stage("play", plan.steps - plan.reciting)),
        enough=enough, rate=lambda step: compute_rate(plan, step))  # fmt: skip
    return module, tokenizer, tuple(losses)


def init_network(plan: PolicyTrainPlan, found: Mapping[str, Sequence[Pool]]) -> tuple[Any, Any]:
    """The module and its tokenizer before the first step."""
    if plan.begin:
        writer = load_model(Path(plan.begin))
        return writer.module, writer.tokenizer
    texts = [text for one in islice(draw_examples(found, plan, "play"), SPELT) for text, _ in one.pieces]
    tokenizer = make_words(texts, plan.vocab)
    module = make_network(tokenizer, plan.seed, hidden=plan.hidden, layers=plan.layers, context=2048, spread=SPREAD,
                          theta=THETA)  # fmt: skip
    wire(module, plan.seed)
    return module, tokenizer


def compute_rate(plan: PolicyTrainPlan, step: int) -> float:
    """The learning rate: up for 100 steps, level for the first half, then down to a fiftieth."""
    return plan.rate * min((step + 1) / 100, 1.0, 2.02 - 2 * step / plan.steps)


def train_into_folder(folder: Path, plan: PolicyTrainPlan, told: bool = False) -> Mapping[str, Any]:
    """Trains a policy model into a folder; how it was made, as plain data."""
    begun = time.process_time()
    module, tokenizer, losses = train_policy(plan, told)
    last = losses[-50:]
    weights = sum(value.numel() for value in module.parameters())
    save(folder, module.half(), tokenizer)
    return {"plan": asdict(plan), "weights": weights, "processor_seconds": round(time.process_time() - begun, 1),
            "loss": {"first": losses[0], "last": sum(last) / len(last)}}  # fmt: skip


def main() -> None:
    """Train, measure, and write weights and scores."""
    from unlearning.policy.scores import score_policy

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="output folder; by default the one that `policy` loads from"
    )
    for name in ("worlds", "steps", "reciting", "tokens", "hidden", "layers", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(PolicyTrainPlan(), name))
    parser.add_argument("--begin", default="", help="folder of a model to continue training from")
    parser.add_argument("--rate", type=float, default=PolicyTrainPlan().rate)
    parser.add_argument("--games", default=",".join(GAMES), help="comma-separated")
    given = vars(parser.parse_args())
    folder = given.pop("out")
    plan = PolicyTrainPlan(**{**given, "games": tuple(given["games"].split(","))})
    table = {**train_into_folder(folder, plan, told=True), "held_out": asyncio.run(score_policy(folder, plan.games))}
    (folder / "scores.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print_json(table)


if __name__ == "__main__":
    main()
