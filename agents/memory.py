"""What an agent remembers: an append-only log of events, and notes written from it, each with its parents.

Notes are a fold over the log: every writer puts sources into groups and makes one note of each group, whatever the
order of the others. So the memory of an agent that never saw an event is exactly what the writers make of the log
without it, and only the groups it stood in have to be written anew.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Protocol, TypeAlias, runtime_checkable

from agents.gate import Gate

OPEN = Gate()


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

    group: which of the writer's groups it was made of. exact: whether writing it again from the same parents gives the
    same text; False for a model's words.
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
    group: str = ""
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
    """A log of events, the notes written from it, and the writers, in their order: each may read the notes before it.

    A value: every function gives a new one. Notes whose `writer` is none of the writers were made by hand or by a
    model; they are kept as they are. What the gate does not admit is neither logged nor noted.
    """

    log: tuple[Event, ...] = ()
    notes: tuple[Note, ...] = ()
    writers: tuple[Writer, ...] = ()
    gate: Gate = OPEN

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the notes written from each event or note, by its id."""
        found: dict[str, list[str]] = {}
        for note in self.notes:
            for parent in note.parents:
                found.setdefault(parent, []).append(note.id)
        return {parent: tuple(ids) for parent, ids in found.items()}

    @cached_property
    def by_hand(self) -> tuple[Note, ...]:
        """The notes that none of the writers wrote."""
        own = {writer.name for writer in self.writers}
        return tuple(note for note in self.notes if note.writer not in own)

    def learned(self, events: Iterable[Event]) -> "Memory":
        """The memory with more events, those it has already left out; the groups they stand in are written anew."""
        known = {event.id for event in self.log}
        admitted = (event for event in events if self.gate.admits(f"{event.subject}\n{event.text}"))
        new = {event.id: event for event in admitted if event.id not in known}
        return self._changed((*self.log, *new.values()), self.notes, list(new.values()))

    def noted(self, note: Note) -> "Memory":
        """The memory with a note made by hand or by a model."""
        return replace(self, notes=(*self.notes, note)) if self.gate.admits(note.text) else self

    def closure(self, ids: Collection[str]) -> frozenset[str]:
        """The ids, and those of all notes that were written from them, directly or through other notes."""
        tainted, waiting = set(ids), list(ids)
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child not in tainted:
                    tainted.add(child)
                    waiting.append(child)
        return frozenset(tainted)

    def dropped(self, ids: Collection[str]) -> "Memory":
        """The memory without these events and notes; what was written from them stays as it is."""
        log = tuple(event for event in self.log if event.id not in ids)
        return replace(self, log=log, notes=tuple(note for note in self.notes if note.id not in ids))

    def repaired(self, ids: Collection[str]) -> "Memory":
        """The memory without these events and all that was written from them; only their groups are written anew.

        Equal to `without`, at the cost of the groups that the events stood in.
        """
        tainted = self.closure(ids)
        sources: list[Source] = [*self.log, *self.notes]
        lost = [source for source in sources if source.id in tainted]
        left = self.dropped(tainted)
        return left._changed(left.log, left.notes, lost)

    def without(self, ids: Collection[str]) -> "Memory":
        """The never-exposed memory: the log without these events, and everything written anew from it.

        Notes by hand go where one of their ancestors went, since nobody can say what they would have been.
        """
        tainted = self.closure(ids)
        log = tuple(event for event in self.log if event.id not in tainted)
        by_hand = tuple(note for note in self.by_hand if note.id not in tainted)
        return self._changed(log, by_hand, list(log))

    def _changed(self, log: tuple[Event, ...], notes: tuple[Note, ...], touched: list[Source]) -> "Memory":
        """The memory with this log, every group that a touched source belongs to written anew; notes in order."""
        kept = {(note.writer, note.group): note for note in notes if note.writer in {w.name for w in self.writers}}
        sources: list[Source] = list(log)
        for writer in self.writers:
            groups = {key for source in touched if (key := writer.key(source)) is not None}
            before = {(writer.name, key): kept.pop((writer.name, key), None) for key in groups}
            fresh = {(writer.name, note.group): note for note in write(writer, sources, groups)}
            kept |= fresh
            changed = [note for key, note in before.items() if note is not None and fresh.get(key) != note]
            touched = [*touched, *changed, *(note for key, note in fresh.items() if before[key] != note)]
            sources += _in_order(sources, [note for key, note in kept.items() if key[0] == writer.name])
        own = {writer.name for writer in self.writers}
        by_hand = [note for note in notes if note.writer not in own]
        written = [source for source in sources[len(log) :] if isinstance(source, Note)]
        return replace(self, log=log, notes=(*written, *by_hand))


def write(writer: Writer, sources: Iterable[Source], keys: Collection[str]) -> Iterator[Note]:
    """The notes that a writer makes of its groups with these keys, in order of their first sources."""
    groups: dict[str, list[Source]] = {}
    for source in sources:
        if (key := writer.key(source)) in keys and key is not None:
            groups.setdefault(key, []).append(source)
    for key, group in groups.items():
        if (note := writer.note(key, group)) is not None:
            yield replace(note, group=key)


def _in_order(sources: Sequence[Source], notes: list[Note]) -> list[Note]:
    """The notes in the order of the first source of each."""
    place = {source.id: number for number, source in enumerate(sources)}
    return sorted(notes, key=lambda note: min((place.get(parent, len(place)) for parent in note.parents), default=0))
