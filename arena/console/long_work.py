"""Notices on stderr during long work: what is running, since when, and how to stop it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event, Thread

from arena.console.notices import NOTICE

FIRST, RAREST = 2.0, 60.0  # seconds before the first line, and the longest interval


@dataclass(slots=True)
class LongWork:
    """Running work and its details by kind, such as {"lesson": "3 of 12"}, in order of appearance."""

    what: str
    details: dict[str, str] = field(default_factory=dict)

    def line(self, seconds: float) -> str:
        """The notice after `seconds` seconds."""
        told = ", ".join([self.what, *(f"{kind} {value}" for kind, value in tuple(self.details.items()))])
        return f"{told}: {seconds:.0f} s so far; Ctrl-C stops it"


_WORK: ContextVar[LongWork | None] = ContextVar("work", default=None)


@contextmanager
def waiting(what: str, first: float = FIRST) -> Iterator[None]:
    """Context manager that prints a notice about `what` after `first` seconds, and then at growing intervals."""
    work, tell, over = LongWork(what), NOTICE.get(), Event()
    begun = time.monotonic()

    def watch() -> None:
        pause = first
        while not over.wait(pause):
            tell(work.line(time.monotonic() - begun))
            pause = min(2 * pause, RAREST)

    thread, before = Thread(target=watch, name="arena-waiting", daemon=True), _WORK.set(work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _WORK.reset(before)


def doing(kind: str, value: str = "") -> None:
    """Set a detail of the running work, `doing("lesson", "3 of 12")`; does nothing outside of `waiting`.

    Without a value the detail is removed.
    """
    work = _WORK.get()
    if work is None:
        return
    work.details.pop(kind, None)
    if value:
        work.details[kind] = value


def silence() -> None:
    """Suppress notices from here on in this context."""
    NOTICE.set(lambda line: None)
