"""What of a memory a request is about: no more, no less, and never what it says to keep."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, OTHER, TARGET, about, memories, remembers, walk

from agents.memory.memory import Memory, Note
from agents.name_matching import make_finder
from unlearning.memory.influence_set import find_influence
from unlearning.request import Item, Request

MEMORY = remembers(walk())


@given(memories(), st.sampled_from(NAMES), st.sampled_from(("", *NAMES)))
@settings(max_examples=60, deadline=None)
def test_the_influence_set_of_a_state_is_all_that_names_it_and_all_that_stems_from_that(
    memory: Memory, name: str, keep: str
) -> None:
    found = find_influence(memory, about(name, keep=[keep] if keep not in ("", name) else []))
    kept = make_finder((keep,)) if keep not in ("", name) else None
    named = {e.id for e in memory.log if name in e.text and not (kept and kept.search(e.text))}
    by_hand = {n.id for n in memory.by_hand if name in n.text}
    assert found.events == named
    assert found.ids == memory.closure(named | by_hand)
    assert found.mixed <= found.notes
    there = {source.id for source in (*memory.log, *memory.notes)} - found.ids
    parents = {note.id: set(note.parents) for note in memory.notes}
    assert found.mixed == {id for id in found.notes if parents[id] & there}


@given(memories(), st.sampled_from(NAMES))
@settings(max_examples=60, deadline=None)
def test_without_its_influence_nothing_in_memory_names_a_target(memory: Memory, name: str) -> None:
    ids = find_influence(memory, about(name)).ids
    for left in (memory.repair_without(ids), memory.without(ids), memory.without_items(ids)):
        assert not any(name in source.text for source in (*left.log, *left.notes))
        assert not find_influence(left, about(name)).ids


def test_a_longer_name_is_not_meant_by_a_shorter_one() -> None:
    log = [replace(walk()[0], id=f"m:{n}", text=f"The mug {n} is in bin 1.", subject=f"mug {n}") for n in (1, 12)]
    memory = remembers(log)
    assert find_influence(memory, about("mug 1")).events == {"m:1"}
    assert find_influence(memory, about("MUG 12")).events == {"m:12"}


def test_an_alias_reaches_what_goes_by_it() -> None:
    memory = remembers([*walk(), replace(walk()[0], id="a:0", text="The Old Dock is shut.", subject="The Old Dock")])
    request = Request((Item(TARGET, aliases=("The Old Dock",)),), scope="state")
    assert find_influence(memory, request).events - find_influence(memory, about(TARGET)).events == {"a:0"}


def test_a_trajectory_is_its_episode_or_its_very_actions() -> None:
    by_name = find_influence(MEMORY, about("walk-1", scope="trajectory"))
    assert by_name.events == {event.id for event in walk() if event.episode == "walk-1"}
    by_actions = find_influence(MEMORY, about("go north; go east", scope="trajectory"))
    assert by_actions.events == {"walk-1:9", "walk-2:9"}
    assert not find_influence(MEMORY, about("go north", scope="trajectory")).ids, "one action is no trajectory"


@pytest.mark.parametrize("name", ["gridworld", "gridworld/0", "gridworld:walk", "walk"])
def test_an_environment_is_a_game_a_world_or_a_kind_of_task(name: str) -> None:
    elsewhere = [replace(e, id=f"h-{e.id}", environment="household", world="1", task_type="heat") for e in walk()]
    memory = remembers([*walk(), *elsewhere])
    found = find_influence(memory, about(name, scope="environment"))
    assert found.events == {event.id for event in walk()}
    assert {n.environment for n in memory.repair_without(found.ids).notes} == {"household"}
    hint = Note("hint", "The house has a cellar.", "hint", writer="hand", environment="gridworld", world="0",
                task_type="walk")  # fmt: skip
    assert "hint" in find_influence(memory.with_note(hint), about(name, scope="environment")).notes


def test_a_fact_is_its_subject_with_its_value() -> None:
    item = Item("fact-1", "Where is Sosten Harbour?", "(1, 2)", tags={"subject": TARGET})
    found = find_influence(MEMORY, Request((item,)))
    assert found.events == {event.id for event in walk() if event.subject == TARGET}
    assert not find_influence(MEMORY, Request((replace(item, answer="(9, 9)"),))).ids


def test_tags_narrow_a_target_to_a_world_and_a_user() -> None:
    other = [replace(e, id=f"o-{e.id}", world="1", user="ann") for e in walk()]
    memory = remembers([*walk(), *other]).with_note(Note("b", f"{TARGET}!", "hint", writer="hand", user="ben"))
    request = Request((Item(TARGET, tags={"user": "ann"}),), scope="state")
    found = find_influence(memory, request)
    assert found.events and all(id.startswith("o-") for id in found.events)
    notes = {note.id: note for note in memory.notes}
    assert {notes[id].user for id in found.notes} == {"ann"}


def test_what_is_to_be_kept_stays_even_where_it_is_told_with_the_target() -> None:
    both = replace(walk()[0], id="b:0", text=f"{OTHER} is north of {TARGET}.", subject=OTHER)
    memory = remembers([*walk(), both])
    assert "b:0" in find_influence(memory, about(TARGET)).events
    assert "b:0" not in find_influence(memory, about(TARGET, keep=[OTHER])).events
