"""What was worked out of an unchanging value before, found again by which value it is; bounded."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, TypeVarTuple

from arena.cache_register import on_clear, register
from arena.game import Tool

T = TypeVar("T")
Rest = TypeVarTuple("Rest")
V = TypeVar("V")
MOST = 20_000  # values remembered by each function, twice: the older half is dropped when the younger is full
_TOOLS: dict[tuple[tuple[str, str], ...], tuple[Tool, ...]] = register("prompts", {})


def by_identity(make: Callable[[T, *Rest], V]) -> Callable[[T, *Rest], V]:
    """`make`, which is run once for each first argument (the very object, not an equal one) and equal other ones.

    Values with tables in them have no hash, and comparing them would cost what is to be saved. The first argument is
    held as long as its result, so that no other object can take its place. It is a cache of prompts: dropped when an
    agent forgets.
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
    """Tools equal to these, and the same object each time: games make them anew for each view."""
    given = tuple(tools)
    names = tuple([(tool.name, tool.about) for tool in given])
    known = _TOOLS.get(names)
    if known is None or (known is not given and known != given):
        if len(_TOOLS) >= MOST:
            _TOOLS.clear()
        known = _TOOLS[names] = given
    return known
