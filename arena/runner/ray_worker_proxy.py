"""Proxy of a Ray worker in the recording process: starts the worker and passes messages."""

import asyncio
import logging
from asyncio import Queue, Task
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from arena.runner.ray_worker import Message, Reply

LOGGER = logging.getLogger(__name__)


class WorkerDied(Exception):
    """The worker is gone; the message says why."""


@dataclass(slots=True)
class Desk:
    """Carries messages and replies between one worker and the matches it plays; `hire` brings a new worker.

    A worker that cannot be reached counts as lost: its matches get an error, and the next match starts a new worker.
    """

    hire: Callable[[], Any]
    worker: Any = None
    inboxes: "dict[int, Queue[Message | WorkerDied]]" = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    _postman: "Task[None] | None" = None

    def __post_init__(self) -> None:
        self.worker = self.hire()  # now, so that all workers start in parallel

    @contextmanager
    def open_match(self, match: int, *begin: object) -> "Iterator[Queue[Message | WorkerDied]]":
        """Has the worker begin a match and yields its messages; the worker drops it after."""
        worker = self.worker = self.worker or self.hire()
        inbox: Queue[Message | WorkerDied] = Queue()
        self.inboxes[match] = inbox
        if self._postman is None:
            self._postman = asyncio.create_task(self._deliver())
        worker.begin.remote(match, *begin)
        try:
            yield inbox
        finally:
            del self.inboxes[match]
            worker.drop.remote(match)
            if not self.inboxes and self._postman is not None:
                self._postman.cancel()
                self._postman = None
                worker.hush.remote()

    def reply(self, match: int, number: int, refusal: str = "") -> None:
        """Reply to a message; replies of one event loop step are sent together."""
        if not self.replies:
            asyncio.get_running_loop().call_soon(self._post)
        self.replies.append((match, number, refusal))

    def _post(self) -> None:
        replies, self.replies = self.replies, []
        if self.worker is not None:
            self.worker.reply.remote(replies)  # not waited for: it is `next` that tells when the worker is lost

    async def _deliver(self) -> None:
        try:
            while True:
                for message in await self.worker.next.remote():
                    if message[0] in self.inboxes:
                        self.inboxes[message[0]].put_nowait(message)
        except Exception as error:  # report any error to every match that waits for a message
            LOGGER.info("a worker is lost: %s: %s", type(error).__name__, error)
            self.worker = self._postman = None
            for inbox in self.inboxes.values():
                inbox.put_nowait(WorkerDied(f"{type(error).__name__}: {error}"))
