"""What the default suite takes of three models against one. Run: python tests/bench/bench_suite.py [PEOPLE]

TOFU in the invented world, its tiny models, the suite of `forget --measure`. One: the model after, which stands in all
three places, so that each of its forwards is run once. Three: before, after and twin. Again: a second method's model,
beside the same before and twin, whose answers and scores are kept. Ratios are of processor time in one process.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import torch

from arena import cache_register
from arena.spec import build
from unlearning.experiments.weights import take_reading
from unlearning.probe import build_probe

SPLIT = "forget10"


def seconds(benchmark: Any, before: Any, after: Any, twin: Any) -> float:
    """Processor time of all readings."""
    suite = {label: build_probe(spec) for label, spec in benchmark.suite.items() if label != "cost"}

    async def read() -> None:
        trial = benchmark.trial_of(SPLIT, before, after, (twin,))
        for label, probe in suite.items():
            await take_reading(probe, trial, label)

    began = time.process_time()
    asyncio.run(read())
    return time.process_time() - began


def measured(people: int) -> dict[str, float]:
    """Seconds by what was read."""
    torch.set_num_threads(1)  # threads that wait for each other count as busy
    benchmark = build("benchmark", {"name": "tofu", "people": people})
    before, twin = benchmark.knower(), benchmark.twin(SPLIT)
    request = benchmark.request(SPLIT)
    made = [build("method", {"name": name, "preset": "tiny", "epochs": 1}) for name in ("npo", "grad-diff")]
    first, second = (asyncio.run(method(before, request)) for method in made)
    seconds(benchmark, first, first, first)  # what is loaded and compiled once is not counted
    cache_register.clear()
    found = {"one": seconds(benchmark, first, first, first)}
    cache_register.clear()
    found["three"] = seconds(benchmark, before, first, twin)
    found["again"] = seconds(benchmark, before, second, twin)
    return found


if __name__ == "__main__":
    found = measured(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
    for name, value in found.items():
        print(f"{name:6} {value:7.1f} s  {value / found['one']:.2f} of one")
