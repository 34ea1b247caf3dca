"""What a move cost: the model calls behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to get an answer from a model.

    `outcome` is "ok", "truncated", "filtered", "refused", or the name of the failure ("rate_limited", "timeout",
    "server", "connection", "malformed", "rejected"). `usd` is None where the price is unknown. `prompt` holds
    the (role, text) pairs that were sent, `reply` the raw text that came back. `seconds` is wall-clock time.
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


@dataclass(frozen=True, slots=True)
class Usage:
    """The calls behind one move, in order; sums of it are None where a part is unknown."""

    calls: tuple[Call, ...] = ()

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.calls + other.calls)

    @property
    def input_tokens(self) -> int:
        return sum(call.input_tokens or 0 for call in self.calls)

    @property
    def output_tokens(self) -> int:
        return sum(call.output_tokens or 0 for call in self.calls)

    @property
    def seconds(self) -> float:
        return sum(call.seconds for call in self.calls)

    @property
    def usd(self) -> float | None:
        """Dollars; None when any call's price is unknown, 0.0 when nothing was called."""
        prices = [call.usd for call in self.calls]
        return None if None in prices else sum(price for price in prices if price is not None)


FREE = Usage()
