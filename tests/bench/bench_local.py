"""How well a model in this process serves many chats. Run: python tests/bench/bench_local.py

A tiny Llama on one CPU thread; each table holds its own baseline, measured in turns with what it is compared to:
- 64 chats at once against one ideal `generate` on the same prompts, and against one `generate` after the other;
- requests that arrive at random (Poisson): joining the running batch against batches that start and end together;
- chats of 20 turns with and without the memory of what was read before;
- 64 chats with four adapters mixed against one adapter and none.
"""

import asyncio
import copy
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

import torch

from agents.chat_model import Line, Sampling
from agents.inference.chat_templates import Prompt, render
from agents.inference.engine import Engine
from agents.inference.tiny_llama import make_tiny
from agents.models.local import Local

CHATS, TOKENS, RUNS = 64, 64, 3
WORDS = "to be or not to be "
PROMPTS = [[Line("user", WORDS * (1 + n % 16))] for n in range(CHATS)]


def in_thread(work: Callable[[], Any]) -> float:
    """Seconds that `work` takes in a thread of its own, as the engine's work does: torch keeps its helpers by thread,
    and those of a thread that is done with computing would take the cores from the next."""
    with ThreadPoolExecutor(1) as thread:
        began = time.perf_counter()
        thread.submit(work).result()
        return time.perf_counter() - began


def in_turns(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The shortest time of each way in seconds; the ways take turns, the first turn warms up."""
    times = [{name: in_thread(work) for name, work in ways.items()} for _ in range(1 + RUNS)]
    return {name: min(taken[name] for taken in times[1:]) for name in ways}


async def at_once(models: Sequence[Local], temperature: float = 0.0) -> None:
    """64 chats of 64 tokens at once, dealt out to the models."""
    sampling = Sampling(temperature, max_tokens=TOKENS, seed=1)
    asked = (models[n % len(models)].chat(lines, (), sampling) for n, lines in enumerate(PROMPTS))
    replies = await asyncio.gather(*asked)
    assert sum(reply.usage.output_tokens for reply in replies) == CHATS * TOKENS


def full_batches(model: Local) -> None:
    module, tokenizer = model.module, model.tokenizer
    tokenizer.padding_side = "left"
    texts = [render(tokenizer, lines).text for lines in PROMPTS]
    fixed = {"do_sample": False, "min_new_tokens": TOKENS, "max_new_tokens": TOKENS}

    def one_after_the_other() -> None:
        for text in texts:
            module.generate(**tokenizer(text, return_tensors="pt"), **fixed)

    times = in_turns(
        {
            "one ideal batch": lambda: module.generate(**tokenizer(texts, padding=True, return_tensors="pt"), **fixed),
            "64 chats, greedy": lambda: asyncio.run(at_once([model])),
            "64 chats, sampled": lambda: asyncio.run(at_once([model], 1.0)),
            "one after the other": one_after_the_other,
        }
    )
    print(f"{CHATS} chats of {TOKENS} new tokens; aims: 0.80 of ideal, 5 × one after the other")
    for name, seconds in times.items():
        of_ideal, over_turn = times["one ideal batch"] / seconds, times["one after the other"] / seconds
        speed = CHATS * TOKENS / seconds
        print(f"  {name:22} {speed:7,.0f} tokens/s  {of_ideal:5.2f} of ideal  {over_turn:5.1f} × one after the other")
    ideal, ours, single = (times[name] for name in ("one ideal batch", "64 chats, greedy", "one after the other"))
    print(f"→ {CHATS} chats at once: {ideal / ours:.2f} of one ideal batch, {single / ours:.1f} × one after the other")


async def arriving(engine: Engine, load: float, speed: float, count: int = 128) -> tuple[list[float], float]:
    """Latencies in seconds and tokens per second, of requests that arrive at random at `load` of a speed."""
    chance = Random(5)
    lengths = [min(256, 4 + int(chance.expovariate(1 / 44))) for _ in range(count)]
    texts = [render(engine.tokenizer, [Line("user", WORDS * chance.randint(1, 16))]).text for _ in range(count)]
    rate = load * speed / fmean(lengths)  # requests a second
    gaps = [chance.expovariate(rate) for _ in range(count)]
    latencies: list[float] = []

    async def ask(text: str, new: int) -> None:
        began = time.perf_counter()
        await asyncio.wrap_future(engine.submit(Prompt(text), Sampling(0.0, max_tokens=new), CHATS))
        latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        due = began
        for text, new, gap in zip(texts, lengths, gaps, strict=True):
            due += gap
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(ask(text, new))
    return latencies, sum(lengths) / (time.perf_counter() - began)


def random_arrivals(model: Local) -> None:
    engines = {joins: Engine(model.module, model.tokenizer, joins) for joins in (True, False)}
    asyncio.run(arriving(engines[True], 20, 1e5))  # warm
    speed = asyncio.run(arriving(engines[True], 20, 1e5))[1]
    print("requests of 4 to 256 new tokens that arrive at random: joining a running batch / batches as they come")
    for load in (0.3, 0.8):
        done = {joins: asyncio.run(arriving(engine, load, speed)) for joins, engine in engines.items()}
        (mine, quick), (other, slow) = done[True], done[False]
        worst = [sorted(taken)[int(0.95 * len(taken))] for taken in (mine, other)]
        print(
            f"  load {load:.1f}: mean {fmean(mine):6.3f} / {fmean(other):6.3f} s = {fmean(mine) / fmean(other):.2f}"
            f"   median {median(mine) / median(other):.2f}   95 % {worst[0] / worst[1]:.2f}"
            f"   tokens/s {quick:,.0f} / {slow:,.0f} = {quick / slow:.2f}"
        )


async def long_chats(model: Local, turns: int = 20, chats: int = 8) -> tuple[int, int]:
    """Tokens of all prompts, and how many of them had been read before."""
    sampling = Sampling(0.0, max_tokens=16)

    async def talk(number: int) -> tuple[int, int]:
        lines, tokens, reused = [Line("system", f"The rules: {WORDS * 20}")], 0, 0
        for turn in range(turns):
            lines.append(Line("user", f"Chat {number}, turn {turn}: {WORDS * 4}"))
            reply = await model.chat(lines, (), sampling)
            call = reply.usage.calls[0]
            tokens += call.input_tokens or 0
            before = call.detail.partition(" tokens read before")
            reused += int(before[0].rpartition(" ")[2]) if before[1] else 0
            lines.append(Line("assistant", f"I say {WORDS * 2}"))  # not its noise: equal prompts each time
        return tokens, reused

    counts = await asyncio.gather(*(talk(number) for number in range(chats)))
    return sum(tokens for tokens, _ in counts), sum(reused for _, reused in counts)


def prefixes(model: Local) -> None:
    counts: dict[str, tuple[int, int]] = {}
    fresh = iter(range(1, 100))  # another module each time, so nothing is held from the round before

    def talk(name: str, megabytes: int) -> None:
        other = model.with_module(copy_of(model.module, next(fresh)))
        counts[name] = asyncio.run(long_chats(replace(other, prefix_cache_mb=megabytes)))

    times = in_turns({"nothing held": lambda: talk("nothing held", 0), "256 MiB": lambda: talk("256 MiB", 256)})
    print("8 chats of 20 turns under one set of rules")
    for name, seconds in times.items():
        tokens, reused = counts[name]
        saved = f"{reused / tokens:5.1%} of {tokens:,} prompt tokens were read before"
        print(f"  {name:22} {seconds:6.2f} s  {seconds / times['nothing held']:5.2f} of nothing held  {saved}")


def copy_of(module: Any, number: int) -> Any:
    """The module with weights that differ by a hair, so that it has a name, and an engine, of its own."""
    other = copy.deepcopy(module)
    with torch.no_grad():
        next(other.parameters())[0, 0] += number * 1e-3
    return other


def adapters(folder: Path) -> None:
    try:
        import peft
    except ImportError:
        print("adapters: not measured; type: pip install -e '.[lora]'")
        return
    places = []
    for number in range(4):
        module = copy_of(Local(str(folder)).module, number)
        config = peft.LoraConfig(target_modules="all-linear", r=8, init_lora_weights=False)
        peft.get_peft_model(module, config).save_pretrained(folder.parent / f"adapter{number}")
        places.append(str(folder.parent / f"adapter{number}"))
    models = [Local(str(folder), adapter=place, prefix_cache_mb=0) for place in places]
    plain = Local(str(folder), prefix_cache_mb=0)
    times = in_turns(
        {
            "no adapter": lambda: asyncio.run(at_once([plain])),
            "one adapter": lambda: asyncio.run(at_once(models[:1])),
            "four adapters mixed": lambda: asyncio.run(at_once(models)),
            "four, one at a time": lambda: [asyncio.run(quarter(model)) for model in models],
        }
    )
    print(f"{CHATS} chats with adapters of rank 8 on all linear layers")
    for name, seconds in times.items():
        print(f"  {name:22} {CHATS * TOKENS / seconds:7,.0f} tokens/s  {times['one adapter'] / seconds:5.2f} of one")


async def quarter(model: Local) -> None:
    sampling = Sampling(0.0, max_tokens=TOKENS, seed=1)
    await asyncio.gather(*(model.chat(lines, (), sampling) for lines in PROMPTS[: CHATS // 4]))


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = make_tiny(Path(place) / "tiny", texts=[WORDS], hidden=128, layers=4, spread=0.02, context=8192)
        model = Local(str(folder), prefix_cache_mb=0)
        # no answer ends early: equal work each way
        model.module.generation_config.eos_token_id = model.tokenizer.pad_token_id
        full_batches(model)
        random_arrivals(model)
        prefixes(model)
        adapters(folder)


if __name__ == "__main__":
    main()
