"""What people should know that stops nothing: told on stderr, or where the command that runs shows such things."""

import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar


def _to_stderr(line: str) -> None:
    if sys.stderr is None:
        return
    with suppress(OSError, ValueError):  # a stream that is gone or closed is no reason to stop
        encoding = sys.stderr.encoding or "utf-8"
        print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr, flush=True)


NOTICE: ContextVar[Callable[[str], None]] = ContextVar("notice", default=_to_stderr)


def notify(line: str) -> None:
    """Tell it."""
    NOTICE.get()(line)
