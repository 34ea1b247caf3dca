"""Warnings that do not stop a command: printed on stderr, or where the running command shows them."""

from collections.abc import Callable
from contextvars import ContextVar

from arena.console.stdio import Screen, say


def _to_stderr(line: str) -> None:
    say(line, Screen(stderr=True))


NOTICE: ContextVar[Callable[[str], None]] = ContextVar("notice", default=_to_stderr)


def notify(line: str) -> None:
    """Print a warning."""
    NOTICE.get()(line)
