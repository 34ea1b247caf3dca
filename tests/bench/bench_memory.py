"""What thousands of open episodes weigh: `python tests/bench/bench_memory.py [EPISODES]` (5000).

Each match of bargaining is a model against a policy. The model gives five answers, then waits, until all episodes are
open side by side, recorded as always; so each has ten answers, with their prompts, when the process is weighed. The
baselines are processes of the same run: one with one open episode, and one that holds nothing but what the record says
of the same episodes (states, answers with their prompts, the next view), read back and played again.
"""

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from agents.chat_model import Line, Reply, Sampling  # noqa: E402
from agents.llm.llm import LLM  # noqa: E402
from agents.models.scripted import Negotiator  # noqa: E402
from arena.engine.budget import Halt  # noqa: E402
from arena.engine.match_loop import MatchLoop, RecordEnded  # noqa: E402
from arena.episode import Match  # noqa: E402
from arena.game import Game, Tool  # noqa: E402
from arena.runner.run import run  # noqa: E402
from arena.store.store import Store  # noqa: E402

ANSWERS = 5  # of the model, before it waits
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Door:
    """Where models wait: `all_there` once as many have come as are expected, until it is `opened`."""

    expected: int = 0
    waiting: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)


DOOR = Door()


@dataclass(frozen=True, slots=True)
class Waiting:
    """The scripted negotiator, which waits at the door before its sixth answer."""

    native_tools: bool = False

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        if sum(line.role == "assistant" for line in messages) >= ANSWERS:
            DOOR.waiting += 1
            if DOOR.waiting == DOOR.expected:
                DOOR.all_there.set()
            await DOOR.opened.wait()
        return await Negotiator().chat(messages, tools, sampling)


def plan(episodes: int) -> list[Match]:
    return [
        Match({"name": "bargaining", "coach": "none"}, {"buyer": LLM(model=Waiting()), "seller": "tough"}, seed)
        for seed in range(episodes)
    ]


def weight() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def play(path: str, episodes: int) -> dict[str, float]:
    """Opens all episodes at once and weighs the process, before and then."""

    async def work(store: Store) -> tuple[int, int]:
        halt = Halt()
        pending = store.begin(plan(episodes)).pending
        before = weight()
        DOOR.expected = len(pending)

        async def look() -> int:
            await DOOR.all_there.wait()
            found = weight()
            halt.on = True
            DOOR.opened.set()
            return found

        looking = asyncio.create_task(look())
        async for _, result in run(pending, store, at_once=episodes, halt=halt):
            assert isinstance(result, Exception), "it was stopped while open"
        return before, await looking

    start = time.perf_counter()
    with Store.open(path) as store:
        before, found = asyncio.run(work(store))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"before": before, "open": found, "peak": peak, "seconds": time.perf_counter() - start}


def hold(path: str, episodes: int) -> dict[str, float]:
    """Holds states, answers and views of the same episodes, and nothing else."""
    kept: list[Any] = []

    async def work(store: Store) -> None:
        for item in store.begin(plan(episodes)).pending:
            kept.append(await replayed(item.match, item.history[: 2 * ANSWERS]))

    with Store.open(path) as store:
        before = weight()
        asyncio.run(work(store))
        return {"before": before, "open": weight(), "answers": sum(len(turns) for _, turns, _ in kept) / len(kept)}


async def replayed(match: Match, history: Any) -> tuple[Any, Any, Any]:
    game: Game = match.build_parts()[0]
    table: MatchLoop[Any] = MatchLoop(game, {}, match, history)
    try:
        await table.run()
    except RecordEnded:
        pass
    return table.state, tuple(table.turns.values()), game.view(table.state, "buyer")


def child(what: str, path: str, episodes: int) -> dict[str, float]:
    """The numbers of a process of its own."""
    code = f"import json, bench_memory as b; print(json.dumps(b.{what}({path!r}, {episodes})))"
    paths = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(episodes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = child("play", f"{folder}/one.db", 1)
        many = child("play", f"{folder}/many.db", episodes)
        plain = child("hold", f"{folder}/many.db", episodes)
    each, least = ((arm["open"] - arm["before"]) / episodes for arm in (many, plain))
    print(
        f"{episodes:,} episodes open at once, {plain['answers']:.0f} answers each, recorded; in {many['seconds']:.0f} s"
    )
    print(f"{'':<58} {'MiB':>8} {'ratio':>6}")
    for name, found in (("process with one open episode, at its peak", one["peak"]),
                        (f"process with {episodes:,} open episodes, at its peak", many["peak"])):  # fmt: skip
        print(f"{name:<58} {found / 2**20:>8.1f} {found / one['peak']:>6.2f}")
    print(f"{'':<58} {'KiB':>8} {'ratio':>6}")
    for name, found in (("an episode's state, answers, prompts and view, read back", least), ("an open episode", each)):
        print(f"{name:<58} {found / 2**10:>8.1f} {found / least:>6.2f}")
    print(f"→ an open episode: {each / 2**10:.0f} KiB, {each / least:.2f} of its state, answers, prompts and view; "
          f"{episodes:,} of them: {many['peak'] / 2**20:,.0f} MiB in all")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
