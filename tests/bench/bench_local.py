"""How much of the ideal batch's speed concurrent chats reach. Run: python tests/bench/bench_local.py

64 chats at once, through `Local`, against one `generate` on the same prompts padded into one batch (the ideal), and
against one `generate` after the other; a tiny model on the CPU, the same tokens each way.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from agents.model import Line, Sampling
from agents.models.local import Local
from agents.models.tiny import make_tiny
from agents.templates import render

CHATS, TOKENS, RUNS = 64, 64, 3
PROMPTS = [[Line("user", "to be or not to be " * (1 + n % 16))] for n in range(CHATS)]


def best(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Tokens per second of the quickest run of each way; the ways take turns, the first turn warms up.

    Each runs in a thread of its own, as the engine does: torch keeps its helpers by thread, and those of a thread
    that is done with computing would take the cores from the next.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + RUNS):
        for name, work in ways.items():
            began = time.perf_counter()
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            times[name].append(time.perf_counter() - began)
    return {name: CHATS * TOKENS / min(taken[1:]) for name, taken in times.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = Local(str(make_tiny(Path(folder), texts=["to be or not to be"], hidden=128, layers=4, spread=0.02)))
        module, tokenizer = model.module, model.tokenizer
        module.generation_config.eos_token_id = tokenizer.pad_token_id  # no answer ends early: equal work each way
        tokenizer.padding_side = "left"
        texts = [render(tokenizer, lines).text for lines in PROMPTS]
        fixed = {"do_sample": False, "min_new_tokens": TOKENS, "max_new_tokens": TOKENS}

        async def chats(temperature: float) -> None:
            sampling = Sampling(temperature, max_tokens=TOKENS, seed=1)
            replies = await asyncio.gather(*(model.chat(lines, (), sampling) for lines in PROMPTS))
            assert sum(reply.usage.output_tokens for reply in replies) == CHATS * TOKENS

        def ideal() -> None:
            module.generate(**tokenizer(texts, padding=True, return_tensors="pt"), **fixed)

        def in_turn() -> None:
            for text in texts:
                module.generate(**tokenizer(text, return_tensors="pt"), **fixed)

        speeds = best(
            {
                "one ideal batch": ideal,
                "64 chats, greedy": lambda: asyncio.run(chats(0.0)),
                "64 chats, sampled": lambda: asyncio.run(chats(1.0)),
                "one after the other": in_turn,
            }
        )
    print(f"{torch.get_num_threads()} threads, {CHATS} chats of {TOKENS} new tokens")
    for name, speed in speeds.items():
        of_ideal, over_turn = speed / speeds["one ideal batch"], speed / speeds["one after the other"]
        print(f"{name:20} {speed:9,.0f} tokens/s  {of_ideal:5.0%} of ideal  {over_turn:5.1f} × one after the other")


if __name__ == "__main__":
    main()
