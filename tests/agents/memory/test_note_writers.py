"""What each writer writes, whose it is, and a model's words among the notes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from random_memories import OTHER, TARGET, events, remembers, walk

from agents.chat_model import Line
from agents.memory.memory import Event, Memory
from agents.memory.note_writers import ALL
from agents.memory.reflection import group_by_episode, group_by_world, rewrite_lost_notes, write_reflections
from agents.models.scripted import Scripted


def texts(memory: Memory, kind: str) -> list[str]:
    return [note.text for note in memory.notes if note.kind == kind]


def test_the_same_words_are_noted_once_with_all_events_as_parents() -> None:
    memory = remembers(walk())
    (record,) = [note for note in memory.notes if note.text == f"{TARGET} is at (1, 2)." and note.kind == "record"]
    assert record.parents == ("walk-0:0", "walk-1:0", "walk-2:0")
    assert (record.subject, record.environment, record.world) == (TARGET, "gridworld", "0")


def test_reflections_summaries_and_plans_tell_what_the_log_tells() -> None:
    memory = remembers(walk())
    assert texts(memory, "reflection")[1] == f"The task “go to {TARGET}” was done in 2 steps: go north; go east."
    (summary,) = texts(memory, "summary")
    assert all(record in summary for record in texts(memory, "record"))
    assert f"Plan for “go to {TARGET}”: go north; go east." in texts(memory, "plan")


@given(events())
@settings(deadline=None)
def test_the_plan_is_the_shortest_way_that_worked_and_failures_make_none(log: tuple[Event, ...]) -> None:
    plans = [note for note in remembers(log).notes if note.kind == "plan"]
    told = {event.id: event.text for event in log}
    for plan in plans:
        ways = [told[id] for id in plan.parents]
        assert all("was done in" in way for way in ways)
        assert plan.text.count(";") == min(way.count(";") for way in ways)


@given(events())
@settings(deadline=None)
def test_no_note_is_made_of_two_users_experience(log: tuple[Event, ...]) -> None:
    memory = remembers(log)
    whose = {event.id: event.user for event in log}
    for note in memory.notes:
        closure = {id for id in whose if note.id in memory.closure({id})}
        assert {whose[id] for id in closure} == {note.user}


def test_a_world_of_one_record_has_no_summary() -> None:
    memory = remembers(walk()[:1])
    assert texts(memory, "summary") == []
    assert texts(memory.with_events(walk()), "summary")


def words(lines: Sequence[Line]) -> str:
    """A model's answer that repeats the second line of what it is shown."""
    return f"I noted: {lines[-1].text.splitlines()[2].removeprefix('- ')}"


MODEL = Scripted(function=words)


async def test_a_models_reflections_are_marked_and_never_asked_for_again() -> None:
    memory = remembers(walk())
    written = await write_reflections(memory, MODEL)
    assert written.notes == len(group_by_episode(memory)) == len(written.usage.calls) == 3
    notes = [note for note in written.memory.notes if note.writer == "model:reflection"]
    assert not any(note.exact for note in notes) and all(note.environment == "gridworld" for note in notes)
    assert notes[0].parents == tuple(event.id for event in walk() if event.episode == "walk-0")
    repeated = await write_reflections(written.memory, MODEL)
    assert repeated.memory == written.memory and not repeated.usage.calls


async def test_a_models_summary_hangs_on_the_records_and_goes_with_one_of_them() -> None:
    memory = (await write_reflections(remembers(walk()), MODEL, "summary")).memory
    (summary,) = [note for note in memory.notes if note.writer == "model:summary"]
    assert len(summary.parents) == len(group_by_world(memory)[0]) == 5
    gone = {event.id for event in memory.log if TARGET in event.text}
    assert summary.id in memory.closure(gone)
    assert summary not in memory.repair_without(gone).notes
    assert memory.repair_without(gone).notes == memory.without(gone).notes


async def test_written_again_from_what_is_left_it_no_longer_tells_the_target() -> None:
    def all_of_it(lines: Sequence[Line]) -> str:
        return " ".join(line.removeprefix("- ") for line in lines[-1].text.splitlines()[2:])

    model = Scripted(function=all_of_it)
    memory = (await write_reflections(remembers(walk()), model, "summary")).memory
    gone = {event.id for event in memory.log if TARGET in event.text}
    redone = await rewrite_lost_notes(memory, memory.repair_without(gone), model)
    (summary,) = [note for note in redone.memory.notes if note.writer == "model:summary"]
    assert OTHER in summary.text and TARGET not in summary.text and not summary.exact
    assert redone.notes == len(redone.usage.calls) == 1
    everything = {event.id for event in memory.log}
    assert (await rewrite_lost_notes(memory, memory.repair_without(everything), model)).notes == 0, (
        "nothing is left to write of"
    )


@pytest.mark.parametrize("answer", ["", "   \n"])
async def test_a_model_that_says_nothing_writes_no_note(answer: str) -> None:
    memory = remembers(walk())
    written = await write_reflections(memory, Scripted(replies=(answer,)))
    assert written.memory == memory and len(written.usage.calls) == 3


def test_order_of_the_writers_is_order_of_reading() -> None:
    """Summaries read records: before them there is nothing to sum up."""
    late = Memory(writers=(ALL[2], ALL[0])).with_events(walk())
    assert texts(late, "summary") == [] and texts(late, "record")
    assert (
        Memory(writers=ALL).with_events(walk()).with_events([replace(walk()[0], id="z", user="ann")]).notes[-1].kind
        == "plan"
    )
