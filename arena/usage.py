"""Usage of a move: its model calls with tokens and prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

Number = TypeVar("Number", int, float)
MOST_TOKENS = 2**31 - 1  # most tokens of one call: the integer range of all databases
REFUSALS = ("rate_limited", "server", "rejected")  # outcomes of requests that the provider did not process


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to get an answer from a model.

    `outcome` is "ok", "truncated", "filtered", "refused", or the name of the failure ("rate_limited", "timeout",
    "server", "connection", "malformed", "rejected"). "truncated" and "filtered" without a `reply` are failures too:
    the token limit or the provider's filter left nothing. Tokens are None where the provider did not say, `usd` is None
    where the price is unknown. `prompt` holds the (role, text) pairs that were sent, `reply` the raw text that came
    back. `seconds` is wall-clock time.
    """

    model: str
    resolved: str = ""
    outcome: str = "ok"
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: float | None = None
    seconds: float = 0.0
    prompt: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    detail: str = ""

    @property
    def used(self) -> tuple[int | None, int | None]:
        """Tokens read and written; None where unknown, 0 for a refusal that cost nothing, and for a person.

        The same rule as that of the view `used`.
        """
        none = 0 if self.usd == 0 and (self.model == "human" or self.outcome in REFUSALS) else None
        return (
            none if self.input_tokens is None else self.input_tokens,
            none if self.output_tokens is None else self.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """The calls of one move, in order; a sum is None if one of its parts is unknown."""

    calls: tuple[Call, ...] = ()

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.calls + other.calls)

    @property
    def input_tokens(self) -> int | None:
        """Tokens read; None when any call's are unknown, 0 when nothing was called."""
        return whole(call.used[0] for call in self.calls)

    @property
    def output_tokens(self) -> int | None:
        """Tokens written; None when any call's are unknown, 0 when nothing was called."""
        return whole(call.used[1] for call in self.calls)

    @property
    def tokens(self) -> int | None:
        """Tokens read and written; None when any call's are unknown, 0 when nothing was called."""
        return whole((self.input_tokens, self.output_tokens))

    @property
    def seconds(self) -> float:
        return sum(call.seconds for call in self.calls)

    @property
    def usd(self) -> float | None:
        """Dollars; None when any call's price is unknown, 0.0 when nothing was called."""
        return whole(call.usd for call in self.calls)


def token_count(value: object) -> int | None:
    """The value where it is a count of tokens, from 0 to 2^31 - 1; None, unknown, for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def whole(parts: Iterable[Number | None]) -> Number | None:
    """The sum; None if a part is unknown, since a partial sum would look complete."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


FREE = Usage()
