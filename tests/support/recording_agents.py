"""Agents for matches played in other processes: what they were asked is told in a file, which is all they share."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from arena.engine.budget import Spending
from arena.errors import ModelUnavailable
from arena.game import Move, View
from arena.usage import Call, Usage


class Asked(NamedTuple):
    """One question: its seed, which no other question has, when it was asked (monotonic ns), and in which process."""

    seed: int
    at: int
    pid: int


@dataclass(frozen=True, slots=True)
class Talker:
    """Notes that it was asked, thinks for `seconds`, and answers with the question's seed; a call costs `usd`."""

    notes: str
    seconds: float = 0.0
    usd: float = 0.0

    async def act(self, view: View) -> Move:
        async with Spending(lambda: self.usd) as bill:
            note(self.notes, view.seed)
            await asyncio.sleep(self.seconds)
            bill.paid = self.usd
        call = Call("tiny/one", "tiny/one-v2", usd=self.usd, prompt=(("user", f"\ud800{view.rules}"),), reply="hi")
        return Move(str(view.seed), thought="a\0b\ud800c", usage=Usage((call,)))


@dataclass(frozen=True, slots=True)
class Fails:
    """Its model does not answer, or it has a bug, or it takes its process with it."""

    how: str = "model"

    async def act(self, view: View) -> Move:
        if self.how == "model":
            raise ModelUnavailable("tiny/two", "no answer", Usage((Call("tiny/two", outcome="timeout", usd=0.5),)))
        if self.how == "bug":
            return Move(str(1 / (view.seed - view.seed)))
        async with Spending(lambda: 0.25):
            os._exit(1)


def note(notes: str, seed: int) -> None:
    with Path(notes).open("a") as file:
        file.write(f"{seed} {time.monotonic_ns()} {os.getpid()}\n")


def asked(notes: Path) -> list[Asked]:
    """The questions noted in a file, in their order."""
    return [Asked(*map(int, line.split())) for line in notes.read_text().splitlines()] if notes.exists() else []
