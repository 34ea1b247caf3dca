"""Who plays a run: one process at a time, however they come and go."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from duel import duel
from repository import ROOT

from arena.runner.run import run
from arena.store.location import DatabaseLocation
from arena.store.run_lock import RunLock
from arena.store.store import Store

HAMMER = """
import os, sys
from pathlib import Path
from arena.store.run_lock import RunLock
from arena.store.location import DatabaseLocation

place, inside, taken = DatabaseLocation.of(sys.argv[1]), Path(sys.argv[1]).with_name("inside"), 0
while taken < int(sys.argv[2]):
    claim = RunLock.take(place, None, "run1")
    if claim is not None:
        taken += 1
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # raises where another process is inside
        inside.unlink()
        claim.release()
"""


def test_no_two_processes_hold_a_claim_and_no_lock_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HAMMER, str(tmp_path / "arena.db"), "150"]
    hammers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(one.communicate(timeout=120)[1], one.returncode) for one in hammers] == [("", 0)] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["arena.db-lock"]


def test_a_claim_is_exclusive_within_a_process_and_of_one_run(tmp_path: Path) -> None:
    place = DatabaseLocation.of(tmp_path / "arena.db")
    with Store.open(place.path) as store:  # type: ignore[arg-type]
        first = RunLock.take(place, store.engine, "a")
        assert first is not None and RunLock.take(place, store.engine, "a") is None
        other = RunLock.take(place, store.engine, "b")
        assert other is not None
        first.release()
        again = RunLock.take(place, store.engine, "a")
        assert again is not None and RunLock.take(place, store.engine, "b") is None
        for claim in (again, other):
            claim.release()


def test_a_run_that_ends_while_it_is_claimed_is_not_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is read again once the claim is held: what it said before may be out of date."""
    path, plan, take = tmp_path / "arena.db", [duel(seed) for seed in range(2)], Store._claim
    with Store.open(path) as one, Store.open(path) as two:
        begun = one.begin(plan)

        async def finish() -> None:
            assert [result async for _, result in run(begun.pending, one)]

        def late(store: Store, run_id: str) -> bool:
            if store is two and run_id in one.claims:  # between the reading and the claim
                asyncio.run(finish())
                one.end(begun.id, "over")
            return take(store, run_id)

        monkeypatch.setattr(Store, "_claim", late)
        second = two.begin(plan)
        assert not second.resumed and second.id != begun.id and len(second.pending) == 2, "what is over stays over"
        assert begun.id not in two.claims and not one.is_played(begun.id)
