"""Databases that are none, or not ours, or not now: each is refused with what to do, and nothing recorded is lost."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from duel import child, duel, play_all
from repository import ROOT

from arena.errors import BadRecord
from arena.store.database import VERSION
from arena.store.query import query
from arena.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


@pytest.fixture
def played(path: Path) -> Path:
    with Store.open(path) as store:
        play_all(store, [duel(seed, length=40) for seed in range(20)])
    return path


@pytest.mark.parametrize("body", [b"hello", b"# my notes\n" * 500, bytes(range(256)) * 40, b"\0" * 5000])
def test_what_is_not_a_database_is_left_as_it_is(path: Path, body: bytes) -> None:
    path.write_bytes(body)
    for ask in (lambda: Store.open(path), lambda: Store.open(path, create=False), lambda: query(path, "select 1")):
        with pytest.raises(BadRecord, match=r"arena\.db is not a database; .* name another file"):
            ask()
    assert path.read_bytes() == body


def test_an_empty_file_becomes_a_database_where_one_may_be_made(path: Path) -> None:
    path.touch()
    with pytest.raises(BadRecord, match="holds no records yet; type: arena play --db"):
        Store.open(path, create=False)
    Store.open(path).close()
    assert query(path, "select count(*) from episodes").rows == ((0,),)


def test_a_missing_database_is_made_only_where_asked(path: Path) -> None:
    for ask in (lambda: Store.open(path, create=False), lambda: query(path, "select 1")):
        with pytest.raises(BadRecord, match=r"there is no database at .*; playing makes one, type: arena play"):
            ask()
    assert not path.exists()


def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE bookmarks (url); CREATE TABLE run (x); INSERT INTO run VALUES (1)")
    before = path.read_bytes()
    with pytest.raises(BadRecord, match=r"belongs to another program \(tables bookmarks, run\); name another"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(played: Path) -> None:
    with closing(sqlite3.connect(played)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 8}")
    with pytest.raises(BadRecord, match=rf"newer arena \(schema {VERSION + 8}, this one knows {VERSION}\); type: pip"):
        Store.open(played)


LOCK = """
import sqlite3, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


def test_a_locked_database_is_refused_after_a_wait_and_can_be_read_meanwhile(played: Path) -> None:
    process = child(LOCK, played, 60)
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    start = time.monotonic()
    with pytest.raises(BadRecord, match="locked; another process holds it; wait until that ends"):
        Store.open(played, wait=0.2)
    assert time.monotonic() - start < 5
    assert query(played, "select count(*) from episodes").rows == ((20,),)
    with Store.open(played, create=False, wait=0.2) as store:
        assert store.episode("last").status == "over"
    process.kill()
    process.communicate()


def test_a_lock_that_comes_while_playing_fails_everyone_who_waits_at_once(played: Path) -> None:
    plan = [duel(seed, length=2) for seed in range(6)]
    with Store.open(played, wait=0.3) as store:
        process = child(LOCK, played, 60)
        assert process.stdout is not None and process.stdout.readline() == "locked\n"

        async def work() -> list[BaseException | None]:
            begun = [store.record_start(item) for item in run.pending]
            return await asyncio.gather(*begun, return_exceptions=True)

        with pytest.raises(BadRecord, match=r"locked; .* All that was recorded before is kept"):
            store.begin(plan)
        process.kill()
        process.communicate()
        with pytest.raises(
            BadRecord, match="locked"
        ):  # at once, also after the lock has gone: it was said that it failed
            store.begin(plan)
    with Store.open(played) as store:
        run = store.begin(plan)
        process = child(LOCK, played, 0.5)
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        assert asyncio.run(work()) == [None] * 6, "a short lock is waited for"
        process.communicate()


def test_a_missing_folder_a_folder_and_a_strange_url_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match=r"there is no folder .*/a/b; type: mkdir -p .*/a/b"):
        Store.open(tmp_path / "a/b/arena.db")
    with pytest.raises(BadRecord, match=r"is a folder, not a database; name a file in it, for example .*/arena\.db"):
        Store.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadRecord, match="there is no folder"):
        Store.open(tmp_path / "file" / "arena.db")
    for url in ("sqlite://", "sqlite:///:memory:", "nonsense://x"):
        with pytest.raises(BadRecord, match=r"kept in a file|no driver"):
            Store.open(url)
    with pytest.raises(BadRecord) as refusal:
        Store.open("nosuch://me:secret@host/db")
    assert "secret" not in str(refusal.value)
    with Store.open(f"sqlite:///{tmp_path}/by_url.db") as store:
        assert store.where == f"{tmp_path}/by_url.db"
    Store.open(tmp_path / "odd name?#%41.db").close()
    assert query(tmp_path / "odd name?#%41.db", "select 1").rows == ((1,),)


@contextmanager
def no_rights(folder: Path) -> Iterator[None]:
    """The folder may be read only. Rights do not bind root, so root steps down for the while."""
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def test_a_read_only_folder_is_refused_for_playing_and_can_be_read(played: Path, folder: Path) -> None:
    closed = folder / "arena.db"
    with Store.open(played) as store:
        log = Path(f"{played}-wal")
        play_all(store, [duel(77)])
        assert log.stat().st_size > 0
        for file, name in ((played, "arena.db"), (log, "arena.db-wal")):
            shutil.copy(file, folder / name)
            (folder / name).chmod(0o444)
    with no_rights(folder):
        with pytest.raises(BadRecord, match="it may not be written; check the rights"):
            Store.open(closed)
        with pytest.raises(BadRecord, match="it may not be written; check the rights"):
            Store.open(folder / "new.db")
        assert query(closed, "select count(*) from episodes").rows == ((21,),), "what is in the log counts"
        with Store.open(closed, create=False) as store:
            assert store.episode("last").match.seed == 77
            with pytest.raises(BadRecord, match="rights"):
                store.begin([duel()])
    (folder / "arena.db-wal").unlink()
    shutil.copy(played, closed)
    with no_rights(folder):
        assert query(closed, "select count(*) from episodes").rows == ((21,),)
        with Store.open(closed, create=False) as store:
            assert store.episode("last").match.seed == 77


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where nobody can make a file")
def test_a_place_where_no_file_can_be_made_is_refused() -> None:
    with pytest.raises(BadRecord, match="it may not be written; check the rights of the file and its folder"):
        Store.open("/proc/self/arena.db")


def test_a_file_that_was_cut_short_is_refused_with_a_way_to_save_the_rest(played: Path) -> None:
    with played.open("r+b") as file:
        file.truncate(played.stat().st_size // 2)
    for ask in (lambda: Store.open(played), lambda: query(played, "select * from turn")):
        with pytest.raises(BadRecord, match=r"cut short: [\d,]+ of [\d,]+ bytes are there; .*sqlite3 .* \.recover"):
            ask()


def test_damage_inside_is_reported_where_it_is_met(played: Path) -> None:
    with played.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (played.stat().st_size - 4096))
    with pytest.raises(BadRecord, match=r"malformed; it is damaged; .* \.recover"), Store.open(played) as store:
        store.episode("last")
    with pytest.raises(BadRecord, match="it is damaged"):
        query(played, "select * from turn")


FILL = """
import resource
store = Store.open(sys.argv[1])
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
told = []
try:
    play_all(store, [duel(n, length=200) for n in range(60)], lambda p, turn: told.append((p.id, turn.step)))
except BadRecord as error:
    print(error)
try:
    store.begin([duel(1)])
except BadRecord as error:
    print(error)
store.close()
from arena.store.query import query
kept = set(query(sys.argv[1], "select episode, step from turn").rows)
print(len(told) > 50, set(told) <= kept, query(sys.argv[1], "select count(*) from runs").rows)
"""


@pytest.mark.parametrize("kind", ["limit", "disk"])
def test_a_full_disk_stops_the_run_and_keeps_what_was_recorded(tmp_path: Path, kind: str) -> None:
    """Twice for real: a limit on the size of files, and, where a user may mount one, a file system of 800 kB."""
    if kind == "limit":
        process = child(FILL, tmp_path / "arena.db", 400_000)
    else:
        mount = f'mount -t tmpfs -o size=800k none {tmp_path} && exec "$@"'
        enter = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh")
        if not shutil.which("unshare") or subprocess.run([*enter, "true"], capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        process = child(FILL, tmp_path / "arena.db", prefix=enter)
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    first, second, kept = output.splitlines()
    assert "the disk is full, or gave way; make room, then type the same command again" in first
    assert first.endswith("All that was recorded before is kept.") and second == first
    assert kept == "True True ((1,),)"


def test_a_database_is_made_by_several_processes_at_once(path: Path) -> None:
    start = time.time() + 1.5
    code = "import time; time.sleep(max(0, float(sys.argv[2]) - time.time())); Store.open(sys.argv[1]).close()"
    processes = [child(code, path, start) for _ in range(4)]
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 4
    assert query(path, "select count(*) from leaderboard").rows == ((0,),)


def test_the_database_library_is_loaded_only_with_the_store() -> None:
    """The command line starts quickly."""
    code = "import sys, arena.errors, arena.episode; print('sqlalchemy' in sys.modules)"
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "False\n"
