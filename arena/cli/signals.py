"""Signal handling of a run: Ctrl-C, SIGTERM and SIGHUP stop it in two stages."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from arena.console.exit_codes import INTERRUPTED
from arena.engine.budget import Halt

GRACE = 3.0  # seconds for cancelled calls to end before the process exits anyway
GENTLE = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def stopping(halt: Halt, tell: Callable[[], None]) -> Iterator[None]:
    """Context manager during a run: the first signal sets `halt` and calls `tell`; a Ctrl-C after that exits at once.

    Exiting raises KeyboardInterrupt, and ends the process after `GRACE` seconds. A signal that was ignored before
    (nohup) stays ignored. Outside of the main thread, where no signals arrive, this does nothing.
    """
    leaving: list[threading.Timer] = []

    def answer(number: int, _: object) -> None:
        if not halt.on:
            halt.on = True
            tell()
        elif number != signal.SIGINT:
            return
        elif leaving:
            os._exit(INTERRUPTED)
        else:
            timer = threading.Timer(GRACE, os._exit, (INTERRUPTED,))
            timer.daemon = True
            timer.start()
            leaving.append(timer)
            raise KeyboardInterrupt

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in GENTLE if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, answer)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in leaving:
            timer.cancel()
