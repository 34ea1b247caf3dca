"""Memory is a fold over its log: what was never met, what was forgotten, and what only its groups were written anew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, OTHER, TARGET, events, memories, remembers, walk

from agents.memory.memory import Event, Memory, Note, Source, fold
from agents.memory.note_writers import ALL, make_note
from agents.memory.write_gate import NameHashGate
from agents.name_matching import make_finder

QUICK = settings(max_examples=60, deadline=None)


def chosen(data: st.DataObject, memory: Memory) -> frozenset[str]:
    """Some ids of the memory, of events and notes alike."""
    sources = [source.id for source in (*memory.log, *memory.notes)]
    return frozenset(data.draw(st.lists(st.sampled_from(sources), max_size=4))) if sources else frozenset()


@given(memories(), st.data())
@QUICK
def test_repairing_equals_never_having_met(memory: Memory, data: st.DataObject) -> None:
    """Selective replay of the groups concerned is the whole replay of the rest, note for note and in the same order."""
    ids = frozenset(data.draw(st.lists(st.sampled_from([e.id for e in memory.log]), max_size=4))) if memory.log else ()
    repaired, anew = memory.repair_without(ids), memory.without(ids)
    assert repaired.log == anew.log
    assert repaired.notes == anew.notes


@given(events(), st.data())
@QUICK
def test_the_never_exposed_memory_is_that_of_an_agent_taught_without_the_events(
    log: tuple[Event, ...], data: st.DataObject
) -> None:
    ids = {event.id for event in log if data.draw(st.booleans())}
    never = remembers([event for event in log if event.id not in ids])
    assert remembers(log).without(ids) == never == remembers(log).repair_without(ids)


@given(events(), st.data())
@QUICK
def test_what_is_learned_at_once_or_bit_by_bit_is_the_same(log: tuple[Event, ...], data: st.DataObject) -> None:
    memory, rest = Memory(writers=ALL), list(log)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        memory, rest = memory.with_events(rest[:size]), rest[size:]
    assert memory == remembers(log)
    assert memory.with_events(log) == memory, "what is in the log already is left out"


@given(memories(), st.data())
@QUICK
def test_a_closure_is_closed_and_no_larger_than_it_must_be(memory: Memory, data: st.DataObject) -> None:
    ids = chosen(data, memory)
    closure = memory.closure(ids)
    for note in memory.notes:
        tainted = bool(closure & set(note.parents))
        assert (note.id in closure) == (tainted or note.id in ids)
    assert memory.closure(closure) == closure >= ids


@given(memories(), st.data())
@QUICK
def test_dropping_the_closure_leaves_nothing_that_stems_from_it_and_nothing_else_goes(
    memory: Memory, data: st.DataObject
) -> None:
    closure = memory.closure(chosen(data, memory))
    left = memory.without_items(closure)
    assert not closure & {source.id for source in (*left.log, *left.notes)}
    assert not any(closure & set(note.parents) for note in left.notes)
    assert [n for n in memory.notes if n.id not in closure] == list(left.notes)


@given(memories(), st.data())
@QUICK
def test_forgetting_twice_is_forgetting_once_and_order_does_not_matter(memory: Memory, data: st.DataObject) -> None:
    one, other = chosen(data, memory), chosen(data, memory)
    assert memory.repair_without(one).repair_without(one) == memory.repair_without(one)
    events = {event.id for event in memory.log}
    first, second = one & events, other & events
    assert (
        memory.repair_without(first).repair_without(second).log
        == memory.repair_without(second).repair_without(first).log
    )
    assert set(memory.repair_without(first).repair_without(second).notes) == set(
        memory.repair_without(first | second).notes
    )
    assert memory.repair_without(()) == memory


@given(memories(), events(most=8))
@QUICK
def test_notes_by_hand_keep_their_links_when_what_they_stem_from_grows(memory: Memory, more: tuple[Event, ...]) -> None:
    """Told the same again, a record has one parent more and another id; what was made of it still hangs on it."""
    later = memory.with_events(replace(event, id=f"later-{event.id}") for event in more)
    ids = {source.id for source in (*later.log, *later.notes)}
    for before, after in zip(memory.by_hand, later.by_hand, strict=True):
        assert set(after.parents) <= ids, "no parent is lost"
        reached = {event.id for event in memory.log if before.id in memory.closure({event.id})}
        assert reached <= {event.id for event in later.log if after.id in later.closure({event.id})}


def test_without_its_links_a_note_by_hand_would_outlive_what_it_was_made_of() -> None:
    record = next(note for note in remembers(walk()[:5]).notes if TARGET in note.text and note.kind == "record")
    hint = Note("hint", "It is by the water.", "hint", (record.id,), "hand")
    later = remembers(walk()[:5], [hint]).with_events(walk()[5:])
    gone = {event.id for event in later.log if TARGET in event.text}
    assert hint.text not in [note.text for note in later.repair_without(gone).notes]


def test_a_memory_of_which_records_were_dropped_learns_on() -> None:
    memory = remembers(walk())
    records = {note.id for note in memory.notes if TARGET in note.text and note.kind == "record"}
    left = memory.without_items(records | {event.id for event in memory.log if TARGET in event.text})
    assert any(TARGET in note.text for note in left.notes), "its summary is still there"
    later = left.with_events([replace(walk()[0], id="new:0", text=f"{OTHER} is at (9, 9).")])
    assert not any(TARGET in note.text for note in later.notes if note.kind == "summary"), "written anew without it"


def test_what_the_gate_keeps_out_is_neither_logged_nor_noted() -> None:
    gate = NameHashGate(b"k" * 16).with_names([TARGET])
    memory = Memory(writers=ALL, gate=gate).with_events(walk())
    assert memory.log and not any(TARGET in source.text for source in (*memory.log, *memory.notes))
    for note in (Note("a", f"Ask at {TARGET}."), Note("b", "Ask there.", subject=TARGET)):
        assert memory.with_note(note) == memory
    assert memory.with_note(Note("c", f"Ask at {OTHER}.")) != memory


@dataclass(frozen=True, slots=True)
class Careless:
    """A writer that hides a parent."""

    name: ClassVar[str] = "careless"

    def key(self, source: Source) -> str | None:
        return "all"

    def note(self, key: str, group: Sequence[Source]) -> Note:
        return make_note(self.name, "record", "all", group[:1])


def test_a_writer_that_hides_whom_a_note_stems_from_is_refused() -> None:
    with pytest.raises(ValueError, match=r"careless.*whole group"):
        Memory(writers=(Careless(),)).with_events(walk())


@given(st.text(max_size=30), st.text(min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_the_search_for_names_misses_nothing_that_the_pattern_finds(text: str, name: str) -> None:
    memory = Memory((Event("1", text), Event("2", f"x {name.upper()} y"), Event("3", "-")))
    found = memory.find_events_naming([name])
    pattern = make_finder((name,))
    assert all(event in found for event in memory.log if pattern.search(f"{event.subject}\n{event.text}"))


@pytest.mark.parametrize("text", ["İstanbul", "ıstanbul", "ISTANBUL", "istanbul"])
def test_dotless_and_dotted_letters_are_one(text: str) -> None:
    assert fold(text) == "istanbul" and re.search("istanbul", text, re.IGNORECASE)


def test_ids_are_the_same_in_any_memory_that_has_the_same_note() -> None:
    one, other = remembers(walk()), remembers([*walk(), replace(walk()[0], id="x:0", text="Else.", world="7")])
    assert {note.id for note in one.notes} <= {note.id for note in other.notes}
    assert len({note.id for note in one.notes}) == len(one.notes)
    assert all(any(name in note.text for name in NAMES) for note in one.notes)
