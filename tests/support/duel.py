"""A tiny game for the tests of the records: two seats talk in turns; every second answer closes a round."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from repository import ROOT, SUPPORT

from arena.episode import Match, Turn
from arena.errors import BadRecord, IllegalMove
from arena.game import JSON, Game, Move, View
from arena.runner.run import Watcher, run
from arena.store.store import Pending, Run, Store
from arena.usage import Call, Usage


@dataclass(frozen=True)
class Said:
    luck: int
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Duel(Game[Said]):
    """`length` answers; "no" is refused; the first text decides the scores."""

    length: int = 4
    api_key: str = ""

    @property
    def seats(self) -> tuple[str, ...]:
        return ("buyer", "seller")

    def start(self, rng: Random) -> Said:
        return Said(rng.randrange(1000))

    def to_act(self, state: Said) -> tuple[str, ...]:
        return (self.seats[len(state.texts) % 2],) if len(state.texts) < self.length else ()

    def view(self, state: Said, seat: str) -> View:
        return View(seat, f"{len(state.texts)} were said")

    def apply(self, state: Said, moves: Mapping[str, Move]) -> Said:
        ((seat, move),) = moves.items()
        if move.text == "no":
            raise IllegalMove(seat, "never say no")
        return replace(state, texts=(*state.texts, move.text))

    def scores(self, state: Said) -> dict[str, float | None]:
        return {"buyer": float(state.luck), "seller": None}

    def facts(self, state: Said) -> dict[str, JSON]:
        return {"luck": state.luck, "rounds": [round_row(n) for n in range(len(state.texts) // 2)]}


@dataclass(frozen=True, slots=True)
class Chatty:
    """Answers with a number from its seed, and bills one call whose prompt grows by a question and an answer a turn."""

    price: float | None = 0.001

    async def act(self, view: View) -> Move:
        before = int(view.rules.partition(" ")[0])
        prompt = [
            ("system", "talk about prices"),
            *((("user", "assistant")[n % 2], f"line {n}") for n in range(before)),
        ]
        text = f"answer {view.seed % 997}"
        call = Call("tiny/one", "tiny/one-v2", "ok", 10 * len(prompt), 5, self.price, 0.25, tuple(prompt), f"<{text}>")
        return Move(text, thought=f"thought {before}", usage=Usage((call,)))


@dataclass(frozen=True, slots=True)
class Keyed:
    """An agent with fields that nobody should store."""

    api_key: str = ""
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""

    async def act(self, view: View) -> Move:
        return Move("hi")


def round_row(n: int) -> dict[str, JSON]:
    """One row of the fact `rounds`: deals in the even rounds."""
    deal = n % 2 == 0
    price = 14.0 + n if deal else None
    return {
        **{"round": n + 1, "deal": deal, "price": price, "ended": "accepted" if deal else "turns"},
        **{"accepted_by": "buyer" if deal else "", "by": "buyer", "decided_by": "action", "evidence": "ok"},
        **{"messages": 2, "first_step": 2 * n, "last_step": 2 * n + 1},
        **{"buyer_surplus": 20 - price if price else 0.0, "seller_surplus": price - 8 if price else 0.0},
    }


def duel(seed: int = 0, length: int = 4, buyer: object = "says/hello", seller: object = None) -> Match:
    """A match of the duel; the seller chats, unless told otherwise."""
    return Match(Duel(length), {"buyer": buyer, "seller": seller or Chatty()}, seed)


def play_all(store: Store, matches: Sequence[Match], watch: Callable[[Pending, Turn], None] | None = None) -> Run:
    """Begins or goes on with a plan, plays what is pending, and ends the run."""
    record = store.begin(matches, "duel")

    async def work() -> None:
        watcher = Watcher(turn=watch) if watch else Watcher()
        async for _, result in run(record.pending, store, at_once=8, retries=0, watcher=watcher):
            if isinstance(result, BadRecord):
                raise result

    asyncio.run(work())
    store.end(record.id, "over")
    return record


def child(code: str, *arguments: object, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A process of its own that runs `code` with this module's names at hand; its output is read from a pipe."""
    paths = os.pathsep.join((str(SUPPORT), str(ROOT)))
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", f"import sys\nfrom duel import *\n{code}", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(process: subprocess.Popen[str], count: int) -> list[str]:
    """The whole lines that a process printed before it was killed, `count` of them or some more."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    process.kill()
    lines += process.stdout.read().splitlines(keepends=True)
    process.communicate(timeout=60)
    return [line.strip() for line in lines if line.endswith("\n")]


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query, read beside the store."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()
