import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from itertools import pairwise
from math import inf
from random import Random
from typing import TypeVar

import pytest

from agents.attempts import Attempt, attempt_all
from agents.hints import Hint, hint, span
from agents.limits import Limiter, Limits, Pace, limiter
from agents.model import Reply
from arena.errors import ModelUnavailable
from arena.usage import Call

T = TypeVar("T")
NOW = 1_800_000_000.0  # seconds since 1970


class Swift(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer instead of waiting for it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def swiftly(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await work()

    with asyncio.Runner(loop_factory=Swift) as runner:
        return runner.run(whole())


def clock() -> float:
    return asyncio.get_running_loop().time()


def succeed(pace: Pace, times: int, wanted: bool = True) -> None:
    for _ in range(times):
        pace.succeeded(wanted)


def test_the_width_doubles_with_every_window_of_successes_up_to_the_cap() -> None:
    pace, widths = Pace(Limits(at_once=40)), []
    for _ in range(5):
        widths.append(pace.width)
        succeed(pace, pace.width)
    assert widths == [4, 8, 16, 32, 40]


def test_the_width_does_not_grow_while_nobody_wants_more() -> None:
    pace = Pace(Limits())
    succeed(pace, 100, wanted=False)
    assert pace.width == 4


def test_the_cap_holds_from_the_start() -> None:
    assert Pace(Limits(at_once=2)).width == 2


def test_one_episode_of_rate_limits_cuts_once() -> None:
    pace = Pace(Limits())
    succeed(pace, 4 + 8 + 16)
    for _ in range(32):  # all were under way when the first refusal came
        pace.rate_limited(started=1.0, now=2.0)
    assert (pace.width, pace.cuts) == (16, 1)
    for _ in range(16):  # all started after the cut, and were refused again
        pace.rate_limited(started=3.0, now=4.0)
    assert (pace.width, pace.cuts) == (8, 2)


def test_the_width_is_never_cut_below_one() -> None:
    pace = Pace(Limits())
    for second in range(20):
        pace.rate_limited(started=second + 0.5, now=second + 1.0)
    assert pace.width == 1


def test_after_a_cut_the_width_grows_by_an_eighth() -> None:
    pace = Pace(Limits(at_once=64))
    succeed(pace, 4 + 8 + 16 + 32)
    pace.rate_limited(started=1.0, now=2.0)
    widths = []
    for _ in range(3):
        widths.append(pace.width)
        succeed(pace, pace.width)
    assert widths == [32, 36, 40]


def test_server_errors_stop_growth_but_cut_nothing() -> None:
    pace = Pace(Limits())
    for _ in range(10):
        succeed(pace, 3)
        pace.troubled()
    assert pace.width == 4
    succeed(pace, 4)
    assert pace.width == 8


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("20ms", 0.02),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        (str(int(NOW) + 30), 30.0),
        (str(int(NOW + 30) * 1000), 30.0),
        ("2027-01-15T08:00:09Z", 9.0),
        ("2027-01-15T08:00:00Z", 0.0),
        (formatdate(NOW + 45, usegmt=True), 45.0),
        (formatdate(NOW - 45, usegmt=True), 0.0),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_every_way_to_say_how_long_to_wait(text: str, seconds: float | None) -> None:
    assert span(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Hint()),
        ({"Retry-After": "3"}, Hint(3.0)),
        ({"retry-after-ms": "250", "retry-after": "1"}, Hint(0.25)),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, Hint(None, 360.0)),
        ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "6m0s"}, Hint()),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 12)}, Hint(None, 12.0)),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:05Z",
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2027-01-15T08:00:08Z",
            },
            Hint(None, 8.0),
        ),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "whenever"}, Hint()),
    ],
)
def test_headers_become_hints(headers: dict[str, str], expected: Hint) -> None:
    assert hint(headers, NOW) == expected


def starts(limits: Limits, requests: int, tokens: int = 0, lasting: float = 0.001) -> list[float]:
    """When each of so many requests begins, all asked for at time 0."""
    begun: list[float] = []

    async def one(door: Limiter) -> None:
        async with door.turn(tokens):
            begun.append(clock())
            await asyncio.sleep(lasting)

    async def all_of_them() -> None:
        door = Limiter(limits)
        await asyncio.gather(*(one(door) for _ in range(requests)))

    swiftly(all_of_them)
    return begun


def busiest_minute(begun: list[float]) -> int:
    return max(sum(first <= one < first + 60.0 for one in begun) for first in begun)


def test_requests_per_minute_are_kept_in_every_minute() -> None:
    begun = starts(Limits(requests_per_minute=60), 150)
    assert 60 <= busiest_minute(begun) <= 61
    assert max(begun) == pytest.approx(149.0, abs=1.0)


def test_tokens_per_minute_are_kept_in_every_minute() -> None:
    begun = starts(Limits(tokens_per_minute=6_000), 100, tokens=500)
    assert 12 <= busiest_minute(begun) <= 13


def test_tokens_that_were_not_used_are_given_back() -> None:
    pace = Pace(Limits(tokens_per_minute=600))
    assert pace.delay(0.0) == 0.0
    pace.start(1_000)
    assert pace.delay(0.0) > 90.0
    pace.settle(1_000, 10)
    assert pace.delay(1.0) == pytest.approx(0.1, abs=0.2)


def test_without_caps_time_does_not_matter() -> None:
    assert starts(Limits(at_once=4), 40, lasting=1.0) == [float(at // 4) for at in range(40)]


def test_seats_that_share_an_endpoint_share_the_strictest_caps() -> None:
    async def two() -> tuple[Limiter, Limiter, Limiter]:
        first = await limiter(("url", "key"), Limits(at_once=64, tokens_per_minute=100))
        second = await limiter(("url", "key"), Limits(at_once=8, requests_per_minute=30))
        return first, second, await limiter(("url", "another key"), Limits())

    first, second, other = swiftly(two)
    assert first is second
    assert first.pace.limits == Limits(8, 30, 100)
    assert other is not first
    assert other.pace.limits == Limits(64, inf, inf)


def test_a_caller_that_gives_up_waiting_leaves_its_place() -> None:
    async def work() -> int:
        door = Limiter(Limits(at_once=1))

        async def hold(seconds: float) -> None:
            async with door.turn():
                await asyncio.sleep(seconds)

        holder = asyncio.ensure_future(hold(5.0))
        waiting = [asyncio.ensure_future(hold(1.0)) for _ in range(3)]
        await asyncio.sleep(1.0)
        waiting[0].cancel()
        await asyncio.sleep(1.0)
        holder.cancel()
        waiting[1].cancel()  # let in by the holder's end, and called off, in the same moment
        await asyncio.gather(holder, *waiting, return_exceptions=True)
        assert not waiting[2].cancelled()
        return door.running

    assert swiftly(work) == 0


class Service:
    """A made-up server: answers after a second, refuses what comes while it is serving `room` already."""

    def __init__(self, room: int = 10_000, wait: float | None = None) -> None:
        self.room, self.wait = room, wait
        self.running = self.most = self.refused = self.served = 0

    async def attempt(self) -> Attempt:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.running > self.room:
                self.refused += 1
                await asyncio.sleep(0.01)
                return Attempt(Call("m", outcome="rate_limited"), hint=Hint(self.wait))
            await asyncio.sleep(1.0)
            self.served += 1
            return Attempt(Call("m"), Reply("yes"))
        finally:
            self.running -= 1


def asked(service: Service, requests: int, limits: Limits) -> tuple[list[Reply], float, Limiter]:
    async def work() -> tuple[list[Reply], float, Limiter]:
        door = Limiter(limits)
        calls = (attempt_all(door, service.attempt, "m", 8, Random(at), 0) for at in range(requests))
        return list(await asyncio.gather(*calls)), clock(), door

    return swiftly(work)


def test_never_more_at_once_than_allowed_and_as_many_as_allowed() -> None:
    service = Service()
    asked(service, 200, Limits(at_once=16))
    assert service.most == 16


def test_an_overloaded_server_is_asked_less_and_everybody_is_served() -> None:
    service = Service(room=10)
    replies, seconds, door = asked(service, 300, Limits(at_once=64))
    assert service.served == 300
    assert all(reply.usage.calls[-1].outcome == "ok" for reply in replies)
    assert sum(len(reply.usage.calls) for reply in replies) == 300 + service.refused
    assert service.refused < 150  # without a limiter, 290 in the first second alone
    assert door.pace.width <= 20
    assert seconds < 3 * 300 / 10


def attempts_of(*made: Attempt, retries: int = 5, seed: int = 0) -> tuple[Reply | ModelUnavailable, list[float]]:
    """What comes of attempts that go as given, the last again and again; and when each of them was made."""
    times: list[float] = []

    async def one() -> Attempt:
        times.append(clock())
        return made[min(len(times), len(made)) - 1]

    async def work() -> Reply | ModelUnavailable:
        try:
            return await attempt_all(Limiter(Limits()), one, "m", retries, Random(seed), 0)
        except ModelUnavailable as error:
            return error

    return swiftly(work), times


def failed(outcome: str, wait: float | None = None, detail: str = "because") -> Attempt:
    return Attempt(Call("m", outcome=outcome, detail=detail), hint=Hint(wait))


FINE = Attempt(Call("m"), Reply("yes"))


def test_waits_double_and_are_drawn_from_the_seed() -> None:
    reply, times = attempts_of(failed("server"), failed("timeout"), failed("connection"), failed("malformed"), FINE)
    assert isinstance(reply, Reply)
    assert [call.outcome for call in reply.usage.calls] == ["server", "timeout", "connection", "malformed", "ok"]
    waits = [after - before for before, after in pairwise(times)]
    assert all(0.25 * 2**at <= wait <= 0.5 * 2**at for at, wait in enumerate(waits))
    assert attempts_of(failed("server"), FINE, seed=1)[1] == attempts_of(failed("server"), FINE, seed=1)[1]
    assert attempts_of(failed("server"), FINE, seed=1)[1] != attempts_of(failed("server"), FINE, seed=2)[1]


def test_the_servers_own_word_comes_before_any_other_wait() -> None:
    _, times = attempts_of(failed("rate_limited", 7.0), FINE)
    assert 7.0 <= times[1] <= 7.7


def test_everybody_waits_when_the_server_says_so() -> None:
    begun: list[float] = []

    async def refused() -> Attempt:
        return failed("rate_limited", 9.0) if clock() < 9.0 else FINE

    async def later() -> Attempt:
        begun.append(clock())
        return FINE

    async def work() -> None:
        door = Limiter(Limits())
        first = asyncio.ensure_future(attempt_all(door, refused, "m", 1, Random(0), 0))
        await asyncio.sleep(1.0)
        await attempt_all(door, later, "m", 0, Random(0), 0)
        await first

    swiftly(work)
    assert begun == [pytest.approx(9.0)]


def test_an_empty_allowance_is_waited_for_even_after_a_success() -> None:
    begun: list[float] = []

    async def one() -> Attempt:
        begun.append(clock())
        return Attempt(Call("m"), Reply("yes"), Hint(None, 4.0))

    async def work() -> None:
        door = Limiter(Limits())
        for _ in range(3):
            await attempt_all(door, one, "m", 0, Random(0), 0)

    swiftly(work)
    assert begun == pytest.approx([0.0, 4.0, 8.0])


def test_a_wait_that_is_too_long_is_refused_at_once() -> None:
    error, times = attempts_of(failed("rate_limited", 3_600.0))
    assert isinstance(error, ModelUnavailable)
    assert len(times) == 1
    assert "3600 s" in str(error)


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_at_last_all_attempts_are_in_the_error(retries: int) -> None:
    error, times = attempts_of(failed("server", detail="on fire"), retries=retries)
    assert isinstance(error, ModelUnavailable)
    assert len(times) == len(error.usage.calls) == retries + 1
    assert "on fire" in str(error)
    assert times[-1] <= 0.5 * 2**retries


def test_what_was_rejected_is_not_tried_again() -> None:
    error, times = attempts_of(failed("rejected", detail="no such model"))
    assert isinstance(error, ModelUnavailable)
    assert len(times) == 1
    assert "no such model" in str(error)


def test_a_request_that_was_mended_goes_out_at_once_and_is_no_retry() -> None:
    mended = Attempt(Call("m", outcome="rejected"), mended=True)
    reply, times = attempts_of(mended, FINE, retries=0)
    assert isinstance(reply, Reply)
    assert times == [0.0, 0.0]
