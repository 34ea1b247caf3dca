"""Long work is told on stderr: what goes on, since when, and how to stop it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event, Thread

from arena.console.notices import NOTICE

FIRST, RAREST = 2.0, 60.0  # seconds before the first line, and the longest between two


@dataclass(slots=True)
class LongWork:
    """What goes on, and its details by kind, such as {"lesson": "3 of 12"}, in the order in which they came up."""

    what: str
    details: dict[str, str] = field(default_factory=dict)

    def line(self, seconds: float) -> str:
        """What is told after so many seconds."""
        told = ", ".join([self.what, *(f"{kind} {value}" for kind, value in tuple(self.details.items()))])
        return f"{told}: {seconds:.0f} s so far; Ctrl-C stops it"


_WORK: ContextVar[LongWork | None] = ContextVar("work", default=None)


@contextmanager
def waiting(what: str, first: float = FIRST) -> Iterator[None]:
    """Within: a notice that `what` goes on, `first` seconds after the start and then ever more rarely."""
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
    """Tells the work that is waited for how far it is, `doing("lesson", "3 of 12")`; nothing where nobody waits.

    Without a value that detail is over.
    """
    work = _WORK.get()
    if work is None:
        return
    work.details.pop(kind, None)
    if value:
        work.details[kind] = value


def silence() -> None:
    """From here on, in this context, no notice is told."""
    NOTICE.set(lambda line: None)
