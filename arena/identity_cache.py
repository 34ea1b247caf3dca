"""Bounded cache keyed by the identity of an immutable value."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, TypeVarTuple

from arena.cache_register import on_clear, register
from arena.game import Tool

T = TypeVar("T")
Rest = TypeVarTuple("Rest")
V = TypeVar("V")
MOST = 20_000  # half the cache size of each function: the older half is dropped when the newer is full
_TOOLS: dict[tuple[tuple[str, str], ...], tuple[Tool, ...]] = register("prompts", {})


def by_identity(make: Callable[[T, *Rest], V]) -> Callable[[T, *Rest], V]:
    """Cache `make` by the identity of its first argument (the very object, not an equal one) and the equality of the
    others.

    Values that contain tables have no hash, and comparing them would cost as much as the cache saves. The first
    argument is kept alive as long as its result, so that its id is not reused. Registered as a cache of prompts:
    cleared when an agent forgets.
    """
    young: dict[Any, tuple[T, V]] = {}
    old: dict[Any, tuple[T, V]] = {}

    def find(thing: T, *rest: *Rest) -> V:
        nonlocal young, old
        key = (id(thing), rest)
        found = young.get(key) or old.get(key)
        if found is None:
            if len(young) >= MOST:
                young, old = {}, young
            found = young[key] = (thing, make(thing, *rest))
        return found[1]

    def clear() -> int:
        nonlocal young, old
        count, young, old = len(young | old), {}, {}
        return count

    on_clear("prompts", clear, find)
    return find


def same_tools(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """Equal tools as one shared object: games create them again for each view."""
    given = tuple(tools)
    names = tuple([(tool.name, tool.about) for tool in given])
    known = _TOOLS.get(names)
    if known is None or (known is not given and known != given):
        if len(_TOOLS) >= MOST:
            _TOOLS.clear()
        known = _TOOLS[names] = given
    return known
