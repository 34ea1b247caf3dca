import asyncio
from math import inf

import pytest
from fake_clock_loop import clock, swiftly

from agents.api.rate_limits import Limiter, RateLimits, RequestPace, get_limiter


def succeed(pace: RequestPace, times: int, wanted: bool = True) -> None:
    for _ in range(times):
        pace.record_success(wanted)


def test_the_width_doubles_with_every_window_of_successes_up_to_the_cap() -> None:
    pace, widths = RequestPace(RateLimits(at_once=40)), []
    for _ in range(5):
        widths.append(pace.width)
        succeed(pace, pace.width)
    assert widths == [4, 8, 16, 32, 40]


def test_the_width_does_not_grow_while_nobody_wants_more() -> None:
    pace = RequestPace(RateLimits())
    succeed(pace, 100, wanted=False)
    assert pace.width == 4


def test_the_cap_holds_from_the_start() -> None:
    assert RequestPace(RateLimits(at_once=2)).width == 2


def test_one_episode_of_rate_limits_cuts_once() -> None:
    pace = RequestPace(RateLimits())
    succeed(pace, 4 + 8 + 16)
    for _ in range(32):  # all were under way when the first refusal came
        pace.record_rate_limit(started=1.0, now=2.0)
    assert (pace.width, pace.cuts) == (16, 1)
    for _ in range(16):  # all started after the cut, and were refused again
        pace.record_rate_limit(started=3.0, now=4.0)
    assert (pace.width, pace.cuts) == (8, 2)


def test_the_width_is_never_cut_below_one() -> None:
    pace = RequestPace(RateLimits())
    for second in range(20):
        pace.record_rate_limit(started=second + 0.5, now=second + 1.0)
    assert pace.width == 1


def test_after_a_cut_the_width_grows_by_an_eighth() -> None:
    pace = RequestPace(RateLimits(at_once=64))
    succeed(pace, 4 + 8 + 16 + 32)
    pace.record_rate_limit(started=1.0, now=2.0)
    widths = []
    for _ in range(3):
        widths.append(pace.width)
        succeed(pace, pace.width)
    assert widths == [32, 36, 40]


def test_server_errors_stop_growth_but_cut_nothing() -> None:
    pace = RequestPace(RateLimits())
    for _ in range(10):
        succeed(pace, 3)
        pace.record_trouble()
    assert pace.width == 4
    succeed(pace, 4)
    assert pace.width == 8


def starts(limits: RateLimits, requests: int, tokens: int = 0, lasting: float = 0.001) -> list[float]:
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
    begun = starts(RateLimits(requests_per_minute=60), 150)
    assert 60 <= busiest_minute(begun) <= 61
    assert max(begun) == pytest.approx(149.0, abs=1.0)


def test_tokens_per_minute_are_kept_in_every_minute() -> None:
    begun = starts(RateLimits(tokens_per_minute=6_000), 100, tokens=500)
    assert 12 <= busiest_minute(begun) <= 13


def test_tokens_that_were_not_used_are_given_back() -> None:
    pace = RequestPace(RateLimits(tokens_per_minute=600))
    assert pace.delay(0.0) == 0.0
    pace.start(1_000)
    assert pace.delay(0.0) > 90.0
    pace.settle(1_000, 10)
    assert pace.delay(1.0) == pytest.approx(0.1, abs=0.2)


def test_without_caps_time_does_not_matter() -> None:
    assert starts(RateLimits(at_once=4), 40, lasting=1.0) == [float(at // 4) for at in range(40)]


def test_seats_that_share_an_endpoint_share_the_strictest_caps() -> None:
    async def two() -> tuple[Limiter, Limiter, Limiter]:
        first = await get_limiter(("url", "key"), RateLimits(at_once=64, tokens_per_minute=100))
        second = await get_limiter(("url", "key"), RateLimits(at_once=8, requests_per_minute=30))
        return first, second, await get_limiter(("url", "another key"), RateLimits())

    first, second, other = swiftly(two)
    assert first is second
    assert first.pace.limits == RateLimits(8, 30, 100)
    assert other is not first
    assert other.pace.limits == RateLimits(64, inf, inf)


def test_a_caller_that_gives_up_waiting_leaves_its_place() -> None:
    async def work() -> int:
        door = Limiter(RateLimits(at_once=1))

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
