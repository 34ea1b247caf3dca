"""Agents that are taught and forget on a PostgreSQL server: as in a file, and what the server keeps is said."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena
from postgres_server import execute
from random_memories import NAMES, TARGET, remembers

from agents.memory import agent_store
from agents.memory.memory import Event, Memory, Note
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.store.database import writing
from arena.store.query import query
from arena.store.store import Store
from unlearning.memory.mentions import delete_mentions

psycopg = pytest.importorskip("psycopg", reason="no driver; type: pip install -e '.[postgres]'")
RARE = "Qyzzwick Harbour"
ODD = "a\0b\ud800c"


def data(url: str) -> Path:
    return Path(url.partition("host=")[2].partition("&")[0], "data")


def tables(url: str) -> Path:
    """The folder of the files of a database."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
    assert row is not None
    return data(url) / "base" / str(row[0])


def holding(folder: Path, name: str = RARE) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and name.encode() in file.read_bytes()]


def keep(url: str, name: str = "guide") -> None:
    log = [Event(f"e:{n}", f"{place} is at ({n}, {n}).", subject=place, episode="e", step=n)
           for n, place in enumerate((RARE, *NAMES))]  # fmt: skip
    with Store.open(url) as store, writing(store.engine) as connection:
        agent_store.save_agent(connection, name, Subject(Knower(), remembers(log * 1)))


def env(url: str) -> dict[str, str]:
    return {"ARENA_DB": url}


@pytest.mark.slow
def test_an_agent_is_taught_learns_on_and_forgets_as_in_a_file(new_database: Callable[[], str], tmp_path: Path) -> None:
    places = new_database(), str(tmp_path / "arena.db")
    told = []
    for place in places:
        words = ["teach", "seller", "--game", "bargaining", "--lessons", "6"]
        lines = [arena(tmp_path, *words, env=env(place)), arena(tmp_path, *words, "--seed", "1", env=env(place))]
        who = query(place, "select min(subject) from event where kind = 'limit'").rows[0][0]
        forget = ("forget", "seller", "--request", f"forget {who}")
        lines.append(arena(tmp_path, *forget, env=env(place)).partition("Not removed")[0])
        lines.append(arena(tmp_path, "probe", "seller", "--request", f"forget {who}", env=env(place)))
        lines.append(arena(tmp_path, "notes", "seller", env=env(place)))
        told.append([re.sub(r"in [\d.]+ s|.*entries of caches.*", "", line) for line in lines])
    assert told[0] == told[1]


def test_what_no_database_holds_is_replaced_as_it_is_learned(new_database: Callable[[], str], tmp_path: Path) -> None:
    event = Event("e:0", f"{ODD} is here.", subject=ODD, episode=f"e{ODD}", environment="x")
    memory = remembers([event], [Note("n", ODD, "hint", (), "me", group=ODD)])
    assert memory == Memory(writers=memory.writers).with_events([event]).with_note(memory.by_hand[0])
    for place in (new_database(), str(tmp_path / "a.db")):
        with Store.open(place) as store:
            with writing(store.engine) as connection:
                agent_store.save_agent(connection, "odd", Subject(Knower(), memory))
            assert agent_store.get_agent(store, "odd").memory == memory
    assert memory.log[0].text == "a\ufffdb\ufffdc is here."


def test_forgotten_bytes_leave_the_tables_and_the_receipt_says_what_stays(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    keep(url)
    execute(url, "ANALYZE", "CHECKPOINT")
    assert holding(tables(url))
    told = arena(tmp_path, "forget", "guide", "--request", f"forget {RARE}", env=env(url))
    assert "exact as far as recognised" in told and "write-ahead log" in told and "dead rows" not in told
    execute(url, "CHECKPOINT")
    assert not holding(tables(url)), "tables, indexes and statistics"
    assert holding(data(url) / "pg_wal")
    (line,) = (line for line in told.splitlines() if "write-ahead log" in line)
    words = shlex.split(line.partition("by a superuser: ")[2])
    assert words[0] == "psql" and set(words[1::2]) == {"-c"}
    execute(url, *words[2::2])
    assert not holding(data(url) / "pg_wal"), "the command that is told removes it"
    assert "write-ahead log" in arena(tmp_path, "receipt", env=env(url))


def test_a_role_that_may_not_rewrite_and_a_reader_of_older_rows_are_told(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    keep(url)
    execute(url, "CREATE ROLE clerk LOGIN",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk")  # fmt: skip
    clerk = url.replace("arena@", "clerk@")
    forget = ("forget", "guide", "--request", f"forget {RARE}")
    told = arena(tmp_path, *forget, env=env(clerk))
    assert "dead rows in the files of the tables subject, event, note, request" in told
    (line,) = (line for line in told.splitlines() if "dead rows" in line)
    execute(url, shlex.split(line.partition("by: ")[2])[2])
    execute(url, "CHECKPOINT")
    assert not holding(tables(url), RARE)

    with psycopg.connect(url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1").fetchall()
        told = arena(tmp_path, "forget", "guide", "--request", f"forget {TARGET}", env=env(url))
        assert "dead rows" in told
    assert "dead rows" in arena(tmp_path, "receipt", env=env(url))
    arena(tmp_path, "notes", "guide", env=env(url))  # who next opens it wipes
    assert "dead rows" not in arena(tmp_path, "receipt", env=env(url))


def test_recorded_episodes_are_found_and_deleted(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    (tmp_path / "says.py").write_text(
        "import arena\ndef rare(view):\n    '''Names it.'''\n"
        f"    return arena.Move('To {RARE}!', 'offer', {{'price': 12}})\n"
    )
    arena(tmp_path, "play", "--seat", "seller=says.py:rare", "-q", env=env(url))
    arena(tmp_path, "play", "-q", env=env(url))
    assert "answers" in arena(tmp_path, "mentions", RARE, env=env(url))
    with Store.open(url) as store:
        found, rows, left = delete_mentions(store, [RARE])
    assert rows["episode"] == 1 and len(found.of("episode")) == 1 and len(left) == 1 and "write-ahead" in left[0]
    execute(url, "CHECKPOINT")
    assert not holding(tables(url)) and query(url, "select count(*) from episodes").rows == ((1,),)


def test_memories_of_older_files_keep_their_groups(tmp_path: Path) -> None:
    """There the parts of a group's key were parted by NUL."""
    path = str(tmp_path / "arena.db")
    keep(path)
    with Store.open(path) as store:
        before: Any = agent_store.get_agent(store, "guide")
        with writing(store.engine) as connection:
            connection.exec_driver_sql("UPDATE note SET grouped = replace(grouped, char(31), char(0))")
        assert agent_store.get_agent(store, "guide") == before
