"""Model calls per second, and processor time per call, against a bare aiohttp loop in the same run.

    python tests/bench/bench_calls.py [SECONDS PER CELL]

A server in a process of its own answers each POST after 50 ms with the same chat completion. The arms: a bare aiohttp
loop; `openai/…` by its quick transport; the same through the official SDK; and everything: bargaining between
two models, with views, prompts, limits, parsing and every row in SQLite. Times are of the client's process.
"""

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import ClientSession, TCPConnector

from agents.model import Line, Sampling
from agents.models.openai import OpenAI
from arena.episode import Match
from arena.run import run
from arena.store import Store

LATENCY = 0.05  # seconds
CALL = {"id": "1", "type": "function", "function": {"name": "offer", "arguments": '{"price": 12.5}'}}
MESSAGE = {"role": "assistant", "content": "I could do this.", "tool_calls": [CALL]}
BODY = json.dumps(
    {
        "id": "x", "object": "chat.completion", "created": 1, "model": "some-model",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 12, "total_tokens": 312},
    }
).encode()  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
PROMPT = [Line("system", "You are the seller. " * 20), *(Line("user", f"Buyer: I could pay ${k}.") for k in range(10))]


class Endpoint(asyncio.Protocol):
    """As little of an HTTP server as is enough, so that the client is what is measured."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, split, rest = self.buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0) if split else 0
        if split and len(rest) >= length:
            self.buffer = rest[length:]
            asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(HEAD + BODY)  # type: ignore[attr-defined]


def serve(port: "multiprocessing.Queue[int]") -> None:
    async def work() -> None:
        server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, backlog=2048)
        port.put(server.sockets[0].getsockname()[1])
        await asyncio.sleep(3600)

    asyncio.run(work())


async def loops(at_once: int, seconds: float, call: Callable[[], Awaitable[object]]) -> int:
    """How many calls `at_once` loops make in about `seconds`."""
    end, done = time.perf_counter() + seconds, 0

    async def loop() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    await asyncio.gather(*(loop() for _ in range(at_once)))
    return done


async def bare(url: str, at_once: int, seconds: float) -> int:
    request = json.dumps({"model": "m", "messages": [{"role": line.role, "content": line.text} for line in PROMPT]})
    async with ClientSession(connector=TCPConnector(limit=0)) as session:

        async def call() -> None:
            async with session.post(f"{url}/chat/completions", data=request.encode()) as response:
                json.loads(await response.read())

        return await loops(at_once, seconds, call)


async def model(url: str, at_once: int, seconds: float, transport: str) -> int:
    chat = OpenAI("some-model", base_url=url, at_once=at_once, transport=transport)  # type: ignore[arg-type]
    await asyncio.gather(*(chat.chat(PROMPT) for _ in range(min(at_once, 4))))
    return await loops(at_once, seconds, lambda: chat.chat(PROMPT, (), Sampling(seed=1)))


async def everything(url: str, at_once: int, seconds: float, folder: str) -> int:
    """Calls made by games played at once, recorded; the price is always 12.5, so nobody accepts and rounds are long."""
    seat = {"name": "openai/some-model", "base_url": url, "at_once": at_once, "usd_per_million": [1, 2]}
    count = max(at_once, int(at_once * seconds / LATENCY / 20))
    game = {"name": "bargaining", "rounds": 1, "coach": "none"}
    plans = [Match(game, {"buyer": seat, "seller": seat}, seed) for seed in range(count)]
    with Store.open(Path(folder) / f"{at_once}.db") as store:
        pending = store.begin(plans).pending
        results = [result async for _, result in run(pending, store, at_once=at_once)]
    assert not any(isinstance(result, Exception) for result in results), results
    return sum(len(result.usage.calls) for result in results)  # type: ignore[union-attr]


def measure(work: Awaitable[int]) -> tuple[float, float]:
    """Calls per second and µs of processor time per call."""
    wall, cpu = time.perf_counter(), time.process_time()
    calls = asyncio.run(work)  # type: ignore[arg-type]
    return calls / (time.perf_counter() - wall), (time.process_time() - cpu) / calls * 1e6


def main(seconds: float) -> None:
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}/v1"
    print(f"{LATENCY * 1e3:.0f} ms latency; ratio: calls/s against the bare loop of the same run")
    print(f"{'in flight':>9} {'arm':<12} {'calls/s':>8} {'ratio':>6} {'CPU µs/call':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for at_once in (1, 16, 50, 200, 500):
            arms = {
                "bare": bare(url, at_once, seconds),
                "fast": model(url, at_once, seconds, "fast"),
                "sdk": model(url, at_once, seconds, "sdk"),
                "everything": everything(url, at_once, seconds, folder),
            }
            base = 0.0
            for name, work in arms.items():
                rate, cpu = measure(work)
                base = base or rate
                print(f"{at_once:>9} {name:<12} {rate:>8.0f} {rate / base:>6.2f} {cpu:>12.0f}", flush=True)
    server.terminate()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
