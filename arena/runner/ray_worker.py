"""Worker process of the Ray backend: plays matches and sends every result to the recording process.

A worker keeps no state that must not be lost. It sends each result as a message and waits for the reply: for an answer,
until it is committed; for the price of a call, until the budget has reserved it. Messages of all its matches are sent
in batches.
"""

import asyncio
import sys
from asyncio import Future, Task
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from arena.engine.budget import GATE, Budget, CallGate, Halt, Purse
from arena.engine.play import perform
from arena.episode import Turn, parse_match
from arena.external_parts import set_folder
from arena.key_permission import KeyPermission, restrict
from arena.runner.ray_messages import pack, pack_end, pack_error, unpack, unpack_error

Kind: TypeAlias = Literal["turn", "hold", "settle", "over", "failed"]
Message: TypeAlias = tuple[int, Kind, int, str, float, float | None]  # match, kind, number, JSON or seat, usd, usd paid
Reply: TypeAlias = tuple[int, int, str]  # match, number of the message, JSON of an error or ""


@dataclass(slots=True)
class WorkerMatch:
    """One match in this worker; `send` queues its messages, `open` are those that wait for a reply."""

    match: int
    send: Callable[[Message], None]
    open: "dict[int, Future[None]]" = field(default_factory=dict)
    sent: int = 0
    task: "Task[None] | None" = None

    def tell(self, kind: Kind, text: str = "", usd: float = 0.0, paid: float | None = None) -> int:
        """Send a message; returns its number."""
        self.sent += 1
        self.send((self.match, kind, self.sent, text, usd, paid))
        return self.sent

    async def ask(self, kind: Kind, text: str, usd: float = 0.0) -> None:
        """Send a message and wait for the reply. Raises the error that the reply carries."""
        number = self.tell(kind, text, usd)
        self.open[number] = leave = asyncio.get_running_loop().create_future()
        try:
            await leave
        finally:
            del self.open[number]

    async def run(self, match: str, history: str, capped: Sequence[str] | None) -> None:
        """Play to the end and send the result, or the error."""
        if capped is not None:
            GATE.set(CallGate(Halt(), FarBudget(seats={seat: Purse(seat, 0.0) for seat in capped}, play=self)))
        try:
            episode = await perform(parse_match(match), history=unpack(history), on_turn=self._keep)
            self.tell("over", pack_end(episode))
        except Exception as error:  # report any error to the other process
            self.tell("failed", pack_error(error))

    async def _keep(self, turn: Turn) -> None:
        await self.ask("turn", pack((turn,)))


@dataclass(slots=True, kw_only=True)
class FarBudget(Budget):
    """Proxy of the budget in the recording process; `seats` are those with a cap."""

    play: WorkerMatch

    async def hold(self, seat: str, usd: float) -> None:
        await self.play.ask("hold", seat, usd)

    def settle(self, seat: str, held: float, paid: float | None) -> None:
        self.play.tell("settle", seat, held, paid)


class Worker:
    """Plays many matches concurrently, each under a number chosen by the caller.

    `paths` are the caller's module search paths, absolute; they are searched last. `folder` is the caller's folder,
    which is searched for parts that are not installed. `keys` is the user's permission to send keys to servers.
    """

    def __init__(self, paths: Sequence[str] = (), folder: str = "", keys: KeyPermission | None = None) -> None:
        self._plays: dict[int, WorkerMatch] = {}
        self._out: list[Message] = []
        self._waiting: Future[bool] | None = None  # of the active call of `next`
        sys.path.extend(path for path in paths if path not in sys.path)
        restrict(keys)
        if folder:
            set_folder(Path(folder))

    async def begin(self, match: int, spec: str, history: str, capped: Sequence[str] | None) -> None:
        """Start a match, given as JSON with its answers so far; calls of the seats in `capped` need a reservation."""
        self._plays[match] = play = WorkerMatch(match, self._send)
        play.task = asyncio.create_task(play.run(spec, history, capped))

    async def next(self) -> list[Message]:
        """The queued messages of all matches; waits for one, or returns none after `hush`."""
        if not self._out:
            self._waiting = asyncio.get_running_loop().create_future()
            if not await self._waiting:
                return []
        messages, self._out = self._out, []
        return messages

    async def hush(self) -> None:
        """End a waiting call of `next`: its result is no longer used."""
        self._wake(False)

    async def reply(self, replies: Sequence[Reply]) -> None:
        """Resume the senders of those messages, or raise the errors there."""
        for match, number, refusal in replies:
            play = self._plays.get(match)
            leave = play and play.open.get(number)
            if leave and not leave.done():
                if refusal:
                    leave.set_exception(unpack_error(refusal))
                else:
                    leave.set_result(None)

    async def drop(self, match: int) -> None:
        """Cancel a match in any state and remove it."""
        play = self._plays.pop(match, None)
        if play is not None and play.task is not None:
            play.task.cancel()

    def _send(self, message: Message) -> None:
        self._out.append(message)
        self._wake(True)

    def _wake(self, news: bool) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(news)
