"""A database that is taken away while it is written; a disk or a lock that does not let agents learn and forget."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runner import typed
from duel import child, duel, play_all

from arena.errors import BadRecord
from arena.store.query import query
from arena.store.store import Store

LOCK = """
import sqlite3, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(120)
"""


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("other.db"))


def replace(path: Path) -> None:
    path.unlink()
    path.write_text("")


@pytest.mark.parametrize("take_away", [delete, rename, replace])
def test_a_file_that_is_taken_away_is_noticed_and_its_answers_are_saved(
    tmp_path: Path, take_away: Callable[[Path], None]
) -> None:
    path, count = tmp_path / "arena.db", 0
    plan = [duel(seed) for seed in range(12)]

    def seen(*_: object) -> None:
        nonlocal count
        count += 1
        if count == 20:
            take_away(path)

    with Store.open(path) as store, pytest.raises(BadRecord, match=r"deleted, renamed or replaced .* --db .*-rescued"):
        play_all(store, plan, seen)
    rescued = tmp_path / "arena.db-rescued"
    assert query(rescued, "select count(*) from turn").rows[0][0] >= 20
    with Store.open(rescued) as store:
        play_all(store, plan)
    ended = query(rescued, "select count(*), count(distinct run) from episodes where status = 'over'").rows
    assert ended == ((12, 1),), "the same plan goes on there"


def test_teaching_and_forgetting_say_that_the_database_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed(tmp_path, "teach", "seller", "--game", "bargaining", "--lessons", "2").code == 0
    (who,) = query(tmp_path / "arena.db", "select min(subject) from event where kind = 'person'").rows[0]
    original = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: original(*a, **{**k, "timeout": 0.2}))
    monkeypatch.setattr(sqlite3.dbapi2, "connect", sqlite3.connect)
    process = child(LOCK, tmp_path / "arena.db")
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    try:
        for words in (
            ("teach", "seller", "--game", "bargaining", "--lessons", "2", "--seed", "5"),
            ("forget", "seller", "--request", f"forget {who}"),
            ("mentions", who, "--delete"),
        ):
            done = typed(tmp_path, *words)
            assert done.code == 2 and "Traceback" not in done.stderr, done.stderr
            assert "locked; another process holds it" in done.stderr, words
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("pages", [0, 2])
def test_teaching_and_forgetting_say_that_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """`max_page_count` has SQLite say what it says of a full disk."""
    assert typed(tmp_path, "teach", "seller", "--game", "bargaining", "--lessons", "2").code == 0
    size = (tmp_path / "arena.db").stat().st_size // 4096
    original = sqlite3.connect

    def small(*words: object, **settings: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = original(*words, **settings)  # type: ignore[call-overload]
        connection.execute(f"PRAGMA max_page_count = {size + pages}")
        return connection

    monkeypatch.setattr(sqlite3.dbapi2, "connect", small)
    monkeypatch.setattr(sqlite3, "connect", small)
    words = ("teach", "seller", "--game", "wiki", "--lessons", "12", "--seed", "5")
    done = typed(tmp_path, *words)
    assert done.code == 2 and "full" in done.stderr and "make room" in done.stderr and "Traceback" not in done.stderr
