"""Scripted models: fixed replies, a function, an echo, a negotiator that reads its prompt. No network or randomness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agents.chat_model import Line, Reply, Sampling, build_pairs, join_text_and_calls, model
from agents.models.scripted_negotiator import haggle
from arena.engine.budget import Spending
from arena.game import Tool
from arena.usage import Call, Usage

Answer: TypeAlias = str | Reply
Rule: TypeAlias = Callable[[Sequence[Line]], Answer]
Prices: TypeAlias = tuple[float, float]  # dollars per million tokens: input, output
OUTCOMES = {"length": "truncated", "filter": "filtered", "refusal": "refused"}


@model("scripted")
@dataclass(frozen=True, slots=True)
class Scripted:
    """Answers from fixed replies, for tests and examples. Tokens are words."""

    id: str = "fixed"
    """Name in the records, behind `scripted/`."""
    replies: tuple[Answer, ...] = ("I have nothing to add.",)
    """Replies: the n-th (from 0) where the prompt holds n assistant messages, the last one from then on. Each is a
    text, or a Reply with tool calls, a stop reason or its own usage."""
    function: Rule | None = None
    """Function from the prompt's messages to a reply, in place of `replies` (in Python only); None: `replies`."""
    native_tools: bool = False
    """Whether the model is passed native tool definitions."""
    usd_per_million: Prices | None = (0.0, 0.0)
    """Price in dollars of a million tokens, input and output; None: unknown."""

    def __post_init__(self) -> None:
        if not self.replies:
            raise ValueError("replies holds one reply at least")

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        if self.function is not None:
            answer = self.function(messages)
        else:
            turn = sum(line.role == "assistant" for line in messages)
            answer = self.replies[min(turn, len(self.replies) - 1)]
        return await pay_answer(answer, f"scripted/{self.id}", messages, tools, self.usd_per_million)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens."""
        return compute_price(self.usd_per_million, input_tokens, output_tokens)


@model("scripted/echo")
@dataclass(frozen=True, slots=True)
class Echo:
    """Repeats the last line of the prompt, in one line of at most 200 characters."""

    native_tools: bool = False
    """Whether the model is passed native tool definitions."""
    usd_per_million: Prices | None = (0.0, 0.0)
    """Price in dollars of a million tokens, input and output; None: unknown."""

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        heard = " ".join(messages[-1].text.split()) if messages else ""
        return await pay_answer(f"I heard: {heard[:200]}", "scripted/echo", messages, tools, self.usd_per_million)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens."""
        return compute_price(self.usd_per_million, input_tokens, output_tokens)


@model("scripted/negotiator")
@dataclass(frozen=True, slots=True)
class Negotiator:
    """Haggles over a price: reads the prompt's text alone, answers in the form that it asks for.

    It starts at the far end of the range that the rules name, concedes in equal steps to its own value, never beyond,
    and accepts what is as good as its own next offer.
    """

    native_tools: bool = False
    """Whether the model is passed native tool definitions."""
    usd_per_million: Prices | None = (0.0, 0.0)
    """Price in dollars of a million tokens, input and output; None: unknown."""

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        return await pay_answer(haggle(messages, tools), "scripted/negotiator", messages, tools, self.usd_per_million)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens."""
        return compute_price(self.usd_per_million, input_tokens, output_tokens)


def bill_answer(
    answer: Answer, name: str, messages: Sequence[Line], tools: Sequence[Tool], usd_per_million: Prices | None
) -> Reply:
    """The answer with one call for it, a word being a token; a reply that brings its own usage keeps it."""
    reply = Reply(answer) if isinstance(answer, str) else answer
    if reply.usage.calls:
        return reply
    prompt, raw = build_pairs(messages, tools), join_text_and_calls(reply.text, reply.calls)
    read, wrote = sum(len(text.split()) for _, text in prompt), len(raw.split())
    usd = compute_price(usd_per_million, read, wrote)
    outcome = OUTCOMES.get(reply.stop, "ok")
    return replace(reply, usage=Usage((Call(name, name, outcome, read, wrote, usd, prompt=prompt, reply=raw),)))


async def pay_answer(
    answer: Answer, name: str, messages: Sequence[Line], tools: Sequence[Tool], usd_per_million: Prices | None
) -> Reply:
    """The billed answer, given when the run's budget lets it; what it will cost is known beforehand."""
    reply = bill_answer(answer, name, messages, tools, usd_per_million)
    async with Spending(lambda: reply.usage.usd) as bill:
        bill.paid = reply.usage.usd
    return reply


def compute_price(usd_per_million: Prices | None, read: int, wrote: int) -> float | None:
    """The price of so many tokens; None where the prices are unknown."""
    return None if usd_per_million is None else (read * usd_per_million[0] + wrote * usd_per_million[1]) / 1e6
