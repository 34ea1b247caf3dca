"""Register of all caches of this process: the kind of each, and how it is cleared.

It lists everything that outlives a call: memoized functions (`memoize`), module-level containers (`register`), and
caches with a clear function of their own (`on_clear`). When an agent forgets, `clear` drops all entries that may hold
its texts; what is derived from code or numbers alone is kept. Other processes keep their caches until they end.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast, get_args

LOGGER = logging.getLogger(__name__)

Told: TypeAlias = Literal["answers", "keys and values", "prompts", "scores", "texts"]
Fixed: TypeAlias = Literal["code", "endpoints", "models", "tables", "worlds"]
What: TypeAlias = Told | Fixed
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Container = TypeVar("Container")

DROPPED: Mapping[Told, str] = {
    "answers": "what models said to prompts that are kept with their answers",
    "keys and values": "what models computed of the beginnings of prompts",
    "prompts": "lines, messages and tools as they are put before models, in words or tokens",
    "scores": "how likely models find texts",
    "texts": "what was read out of notes, names, questions and answers",
}  # when an agent forgets
KEPT: Mapping[Fixed, str] = {
    "code": "types, signatures, registered parts, and which files may be imported",
    "endpoints": "addresses and keys of servers, and what they take",
    "models": "weights",
    "tables": "arithmetic of rules: shuffles, lines on boards, outcomes",
    "worlds": "environments made from their number, as everybody makes them who knows the number",
}  # kept: nothing in it comes from an agent's experience


class Memoized(Protocol[P, R_co]):
    """A function that caches its results; `cache_info` and `cache_clear` are those of functools."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    def cache_info(self) -> Any: ...
    def cache_clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache. `holder` is the function or container itself; `clear` empties it and returns the number of entries."""

    what: What
    holder: Any
    clear: Callable[[], int]


_CACHES: list[Cache] = []


def memoize(what: What, most: int | None = None) -> Callable[[Callable[P, R]], Memoized[P, R]]:
    """Decorator that caches the last `most` results of a function, all of them if None; arguments must be hashable.

    A registered `functools.lru_cache`, and as fast.
    """
    _check(what)

    def decorate(function: Callable[P, R]) -> Memoized[P, R]:
        found = lru_cache(maxsize=most)(function)

        def clear() -> int:
            count = found.cache_info().currsize
            found.cache_clear()
            return count

        _CACHES.append(Cache(what, found, clear))
        return cast(Memoized[P, R], found)

    return decorate


def register(what: What, container: Container, count: Callable[[Container], int] | None = None) -> Container:
    """Register a container, such as an empty dict, as a cache and return it; `count` counts its entries (default
    `len`).

    For the kinds that are kept it may be any object that changes while the program runs.
    """
    held = cast(Any, container)

    def clear() -> int:
        number = (count or len)(held)
        held.clear()
        return number

    on_clear(what, clear, container)
    return container


def on_clear(what: What, clear: Callable[[], int], holder: object = None) -> None:
    """Register `clear` to be called when caches of that kind are dropped; it returns how many entries it dropped."""
    _check(what)
    _CACHES.append(Cache(what, holder, clear))


def clear() -> dict[str, int]:
    """Clear all caches that may hold texts of an agent; returns the number of entries dropped, by kind."""
    counts: dict[str, int] = {}
    for cache in list_caches():
        if cache.what in DROPPED:
            counts[cache.what] = counts.get(cache.what, 0) + cache.clear()
    re.purge()  # compiled patterns may contain names; `re` does not tell how many it caches
    dropped = {what: count for what, count in sorted(counts.items()) if count}
    LOGGER.info("caches dropped: %s", ", ".join(f"{n} {what}" for what, n in dropped.items()) or "all were empty")
    return dropped


def list_caches() -> Iterator[Cache]:
    """All caches of the modules that are loaded."""
    return iter(tuple(_CACHES))


def count_inner(table: Mapping[Any, Sized]) -> int:
    """The number of entries in all inner tables of a nested table (by module or tokenizer)."""
    return sum(len(inner) for inner in tuple(table.values()))


def count_stamped(table: Mapping[Any, tuple[int, Sized]]) -> int:
    """The same for inner tables that are stored with the fingerprint of the weights they hold for."""
    return sum(len(inner) for _, inner in tuple(table.values()))


def _check(what: What) -> None:
    if what not in (known := (*get_args(Told), *get_args(Fixed))):
        raise ValueError(f"there is no kind of cache {what!r}; take one of {', '.join(known)}")
