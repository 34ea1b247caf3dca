"""All exceptions of arena.

ArenaError
├── UsageError            the request cannot be carried out; nothing was played (exit code 2)
│   ├── UnknownPart       no game, agent, model … of that name
│   ├── BadPart           the part exists, its parameters are wrong
│   ├── UntrustedPart     a record or a plan names code that the user has not named
│   ├── MissingExtra      an optional dependency is not installed
│   ├── MissingKey        an API key is not set
│   └── BadRecord         the database cannot be opened, read or written
├── IllegalMove           the rules refuse a move; the seat gets the reason and is asked again
├── BadReply              an agent cannot turn a reply into a move; answered like an illegal move
├── ModelUnavailable      a model did not answer, after all retries; the episode ends as `error`
└── Stopped               no further calls; the episode stays as recorded
    ├── Halted            the run was asked to stop
    └── BudgetSpent       the budget is exhausted; the episode is `cut`
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from arena.distribution import install_line

if TYPE_CHECKING:
    from arena.game import Move
    from arena.usage import Usage


class ArenaError(Exception):
    """Base class of errors that are shown to users without a traceback."""


class UsageError(ArenaError):
    """The request cannot be carried out; nothing was played."""


class UnknownPart(UsageError):
    """No part of that name; the message lists near misses and what exists."""


class BadPart(UsageError):
    """A part's parameters are wrong; the message names the field and what it takes."""


class UntrustedPart(UsageError):
    """A record or a plan names code that the user has not named; none of it was executed."""

    def __init__(self, kind: str, name: str, where: str) -> None:
        super().__init__(
            f"the {kind} {name!r} is code from outside of arena ({where}), and only the record names it: it was not "
            "run; to run it, name the same part on the command line, or add --trust (remembered until the file changes)"
        )
        self.name = name


class MissingExtra(UsageError):
    """An optional dependency is not installed; the message gives the install line."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra that is not installed; type: {install_line(extra)}")


class MissingKey(UsageError):
    """An API key is not set; the message names the variable."""

    def __init__(self, what: str, variable: str) -> None:
        super().__init__(f"{what} needs a key in the environment; type: export {variable}=…")


class BadRecord(UsageError):
    """The database cannot be opened, read or written as asked."""


class IllegalMove(ArenaError):
    """The rules refuse the move of `seat`, because of `why`."""

    def __init__(self, seat: str, why: str) -> None:
        super().__init__(f"{seat}: {why}")
        self.seat, self.why = seat, why


class BadReply(ArenaError):
    """A reply that cannot be parsed as one move; `move` holds its words and its usage."""

    def __init__(self, why: str, move: "Move") -> None:
        super().__init__(why)
        self.why, self.move = why, move


class ModelUnavailable(ArenaError):
    """A model gave no usable answer after all retries; `usage` holds the usage of the attempts.

    The loop adds `seat` and `step`.
    """

    seat: str = ""
    step: int = 0

    def __init__(self, model: str, why: str, usage: "Usage") -> None:
        super().__init__(f"{model}: {why}")
        self.model, self.why, self.usage = model, why, usage


class Stopped(ArenaError):
    """No further calls are allowed; `usage` holds the usage of earlier attempts. The loop adds `seat` and `step`."""

    seat: str = ""
    step: int = 0
    usage: "Usage | None" = None


class Halted(Stopped):
    """The run was asked to stop; the episode can be resumed."""


class BudgetSpent(Stopped):
    """The budget is exhausted; the message names the seat, the cap, and the price of the next call."""


def unknown(kind: str, given: str, possible: Iterable[str], hint: str = "") -> str:
    """Message for an unknown name: what was given, near misses, and the valid names."""
    names = sorted(possible)
    near = get_close_matches(given, names, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    listed = f" (there are: {', '.join(names)})" if names else ""
    return f"no {kind} named {given!r}{meant}{listed}{hint}"
