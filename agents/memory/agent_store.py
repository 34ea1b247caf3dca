"""Store agents with memory by name in the database; what they forget is erased from the database files.

A deletion is one transaction: killed in the middle, it has not begun or is complete. Freed pages are overwritten with
zeros, the write-ahead log is folded in and cut, and the file is packed, so that no byte of what was forgotten stays;
where a process died before that was done, the next one that opens the agent does it (`subject.scrub`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, text

from agents.memory.memory import Event, Memory, Note, NoteWriter
from agents.memory.note_writers import APART
from agents.memory.subject import Guard, Mind, Subject
from agents.memory.write_gate import NameHashGate
from arena.errors import UsageError, unknown
from arena.lessons import dump_data, parse_data
from arena.spec import build, describe, dump_canonical
from arena.store.database import writing
from arena.store.store import Store
from arena.store.wipe import mark_overwritten, server_remains, wipe_file, wipe_tables

Values: TypeAlias = tuple[Any, ...]  # a row without its owner and its number
EVENT = tuple(field.name for field in fields(Event))
NOTE = tuple(field.name for field in fields(Note))
EVENT_VALUES, NOTE_VALUES = attrgetter(*EVENT[:-1]), attrgetter(*NOTE)  # the last of an event is its data
TABLES = ("subject", "event", "note", "request")  # in which a memory stands
HELD = (
    "bytes of what was forgotten, in the files of the database: a reader holds them; who next opens an agent wipes them"
)
COLUMN = {"user": "whose", "group": "grouped"}  # what a field is called in SQL, where its own name is taken
COLUMNS = {table: [COLUMN.get(name, name) for name in names] for table, names in (("event", EVENT), ("note", NOTE))}
PUT = """
INSERT INTO subject (name, spec, course, gate, epoch, scrub, made, changed)
VALUES (:name, :spec, :course, :gate, :epoch, :scrub, :now, :now)
ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, course = excluded.course, gate = excluded.gate,
    epoch = excluded.epoch, changed = excluded.changed,
    scrub = CASE WHEN excluded.scrub > subject.scrub THEN excluded.scrub ELSE subject.scrub END
"""


@dataclass(frozen=True, slots=True)
class StoredAgent:
    """A stored agent's state: its epoch (how often it forgot), and how many rows of events and notes that were
    there are gone or overwritten."""

    epoch: int
    rows: int


def save_agent(
    connection: Connection,
    name: str,
    subject: Subject,
    course: Mapping[str, object] | None = None,
    *,
    forgot: bool = True,
) -> StoredAgent:
    """Keeps an agent under a name, within the caller's transaction.

    What an agent of that name knew is overwritten for good: call `scrub_files` after the transaction. Only rows that
    differ are written. `course` says what it was taught; None leaves what is written there. `forgot` False says that
    it only learned, so that there is nothing to wipe.
    """
    before = connection.execute(text("SELECT epoch, course FROM subject WHERE name = :n"), {"n": name}).first()
    taught = dump_canonical(course) if course is not None else (before.course if before else "")
    lost = _replace_rows(connection, "event", name, map(_build_event_row, subject.memory.log))
    lost += _replace_rows(connection, "note", name, map(_build_note_row, subject.memory.notes))
    lost *= forgot
    epoch = (before.epoch if before else 0) + bool(lost)
    values = {
        "name": name,
        "spec": dump_canonical(_build_spec(subject)),
        "course": taught,
        "gate": json.dumps(_build_gate_row(subject.memory.gate)),
        "epoch": epoch,
        "scrub": int(bool(lost)),
        "now": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    connection.execute(text(PUT), values)
    return StoredAgent(epoch, lost)


def get_agent(store: Store, name: str) -> Subject:
    """The agent of that name. Raises UsageError, with the names there are."""
    scrub_files(store.engine)
    with store.engine.connect() as connection:
        subject = load_agent(connection, name)
    if subject is None:
        raise _make_unknown_error(store, name)
    return subject


def load_notes(store: Store, name: str) -> tuple[Note, ...]:
    """The notes of the agent of that name, without building it. Raises UsageError, with the names there are."""
    scrub_files(store.engine)
    with store.engine.connect() as connection:
        if connection.execute(text("SELECT 1 FROM subject WHERE name = :n"), {"n": name}).first() is None:
            raise _make_unknown_error(store, name)
        return tuple(map(_parse_note, _load_rows(connection, "note", name)))


def _make_unknown_error(store: Store, name: str) -> UsageError:
    return UsageError(f"{unknown('agent that remembers', name, list_names(store))}; type: arena teach {name}")


def load_agent(connection: Connection, name: str) -> Subject | None:
    """The agent of that name, within the caller's transaction; None where there is none."""
    row = connection.execute(text("SELECT * FROM subject WHERE name = :n"), {"n": name}).first()
    if row is None:
        return None
    spec = json.loads(row.spec)
    log = tuple(map(_parse_event, _load_rows(connection, "event", name)))
    notes = tuple(map(_parse_note, _load_rows(connection, "note", name)))
    writers = tuple(build(NoteWriter, writer) for writer in spec.pop("writers"))
    guards = tuple(build(Guard, guard) for guard in spec.pop("guards"))
    memory = Memory(log, notes, writers, _parse_gate(json.loads(row.gate)))
    return Subject(build(Mind, spec.pop("mind")), memory, guards=guards, **spec)


def list_names(store: Store) -> list[str]:
    """The names of the agents that are kept."""
    with store.engine.connect() as connection:
        return [row.name for row in connection.execute(text("SELECT name FROM subject ORDER BY name"))]


def load_course(store: Store, name: str) -> dict[str, Any]:
    """The stored curriculum of an agent; empty where it is unknown."""
    with store.engine.connect() as connection:
        found = connection.execute(text("SELECT course FROM subject WHERE name = :n"), {"n": name}).scalar()
    taught: dict[str, Any] = json.loads(found) if found else {}
    return taught


def scrub_files(engine: Engine) -> bool:
    """Whether something was left to be wiped from the files, and now is.

    An SQLite file is rewritten and its log cut; the tables of a server are rewritten, where the role may.
    """
    if not needs_scrub(engine):
        return False
    done = wipe_file(engine) if engine.dialect.name == "sqlite" else wipe_tables(engine, TABLES)
    if not done:
        return False  # a reader still holds the old rows, or it can only be read; the next to open does it
    with writing(engine) as connection:
        connection.execute(text("UPDATE subject SET scrub = 0"))
    return True


def needs_scrub(engine: Engine) -> bool:
    """Whether the files still contain something forgotten: a reader of an older snapshot keeps it there."""
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT max(scrub) FROM subject")).scalar())


def find_remains(engine: Engine) -> tuple[str, ...]:
    """Where the database files still contain bytes of forgotten content, as far as is known."""
    if engine.dialect.name == "sqlite":
        return (HELD,) if needs_scrub(engine) else ()
    return server_remains(TABLES, not needs_scrub(engine))


def _replace_rows(connection: Connection, table: str, owner: str, rows: Iterable[Values]) -> int:
    """Replace the rows of an owner by these, in order; returns how many old rows were removed or changed."""
    mark_overwritten(connection)
    before = {row[0]: row[1:] for row in _load_rows(connection, table, owner, "n, ")}
    after = dict(enumerate(rows))
    gone = [n for n, row in before.items() if after.get(n) != row]
    if gone:
        delete = text(f"DELETE FROM {table} WHERE owner = :owner AND n = :n")
        connection.execute(delete, [{"owner": owner, "n": n} for n in gone])
    if new := [(n, row) for n, row in after.items() if before.get(n) != row]:
        columns = ("owner", "n", *COLUMNS[table])
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
        connection.execute(text(insert), [dict(zip(columns, (owner, n, *row), strict=True)) for n, row in new])
    return len(gone)


def _load_rows(connection: Connection, table: str, owner: str, before: str = "") -> list[Values]:
    """The rows of an owner in order. Older files have NUL in the keys of groups, where now APART stands."""
    columns = f"{before}{', '.join(COLUMNS[table])}"
    rows = connection.execute(text(f"SELECT {columns} FROM {table} WHERE owner = :owner ORDER BY n"), {"owner": owner})
    return [
        tuple(value.replace("\0", APART) if isinstance(value, str) and "\0" in value else value for value in row)
        for row in rows
    ]


def _build_spec(subject: Subject) -> dict[str, Any]:
    return {
        "mind": describe(subject.mind),
        "writers": [describe(writer) for writer in subject.memory.writers],
        "guards": [describe(guard) for guard in subject.guards],
        "steering": subject.steering,
        "budget": subject.budget,
        "user": subject.user,
    }


def _build_event_row(event: Event) -> Values:
    return (*EVENT_VALUES(event), dump_data(event.data))


def _parse_event(row: Values) -> Event:
    event = Event(*row[:-1])
    return replace(event, data=parse_data(event.kind, row[-1])) if row[-1] else event


def _build_note_row(note: Note) -> Values:
    row = dict(zip(NOTE, NOTE_VALUES(note), strict=True))
    return tuple((row | {"parents": json.dumps(list(note.parents)), "exact": int(note.exact)}).values())


def _parse_note(row: Values) -> Note:
    fields = dict(zip(NOTE, row, strict=True))
    return Note(**(fields | {"parents": tuple(json.loads(fields["parents"])), "exact": bool(fields["exact"])}))


def _build_gate_row(gate: NameHashGate) -> dict[str, Any]:
    row = {"key": gate.key.hex(), "hashes": sorted(gate.hashes), "sizes": sorted(gate.sizes)}
    facts = {"spared": gate.spared, "subjects": gate.subjects, "lengths": gate.lengths}
    return row | {name: sorted(found) for name, found in facts.items() if found}  # type: ignore[type-var]


def _parse_gate(row: Mapping[str, Any]) -> NameHashGate:
    known = {name: frozenset(row[name]) for name in ("hashes", "sizes", "spared", "subjects", "lengths") if name in row}
    return NameHashGate(bytes.fromhex(row["key"]), **known)
