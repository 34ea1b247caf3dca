"""What people should know that stops nothing: told on stderr, or where the command that runs shows such things."""

from collections.abc import Callable
from contextvars import ContextVar

from arena.console.stdio import Screen, say


def _to_stderr(line: str) -> None:
    say(line, Screen(stderr=True))


NOTICE: ContextVar[Callable[[str], None]] = ContextVar("notice", default=_to_stderr)


def notify(line: str) -> None:
    """Tell it."""
    NOTICE.get()(line)
