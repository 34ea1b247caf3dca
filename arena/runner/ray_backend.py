"""Ray backend: workers of a cluster play the matches, this process records everything.

A match is sent to a worker as JSON, with its recorded answers. Each new answer comes back as JSON and is committed by
this process, which owns the record and the budget; only then does the worker continue. So no answer is lost with a
worker: its matches are resumed on another one from the record. Workers need the same arena, the same parts and the same
keys in their environment as this process.
"""

import asyncio
import os
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from arena.engine.budget import GATE, CallGate, Halt
from arena.engine.match_loop import OnTurn
from arena.episode import Episode, Match, Turn, to_json
from arena.errors import ArenaError, Stopped, UsageError
from arena.external_parts import find_folder
from arena.key_permission import get_permission
from arena.runner.ray_messages import Key, key, pack, pack_error, unpack, unpack_end, unpack_error
from arena.runner.ray_worker import Message, Worker
from arena.runner.ray_worker_proxy import Desk, WorkerDied

LIVES = 5  # workers that one match may lose before it counts as failed
PATIENCE, STARTING = 10.0, 300.0  # seconds for a cluster to be reached, and for a first worker to start there


class WorkerLost(ArenaError):
    """A match lost several workers in a row; it may be the cause."""


@dataclass(slots=True)
class Cluster:
    """The backend `(match, history, keep, show) -> Episode` over the desks of a running Ray; states are not shown."""

    desks: Sequence[Desk]
    _begun: int = 0

    async def __call__(
        self, match: Match, history: Sequence[Turn], keep: OnTurn, show: Callable[[Any], None] = lambda state: None
    ) -> Episode:
        """The episode; each answer is kept before the next is asked for. Raises what was raised at the worker."""
        kept = {key(turn): turn for turn in history}
        for _ in range(LIVES):
            desk = min(self.desks, key=lambda desk: len(desk.inboxes))
            self._begun += 1
            try:
                return await Errand(desk, self._begun, match, kept, keep, GATE.get() or CallGate(Halt())).run()
            except WorkerDied as lost:
                why = lost
        raise WorkerLost(f"{LIVES} workers died one after another with match {match.id}; the last: {why}")


@dataclass(slots=True)
class Errand:
    """One match at one desk. `kept` are the answers on record, `held` the money held back by seat."""

    desk: Desk
    number: int
    match: Match
    kept: dict[Key, Turn]
    keep: OnTurn
    gate: CallGate
    held: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    async def run(self) -> Episode:
        budget = self.gate.budget
        capped = budget and [seat for seat in self.match.resolved["seats"] if budget.purses(seat)]
        history = pack(tuple(self.kept.values()))
        try:
            with self.desk.open_match(self.number, to_json(self.match), history, capped) as inbox:
                last = await self._attend(inbox)
        finally:
            for seat, usd in self.held.items():  # unsettled calls may have been billed
                if budget is not None:
                    budget.settle(seat, usd, None)
        if isinstance(last, WorkerDied):
            raise last
        if last[1] == "failed":
            raise unpack_error(last[3])
        return unpack_end(last[3], self.match, self.kept)

    async def _attend(self, inbox: "asyncio.Queue[Message | WorkerDied]") -> Message | WorkerDied:
        """Serves the messages of the match; returns the last, or Lost where the worker was gone before it.

        Answers that arrived are kept first. Raises what keeping one raises.
        """
        holding: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                while not isinstance(message := await inbox.get(), WorkerDied) and message[1] not in ("over", "failed"):
                    task = group.create_task(self._serve(message))
                    if message[1] == "hold":
                        holding.append(task)
                for task in holding:
                    task.cancel()  # the caller is gone
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return message

    async def _serve(self, message: Message) -> None:
        """Carry out the worker's request and reply to it."""
        match, kind, number, text, usd, paid = message
        refusal = ""
        if kind == "turn":
            (turn,) = unpack(text)
            await self.keep(turn)
            self.kept[key(turn)] = turn
        elif kind == "hold":
            try:
                await self._hold(text, usd)
            except Stopped as error:
                refusal = pack_error(error)
        elif self.gate.budget is not None:
            self.held[text] -= usd
            self.gate.budget.settle(text, usd, paid)
            return
        self.desk.reply(match, number, refusal)

    async def _hold(self, seat: str, usd: float) -> None:
        """Reserve money for a call. Raises Stopped."""
        budget = self.gate.budget
        assert budget is not None
        self.gate.halt.check()
        await budget.hold(seat, usd)
        if self.gate.halt.on:
            budget.settle(seat, usd, 0.0)
            self.gate.halt.check()
        self.held[seat] += usd


@contextmanager
def cluster(workers: int | None = None) -> Iterator[Cluster]:
    """The backend on the cluster at RAY_ADDRESS, else on a Ray started on this machine and ended after.

    `workers` is how many processes play, by default one for each free CPU. A Ray that runs in this process already is
    used and left running.
    """
    ours = not ray.is_initialized()
    if ours:
        _connect(workers)
    try:
        free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
        desks = [Desk(_hire) for _ in range(workers or max(1, int(free.get("CPU", 1))))]
        _await_one(desks)
        yield Cluster(desks)
    finally:
        if ours:
            ray.shutdown()


def _connect(workers: int | None) -> None:
    """Connect to the cluster at RAY_ADDRESS, or start a local Ray. Raises UsageError if the cluster does not answer."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        ray.init("local", num_cpus=workers, include_dashboard=False, **quiet)
        return
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        if port.isdigit():  # Ray itself tries for more than a minute
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        raise UsageError(f"no Ray answers at {address}; check RAY_ADDRESS, and that `ray status` works") from error
    try:
        ray.init(address, **quiet)
    except (ConnectionError, RayError) as error:
        raise UsageError(
            f"the Ray at {address} does not let this process in; check that `ray status` works; where its nodes were "
            "started with a token, set RAY_AUTH_MODE=token, and have it in RAY_AUTH_TOKEN or ~/.ray/auth_token"
        ) from error
    except RuntimeError as error:  # for example another version of Ray or of Python there
        raise UsageError(f"the Ray at {address} cannot be used: {error}") from error


def _await_one(desks: Sequence[Desk]) -> None:
    """Wait until a worker is ready. Raises UsageError if none can start, before a match is lost to that."""
    greetings = [desk.worker.hush.remote() for desk in desks]
    first, _ = ray.wait(greetings, timeout=STARTING)
    if not first:
        raise UsageError(f"no worker started in {STARTING:.0f} s; see `ray status`: each needs one free CPU")
    try:
        ray.get(first)
    except RayError as error:
        why = str(error).strip().rpartition("\n")[2]
        raise UsageError(
            f"workers cannot start ({why}); each node needs this arena and its extras in the Python that Ray runs there"
        ) from error


def _hire() -> Any:
    paths = [str(Path(path).resolve()) for path in sys.path]
    return ray.remote(Worker).options(num_cpus=1).remote(paths, str(find_folder()), get_permission())
