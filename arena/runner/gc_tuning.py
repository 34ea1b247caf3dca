"""Python's collector of cycles, made to look seldom while much is under way."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from arena.cache_register import register

HELD = 250  # objects that an episode under way makes between two answers, most of which die with the second
LATER = 20  # looks at young objects for one at older ones; Python's own is 10
_BEFORE: list[tuple[int, int, int]] = register("code", [])  # the thresholds that each run under way found


@contextmanager
def seldom(at_once: int) -> Iterator[None]:
    """Look for cycles only after about as many new objects as `at_once` episodes hold between two answers.

    The objects of calls under way are no garbage; with Python's threshold of 700 all of them are looked at again and
    again, which takes up to a third of the time of a run of hundreds.
    """
    young, middle, old = gc.get_threshold()
    _BEFORE.append((young, middle, old))
    if young:  # 0: somebody has switched it off
        gc.set_threshold(max(young, HELD * at_once), max(middle, LATER), max(old, LATER))
    try:
        yield
    finally:
        first = _BEFORE[0]
        _BEFORE.pop()
        if not _BEFORE:  # the last of several runs, in whatever order they end
            gc.set_threshold(*first)
