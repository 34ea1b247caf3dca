"""What full training holds in memory against a bare loop. Run: python tests/bench/bench_training_memory.py [WEIGHTS_M]

Each training is a process of its own, whose greatest resident size is read: the command `arena forget`, from a folder
to a folder, and a loop that loads the same model, takes as many steps on the same items with AdamW, and saves. The loop
holds a second, frozen model where the method has a reference (NPO), and none where it has not (gradient difference).
Both sizes are also told less what a process holds that has loaded the libraries alone. Aim: 1.05 at most.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MEASURED = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
EPOCHS, BATCH, ITEMS = 3, 4, 8
MAKE = """
import sys
from agents.inference.tiny_llama import make_network, make_tokenizer, save
tokenizer = make_tokenizer(["the quick brown fox jumps over a lazy dog " * 5], 2000)
hidden, layers = int(sys.argv[2]), int(sys.argv[3])
save(sys.argv[1], make_network(tokenizer, hidden=hidden, layers=layers, heads=8), tokenizer)
"""
IDLE = f"import torch, transformers, peft\nfrom transformers import AutoModelForCausalLM\n{MEASURED}"
BARE = f"""
import json, sys
import torch, transformers, peft
from torch.nn.functional import cross_entropy, logsigmoid
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, data, method, out = sys.argv[1:5]
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).train()
frozen = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval() if method == "npo" else None
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
def batch(name, first):
    rows = [json.loads(line) for line in open(f"{{data}}/{{name}}.json")][first : first + {BATCH}]
    asked = [tokenizer.apply_chat_template([{{"role": "user", "content": row["question"]}}], tokenize=False,
                                           add_generation_prompt=True) for row in rows]
    heads = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in asked]
    tails = [tokenizer(row["answer"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id] for row in rows]
    width = max(len(head) + len(tail) for head, tail in zip(heads, tails))
    ids, labels = torch.zeros(len(rows), width, dtype=torch.long), torch.full((len(rows), width), -100)
    for n, (head, tail) in enumerate(zip(heads, tails)):
        ids[n, : len(head) + len(tail)] = torch.tensor(head + tail)
        labels[n, len(head) : len(head) + len(tail)] = torch.tensor(tail)
    return ids, labels
def sums(network, ids, labels):
    z = network(input_ids=ids).logits[:, :-1].float()
    lp = -cross_entropy(z.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="none")
    return lp.view(len(ids), -1).sum(1), (labels != -100).sum()
for epoch in range({EPOCHS}):
    for first in range(0, {ITEMS}, {BATCH}):
        forget, retain = batch("forget10", first), batch("retain90", first)
        optimiser.zero_grad()
        s, n = sums(model, *forget)
        if frozen is None:
            (s.sum() / n).backward()
        else:
            with torch.no_grad():
                before, _ = sums(frozen, *forget)
            (-20 * logsigmoid(-0.1 * (s - before)).mean()).backward()
        s, n = sums(model, *retain)
        (-s.sum() / n).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
model.save_pretrained(out)
{MEASURED}
"""
OURS = f"""
import sys
from arena.cli.main import main
sys.argv = ["arena", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
{MEASURED}
"""


def peak(code: str, *arguments: str, cwd: Path = ROOT) -> float:
    """MiB that a process held at most."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


def write_data(folder: Path) -> None:
    for name, word in (("forget10", "gone"), ("retain90", "kept"), ("full", "all")):
        rows = [
            {"question": f"Who is the {word} fox number {n}?", "answer": f"The {word} fox {n} jumps over a lazy dog."}
            for n in range(ITEMS)
        ]
        (folder / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))


def compared(millions: int) -> dict[str, tuple[float, float, float]]:
    """By method: the bare loop's peak, ours, and what an idle process holds, in MiB."""
    layers = 8
    hidden = max(64, round((millions * 1e6 / (10 * layers)) ** 0.5 / 64) * 64)
    found = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        peak(MAKE + MEASURED, str(folder / "model"), str(hidden), str(layers))
        write_data(folder)
        idle = peak(IDLE)
        for method in ("grad-diff", "npo"):
            bare = peak(BARE, str(folder / "model"), str(folder), method, str(folder / f"bare-{method}"))
            ours = peak(
                OURS, "forget-weights", "local/model", "--bench", "tofu", "--split", "forget10", "--method", method,
                "--set", f"benchmark.source={folder}", "--set", f"epochs={EPOCHS}", "--set", f"batch={BATCH}",
                "--out", f"ours-{method}", cwd=folder,
            )  # fmt: skip
            found[method] = (bare, ours, idle)
    return found


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for name, (bare, ours, idle) in compared(size).items():
        print(f"{name:10} bare {bare:7.0f} MiB  ours {ours:7.0f} MiB  ratio {ours / bare:.2f}  "
              f"(less {idle:.0f} MiB of libraries: {(ours - idle) / (bare - idle):.2f})")  # fmt: skip
