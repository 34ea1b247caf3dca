"""Raise the garbage collector's thresholds during large runs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from arena.cache_register import register

HELD = 250  # objects that a running episode allocates between two answers, most of them short-lived
LATER = 20  # young collections per older one; Python's default is 10
_BEFORE: list[tuple[int, int, int]] = register("code", [])  # the thresholds before each active run


@contextmanager
def seldom(at_once: int) -> Iterator[None]:
    """Context manager: collect only after about as many new objects as `at_once` episodes allocate between two answers.

    The objects of calls in flight are no garbage; with Python's threshold of 700 they are traversed again and again,
    which takes up to a third of the time of a run with hundreds of concurrent episodes.
    """
    young, middle, old = gc.get_threshold()
    _BEFORE.append((young, middle, old))
    if young:  # 0: the collector is disabled
        gc.set_threshold(max(young, HELD * at_once), max(middle, LATER), max(old, LATER))
    try:
        yield
    finally:
        first = _BEFORE[0]
        _BEFORE.pop()
        if not _BEFORE:  # after the last of several runs, in any order
            gc.set_threshold(*first)
