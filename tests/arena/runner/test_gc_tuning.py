"""The collector of cycles looks seldom during a run, and as before after it."""

import gc
from collections.abc import Iterator

import pytest

from arena.runner.gc_tuning import seldom


@pytest.fixture(autouse=True)
def as_usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_the_wider_the_run_the_later_it_looks() -> None:
    with seldom(1):
        assert gc.get_threshold()[0] == 700
    with seldom(200):
        assert gc.get_threshold()[0] > 20_000
    assert gc.get_threshold() == (700, 10, 10)


def test_runs_that_overlap_leave_it_as_it_was() -> None:
    first, second = seldom(100), seldom(10)
    first.__enter__()
    second.__enter__()
    wide = gc.get_threshold()
    first.__exit__(None, None, None)
    assert gc.get_threshold() == wide
    second.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


def test_who_switched_it_off_keeps_it_off() -> None:
    gc.set_threshold(0, 10, 10)
    with seldom(200):
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold() == (0, 10, 10)
