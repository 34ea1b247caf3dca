"""What it takes to evaluate a method. Run: python tests/bench/bench_scoring.py

The metrics and attacks of the TOFU-like suite on a tiny model, as multiples of one plain forward over all tokens that
the suite reads once (each role's questions with their answers, true, paraphrased and false). Three agents are read,
before, after and the twin; the model is measured warm, its answers cold. Then log-probabilities alone: batched by
length against one row at a time, with the same numbers.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from agents.inference.end_tokens import choose_pad_token
from agents.llm.llm import LLM
from arena.registry import list_entries
from arena.spec import build
from unlearning.benchmarks.tofu import Tofu
from unlearning.modeling.forward_view import Sample, build_rows, run_forward_no_grad
from unlearning.modeling.item_tokenization import Encoded, encode
from unlearning.probe import Trial
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import score_items

ROLES = ("forget", "paraphrase", "retain", "holdout", "authors", "world", "general")


def everything(trial: Trial) -> list[Item]:
    """Each item of the suite with each of its answers."""
    items = [item for role in ROLES for item in trial.data[role]]
    return [replace(item, answer=text) for item in items for text in (item.answer, *item.aliases, *item.wrong)]


def forward(module: Any, encoded: Sequence[Encoded], pad: int, rows: int) -> float:
    """Seconds of bare forwards over all of them, `rows` at a time, sorted by length."""
    order = sorted(encoded, key=lambda one: len(one.ids))
    began = time.perf_counter()
    for first in range(0, len(order), rows):
        run_forward_no_grad(
            module, build_rows("bench", [Sample(one) for one in order[first : first + rows]], pad, module.device)
        )
    return time.perf_counter() - began


def fresh(agent: LLM) -> LLM:
    """The agent on a copy of its module, of which nothing is kept yet."""
    model: Any = agent.model
    module = deepcopy(model.module)
    with torch.no_grad():  # other weights by a hair, so that it has a name of its own
        next(module.parameters())[0, 0] += 1e-6 * torch.rand(())
    return replace(agent, model=model.with_module(module))


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("ARENA_MODELS", folder)
        bench = Tofu(people=24)
        base = bench.trial("forget20")
        model: Any = base.before.model  # type: ignore[attr-defined]
        items = everything(base)
        encoded = [encode(model.tokenizer, item) for item in items]
        tokens, pad = sum(len(one.ids) for one in encoded), choose_pad_token(model.tokenizer)
        plain = min(forward(model.module, encoded, pad, 64) for _ in range(3))
        print(f"{len(items):,} answers, {tokens:,} tokens; one forward over them {plain:.2f} s")
        began = time.perf_counter()
        score_items(fresh(base.before), items)  # type: ignore[arg-type]
        batched = time.perf_counter() - began
        single = forward(model.module, encoded[:: len(encoded) // 100], pad, 1) * len(encoded) / 100
        print(
            f"  log-probabilities, ranks and spreads  {batched / plain:6.2f} forwards; row by row {single / plain:.1f}"
        )
        after, oracle = fresh(base.before), fresh(base.oracle)  # type: ignore[arg-type]
        trial = Trial(base.request, fresh(base.before), after, oracle, base.data)  # type: ignore[arg-type]
        whole: dict[str, float] = {"metric": 0.0, "attack": 0.0}
        for label, spec in bench.suite.items():
            name = spec if isinstance(spec, str) else spec["name"]
            kind = "attack" if name in list_entries("attack") else "metric"
            began = time.perf_counter()
            asyncio.run(build(kind, spec)(trial))
            taken = time.perf_counter() - began
            whole[kind] += taken
            print(f"  {label:28}{taken:7.2f} s {taken / plain:8.2f} forwards, three agents")
        told = ", ".join(f"all {kind}s {taken / plain / 3:.1f}" for kind, taken in whole.items())
        print(f"→ the suite for each agent, in forwards over its tokens: {told}; scoring alone {batched / plain:.2f}")


if __name__ == "__main__":
    main()
