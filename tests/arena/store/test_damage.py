"""What is wrong with a database is told in words: each fault that is looked for, and none where there is none."""

import sqlite3
from pathlib import Path

import pytest
from cli_runner import typed

from arena.store.damage import explain_damage, find_damage

FAULTS = {
    "drop table score": "the table score is missing",
    "alter table turn drop column tool": "the table turn has no column tool",
    "update turn set step = 'first' where step = 1": "turn.step takes integer, and holds text",
    "update episode set seed = 1.5": "episode.seed takes integer, and holds real",
    "update call set usd = 'free'": "call.usd takes real, and holds text",
    "update run set plan = '{'": "run.plan holds what is no JSON",
    "update episode set spec = '[1, 2]'": "episode.spec holds JSON that is no table",
    "update fact set value = 'yes, it was'": "fact.value holds what is no JSON",
    "delete from text where id = (select text from turn where text > 0 limit 1)": "turn.text names text",
    "update turn set episode = 'nowhere.1'": "turn.episode names episode 'nowhere.1', which is not there",
    "update message set parent = id": "follows itself",
    "insert into fact (name, episode, n, value) select name, episode, 0, '1' from fact where n > 0 limit 1": (
        "is a table and none"
    ),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound database with a match of a model, so that all tables of play hold rows."""
    folder = tmp_path_factory.mktemp("sound")
    done = typed(folder, "play", "--rounds", "1", "--buyer", "scripted/negotiator", "-q")
    assert done.code == 0, done.stderr
    with sqlite3.connect(folder / "arena.db") as database:
        database.execute("pragma journal_mode = delete")
    return (folder / "arena.db").read_bytes()


def damaged(recorded: bytes, folder: Path, statement: str) -> Path:
    path = folder / "arena.db"
    path.write_bytes(recorded)
    with sqlite3.connect(path) as database:
        views = [name for (name,) in database.execute("select name from sqlite_master where type = 'view'")]
        for view in views if statement.startswith("alter") else ():  # a view that reads the column forbids it
            database.execute(f"drop view {view}")
        changed = database.execute(statement).rowcount
    assert changed, "the statement changes something"
    return path


def test_a_sound_database_has_no_fault(recorded: bytes, tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    path.write_bytes(recorded)
    assert find_damage(path) == ""
    assert explain_damage(path, ValueError("of something else")) is None


@pytest.mark.parametrize("statement", FAULTS)
def test_a_fault_is_told_in_words(statement: str, recorded: bytes, tmp_path: Path) -> None:
    path = damaged(recorded, tmp_path, statement)
    assert FAULTS[statement] in find_damage(path)
    told = str(explain_damage(path, KeyError("tool")))
    assert "is damaged" in told and "it showed as KeyError" in told and ".recover" in told


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    path.write_bytes(b"SQLite format 3\x00" + bytes(200))
    assert "arena.db" in find_damage(path)
    assert explain_damage(tmp_path / "missing.db", ValueError("x")) is None


def test_a_text_that_is_no_utf_8_is_said(recorded: bytes, tmp_path: Path) -> None:
    path = damaged(recorded, tmp_path, "update run set plan = cast(x'7b22ff227d' as text)")
    assert "UTF-8" in find_damage(path)
