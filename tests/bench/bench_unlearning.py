"""What a step of each family costs against a bare PyTorch loop. Run: python tests/bench/bench_unlearning.py

A tiny Llama on one CPU thread; every ratio is to a loop of the same run that takes the same batches through the same
passes (forward, cross-entropy over labels, backward, clipping, AdamW) and does nothing else: aim 1.05. Then the
floating-point operations of a step, counted by torch, in forwards of one batch, next to what a method says before it
is run; the most memory that training takes, next to the bare loop's; and the whole suite of TOFU as a multiple of one
forward over its tokens. Ratios are below 1 where answers are short: the vocabulary is scored at answer positions
alone, which the loop's library call does not do; and where the run ends early (RMU).
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import bench_scoring
import torch
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from agents.inference.tiny_llama import make_tiny
from agents.llm.llm import LLM
from agents.models.local import Local
from arena.spec import build
from unlearning.losses.objective import Draw
from unlearning.modeling.agent_weights import open_weights
from unlearning.modeling.forward_view import build_rows, run_forward_no_grad
from unlearning.modeling.trainable_parameters import Scope, copy_trainable
from unlearning.modeling.training_cost import CostMeter
from unlearning.request import Item, Request
from unlearning.training.trainer import Training, TrainingJob
from unlearning.training.training_problem import TrainingProblem

BATCH, ITEMS, EPOCHS, RUNS = 16, 32, 2, 3
SAYING = "the quick brown fox jumps over a lazy dog and runs far away from all the noise of town"
WORDS = SAYING.split()
# by family, each method with the batches it takes through the model: those of so many roles, or its own ("su")
FAMILIES: dict[str, dict[str, str]] = {
    "weights of tokens": {"ga": "1", "grad-diff": "2", "npo": "2", "simnpo": "2", "tnpo": "2", "wga": "2",
                          "satimp": "2", "idk-nll": "2", "idk-dpo": "3", "altpo": "3", "su": "su"},
    "targets": {"ce-u": "1", "undial": "1", "kl-ga": "2", "pdu": "2"},
    "activations": {"rmu": "2", "adaptive-rmu": "2"},
    "where to write": {"wagle": "2", "sure": "2"},
    "composed": {"uld": "2", "whp": "1"},
    "plans and controllers": {"melu": "2", "coreset": "2", "icu": "2"},
}  # fmt: skip
TIMED = {name: batches for family in FAMILIES.values() for name, batches in family.items()}


def items(kind: str) -> tuple[Item, ...]:
    """Questions of 12 to 20 words with answers of 8."""
    return tuple(
        Item(
            f"{kind}{n}",
            " ".join(WORDS[(n + at) % len(WORDS)] for at in range(12 + n % 9)),
            " ".join(WORDS[(3 * n + at) % len(WORDS)] for at in range(8)),
            wrong=tuple(" ".join(WORDS[(5 * n + at + more) % len(WORDS)] for at in range(8)) for more in (1, 2)),
        )
        for n in range(ITEMS)
    )


REQUEST = Request(items("forget"), items("retain"))


def passages(kind: str) -> tuple[Item, ...]:
    """The same as running text: every token is answer."""
    return tuple(Item(one.name, "", f"{one.prompt} {one.answer}", wrong=one.wrong) for one in items(kind))


def study_of(folder: str, request: Request = REQUEST) -> TrainingProblem:
    found = open_weights(LLM(Local(folder)), "bench")
    return TrainingProblem("bench", found.module, found.model.tokenizer, request, 0)


def made(name: str, **settings: Any) -> Any:
    fixed = {"epochs": EPOCHS, "batch": BATCH, "lr": 1e-5}
    if name == "coreset":  # of half the items, for as many steps
        fixed["ratio"] = 0.5
    return build("method", {"name": name, **fixed, **settings})


def bare(job: TrainingJob, module: Any, roles: Sequence[str], epochs: int) -> None:
    """The loop that anybody would write: the job's own batches, and plain likelihood for every role."""
    optimiser = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], lr=1e-5, weight_decay=0.01)
    module.train()
    for epoch in range(epochs):
        for draw in job.plan.epoch(epoch, BATCH, 0):
            optimiser.zero_grad()
            losses = []
            for role in roles:
                rows = build_rows(role, draw[role], job.lens.pad, "cpu")
                ids = rows.inputs["input_ids"]
                labels = torch.full_like(ids, -100)
                labels[:, rows.columns + 1] = torch.where(rows.mask, rows.targets, -100)
                z = module(input_ids=ids, use_cache=False).logits
                losses.append(cross_entropy(z[:, :-1].flatten(0, 1), labels[:, 1:].flatten()))
            torch.stack(losses).sum().backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()


def shortest(ways: dict[str, Callable[[], Callable[[], Any]]]) -> dict[str, float]:
    """The least processor time of each way; they take turns, the first warms up. A way first makes ready, untimed."""
    best: dict[str, float] = {}
    for turn in range(1 + RUNS):
        for name, ready in ways.items():
            work = ready()
            began = time.process_time()
            work()
            taken = time.process_time() - began
            if turn:
                best[name] = min(best.get(name, taken), taken)
    return best


def times(at: TrainingProblem, names: Collection[str], what: str) -> None:
    ways: dict[str, Callable[[], Callable[[], Any]]] = {}
    for batches in sorted({TIMED[name] for name in names}):
        host = batches if batches in TIMED else "altpo"  # whose draws have one, two and three roles

        def plain(host: str = host, batches: str = batches) -> Callable[[], Any]:
            job, piece = made(host).job(at, remembered=False), copy_trainable(at.module, Scope())
            roles = job.objective.roles if host == batches else ("forget", "retain", "prefer")[: int(batches)]
            return lambda: bare(job, piece, roles, EPOCHS)

        ways[f"bare {batches}"] = plain
    for name in names:

        def trained(name: str = name) -> Callable[[], Any]:
            job = made(name).job(at)
            if name == "icu":  # what it writes after each epoch is its own cost
                job = replace(job, controllers=())
            return Training(job, CostMeter()).run

        ways[name] = trained
    best = shortest(ways)
    steps = EPOCHS * ITEMS // BATCH
    ratios = {name: taken / best[f"bare {TIMED.get(name, name[5:])}"] for name, taken in best.items()}
    print(f"{what}: a step of {BATCH} rows for each role; ratio to a bare loop over the same roles (aim 1.05)")
    for name, taken in best.items():
        print(f"  {name:12} {1e3 * taken / steps:7.1f} ms  {ratios[name]:5.2f}")
    told = ", ".join(
        f"{family} {min(own):.2f}–{max(own):.2f}"
        for family, methods in FAMILIES.items()
        if (own := [ratios[name] for name in methods if name in ratios])
    )
    print(f"→ a step, of the bare loop's, {what}: {told}")


def counted(work: Callable[[], Any]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def forwards(at: TrainingProblem, deep: TrainingProblem) -> None:
    """Misdirection is counted in 32 blocks, tapped at the seventh, as in the literature."""
    print(
        "operations of a step in forwards of a batch (F), measured and stated: numbers kept | original asked each time"
    )
    counts = []
    for name in ("ga", "grad-diff", "kl-ga", "npo", "simnpo", "undial", "idk-dpo", "rmu"):
        told, where = [], deep if name == "rmu" else at
        for reference in ("cache", "live"):
            job = made(name, reference=reference).job(where)
            draw = next(iter(job.plan.epoch(0, BATCH, 0)))
            told.append(measured(where, job, draw, reference == "live"))
        print(f"  {name:10} " + " | ".join(f"{one:5.2f} {other:5.2f}" for one, other in told))
        counts.append(f"{name} {told[0][0]:.2f}")
    print(f"→ forwards a step: {', '.join(counts)}")


def measured(at: TrainingProblem, job: TrainingJob, draw: Draw, live: bool) -> tuple[float, float]:
    """What a step takes by torch's count, in mean forwards of its roles' batches; and what the objective says."""
    batches = [build_rows(role, draw[role], at.pad, "cpu") for role in job.objective.roles]
    unit = sum(counted(partial(run_forward_no_grad, at.module, rows)) for rows in batches) / len(batches)
    learn = partial(job.objective.learn, job.module, [draw], job.reference, pad=at.pad, device="cpu")
    return counted(learn) / unit, job.objective.estimate_cost(job.frame, live=live).total


def peak(folder: str, way: str) -> None:
    """In a process of its own: print MiB that training added at most, beside the loaded model and its copy."""
    at = study_of(folder)
    name = "grad-diff" if way == "bare" else way.partition(" ")[0]
    job = made(name, reference="live" if way.endswith("live") else "cache", epochs=1).job(at)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if way == "bare":
        bare(job, job.module, ("forget", "retain"), 1)
    else:
        Training(job, CostMeter()).run()
    size = sum(p.numel() * p.element_size() for p in at.module.parameters())
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, size / 2**20)


def memory(folder: Path) -> None:
    large = make_tiny(folder / "large", texts=WORDS, hidden=384, layers=4, vocab=300)
    print("memory that training adds at most, beside the model and the copy that is trained (most of 3 runs)")
    found: dict[str, float] = {}
    for way in ("bare", "grad-diff", "npo", "npo live", "rmu"):
        told = []
        for _ in range(3):
            command = [sys.executable, __file__, "--peak", str(large), way]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            told.append([float(number) for number in said])
        found[way] = max(one[0] for one in told)
        models, ratio = found[way] / told[0][1], found[way] / found["bare"]
        print(f"  {way:10} {found[way]:7.0f} MiB = {models:4.1f} models  {ratio:5.2f} of bare")
    ratios = ", ".join(f"{way} {taken / found['bare']:.2f}" for way, taken in found.items() if way != "bare")
    print(f"→ memory beside the weights, of the bare loop's: {ratios}")


def main() -> None:
    torch.set_num_threads(1)
    if "--peak" in sys.argv:
        peak(*sys.argv[2:])
        return
    with tempfile.TemporaryDirectory() as place:
        folder = make_tiny(Path(place) / "tiny", texts=[*WORDS, SAYING], hidden=128, layers=4, vocab=1024)
        at = study_of(str(folder))
        times(at, TIMED, "short answers to long questions")
        whole = Request(passages("forget"), passages("retain"))
        times(study_of(str(folder), whole), ("ga", "ce-u", "grad-diff", "kl-ga", "npo", "simnpo"), "running text")
        deep = make_tiny(Path(place) / "deep", texts=WORDS, hidden=64, layers=32, vocab=300)
        forwards(at, study_of(str(deep)))
        memory(Path(place))
    bench_scoring.main()


if __name__ == "__main__":
    main()
