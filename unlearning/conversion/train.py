"""Train the conversion model from scratch, and score it on held-out worlds and styles.

python -m unlearning.conversion.train                 writes the shipped files: weights, and scores next to them
python -m unlearning.conversion.train --base FOLDER   trains a local language model for it, with LoRA

Stage A is cross-entropy on the fields of the answer alone; stage B (`unlearning/conversion/grpo.py`) rewards what the
edits do in the grid. One thread; a seed means the same weights again on the same machine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (its usual name)

from agents.inference.torch_threads import one_thread
from arena.console.stdio import print_json, say
from unlearning.conversion.conversion import Conversion, ConversionInput, Converter
from unlearning.conversion.data import Instance, Pair, draw_pairs, draw_taught_pairs, make_instances
from unlearning.conversion.features import WORD, FeatureBatch, Nodes, build_nodes, collate_nodes
from unlearning.conversion.grpo import Grid, Rounds, find_tasks, make_grid, reinforce_network
from unlearning.conversion.headers import flag_failures
from unlearning.conversion.model import (
    SHIPPED,
    Choices,
    ConversionNetwork,
    Pointer,
    build_network,
    encode_answer,
    save,
)
from unlearning.conversion.scores import score_converter, score_unlearning
from unlearning.conversion.styles import HELD_OUT, TAUGHT, TUNED

IGNORED = -100


@dataclass(frozen=True, slots=True)
class ConversionTrainPlan:
    """Training settings: pairs, epochs, batch size, peak learning rate, seed."""

    pairs: int = 10000
    passes: int = 8
    batch: int = 32
    rate: float = 2e-3
    width: int = 64
    layers: int = 4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """A network and the loss of each step: nats per answer, all fields together."""

    net: ConversionNetwork
    losses: tuple[float, ...] = field(default=(), repr=False)


def stack_classes(rows: Sequence[Choices], batch: FeatureBatch) -> Choices:
    """The classes of a batch, padded with IGNORED."""

    def table(name: str, width: int) -> Tensor:
        out = torch.full((len(rows), width), IGNORED)
        for n, row in enumerate(rows):
            value: Tensor = getattr(row, name)
            out[n, : len(value)] = value
        return out

    kinds, steer = torch.stack([row.kind for row in rows]), torch.stack([row.steering for row in rows])
    return Choices(kinds, steer, table("roles", batch.names.shape[1]), table("edits", batch.about.shape[1]))


def compute_loss(logits: Choices, wanted: Choices) -> Tensor:
    """Nats of each row's answer: the sum over all its fields, (rows,)."""
    total = F.cross_entropy(logits.kind, wanted.kind, reduction="none")
    total = total + F.cross_entropy(logits.steering, wanted.steering, reduction="none")
    for scores, right in ((logits.roles, wanted.roles), (logits.edits, wanted.edits)):
        total = total + F.cross_entropy(scores.transpose(1, 2), right, reduction="none", ignore_index=IGNORED).sum(1)
    return total


def train_network(found: Sequence[Instance], plan: ConversionTrainPlan, *, enough: float = 0.0) -> Learned:
    """Stage A: a network that was taught pairs of these instances; ends early where a batch costs under `enough`."""
    drawn = draw_taught_pairs(found, plan.pairs, plan.seed)
    rows = [_encode_pair(pair, Random(f"again {plan.seed} {n}")) for n, pair in enumerate(drawn)]
    net = build_network(plan.seed, plan.width, plan.layers)
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.01)
    steps = plan.passes * len(rows) // plan.batch
    losses: list[float] = []
    chance = torch.Generator().manual_seed(plan.seed)
    with one_thread():
        for step, chosen in zip(range(steps), _draw_batches([len(row.pieces) for row, _ in rows], plan), strict=False):
            batch = collate_nodes([rows[n][0] for n in chosen])
            optimiser.param_groups[0]["lr"] = plan.rate * min((step + 1) / 50, 1.02 - step / steps)
            batch.pieces[_draw_word_mask(batch, chance)] = 0
            loss = compute_loss(net(batch), stack_classes([rows[n][1] for n in chosen], batch)).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.item())
            if losses[-1] < enough:
                break
    return Learned(net.eval(), tuple(losses))


def _draw_word_mask(batch: FeatureBatch, chance: torch.Generator) -> Tensor:
    """Words that are not read this time, one in twelve: what is asked has to be clear from the others."""
    return (batch.flags[:, :, WORD] == 1) & (torch.rand(batch.there.shape, generator=chance) < 1 / 12)


def _draw_batches(sizes: Sequence[int], plan: ConversionTrainPlan) -> Iterator[list[int]]:
    """The rows of each batch, shuffled; within eight batches rows of similar size are batched together, to reduce
    padding."""
    chance = Random(f"batches {plan.seed}")
    some = 8 * plan.batch
    while True:
        order = chance.sample(range(len(sizes)), len(sizes))
        for first in range(0, len(order), some):
            part = sorted(order[first : first + some], key=lambda n: sizes[n])
            parts = [part[n : n + plan.batch] for n in range(0, len(part), plan.batch)]
            yield from chance.sample(parts, len(parts))


def _encode_pair(pair: Pair, chance: Random) -> tuple[Nodes, Choices]:
    """A pair as numbers; one in five as if a first attempt had gone wrong somewhere."""
    asked = pair.asked
    if pair.request is not None and chance.random() < 0.2:
        asked = add_mistakes(asked, pair.answer, chance)
    return build_nodes(asked), encode_answer(asked, pair.answer)


def add_mistakes(asked: ConversionInput, answer: Conversion, chance: Random) -> ConversionInput:
    """The input as it comes again after an attempt that left some notes and lost others."""
    edited = [header.id for header in asked.headers if header.id in answer.edits]
    kept = [header.id for header in asked.headers if header.id not in answer.edits]
    leaking = chance.sample(edited, chance.randint(0, len(edited)))
    lost = chance.sample(kept, chance.randint(0, min(3, len(kept))))
    return flag_failures(asked, answer.names if leaking else (), leaking, lost) if leaking or lost else replace(asked)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Data sizes: instances taught and held out, pairs to score and to carry out, requests to reward."""

    instances: int = 120
    held_out: int = 36
    scored: int = 500
    carried: int = 150
    rewarded: int = 60


async def train_model(
    plan: ConversionTrainPlan, rounds: Rounds, sizes: Sizes
) -> tuple[ConversionNetwork, dict[str, object]]:
    """The conversion model after both stages, and how it was made and what it can do, as plain data."""
    begun = time.process_time()  # of this processor alone, whatever else runs on it
    found = await make_instances(sizes.instances, held_out=False, seed=plan.seed)
    learned = train_network(found, plan)
    halfway = time.process_time()
    grids = make_grid(found, sizes.rewarded, plan.seed + 1)
    net, rewards = await reinforce_network(learned.net, grids, rounds)
    trained = time.process_time()
    others = await make_instances(sizes.held_out, held_out=True, seed=plan.seed)
    there = make_grid(others, sizes.rewarded, plan.seed + 2)
    table: dict[str, object] = {
        "plan": asdict(plan),
        "rounds": asdict(rounds),
        "sizes": asdict(sizes),
        "weights": sum(value.numel() for value in net.state_dict().values()),
        "processor_seconds": {"stage_a": round(halfway - begun, 1), "stage_b": round(trained - halfway, 1)},
        "loss": {"first": learned.losses[0], "last": sum(learned.losses[-20:]) / len(learned.losses[-20:])},
        "reward": {
            "drawn_first": sum(rewards[:5]) / max(1, len(rewards[:5])),
            "drawn_last": sum(rewards[-5:]) / max(1, len(rewards[-5:])),
            "held_out_stage_a": await measure_reward(learned.net, there),
            "held_out_stage_b": await measure_reward(net, there),
        },
        "held_out": await score_held_out(Pointer(net), others, sizes),
    }
    return net, table


async def measure_reward(net: ConversionNetwork, found: Grid) -> float:
    """The mean reward of the greedy answers."""
    rewards = [await found.reward(n, Pointer(net).convert_sync(pair.asked)[0]) for n, pair in enumerate(found.pairs)]
    return sum(rewards) / len(rewards)


async def score_held_out(converter: Converter, others: Sequence[Instance], sizes: Sizes) -> dict[str, object]:
    """The scores on held-out worlds by how well the styles were known, and Unlearn@k in styles that were not; both once
    more of those that learned in a market alone, in styles that were not known."""
    splits = {"taught_styles": TAUGHT, "tuned_styles": TUNED, "held_out_styles": HELD_OUT}
    table: dict[str, object] = {
        name: (await score_converter(converter, list(draw_pairs(others, sizes.scored, styles, 100)))).row()
        for name, styles in splits.items()
    }
    carried = list(draw_pairs(others, sizes.carried, HELD_OUT, 200))
    table["unlearned"] = asdict(await score_unlearning(converter, carried, find_tasks))
    markets = [one for one in others if one.bargains]
    if markets:
        table["bargaining"] = (
            await score_converter(converter, list(draw_pairs(markets, sizes.scored, HELD_OUT, 300)))
        ).row()
        bargains = list(draw_pairs(markets, sizes.carried, HELD_OUT, 400))
        table["bargaining_unlearned"] = asdict(await score_unlearning(converter, bargains, find_tasks))
    return table


def main() -> None:
    """Train, and write weights and scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, help="output: the file that is shipped, or with --base the folder of the adapter"
    )
    parser.add_argument("--base", type=Path, help="folder of a local language model, to train it with LoRA instead")
    parser.add_argument("--instances", type=int, default=Sizes().instances)
    parser.add_argument("--pairs", type=int, default=ConversionTrainPlan().pairs)
    parser.add_argument("--passes", type=int, default=ConversionTrainPlan().passes)
    parser.add_argument("--rounds", type=int, default=Rounds().steps, help="steps of stage B")
    parser.add_argument("--steps", type=int, default=300, help="steps with --base")
    parser.add_argument("--scored", type=int, default=50, help="held-out pairs to score with --base; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    plan = ConversionTrainPlan(pairs=given.pairs, passes=given.passes, seed=given.seed)
    if given.base:
        _teach_base(given, plan)
        return
    file = given.out or SHIPPED
    sizes = replace(Sizes(), instances=given.instances)
    net, table = asyncio.run(train_model(plan, replace(Rounds(), steps=given.rounds, seed=given.seed), sizes))
    save(net, file)
    file.with_suffix(".json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print_json(table)


def _teach_base(given: argparse.Namespace, plan: ConversionTrainPlan) -> None:
    """Teach a language model, and write its scores on held-out worlds and styles next to its adapter."""
    from unlearning.conversion.lora import teach

    out = given.out or Path("converter")
    found = asyncio.run(make_instances(given.instances, held_out=False, seed=plan.seed))
    made = teach(
        given.base, list(draw_taught_pairs(found, plan.pairs, plan.seed)), out, steps=given.steps, seed=plan.seed
    )
    if given.scored:
        others = asyncio.run(make_instances(6, held_out=True, seed=plan.seed))
        table = asyncio.run(score_converter(made, list(draw_pairs(others, given.scored, HELD_OUT, 100)))).row()
        (out / "scores.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        print_json(table)
    say(f"{out}: an adapter for {given.base}; use it with --method converted --set base={out}")


if __name__ == "__main__":
    main()
