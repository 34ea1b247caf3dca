"""Model calls per second, and processor time per call, against a bare aiohttp loop in the same run.

    python tests/bench/bench_calls.py [--seconds 4] [--rounds 1] [--at-once 1 16 50 200 500] [--arms bare …] [--profile]

A server in a process of its own answers each POST after 50 ms with the same chat completion. The arms: a bare aiohttp
loop; `openai/…` by its quick transport; the same through the official SDK; and everything: bargaining between
two models, with views, prompts, limits, parsing and every row in SQLite. Each cell is a process of its own that warms
up (the limiter starts narrow and widens) and is then measured over a window. `others` is what the rest of the machine
did meanwhile, in percent of one core; `server` is the server's share of one core, `threads` that of the client's
threads beside the main one. On a busy machine --rounds measures each cell again and shows the cheapest.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector
from sampling import Samples, sampled

from agents.chat_model import Line, Sampling
from agents.models.openai import OpenAI
from arena.episode import Match
from arena.runner.run import Halt, Watcher, run
from arena.store.store import Store

LATENCY = 0.05  # seconds
WARM = 2.0  # seconds before the window
CALL = {"id": "1", "type": "function", "function": {"name": "offer", "arguments": '{"price": 12.5}'}}
MESSAGE = {"role": "assistant", "content": "I could do this, for reason %09d.", "tool_calls": [CALL]}
BODY = json.dumps(
    {
        "id": "x", "object": "chat.completion", "created": 1, "model": "some-model",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 12, "total_tokens": 312},
    }
).encode()  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY % 0)
NUMBER = count()  # no two answers say the same
PROMPT = [Line("system", "You are the seller. " * 20), *(Line("user", f"Buyer: I could pay ${k}.") for k in range(10))]


class Endpoint(asyncio.Protocol):
    """As little of an HTTP server as is enough, so that the client is what is measured."""

    def __init__(self, spent: Any) -> None:
        self.spent, self.buffer = spent, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, split, rest = self.buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if split else 0
        if split and len(rest) >= length:
            self.buffer = rest[length:]
            asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        self.spent.value = time.process_time()
        if not self.transport.is_closing():
            self.transport.write(HEAD + BODY % next(NUMBER))  # type: ignore[attr-defined]


def serve(port: "multiprocessing.Queue[int]", spent: Any) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Endpoint(spent), "127.0.0.1", 0, backlog=2048)
        port.put(server.sockets[0].getsockname()[1])
        await asyncio.sleep(3600)

    asyncio.run(work())


@dataclass(slots=True)
class Count:
    """Calls answered so far."""

    done: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What a window showed: calls a second, µs of processor time a call, and shares of one core: of the threads beside
    the main one, of the server, and of everything else on the machine."""

    rate: float
    cpu: float
    threads: float
    server: float
    others: float
    profile: Samples | None = None


Arm = AbstractAsyncContextManager[Count]


@asynccontextmanager
async def loops(at_once: int, call: Callable[[], Awaitable[object]]) -> Any:
    """Loops that call again and again, `at_once` of them."""
    count = Count()

    async def loop() -> None:
        while True:
            await call()
            count.done += 1

    tasks = [asyncio.create_task(loop()) for _ in range(at_once)]
    yield count
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def bare(url: str, at_once: int) -> Any:
    request = json.dumps({"model": "m", "messages": [{"role": line.role, "content": line.text} for line in PROMPT]})
    async with ClientSession(connector=TCPConnector(limit=0)) as session:

        async def call() -> None:
            async with session.post(f"{url}/chat/completions", data=request.encode()) as response:
                json.loads(await response.read())

        async with loops(at_once, call) as count:
            yield count


def model(url: str, at_once: int, transport: str) -> Arm:
    chat = OpenAI("some-model", base_url=url, at_once=at_once, transport=transport)  # type: ignore[arg-type]
    return loops(at_once, lambda: chat.chat(PROMPT, (), Sampling(seed=1)))


@asynccontextmanager
async def everything(url: str, at_once: int, seconds: float) -> Any:
    """Calls made by games played at once, recorded; the price is always 12.5, so nobody accepts and rounds are long."""
    seat = {"name": "openai/some-model", "base_url": url, "at_once": at_once, "usd_per_million": [1, 2]}
    first = Match({"name": "bargaining", "rounds": 1, "coach": "none"}, {"buyer": seat, "seller": seat}, 0)
    most = at_once + int(at_once * (WARM + seconds) / LATENCY / 20)  # games of 20 messages, were there no other cost
    calls, halt = Count(), Halt()

    def turn(_: object, turn: Any) -> None:
        calls.done += len(turn.move.usage.calls)

    async def play(store: Store) -> None:
        pending = store.begin([first.with_seed(seed) for seed in range(most)]).pending
        async for _, result in run(pending, store, at_once=at_once, halt=halt, watcher=Watcher(turn=turn)):
            assert halt.on or not isinstance(result, Exception), result

    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "arena.db") as store:
        task = asyncio.create_task(play(store))
        yield calls
        assert not task.done(), "the games ran out"
        halt.on = True
        await task


def arm(name: str, url: str, at_once: int, seconds: float) -> Arm:
    if name == "everything":
        return everything(url, at_once, seconds)  # type: ignore[no-any-return]
    return bare(url, at_once) if name == "bare" else model(url, at_once, name)  # type: ignore[no-any-return]


def machine() -> float:
    """Seconds of processor time that all programs of this machine used so far; 0 where it does not say."""
    if not Path("/proc/stat").exists():
        return 0.0
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


async def measured(one: Arm, seconds: float, spent: Any, profile: bool) -> Cell:
    """What the arm does in a window of `seconds` after it has warmed up."""
    async with one as count:
        await asyncio.sleep(WARM)
        with sampled(profile) as samples:
            looks = []
            for wait in (seconds, 0.0):
                clocks = time.perf_counter(), time.process_time(), time.thread_time(), spent.value, machine()
                looks.append((count.done, *clocks))
                await asyncio.sleep(wait)
    calls, wall, cpu, own, server, all_of_it = (late - early for early, late in zip(*looks, strict=True))
    others = max(0.0, all_of_it - cpu - server)
    return Cell(calls / wall, cpu / calls * 1e6, (cpu - own) / wall, server / wall, others / wall, samples)


def cell(name: str, url: str, at_once: int, seconds: float, profile: bool, spent: Any, back: Any) -> None:
    back.put(asyncio.run(measured(arm(name, url, at_once, seconds), seconds, spent, profile)))


def best(name: str, url: str, at_once: int, given: argparse.Namespace, spent: Any) -> Cell:
    """The cell of the round in which a call took the least processor time: other load only ever adds to it."""
    context = multiprocessing.get_context("spawn")
    cells: list[Cell] = []
    for _ in range(given.rounds):
        back = context.Queue()
        work = context.Process(target=cell, args=(name, url, at_once, given.seconds, given.profile, spent, back))
        work.start()
        cells.append(back.get())
        work.join()
    return min(cells, key=lambda one: one.cpu)


def main(given: argparse.Namespace) -> None:
    context = multiprocessing.get_context("spawn")
    port, spent = context.Queue(), context.Value("d", lock=False)
    server = context.Process(target=serve, args=(port, spent), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}/v1"
    print(f"{LATENCY * 1e3:.0f} ms latency; ratio: calls/s against the bare loop of the same run; shares of one core")
    print(f"{'in flight':>9} {'arm':<12} {'calls/s':>8} {'ratio':>6} {'CPU µs/call':>12}  threads  server  others")
    ratios: dict[str, list[str]] = {name: [] for name in given.arms}
    for at_once in given.at_once:
        base = 0.0
        for name in given.arms:
            it = best(name, url, at_once, given, spent)
            base = base or it.rate
            ratios[name].append(f"{it.rate / base:.2f} at {at_once}")
            shares = f"{it.threads:>8.0%} {it.server:>7.0%} {it.others:>7.0%}"
            numbers = f"{it.rate:>8.0f} {it.rate / base:>6.2f} {it.cpu:>12.0f}"
            print(f"{at_once:>9} {name:<12} {numbers} {shares}", flush=True)
            if it.profile is not None:
                print(it.profile.table(it.cpu), flush=True)
    server.terminate()
    for name in given.arms[1:]:
        print(f"→ calls/s, {name} of {given.arms[0]}, in flight: {', '.join(ratios[name])}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Model calls per second against a bare aiohttp loop.")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the window of each cell")
    parser.add_argument("--rounds", type=int, default=1, help="how often each cell is measured; the cheapest is shown")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 16, 50, 200, 500])
    parser.add_argument("--arms", nargs="+", default=["bare", "fast", "sdk", "everything"])
    parser.add_argument("--profile", action="store_true", help="also say where the time goes")
    main(parser.parse_args())
