"""Find names in a database: in recorded episodes and their prompts, in other agents, in measurements.

Names are matched as everywhere: whole words in any case and form (`agents/name_matching.py`). A text that describes the
same thing in other words is not found.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from agents.name_matching import make_finder
from arena.store.database import writing
from arena.store.deletion import TABLES, delete_episodes, select_in
from arena.store.store import Store
from arena.store.wipe import mark_overwritten, server_remains, wipe_file, wipe_tables

Place: TypeAlias = tuple[str, str]  # "run", "episode", "agent" or "measurement", and its id or name
IsNamed: TypeAlias = Callable[[str], bool]
AT_ONCE = 1000  # rows that are fetched at a time
SHORT = (  # searched records: the kind, the owner of the rows, and a query for id and texts; some are JSON
    ("settings", "run", "SELECT id, command, plan FROM run"),
    ("settings", "episode", "SELECT id, spec, error FROM episode"),
    ("settings", "episode", "SELECT episode, agent, spec FROM seat"),
    ("facts", "episode", "SELECT episode, name, value FROM fact"),
    ("events", "agent", "SELECT owner, subject, text FROM event"),
    ("notes", "agent", "SELECT owner, subject, text FROM note"),
    ("settings", "agent", "SELECT name, spec, course FROM subject"),
    ("measurements", "measurement", "SELECT id, target, spec, error FROM trial"),
    ("measurements", "measurement", "SELECT trial, items, detail FROM reading"),
)
TURNS = "SELECT episode, text, thought, tool, args, refused FROM turn"
CALLS = "SELECT episode, id, prompt, reply, detail FROM call"
BEHIND = """
WITH RECURSIVE named(id) AS (
  SELECT id FROM message WHERE text IN :values UNION SELECT m.id FROM message m JOIN named ON m.parent = named.id)
SELECT id FROM named
"""


@dataclass(frozen=True, slots=True)
class Mentions:
    """Records that contain a name: how many rows, by the place that they belong to and by kind.

    A place is a run, an episode, an agent that remembers, or a measurement. Kinds: answers (of episodes), prompts
    (different ones that were sent), calls (of models, whose prompt or reply names it), facts, settings, events, notes,
    measurements.
    """

    places: Mapping[Place, Mapping[str, int]]

    def of(self, what: str) -> tuple[str, ...]:
        """The ids of the places of one sort."""
        return tuple(id for sort, id in self.places if sort == what)

    def counts(self) -> dict[str, int]:
        """The numbers of places by sort, and of rows by kind; without those that are 0."""
        found = Counter(f"{sort}s" for sort, _ in self.places)
        for kinds in self.places.values():
            found.update(kinds)
        return dict(sorted(found.items()))


def find_mentions(connection: Connection, names: Iterable[str], besides: str = "") -> Mentions:
    """All records that contain one of these names, except the agent `besides`. Reads every text once."""
    pattern = make_finder(tuple(names))
    found: dict[Place, Counter[str]] = {}
    if not pattern.options:
        return Mentions(found)

    def is_named(body: str) -> bool:
        return pattern.search(body) is not None

    for sort, id, kind in (*_short(connection, is_named), *_in_episodes(connection, is_named)):
        if (sort, id) != ("agent", besides):
            found.setdefault((sort, id), Counter())[kind] += 1
    return Mentions(dict(sorted(found.items())))


def delete_mentions(store: Store, names: Sequence[str]) -> tuple[Mentions, dict[str, int], tuple[str, ...]]:
    """Deletes the episodes, runs and measurements that name one of these, whole and for good.

    Returns what was found, how many rows were deleted by table, and what could not be wiped from the files. Agents that
    remember it are left: they forget by `arena forget`. Raises BadRecord while a run is played.
    """
    with writing(store.engine) as connection:
        found = find_mentions(connection, names)
        rows = delete_episodes(connection, found.of("episode"), found.of("run"), store.is_played)
        mark_overwritten(connection)
        for id in found.of("measurement"):
            for table, column in (("reading", "trial"), ("trial", "id")):
                done = connection.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": id}).rowcount
                rows[table] = rows.get(table, 0) + done
    if store.place.path is None:
        tables = (*TABLES, "trial", "reading")
        left = server_remains(tables, wipe_tables(store.engine, tables)) if rows else ()
    else:
        left = () if wipe_file(store.engine) else (f"bytes of it in {store.where}, which a reader holds",)
    return found, {table: count for table, count in rows.items() if count}, left


def _short(connection: Connection, is_named: IsNamed) -> Iterator[tuple[str, str, str]]:
    for kind, sort, query in SHORT:
        for id, *texts in _stream(connection, query):
            if any(_names(body, is_named) for body in texts):
                yield sort, id, kind


def _in_episodes(connection: Connection, is_named: IsNamed) -> Iterator[tuple[str, str, str]]:
    bodies = {id for id, body in _stream(connection, "SELECT id, body FROM text") if is_named(body)}
    for id, said, thought, *texts in _stream(connection, TURNS):
        if said in bodies or thought in bodies or any(_names(body, is_named) for body in texts):
            yield "episode", id, "answers"
    sent = {row[0] for row in select_in(connection, BEHIND, sorted(bodies))}
    told: set[tuple[str, int]] = set()
    for id, _, prompt, reply, detail in _stream(connection, CALLS):
        if prompt in sent or reply in bodies or is_named(detail):
            yield "episode", id, "calls"
        if prompt in sent and (id, prompt) not in told:
            told.add((id, prompt))
            yield "episode", id, "prompts"


def _stream(connection: Connection, query: str) -> Iterator[Any]:
    return iter(connection.execute(text(query).execution_options(yield_per=AT_ONCE)))


def _names(body: str | None, is_named: IsNamed) -> bool:
    """Whether a text, or a text within its JSON, names it: there quotation marks and ends of lines are escaped."""
    if not body:
        return False
    if is_named(body):
        return True
    if "\\" not in body:
        return False
    try:
        return any(map(is_named, _leaves(json.loads(body))))
    except ValueError:
        return False  # no JSON: a plain text


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
