"""An agent's memory: an append-only event log, and notes derived from it, each with its parents.

Notes are a fold over the log: every writer groups its sources and writes one note per group, whatever the
order of the others. So the memory of an agent that never saw an event is exactly what the writers make of the log
without it, and only the groups it was in have to be rebuilt.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from agents.memory.write_gate import NameHashGate
from arena.lessons import LessonData, change_texts
from arena.part_decorators import part
from arena.spec import UNDESCRIBED
from arena.text.storable import clean
from arena.text.words import fold

OPEN = NameHashGate()


@dataclass(frozen=True, slots=True)
class Event:
    """One experienced event, in words; immutable.

    id: "<episode>:<n>". kind: place, object, outcome, … subject: what it is about. environment: the game. world: which
    of its worlds. task_type: the kind of task it was met in. user: whose it is; "" is everybody's. data: what the text
    says, typed by `kind` as in `arena/lessons.py`, and nothing that it does not say; None where words are all there is.
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
    data: LessonData | None = field(default=None, metadata=UNDESCRIBED)


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
Group: TypeAlias = tuple[str, str]  # a writer's name and the key of one of its groups


@runtime_checkable
class NoteWriter(Protocol):
    """Writes notes. `key` groups sources, None for those it leaves alone; `note` makes one note of a group.

    A note depends on its group alone, in the order of the log, and has the whole of it as parents; `note` may answer
    None where there is nothing to say.
    """

    @property
    def name(self) -> str: ...
    def key(self, source: Source) -> str | None: ...
    def note(self, key: str, group: Sequence[Source]) -> Note | None: ...


writer = part("writer", NoteWriter)


def collect_names(source: Source) -> str:
    """Everything by which a request may name a source: its subject, its words, the places it belongs to."""
    place = source.environment
    return f"{source.subject}\n{source.text}\n{place}/{source.world}\n{place}:{source.task_type}"


S = TypeVar("S", Event, Note)


def make_storable(source: S) -> S:
    """The source with what no database holds (NUL, lone surrogates) replaced, in all its texts."""
    texts = {name: text for name in source.__dataclass_fields__ if isinstance(text := getattr(source, name), str)}
    changed: dict[str, Any] = {name: clean(text) for name, text in texts.items() if clean(text) != text}
    if isinstance(source, Event) and source.data is not None:
        data = change_texts(source.data, clean)
        changed |= {"data": data} if data != source.data else {}
    return replace(source, **changed) if changed else source


def _find_key(writer: "NoteWriter", source: Source) -> str | None:
    key = writer.key(source)
    return None if key is None else clean(key)


def _fold_spaces(text: str) -> str:
    """The text folded, with a single space in the place of any run of them."""
    return " ".join(fold(text).split())


def hash_note(writer: str, text: str, parents: Iterable[str]) -> str:
    """The id of a note: a hash of who wrote it, what, and from what; the same note has the same id in any memory."""
    digest = blake2b("\0".join([writer, text, *parents]).encode(), digest_size=8)
    return digest.hexdigest()


@dataclass(frozen=True)
class Memory:
    """A log of events, the notes written from it, and the writers, in their order: each may read the notes before it.

    A value: every function gives a new one. Notes whose `writer` is none of the writers were made by hand or by a
    model; their words are kept as they are. What the gate does not admit is neither logged nor noted.
    """

    log: tuple[Event, ...] = ()
    notes: tuple[Note, ...] = ()
    writers: tuple[NoteWriter, ...] = ()
    gate: NameHashGate = OPEN

    @cached_property
    def event_text(self) -> tuple[str, tuple[int, ...]]:
        """The events' texts, folded and joined with single spaces; and the start offset of each."""
        parts = [f"{_fold_spaces(f'{event.subject} {event.text}')}\0" for event in self.log]
        return "".join(parts), tuple(accumulate(map(len, parts), initial=0))[:-1]

    def find_events_naming(self, names: Iterable[str]) -> tuple[Event, ...]:
        """The events in which one of the names stands in any case and form, as a word or within one; found without a
        look at each."""
        whole, begins = self.event_text
        found: set[int] = set()
        for name in filter(None, map(_fold_spaces, names)):
            at = whole.find(name)
            while at >= 0:
                number = bisect_right(begins, at) - 1
                found.add(number)
                at = whole.find(name, begins[number + 1]) if number + 1 < len(begins) else -1
        return tuple(self.log[number] for number in sorted(found))

    @cached_property
    def by_hand(self) -> tuple[Note, ...]:
        """The notes that none of the writers wrote."""
        own = {writer.name for writer in self.writers}
        return tuple(note for note in self.notes if note.writer not in own)

    @cached_property
    def written_notes(self) -> Mapping[Group, Note]:
        """The notes that the writers wrote, by their groups."""
        own = {writer.name for writer in self.writers}
        return {(note.writer, note.group): note for note in self.notes if note.writer in own}

    def with_events(self, events: Iterable[Event]) -> "Memory":
        """The memory with more events, those it has already left out; their groups are rebuilt."""
        known = {event.id for event in self.log}
        admitted = (event for event in map(make_storable, events) if self.gate.admits(collect_names(event)))
        new = {event.id: event for event in admitted if event.id not in known}
        return self._rebuild_notes((*self.log, *new.values()), self.notes, list(new.values()), self.written_notes)

    def with_note(self, note: Note) -> "Memory":
        """The memory with a note made by hand or by a model."""
        note = make_storable(note)
        return replace(self, notes=(*self.notes, note)) if self.gate.admits(collect_names(note)) else self

    def closure(self, ids: Collection[str]) -> frozenset[str]:
        """The ids, and those of all notes that were written from them, directly or through other notes."""
        tainted, before = set(ids), -1
        while len(tainted) != before:  # once suffices if each note follows its parents; the second pass checks it
            before = len(tainted)
            for note in self.notes:
                if not tainted.isdisjoint(note.parents):
                    tainted.add(note.id)
        return frozenset(tainted)

    def without_items(self, ids: Collection[str]) -> "Memory":
        """The memory without these events and notes; what was written from them stays as it is."""
        log = tuple(event for event in self.log if event.id not in ids)
        return replace(self, log=log, notes=tuple(note for note in self.notes if note.id not in ids))

    def repair_without(self, ids: Collection[str]) -> "Memory":
        """The memory without these events and all notes derived from them; only their groups are rebuilt.

        Equal to `without`, at the cost of the events' groups only.
        """
        tainted = self.closure(ids)
        left = self.without_items(tainted)
        lost: list[Source] = [event for event in self.log if event.id in tainted]
        lost += [note for note in self.notes if note.id in tainted]
        return left._rebuild_notes(left.log, left.notes, lost, self.written_notes)

    def without(self, ids: Collection[str]) -> "Memory":
        """The never-exposed memory: the log without these events, and all notes rebuilt from it.

        Notes by hand are dropped if one of their ancestors was, since they cannot be rebuilt.
        """
        tainted = self.closure(ids)
        log = tuple(event for event in self.log if event.id not in tainted)
        by_hand = tuple(note for note in self.by_hand if note.id not in tainted)
        return self._rebuild_notes(log, by_hand, list(log), {})

    def _rebuild_notes(
        self, log: tuple[Event, ...], notes: tuple[Note, ...], touched: list[Source], known: Mapping[Group, Note]
    ) -> "Memory":
        """The memory with this log, every group with a touched source rebuilt; notes in order.

        `known` are notes from before, by their groups: a note's parents show what was in its group, so that not
        every source has to be asked for its key.
        """
        kept: dict[str, dict[str, Note]] = {writer.name: {} for writer in self.writers}
        for note in notes:
            if note.writer in kept:
                kept[note.writer][note.group] = note
        sources: dict[str, Source] = {event.id: event for event in log}
        place = {id: number for number, id in enumerate(sources)}
        for writer in self.writers:
            groups = group_sources(writer, sources, touched, known)
            for group in groups.values():
                group.sort(key=lambda source: place[source.id])
            own = kept[writer.name]
            before = {key: own.pop(key, None) for key in groups}
            fresh = {note.group: note for note in write_notes(writer, groups)}
            own |= fresh
            changed = [note for key, note in before.items() if note is not None and fresh.get(key) != note]
            touched = [*touched, *changed, *(note for key, note in fresh.items() if before[key] != note)]
            made = sorted(own.values(), key=partial(find_first_place, place)) if groups else list(own.values())
            place |= {note.id: number for number, note in enumerate(made, len(place))}
            sources |= {note.id: note for note in made}
        written = tuple(source for source in sources.values() if isinstance(source, Note))
        by_hand = [note for note in notes if note.writer not in kept]
        if by_hand:
            new = {(name, key): note for name, own in kept.items() for key, note in own.items()}
            by_hand = list(relink_notes(by_hand, known or self.written_notes, new))
        return replace(self, log=log, notes=(*written, *by_hand))


def find_first_place(place: Mapping[str, int], note: Note) -> int:
    """The position of a note's first source that still exists; -1 where none does."""
    at = place.get(note.parents[0])
    return at if at is not None else next((place[id] for id in note.parents if id in place), -1)


def relink_notes(notes: Sequence[Note], old: Mapping[Group, Note], new: Mapping[Group, Note]) -> Iterator[Note]:
    """Notes by hand with the notes of `old` that they stem from replaced by those of the same groups in `new`.

    A written note has another id when its group has grown; one without a successor is replaced by its own parents.
    """
    groups = {note.id: group for group, note in old.items()}

    def successors(id: str) -> tuple[str, ...]:
        if id not in groups:
            return (id,)
        if found := new.get(groups[id]):
            return (found.id,)
        return tuple(later for parent in old[groups[id]].parents for later in successors(parent))

    for note in notes:
        parents = tuple(dict.fromkeys(later for id in note.parents for later in successors(id)))
        yield note if parents == note.parents else replace(note, parents=parents)


def group_sources(
    writer: NoteWriter, sources: Mapping[str, Source], touched: Iterable[Source], known: Mapping[Group, Note]
) -> dict[str, list[Source]]:
    """The groups of a writer that the touched sources belong to, with all their members that are there, unordered."""
    fresh: dict[str, dict[str, Source]] = {}
    for source in touched:
        if (key := _find_key(writer, source)) is not None:
            fresh.setdefault(key, {}).update({source.id: sources[source.id]} if source.id in sources else {})
    unknown = {key for key in fresh if (writer.name, key) not in known}
    for source in sources.values() if unknown else ():
        if (key := _find_key(writer, source)) in unknown and key is not None:
            fresh[key][source.id] = source
    for key in fresh.keys() - unknown:
        fresh[key] |= {id: sources[id] for id in known[writer.name, key].parents if id in sources}
    return {key: list(members.values()) for key, members in fresh.items()}


def write_notes(writer: NoteWriter, groups: Mapping[str, Sequence[Source]]) -> Iterator[Note]:
    """The notes that a writer makes of its groups. Raises ValueError where the parents of one are not its group."""
    for key, group in groups.items():
        if group and (note := writer.note(key, group)) is not None:
            if list(note.parents) != [source.id for source in group]:
                raise ValueError(f"writer {writer.name!r}: the parents of a note are its whole group, in order")
            yield make_storable(replace(note, group=key))
