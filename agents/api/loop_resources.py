"""Per-event-loop resources such as clients and limiters; closed when the loop shuts down, none created on import."""

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from arena.cache_register import register

T = TypeVar("T")
Close = Callable[[], Awaitable[None]]


class LoopResources:
    """Per-loop resources; closed when the loop shuts down, in the loop itself."""

    def __init__(self) -> None:
        self.things: dict[Hashable, Any] = {}
        self.closing: list[Close] = []
        self.watch: AsyncIterator[None] | None = None

    async def until_the_end(self) -> AsyncIterator[None]:
        # asyncio.run closes the async generators that were begun in its loop, before it closes the loop: an open
        # one is the only place from which a connection can still be closed in time.
        try:
            yield
        finally:
            self.things.clear()
            for close in self.closing:
                await close()
            self.closing.clear()


_SHELVES: WeakKeyDictionary[AbstractEventLoop, LoopResources] = register("endpoints", WeakKeyDictionary())


async def get_resource(key: Hashable, make: Callable[[], T], close: Callable[[T], Close] | None = None) -> T:
    """The running loop's resource of that key, created on first use, closed (`close(thing)()`) at its end."""
    loop = asyncio.get_running_loop()
    shelf = _SHELVES.get(loop)
    if shelf is None:
        shelf = _SHELVES[loop] = LoopResources()
    if key not in shelf.things:
        thing = shelf.things[key] = make()
        if close is not None:
            shelf.closing.append(close(thing))
            if shelf.watch is None:
                shelf.watch = shelf.until_the_end()
                await anext(shelf.watch)
    return shelf.things[key]  # type: ignore[no-any-return]


def list_resources() -> dict[Hashable, Any]:
    """All that the running loop keeps, by key."""
    shelf = _SHELVES.get(asyncio.get_running_loop())
    return {} if shelf is None else shelf.things
