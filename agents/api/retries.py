"""The retry loop of every API call: wait for the limiter, try, learn from the response, retry, give up."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from agents.api.error_bodies import Complaint
from agents.api.rate_limits import Limiter
from agents.api.retry_after import NO_HINT, Hint
from agents.chat_model import Reply
from arena.engine.budget import Spending
from arena.errors import ModelUnavailable, Stopped
from arena.usage import Call, Usage

LOGGER = logging.getLogger(__name__)

FIRST_WAIT, MOST_WAIT = 0.5, 30.0  # seconds before the first and before any later retry, without a server's word
LONGEST_ASKED = 300.0  # seconds; a server that asks for a longer wait is not waited for
TOLD_AFTER = 2.0  # seconds of failed attempts after which the user sees what is being waited for
SLOW = 20.0  # seconds after which the user sees that an attempt is still unanswered
SPACING = 30.0  # seconds between two such lines about one endpoint
RETRIED = frozenset({"rate_limited", "timeout", "server", "connection", "malformed"})


@dataclass(frozen=True, slots=True)
class RequestAttempt:
    """The result of one attempt: its row, the reply if there is one, the server's wait time.

    `mended`: the server rejected the form of the request; the next attempt is changed, starts at once, and
    does not count as a retry. `complaint`: the error that the server named, where it did.
    """

    call: Call
    reply: Reply | None = None
    hint: Hint = NO_HINT
    mended: bool = False
    complaint: Complaint | None = None

    @property
    def again(self) -> bool:
        """Whether trying once more may help."""
        return self.mended or (self.call.outcome in RETRIED and (self.hint.wait or 0.0) <= LONGEST_ASKED)


async def attempt_all(
    limiter: Limiter,
    one_attempt: Callable[[], Awaitable[RequestAttempt]],
    model: str,
    retries: int,
    draw: Callable[[], Random],
    tokens: int,
    price: Callable[[], float | None] = lambda: None,
) -> Reply:
    """The reply of the first attempt that brings one; its usage lists every attempt.

    `retries` bounds the attempts after the first; `draw` returns the random numbers of the waits between them; `tokens`
    is the most one attempt may use, `price` what that costs in dollars. Raises ModelUnavailable, or Stopped where
    nothing may be asked any more, with every attempt in its usage.
    """
    done: list[RequestAttempt] = []

    async def attempt() -> RequestAttempt:
        async with limiter.turn(tokens) as began, Spending(price) as bill:
            late = asyncio.get_running_loop().call_later(SLOW, tell_slow, limiter, model)
            try:
                done.append(await one_attempt())
            finally:
                late.cancel()
            bill.paid = done[-1].call.usd
            report(limiter, done[-1], began, tokens)
        return done[-1]

    try:
        last = await attempt()
        if last.again:
            last = await _again(attempt, done, retries, draw(), partial(tell_retry, limiter, model, retries))
    except Stopped as error:
        error.usage = Usage(tuple(one.call for one in done))
        raise
    usage = Usage(tuple(one.call for one in done))
    if last.reply is None:
        raise ModelUnavailable(model, farewell(done), usage)
    return replace(last.reply, usage=usage)


async def _again(
    attempt: Callable[[], Awaitable[RequestAttempt]], done: list[RequestAttempt], retries: int, rng: Random,
    tell: Callable[[list[RequestAttempt], float, float], None],
) -> RequestAttempt:  # fmt: skip
    """The last of further attempts, after one in `done` that may be repeated; tenacity counts that as its first.

    Tenacity is entered after the first failure only, since its CPU cost equals that of a request. `tell` is called,
    before each wait, with the attempts, the seconds since the first failure, and the seconds of the wait.
    """
    first, begun = done[:], asyncio.get_running_loop().time()

    def enough(_: RetryCallState) -> bool:
        return sum(not one.mended for one in done) > retries

    def wait(_: RetryCallState) -> float:
        tries = sum(not one.mended for one in done)
        seconds = 0.0 if done[-1].mended else delay(done[-1].hint, tries, rng)
        last = done[-1].call
        why, retry = last.detail or "no reason given", "put otherwise, at once" if done[-1].mended else f"retry {tries}"
        LOGGER.info("%s: %s (%s); %s in %.1f s", last.model, last.outcome, why, retry, seconds)
        tell(done, asyncio.get_running_loop().time() - begun, seconds)
        return seconds

    async def following() -> RequestAttempt:
        return first.pop() if first else await attempt()

    retrying = AsyncRetrying(
        retry=retry_if_result(lambda one: one.again), stop=enough, wait=wait, retry_error_callback=lambda _: done[-1]
    )
    last: RequestAttempt = await retrying(following)
    return last


def tell_retry(
    limiter: Limiter, model: str, retries: int, done: list[RequestAttempt], spent: float, seconds: float
) -> None:
    """Shows a notice once waiting takes longer than TOLD_AFTER: why, which retry is next, how to stop."""
    if spent + seconds < TOLD_AFTER:
        return
    last, number = done[-1].call, sum(not one.mended for one in done)
    why = last.detail or "no reason given"
    limiter.tell(
        f"{model}: {last.outcome} ({why}); retry {number} of {retries} in {seconds:.0f} s. "
        "Ctrl-C stops; retries=0 of the model (--set SEAT.retries=0) gives up at once",
        SPACING,
    )


def tell_slow(limiter: Limiter, model: str) -> None:
    """Shows that an attempt has no answer yet."""
    limiter.tell(f"{model}: no answer after {SLOW:.0f} s, it is still waited for; Ctrl-C stops", SPACING)


def delay(hint: Hint, tries: int, rng: Random) -> float:
    """Seconds before the next try: the server's value plus up to 10 % jitter, or exponential backoff, half of it
    random."""
    if hint.wait is not None:
        return hint.wait * rng.uniform(1.0, 1.1)
    return min(MOST_WAIT, FIRST_WAIT * 2.0 ** (tries - 1)) * rng.uniform(0.5, 1.0)


def report(limiter: Limiter, attempt: RequestAttempt, began: float, tokens: int) -> None:
    """Report to the limiter the outcome of a request that began at `began` and had reserved `tokens`."""
    now, pace, call = asyncio.get_running_loop().time(), limiter.pace, attempt.call
    LOGGER.debug("%s: %s after %.2f s, %d under way", call.model, call.outcome, call.seconds, limiter.running)
    if call.outcome == "rate_limited":
        pace.record_rate_limit(began, now)
        LOGGER.info("%s: too many requests; at most %d are under way at once now", call.model, pace.width)
    elif call.outcome in RETRIED:
        pace.record_trouble()
    else:
        pace.record_success(wanted=limiter.full)
    if (attempt.hint.wait or 0.0) <= LONGEST_ASKED:
        pace.pause(attempt.hint, now)
    if call.input_tokens is not None and call.output_tokens is not None:
        pace.settle(tokens, call.input_tokens + call.output_tokens)


def farewell(done: list[RequestAttempt]) -> str:
    """Why there is no reply: the attempts, their outcomes, and the server's last message."""
    last = done[-1]
    counts = Counter(one.call.outcome for one in done)
    tried = ", ".join(f"{outcome} ×{count}" if count > 1 else outcome for outcome, count in counts.items())
    impatient = ""
    if (last.hint.wait or 0.0) > LONGEST_ASKED:
        impatient = f"; the server asks to wait {last.hint.wait:.0f} s, more than the {LONGEST_ASKED:.0f} s waited for"
    attempts = f"{len(done)} attempt{'s' if len(done) > 1 else ''}"
    return f"no reply after {attempts} ({tried}); the last: {last.call.detail or 'no reason given'}{impatient}"
