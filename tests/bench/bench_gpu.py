"""Forgetting on a GPU, for a model of a real size. Run: python tests/bench/bench_gpu.py

A Llama with random weights in bfloat16, of the shape of Llama-3.2-1B: what a step of each family takes against a bare
PyTorch loop over the same batches and passes, in the same precision (bfloat16 matrices over float32 weights); the most
memory that was held, weights included; and how busy the device was: the operations of the passes in a second, as a
share of what one large product of matrices reaches there. Where there is no GPU it says so and measures nothing; to
rehearse it elsewhere: --device cpu --size tiny. --methods npo,rmu measures these.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

from agents.inference.tiny_llama import make_tokenizer, save
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.spec import build
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.forward_view import build_rows
from unlearning.modeling.training_cost import CostMeter
from unlearning.request import Item, Request
from unlearning.training.trainer import Training, TrainingJob, build_context
from unlearning.training.training_problem import TrainingProblem

SIZES = {
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128_256},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
             "num_key_value_heads": 2, "vocab_size": 1000},
}  # fmt: skip
ROWS = {"1b": (16, 64), "tiny": (4, 8)}  # in a batch of a role; words of an answer
STEPS = 8
SAYING = "the quick brown fox jumps over a lazy dog and runs far away from all the noise of town"
WORDS = SAYING.split()
# method, settings, and the roles whose batches it takes through the model
WAYS: dict[str, tuple[dict[str, Any], int]] = {
    "ga": ({}, 1), "grad-diff": ({}, 2), "npo": ({}, 2), "npo live": ({"reference": "live"}, 2),
    "npo lora": ({"lora": {}}, 2), "npo pure": ({"precision": "pure"}, 2), "simnpo": ({}, 2), "idk-dpo": ({}, 3),
    "undial": ({"top": 64}, 1), "ce-u": ({}, 1), "pdu": ({}, 2), "rmu": ({}, 2), "sure": ({}, 2),
    "uld": ({}, 2), "su": ({}, 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What a training took. step: seconds, the median after the first. whole: seconds of all steps and what is around
    them, by step. memory: bytes held at most, None on a CPU. rate: operations of its passes in a second."""

    step: float
    whole: float
    memory: int | None
    rate: float


def items(kind: str, size: str) -> tuple[Item, ...]:
    """Questions of 24 words; as many as make all steps in two epochs."""
    rows, long = ROWS[size]
    return tuple(
        Item(f"{kind}{n}", said(n, 24), said(3 * n, long), (), (said(5 * n + 1, long), said(5 * n + 2, long)))
        for n in range(rows * STEPS // 2)
    )


def said(first: int, count: int) -> str:
    return " ".join(WORDS[(first + at) % len(WORDS)] for at in range(count))


def study(folder: Path, size: str, device: str) -> TrainingProblem:
    """The model on its device, and what it is asked to forget and to keep."""
    tokenizer = make_tokenizer([SAYING] * 2, 300, words=True)
    torch.manual_seed(0)
    with torch.device(device):
        module = LlamaForCausalLM(LlamaConfig(**SIZES[size], tie_word_embeddings=True)).to(torch.bfloat16)
    save(folder, module.cpu(), tokenizer)
    del module
    free()
    found = open_weights(LLM(Local(str(folder), device=device, dtype="bfloat16")), "bench")
    request = Request(items("forget", size), items("retain", size))
    return TrainingProblem("bench", found.module, found.model.tokenizer, request, 0)


def free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def done(device: torch.device) -> float:
    """The time, all that was asked of the device being done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def bare(job: TrainingJob, roles: Sequence[str], tell: Callable[[], None]) -> float:
    """The loop that anybody would write; the operations of its passes."""
    module, device, context = job.module, job.lens.device, build_context("auto", job.lens.device, True)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-5, weight_decay=0.01, fused=True)
    module.train()
    read = 0
    for epoch in range(2):
        for draw in job.plan.epoch(epoch, job.settings.batch, 0):
            optimiser.zero_grad()
            for role in roles:
                rows = build_rows(role, draw[role], job.lens.pad, device)
                ids = rows.inputs["input_ids"]
                labels = torch.full_like(ids, -100)
                labels[:, rows.columns + 1] = torch.where(rows.mask, rows.targets, -100)
                with context():
                    z: Tensor = module(input_ids=ids, use_cache=False).logits
                loss = cross_entropy(z[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
                loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
                read += rows.size
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()
            tell()
    return 3.0 * read * job.frame.flops


def taken(at: TrainingProblem, name: str, batch: int) -> Taken:
    """A method's training, or the bare loop of as many roles ("bare 2")."""
    free()
    device, stamps, meter = at.device, list[float](), CostMeter()
    head, _, count = name.partition(" ")
    fixed = {"epochs": 2, "batch": batch, "lr": 1e-5, "cache_mb": 16_384}
    method = build("method", {"name": "altpo" if head == "bare" else head, **fixed, **WAYS.get(name, ({}, 0))[0]})
    job = method.job(at, remembered=head != "bare")
    meter.begin(device)
    began = done(device)
    if head == "bare":
        roles = ("forget", "retain", "prefer")[: int(count)]
        operations = bare(job, roles, lambda: stamps.append(done(device)))
    else:
        Training(job, meter, lambda _: stamps.append(done(device))).run()
        operations = meter.flops
    whole = (done(device) - began) / len(stamps)
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    step = median(after - before for before, after in pairwise(stamps))
    return Taken(step, whole, memory, operations / (stamps[-1] - began))


def greatest(device: torch.device, size: int) -> float:
    """Operations in a second of one product of two square matrices in bfloat16."""
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(6):
        began = done(device)
        _product = one @ other
        best = min(best, done(device) - began)
    return 2.0 * size**3 / best


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--device", default="cuda")
    asked.add_argument("--size", choices=list(SIZES), default="1b")
    asked.add_argument("--methods", default=",".join(WAYS))
    given = asked.parse_args()
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        print("→ no GPU here: nothing was measured (a rehearsal: --device cpu --size tiny)")
        return
    names = [name for name in given.methods.split(",") if name in WAYS]
    with tempfile.TemporaryDirectory() as place:
        at = study(Path(place) / "model", given.size, given.device)
        what = torch.cuda.get_device_name(at.device) if at.device.type == "cuda" else "CPU"
        weights = sum(p.numel() for p in at.module.parameters())
        top = greatest(at.device, 8192 if given.size == "1b" else 512)
        batch, counts = ROWS[given.size][0], sorted({WAYS[name][1] for name in names})
        print(f"{what}: {weights / 1e6:,.1f} M weights in {at.module.dtype}, {batch} rows for each role; one product "
              f"of matrices {top / 1e12:.2f} Tflop/s")  # fmt: skip
        base = {str(count): taken(at, f"bare {count}", batch) for count in counts}
        found = {name: taken(at, name, batch) for name in names}
        for name, one in [*((f"bare {count}", one) for count, one in base.items()), *found.items()]:
            beside = base[name[5:] if name.startswith("bare") else str(WAYS[name][1])]
            held = "" if one.memory is None or beside.memory is None else (
                f"  {one.memory / 2**30:6.1f} GiB {one.memory / beside.memory:5.2f}")  # fmt: skip
            print(f"  {name:10} {1e3 * one.step:8.1f} ms {one.step / beside.step:5.2f}  with all around it "
                  f"{one.whole / beside.whole:5.2f}  busy {one.rate / top:4.0%}{held}")  # fmt: skip
        ratios = ", ".join(f"{name} {one.step / base[str(WAYS[name][1])].step:.2f}" for name, one in found.items())
        print(f"→ a step on {what}, of the bare loop's: {ratios}")


if __name__ == "__main__":
    main()
