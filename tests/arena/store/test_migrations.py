"""Databases of earlier schemas: opened, brought up to date, gone on with."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from duel import ask, duel, play_all
from repository import FIXTURES
from sqlalchemy import Connection

from arena.store.database import MIGRATIONS, VERSION, connect, upgrade, writing
from arena.store.location import DatabaseLocation
from arena.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "arena.db"


def old(path: Path) -> Path:
    """A database as schema 1 left it, with one finished episode, one open, and one that died."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FIXTURES / "schema_v1.sql").read_text(encoding="utf-8"))
    return path


def test_a_database_of_schema_1_is_opened_read_and_gone_on_with(path: Path) -> None:
    with Store.open(old(path)) as store:
        done = store.episode("mabc00000000.1")
        assert (done.status, done.scores) == ("over", {"buyer": 995.0, "seller": None})
        assert done.turns[1].move.usage.calls[0].prompt[-1] == ("user", "line 0")
        assert done.facts["luck"] == 995 and len(done.facts["rounds"]) == 2  # type: ignore[arg-type]
        assert "ValueError" in store.episode("mabc00000000.3").error
        assert play_all(store, [duel(7)]).pending
    tables = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') ORDER BY name"
    new = path.with_name("new.db")
    Store.open(new).close()
    assert ask(path, tables) == ask(new, tables)
    assert ask(path, "PRAGMA user_version") == [(VERSION,)]


def test_a_migration_is_all_or_nothing(path: Path) -> None:
    def add(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN note TEXT")

    def stumble(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (x)")
        raise ZeroDivisionError

    engine = connect(DatabaseLocation.of(old(path)))
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        upgrade(connection, VERSION, (*MIGRATIONS, add, stumble))
    assert ask(path, "PRAGMA user_version") == [(VERSION,)] and "note" not in str(ask(path, "PRAGMA table_info(run)"))
    with writing(engine) as connection:
        upgrade(connection, VERSION, (*MIGRATIONS, add))
    engine.dispose()
    assert ask(path, "PRAGMA user_version") == [(VERSION + 1,)] and "note" in str(ask(path, "PRAGMA table_info(run)"))


def test_views_that_differ_from_the_present_ones_are_made_anew(path: Path) -> None:
    with closing(sqlite3.connect(old(path))) as connection:
        connection.executescript("DROP VIEW deals; DROP VIEW rounds; CREATE VIEW rounds AS SELECT 1 AS x;")
    Store.open(path, create=False).close()
    assert ask(path, "SELECT count(price) FROM deals") == [(1,)]
