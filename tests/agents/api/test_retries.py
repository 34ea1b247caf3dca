import asyncio
from functools import partial
from itertools import pairwise
from random import Random

import pytest
from fake_clock_loop import clock, swiftly

from agents.api.rate_limits import Limiter, RateLimits
from agents.api.retries import RequestAttempt, attempt_all
from agents.api.retry_after import Hint
from agents.chat_model import Reply
from arena.errors import ModelUnavailable
from arena.usage import Call


class Service:
    """A made-up server: answers after a second, refuses what comes while it is serving `room` already."""

    def __init__(self, room: int = 10_000, wait: float | None = None) -> None:
        self.room, self.wait = room, wait
        self.running = self.most = self.refused = self.served = 0

    async def attempt(self) -> RequestAttempt:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.running > self.room:
                self.refused += 1
                await asyncio.sleep(0.01)
                return RequestAttempt(Call("m", outcome="rate_limited"), hint=Hint(self.wait))
            await asyncio.sleep(1.0)
            self.served += 1
            return RequestAttempt(Call("m"), Reply("yes"))
        finally:
            self.running -= 1


def asked(service: Service, requests: int, limits: RateLimits) -> tuple[list[Reply], float, Limiter]:
    async def work() -> tuple[list[Reply], float, Limiter]:
        door = Limiter(limits)
        calls = (attempt_all(door, service.attempt, "m", 8, partial(Random, at), 0) for at in range(requests))
        return list(await asyncio.gather(*calls)), clock(), door

    return swiftly(work)


def test_never_more_at_once_than_allowed_and_as_many_as_allowed() -> None:
    service = Service()
    asked(service, 200, RateLimits(at_once=16))
    assert service.most == 16


def test_an_overloaded_server_is_asked_less_and_everybody_is_served() -> None:
    service = Service(room=10)
    replies, seconds, door = asked(service, 300, RateLimits(at_once=64))
    assert service.served == 300
    assert all(reply.usage.calls[-1].outcome == "ok" for reply in replies)
    assert sum(len(reply.usage.calls) for reply in replies) == 300 + service.refused
    assert service.refused < 150  # without a limiter, 290 in the first second alone
    assert door.pace.width <= 20
    assert seconds < 3 * 300 / 10


def attempts_of(*made: RequestAttempt, retries: int = 5, seed: int = 0) -> tuple[Reply | ModelUnavailable, list[float]]:
    """What comes of attempts that go as given, the last again and again; and when each of them was made."""
    times: list[float] = []

    async def one() -> RequestAttempt:
        times.append(clock())
        return made[min(len(times), len(made)) - 1]

    async def work() -> Reply | ModelUnavailable:
        try:
            return await attempt_all(Limiter(RateLimits()), one, "m", retries, partial(Random, seed), 0)
        except ModelUnavailable as error:
            return error

    return swiftly(work), times


def failed(outcome: str, wait: float | None = None, detail: str = "because") -> RequestAttempt:
    return RequestAttempt(Call("m", outcome=outcome, detail=detail), hint=Hint(wait))


FINE = RequestAttempt(Call("m"), Reply("yes"))


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

    async def refused() -> RequestAttempt:
        return failed("rate_limited", 9.0) if clock() < 9.0 else FINE

    async def later() -> RequestAttempt:
        begun.append(clock())
        return FINE

    async def work() -> None:
        door = Limiter(RateLimits())
        first = asyncio.ensure_future(attempt_all(door, refused, "m", 1, partial(Random, 0), 0))
        await asyncio.sleep(1.0)
        await attempt_all(door, later, "m", 0, partial(Random, 0), 0)
        await first

    swiftly(work)
    assert begun == [pytest.approx(9.0)]


def test_an_empty_allowance_is_waited_for_even_after_a_success() -> None:
    begun: list[float] = []

    async def one() -> RequestAttempt:
        begun.append(clock())
        return RequestAttempt(Call("m"), Reply("yes"), Hint(None, 4.0))

    async def work() -> None:
        door = Limiter(RateLimits())
        for _ in range(3):
            await attempt_all(door, one, "m", 0, partial(Random, 0), 0)

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
    mended = RequestAttempt(Call("m", outcome="rejected"), mended=True)
    reply, times = attempts_of(mended, FINE, retries=0)
    assert isinstance(reply, Reply)
    assert times == [0.0, 0.0]
