"""What an agent remembers: an append-only log of events, and notes written from it, each with its parents.

Notes are a fold over the log: every writer puts sources into groups and makes one note of each group, whatever the
order of the others. So the memory of an agent that never saw an event is exactly what the writers make of the log
without it, and only the groups it stood in have to be written anew.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was experienced, as it was told; it never changes.

    id: "<episode>:<n>". kind: place, object, outcome, … subject: what it is about. environment: the game. world: which
    of its worlds. task_type: the kind of task it was met in. user: whose it is; "" is everybody's.
    """

    id: str
    text: str
    kind: str = "event"
    subject: str = ""
    episode: str = ""
    step: int = 0
    environment: str = ""
    world: str = ""
    task_type: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something remembered. `parents` are ids of the events and notes it was written from, by `writer`.

    exact: whether writing it again from the same parents gives the same text; False for a model's words.
    """

    id: str
    text: str
    kind: str = "record"
    parents: tuple[str, ...] = ()
    writer: str = "records"
    subject: str = ""
    environment: str = ""
    world: str = ""
    task_type: str = ""
    user: str = ""
    exact: bool = True


Source: TypeAlias = Event | Note


@runtime_checkable
class Writer(Protocol):
    """Writes notes. `key` groups sources, None for those it leaves alone; `note` makes one note of a group.

    A note depends on its group alone, in the order of the log; `note` may answer None where there is nothing to say.
    """

    @property
    def name(self) -> str: ...
    def key(self, source: Source) -> str | None: ...
    def note(self, key: str, group: Sequence[Source]) -> Note | None: ...


def note_id(writer: str, text: str, parents: Iterable[str]) -> str:
    """The id of a note: a hash of who wrote it, what, and from what; the same note has the same id in any memory."""
    digest = blake2b("\0".join([writer, text, *parents]).encode(), digest_size=8)
    return digest.hexdigest()


@dataclass(frozen=True)
class Memory:
    """A log of events and the notes that `writers` made of it, in their order; each may read the notes before it.

    A value: every function gives a new one. Notes made by hand or by a model stand in `extra`, with their parents.
    `removed` are ids of events and notes of which only part was taken away (a deleted record whose summary stayed).
    """

    log: tuple[Event, ...] = ()
    writers: tuple[Writer, ...] = ()
    extra: tuple[Note, ...] = ()
    removed: frozenset[str] = frozenset()

    @cached_property
    def written(self) -> tuple[Note, ...]:
        """What the writers make of the log, removed notes included."""
        sources: list[Source] = list(self.log)
        notes: list[Note] = []
        for writer in self.writers:
            fresh = list(write(writer, sources))
            notes += fresh
            sources += fresh
        return tuple(notes)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """All notes that are remembered now."""
        return tuple(note for note in (*self.written, *self.extra) if note.id not in self.removed)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the notes written from each event or note, by its id."""
        found: dict[str, list[str]] = {}
        for note in (*self.written, *self.extra):
            for parent in note.parents:
                found.setdefault(parent, []).append(note.id)
        return {parent: tuple(ids) for parent, ids in found.items()}

    def learned(self, events: Iterable[Event]) -> "Memory":
        """The memory with more events, those it has already left out."""
        known = {event.id for event in self.log}
        new = {event.id: event for event in events if event.id not in known}
        return replace(self, log=(*self.log, *new.values()))

    def closure(self, ids: Collection[str]) -> frozenset[str]:
        """The ids, and those of all notes that were written from them, directly or through other notes."""
        tainted, waiting = set(ids), list(ids)
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child not in tainted:
                    tainted.add(child)
                    waiting.append(child)
        return frozenset(tainted)

    def without(self, ids: Collection[str]) -> "Memory":
        """The never-exposed memory: the log without these events, everything written anew from the rest.

        Notes by hand go where one of their ancestors went, since nobody can say what they would have been.
        """
        tainted = self.closure(ids)
        log = tuple(event for event in self.log if event.id not in tainted)
        return Memory(log, self.writers, tuple(note for note in self.extra if note.id not in tainted), self.removed)


def write(writer: Writer, sources: Iterable[Source]) -> Iterable[Note]:
    """The notes that a writer makes of the sources: one for each group, in order of their first sources."""
    groups: dict[str, list[Source]] = {}
    for source in sources:
        if (key := writer.key(source)) is not None:
            groups.setdefault(key, []).append(source)
    for key, group in groups.items():
        if (note := writer.note(key, group)) is not None:
            yield note
