"""Rate limits per endpoint: one limiter for all seats that use the same endpoint with the same key.

`Pace` decides and holds no clock, so it is tested with made-up times; `Limiter` makes callers wait.
"""

import asyncio
import logging
from asyncio import Future, TimerHandle
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from math import inf

from agents.api.loop_resources import get_resource, list_resources
from agents.api.retry_after import Hint
from arena.console.notices import notify

LOGGER = logging.getLogger(__name__)

FIRST_WIDTH = 4  # requests at once before anything is known
LONGEST_REFILL = 60.0  # seconds; a limit exhausted for longer is tried anyway, and the refusal says more


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Caps set by the user: requests under way at once, and requests and tokens begun in a minute."""

    at_once: int = 64
    requests_per_minute: float = inf
    tokens_per_minute: float = inf

    def tightest(self, other: "RateLimits") -> "RateLimits":
        """The smaller of each cap: seats that share an endpoint share the strictest wish."""
        return RateLimits(
            min(self.at_once, other.at_once),
            min(self.requests_per_minute, other.requests_per_minute),
            min(self.tokens_per_minute, other.tokens_per_minute),
        )


@dataclass(slots=True)
class Bucket:
    """An allowance that flows in evenly and holds at most one second's worth, or one unit if that is more.

    A request may start while one unit is there and then takes all it needs: the level may fall below zero, and the
    next one waits until the debt is paid. So big requests pass, and no minute sees more than the cap and one request.
    """

    a_minute: float
    level: float = 1.0
    at: float = 0.0

    def delay(self, now: float) -> float:
        """Seconds until one unit is there."""
        if self.a_minute == inf:
            return 0.0
        self.level += max(0.0, now - self.at) * self.a_minute / 60
        self.level, self.at = min(max(1.0, self.a_minute / 60), self.level), now
        return max(0.0, 1.0 - self.level) * 60 / self.a_minute

    def take(self, amount: float) -> None:
        """Use up that much; a negative amount gives back."""
        if self.a_minute != inf:
            self.level -= amount


class RequestPace:
    """Pacing state: how many requests may be in flight, and when the next may start. Times are seconds of any one
    clock.

    Slow start: the width doubles after as many successes in a row as it is wide, while callers want more of it. A
    rate limit halves it, once an episode: requests that were under way at the last cut say nothing new. From there on
    it grows by an eighth. A server's error or a lost connection only resets the count of successes.
    """

    def __init__(self, limits: RateLimits) -> None:
        self.limits = limits
        self.width = min(FIRST_WIDTH, limits.at_once)
        self.successes = self.cuts = 0
        self.cut_at = self.paused_until = -inf
        self.requests, self.tokens = Bucket(limits.requests_per_minute), Bucket(limits.tokens_per_minute)

    def tighten(self, limits: RateLimits) -> None:
        """Take on the caps of one more seat."""
        if limits == self.limits:
            return
        self.limits = self.limits.tightest(limits)
        self.width = min(self.width, self.limits.at_once)
        self.requests.a_minute, self.tokens.a_minute = self.limits.requests_per_minute, self.limits.tokens_per_minute

    def delay(self, now: float) -> float:
        """Seconds until the next request may start, as far as time alone decides."""
        return max(0.0, self.paused_until - now, self.requests.delay(now), self.tokens.delay(now))

    def start(self, tokens: int) -> None:
        """Count a request that starts now; `tokens` is the most it may use."""
        self.requests.take(1)
        self.tokens.take(tokens)

    def settle(self, reserved: int, used: int) -> None:
        """Replace the tokens reserved at the start of a request by those it used."""
        self.tokens.take(used - reserved)

    def record_success(self, wanted: bool) -> None:
        """A request was answered; `wanted`: as many were under way as may be, so that more would be of use."""
        self.successes += wanted
        if self.successes >= self.width:
            self.successes = 0
            self.width = min(self.limits.at_once, self.width + (max(1, self.width // 8) if self.cuts else self.width))

    def record_rate_limit(self, started: float, now: float) -> None:
        """A request that started at `started` was refused for asking too fast."""
        self.successes = 0
        if started > self.cut_at:
            self.width, self.cut_at = max(1, self.width // 2), now
            self.cuts += 1

    def record_trouble(self) -> None:
        """The server failed or could not be reached."""
        self.successes = 0

    def pause(self, hint: Hint, now: float) -> None:
        """Obey what the server's headers ask for, whatever the outcome was."""
        seconds = max(hint.wait or 0.0, min(hint.refill, LONGEST_REFILL))
        if now + seconds > max(now, self.paused_until):
            LOGGER.info("rate limit: no request starts for %.1f s, as the server asked", seconds)
        self.paused_until = max(self.paused_until, now + seconds)


class Limiter:
    """Lets callers through in the order in which they came, as the pace allows."""

    def __init__(self, limits: RateLimits) -> None:
        self.pace = RequestPace(limits)
        self.running = 0
        self.waiting: deque[tuple[Future[float], int]] = deque()
        self.timer: TimerHandle | None = None
        self.told_at = -inf

    def tell(self, line: str, spacing: float) -> None:
        """Shows a notice about this endpoint, unless one was shown less than `spacing` seconds ago."""
        now = asyncio.get_running_loop().time()
        if now - self.told_at >= spacing:
            self.told_at = now
            notify(line)

    @property
    def full(self) -> bool:
        return self.running >= self.pace.width

    def turn(self, tokens: int = 0) -> "RequestSlot":
        """A slot for one request: `async with limiter.turn() as began`. `tokens` is the most it may use."""
        return RequestSlot(self, tokens)

    async def enter(self, tokens: int) -> float:
        """Wait for a slot; returns the time at which it was granted."""
        loop = asyncio.get_running_loop()
        if not self.waiting and not self.full and self.pace.delay(now := loop.time()) <= 0:
            return self._let_in(tokens, now)
        ticket: Future[float] = loop.create_future()
        self.waiting.append((ticket, tokens))
        self._admit()
        began = loop.time()
        try:
            entered = await ticket
            LOGGER.debug("a request waited %.2f s for its turn; %d more wait", entered - began, len(self.waiting))
            return entered
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():  # granted and cancelled at the same time
                self.leave()
            raise

    def leave(self) -> None:
        """Make room for the next."""
        self.running -= 1
        if self.waiting:
            self._admit()

    def _let_in(self, tokens: int, now: float) -> float:
        self.running += 1
        self.pace.start(tokens)
        return now

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        while self.waiting and not self.full:
            ticket, tokens = self.waiting[0]
            now = loop.time()
            if not ticket.cancelled() and (delay := self.pace.delay(now)) > 0:
                # at least a millisecond: a wait too short to move the clock would loop for ever
                self.timer = loop.call_later(max(delay, 0.001), self._admit)
                return
            self.waiting.popleft()
            if not ticket.cancelled():
                ticket.set_result(self._let_in(tokens, now))


@dataclass(frozen=True, slots=True)
class RequestSlot:
    """The right to make one request; entering waits for it and gives the time at which it began."""

    limiter: Limiter
    tokens: int

    async def __aenter__(self) -> float:
        return await self.limiter.enter(self.tokens)

    async def __aexit__(self, *_: object) -> None:
        self.limiter.leave()


async def get_limiter(key: Hashable, limits: RateLimits) -> Limiter:
    """The limiter of that endpoint and key in the running loop, tightened to `limits`."""
    shared = await get_resource(("limiter", key), lambda: Limiter(limits))
    shared.pace.tighten(limits)
    return shared


def list_widths() -> list[tuple[str, int, int]]:
    """Each endpoint of the running loop: its name, the calls under way, and how many may be; for progress displays."""
    found = [
        (key[1], one) for key, one in list_resources().items() if isinstance(one, Limiter) and isinstance(key, tuple)
    ]
    return [(str(key[0] if isinstance(key, tuple) else key), one.running, one.pace.width) for key, one in found]
