"""Count the model calls of a request: every call made while a method runs is added to the open accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from arena.usage import FREE, Usage


@dataclass(slots=True)
class Expense:
    """The calls made while it was open."""

    usage: Usage = FREE

    @property
    def calls(self) -> int:
        return len(self.usage.calls)

    @property
    def tokens(self) -> int | None:
        """Read and written; None where a call does not say."""
        return self.usage.tokens


_OPEN: ContextVar[tuple[Expense, ...]] = ContextVar("expenses", default=())


@contextmanager
def open_account() -> Iterator[Expense]:
    """An account that is open inside; what is spent there counts for those around it, too."""
    account = Expense()
    token = _OPEN.set((*_OPEN.get(), account))
    try:
        yield account
    finally:
        _OPEN.reset(token)


def record_usage(usage: Usage) -> None:
    """Put calls on all open accounts."""
    for account in _OPEN.get():
        account.usage += usage
