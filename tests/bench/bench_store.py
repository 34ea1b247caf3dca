"""What the records cost: `python tests/bench/bench_store.py`. Prints ratios, since times differ between machines.

Speed: answers per second, each awaited until it is committed, against `executemany` of the plain `sqlite3` module with
the same rows, in one transaction in the same process. Size: bytes of the database per answer after a checkpoint,
against JSON lines that write every call with its whole prompt; chats of 20 turns are measured.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from duel import duel  # noqa: E402

from arena.episode import Turn  # noqa: E402
from arena.game import Move  # noqa: E402
from arena.store.rows import STATEMENTS, RowBuffer  # noqa: E402
from arena.store.store import Store  # noqa: E402
from arena.usage import Call, Usage  # noqa: E402

ANSWERS = 6000
WORDS = (ROOT / "arena" / "place.py").read_text(encoding="utf-8").split()
Work = Callable[[Store], Coroutine[Any, Any, None]]


def said(rng: Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def plain(n: int, rng: Random) -> Turn:
    """An answer of a policy without a model: one sentence, its own, and an offer."""
    return Turn(n // 100, "buyer", Move(f"I offer {n} for it. {said(rng, 8)}", "offer", {"price": n}), n % 100)


def direct(path: Path, rows: RowBuffer) -> float:
    """Seconds that the `sqlite3` module needs for the same rows in the same tables, in one transaction."""
    Store.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for name, statement in STATEMENTS.items():
        if name in rows.of:
            connection.executemany(statement, rows.of[name])
    connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds


def acknowledged(path: Path, turns: list[Turn], at_once: int) -> float:
    """Seconds until all answers are recorded, `at_once` coroutines each waiting for its own."""

    async def work(store: Store) -> None:
        left = iter(turns)

        async def one(episode: str) -> None:
            for turn in left:
                await store.turn(episode, turn)

        await asyncio.gather(*(one(f"r.{n}") for n in range(at_once)))

    with Store.open(path) as store:
        start = time.perf_counter()
        asyncio.run(work(store))
        return time.perf_counter() - start


def speed(folder: Path) -> None:
    rng = Random(0)
    turns = [plain(n, rng) for n in range(ANSWERS)]
    rows = RowBuffer()
    for turn in turns:
        rows.turn("r.1", turn, 0.0)
    base = min(direct(folder / f"direct{n}.db", rows) for n in range(3))
    print(f"{'answers at once':>16} {'answers/s':>10} {'of executemany':>17}")
    ratios: dict[int, float] = {}
    for at_once in (1, 32, 256):
        seconds = min(acknowledged(folder / f"{at_once}.{n}.db", turns, at_once) for n in range(3))
        print(f"{at_once:16} {ANSWERS / seconds:10,.0f} {base / seconds:17.2f}")
        ratios[at_once] = base / seconds
    print(f"{'executemany':>16} {ANSWERS / base:10,.0f} {1:17.2f}")
    said = ", ".join(f"{ratio:.2f} ({at_once} at once)" for at_once, ratio in ratios.items())
    print(f"→ answers/s recorded, of sqlite3 executemany: {said}")


def chat(rng: Random, seats: int, system: int, words: int) -> list[Turn]:
    """20 turns. With one seat, a user asks it 20 times; with two, each answers the other 10 times.

    A seat's prompt is the system text, what the other said, and its own raw replies (JSON with the action).
    """
    names = ["seller", "buyer"][:seats]
    prompts = {name: [("system", f"You are the {name}. {said(rng, system)}")] for name in names}
    turns = []
    heard = said(rng, words)
    for step in range(20):
        name = names[step % seats]
        text = said(rng, words)
        reply = json.dumps({"message": text, "offer": step})
        prompt = (*prompts[name], ("user", f"{names[step % seats - 1]}: {heard}"))
        call = Call("tiny/one", "tiny/one-v2", "ok", 1000, 50, 0.001, 0.5, prompt, reply)
        turns.append(Turn(step, name, Move(text, "offer", {"price": step}, usage=Usage((call,)))))
        prompts[name] = [*prompt, ("assistant", reply)]
        heard = text if seats > 1 else said(rng, words)
    return turns


def lines(turns: list[Turn]) -> int:
    """Bytes of the same calls as JSON lines with whole prompts."""
    total = 0
    for turn in turns:
        (call,) = turn.move.usage.calls
        row = {"model": call.model, "resolved": call.resolved, "outcome": call.outcome, "usd": call.usd,
               "input_tokens": call.input_tokens, "output_tokens": call.output_tokens, "seconds": call.seconds,
               "messages": [{"role": role, "content": body} for role, body in call.prompt], "reply": call.reply,
               "seat": turn.seat, "step": turn.step, "text": turn.move.text, "args": turn.move.args}  # fmt: skip
        total += len(json.dumps(row)) + 1
    return total


def size(folder: Path) -> None:
    print(f"\n{'20-turn chat':>34} {'bytes/answer':>13} {'of JSON lines':>14}")
    ratios: list[float] = []
    for seats, words in ((1, 30), (1, 80), (2, 30)):
        path, rng = folder / f"{seats}.{words}.db", Random(1)
        chats = [chat(rng, seats, 150, words) for _ in range(50)]

        async def work(store: Store, chats: list[list[Turn]] = chats) -> None:
            for pending, turns in zip(store.begin([duel(n) for n in range(50)]).pending, chats, strict=True):
                await store.record_start(pending)
                for turn in turns:
                    await store.turn(pending.id, turn)

        with Store.open(path) as store:
            asyncio.run(work(store))
        stored, plain_lines = path.stat().st_size, sum(map(lines, chats))
        name = f"{'two seats' if seats > 1 else 'one seat'}, {words}-word messages"
        print(f"{name:>34} {stored / 1000:13,.0f} {stored / plain_lines:14.3f}")
        ratios.append(stored / plain_lines)
    print(f"→ bytes of 20-turn chats, of JSON lines: {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        speed(Path(place))
        size(Path(place))
