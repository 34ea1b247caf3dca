"""The register of all caches of this process: of what kind each is, and how it is emptied.

Everything that outlives the call that made it stands here: functions that remember their results (`memoize`), tables
of a module (`register`), and what empties itself (`on_clear`). When an agent forgets, `clear` drops all that may hold
words of it; what follows from the code or from numbers alone stays. Other processes keep theirs until they end.
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
}  # it stays: nothing in it comes from what an agent went through


class Memoized(Protocol[P, R_co]):
    """A function that remembers its results; `cache_info` and `cache_clear` are those of functools."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    def cache_info(self) -> Any: ...
    def cache_clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Cache:
    """One cache. `holder` is the function or container itself; `clear` empties it and returns how many it held."""

    what: What
    holder: Any
    clear: Callable[[], int]


_CACHES: list[Cache] = []


def memoize(what: What, most: int | None = None) -> Callable[[Callable[P, R]], Memoized[P, R]]:
    """The decorator of a function that remembers its last `most` results, all of them where None; arguments are hashed.

    It is `functools.lru_cache`, and as fast.
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
    """The container itself, such as an empty dict, which from now on is a cache; `count` tells its entries (`len`).

    Of the kinds that stay it may be any object that changes while the program runs.
    """
    held = cast(Any, container)

    def clear() -> int:
        number = (count or len)(held)
        held.clear()
        return number

    on_clear(what, clear, container)
    return container


def on_clear(what: What, clear: Callable[[], int], holder: object = None) -> None:
    """Has `clear` called when caches of that kind are dropped; it returns how many entries it dropped."""
    _check(what)
    _CACHES.append(Cache(what, holder, clear))


def clear() -> dict[str, int]:
    """Drops all that may hold words of an agent; how many entries that were, by kind, without kinds that had none."""
    counts: dict[str, int] = {}
    for cache in list_caches():
        if cache.what in DROPPED:
            counts[cache.what] = counts.get(cache.what, 0) + cache.clear()
    re.purge()  # patterns that were made of names; Python counts none of its own
    dropped = {what: count for what, count in sorted(counts.items()) if count}
    LOGGER.info("caches dropped: %s", ", ".join(f"{n} {what}" for what, n in dropped.items()) or "all were empty")
    return dropped


def list_caches() -> Iterator[Cache]:
    """All caches of the modules that are loaded."""
    return iter(tuple(_CACHES))


def count_inner(table: Mapping[Any, Sized]) -> int:
    """The entries of the tables that a table holds, by module or tokenizer."""
    return sum(len(inner) for inner in tuple(table.values()))


def count_stamped(table: Mapping[Any, tuple[int, Sized]]) -> int:
    """The same where each inner table stands behind the stamp of the weights that it holds for."""
    return sum(len(inner) for _, inner in tuple(table.values()))


def _check(what: What) -> None:
    if what not in (known := (*get_args(Told), *get_args(Fixed))):
        raise ValueError(f"there is no kind of cache {what!r}; take one of {', '.join(known)}")
