"""An event loop without waiting, for tests of what takes time and touches no wire."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


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
