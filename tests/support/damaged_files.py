"""Databases damaged at random, from a seed: cut short, bytes flipped, pages swapped, values of wrong types."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

VALUES: tuple[Any, ...] = (None, -1, 2**62, 1e308, "", "x", "{", "[]", "null", "[" * 3000, b"\xff\xfe", "9" * 500,
                           '{"name": 3}', "\ud7ff")  # fmt: skip


def damage_at_random(path: Path, chance: Random) -> str:
    """Damages the file in one way; which, in words."""
    way = chance.choice((cut, flip, zero, swap, retype, retype, retype, drop, rename, loop))
    return f"{way.__name__} {way(path, chance)}"


def cut(path: Path, chance: Random) -> str:
    data = path.read_bytes()
    size = chance.randrange(len(data))
    path.write_bytes(data[:size])
    return f"to {size} of {len(data)}"


def flip(path: Path, chance: Random) -> str:
    data = bytearray(path.read_bytes())
    head = chance.random() < 0.2
    for _ in range(chance.choice((1, 20, 400))):
        data[chance.randrange(100 if head else len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(data))
    return "in the head" if head else "anywhere"


def zero(path: Path, chance: Random) -> str:
    return _on_pages(path, chance, lambda pages, n: pages.__setitem__(n, bytes(len(pages[n]))))


def swap(path: Path, chance: Random) -> str:
    def change(pages: list[bytes], n: int) -> None:
        other = chance.randrange(len(pages))
        pages[n], pages[other] = pages[other], pages[n]

    return _on_pages(path, chance, change)


def retype(path: Path, chance: Random) -> str:
    """Values that no arena writes, in all rows of a column or in one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        filled = [name for name in tables if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()]
        table = chance.choice(filled)
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        column, value = chance.choice(columns), chance.choice(VALUES)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        try:
            connection.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', (value,))
        except sqlite3.IntegrityError:
            connection.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = ?', ("",))
    return f"{table}.{column} = {str(value)[:20]!r}"


def drop(path: Path, chance: Random) -> str:
    return _altered(path, chance, 'DROP TABLE "{}"')


def rename(path: Path, chance: Random) -> str:
    return _altered(path, chance, 'ALTER TABLE "{0}" RENAME TO "{0}_"')


def loop(path: Path, chance: Random) -> str:
    """Prompts that follow themselves."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE message SET parent = id")
    return "messages"


def _altered(path: Path, chance: Random, statement: str) -> str:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        table = chance.choice([row[0] for row in rows])
        for (view,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            connection.execute(f'DROP VIEW "{view}"')
        connection.execute(statement.format(table))
    return str(table)


def _on_pages(path: Path, chance: Random, change: Callable[[list[bytes], int], None]) -> str:
    data = path.read_bytes()
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    n = chance.randrange(len(pages))
    change(pages, n)
    path.write_bytes(b"".join(pages))
    return f"page {n}"
