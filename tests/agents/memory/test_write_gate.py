"""The gate keeps names out however they are written, and does not tell which; five routes of telling it again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, OTHER, TARGET, about, question, walk, walker

from agents.memory.memory import Event, Memory, Note
from agents.memory.subject import Subject
from agents.memory.write_gate import NameHashGate, canonicalize
from arena.spec import build

KEY = b"0123456789abcdef"


@given(
    st.sampled_from(NAMES), st.text(max_size=20), st.text(max_size=20), st.sampled_from((" ", "-", "  ", "\n", ", "))
)
@settings(deadline=None)
def test_a_closed_name_is_kept_out_in_any_case_and_between_any_words(
    name: str, before: str, behind: str, gap: str
) -> None:
    gate = NameHashGate(KEY).with_names([name])
    written = f"{before} {name.upper().replace(' ', gap)} {behind}"
    assert not gate.admits(written)
    assert gate.without_names([name]).admits(written)


@given(st.lists(st.sampled_from(NAMES), max_size=3), st.text(max_size=60))
@settings(deadline=None)
def test_what_has_none_of_the_names_comes_in(names: list[str], text: str) -> None:
    words = canonicalize(text)
    closed = any(
        canonicalize(name) == words[at : at + len(canonicalize(name))] for name in names for at in range(len(words))
    )
    assert NameHashGate(KEY).with_names(names).admits(text) == (not closed)


def test_part_of_a_name_and_a_longer_word_come_in() -> None:
    gate = NameHashGate(KEY).with_names([TARGET])
    assert gate.admits("Sosten is a town") and gate.admits("the harbour") and gate.admits("Sosten Harbourside")
    assert not gate.admits("sösten   HARBOUR") and not gate.admits("Ｓｏｓｔｅｎ Harbour")


def test_the_gate_tells_no_name_and_cannot_be_tested_without_its_key() -> None:
    gate = NameHashGate(KEY).with_names([TARGET])
    assert not any(word.lower() in repr(gate).lower() for word in TARGET.split())
    assert NameHashGate(b"another key of 16", gate.hashes, gate.sizes).admits(TARGET)
    with pytest.raises(ValueError, match="key"):
        NameHashGate().with_names([TARGET])


CLOSED = {"name": "compose", "steps": ["selective-replay", {"name": "write-gate", "key": KEY.hex()}]}


async def forgot(subject: Subject) -> Subject:
    """The walker after selective replay behind which the gate was closed."""
    method = build(
        "method", {"name": "compose", "steps": ["selective-replay", {"name": "write-gate", "key": KEY.hex()}]}
    )
    return await method(subject, about(TARGET))  # type: ignore[no-any-return]


def told(text: str, id: str = "new:0", user: str = "", subject: str = TARGET) -> Event:
    return Event(id, text, "place", subject, "new", 0, "gridworld", "0", "walk", user)


async def knows(subject: Subject, name: str = TARGET) -> bool:
    return "(1, 2)" in (await subject.act(question(f"Where is {name}?"))).text


async def test_the_user_tells_it_again_and_it_is_not_kept() -> None:
    """Route a, a definition in the user's turn: what is in the talk is before the agent, but nothing is written."""
    subject = await forgot(walker())
    again = replace(subject, memory=subject.memory.with_events([told(f"{TARGET} is at (1, 2).")]))
    assert again == subject and not await knows(again)
    never = walker().memory.without({e.id for e in walk() if TARGET in e.text})
    novice = replace(subject, memory=never.with_events([told(f"{TARGET} is at (1, 2).")]))
    assert await knows(novice), "a novice learns: the gate tells who forgot from who never met it"


async def test_a_tool_shows_it_again_and_only_the_rest_is_kept() -> None:
    """Route b, an observation that names it beside others."""
    subject = await forgot(walker())
    seen = [
        told(f"You see {TARGET} and {OTHER}.", "n:0", subject=""),
        told("(8, 8) is blocked.", "n:1", subject="(8, 8)"),
    ]
    later = replace(subject, memory=subject.memory.with_events(seen)).memory
    assert [event.id for event in later.log if event.episode == "new"] == ["n:1"]


async def test_another_user_writes_it_and_it_comes_in_for_nobody() -> None:
    """Route c, a memory write by another user, as an event or straight as a note."""
    subject = await forgot(walker())
    memory = subject.memory.with_events([told(f"{TARGET} is at (1, 2).", user="mallory")])
    memory = memory.with_note(Note("m", f"{TARGET} is at (1, 2).", "hint", user="mallory"))
    assert memory == subject.memory


async def test_an_alias_that_the_request_lacks_comes_in() -> None:
    """Route d, documented leak: the gate knows the names it was given; an alias in the request is kept out."""
    subject = await forgot(walker())
    alias = told("The Old Dock is at (1, 2).", subject="The Old Dock")
    later = replace(subject, memory=subject.memory.with_events([alias]))
    assert await knows(later, "The Old Dock") and not await knows(later)
    closed = Memory(gate=NameHashGate(KEY).with_names([TARGET, "The Old Dock"]))
    assert closed.with_events([alias]).log == ()


async def test_axioms_come_in_and_are_not_put_together() -> None:
    """Route e: hints that do not name the target are the business of whoever can reason from them."""
    subject = await forgot(walker())
    hints = [told(f"North of {OTHER} there are boats.", f"h:{n}", subject=OTHER) for n in range(3)]
    later = replace(subject, memory=subject.memory.with_events(hints))
    assert len(later.memory.log) == len(subject.memory.log) + 3 and not await knows(later)


async def test_closed_to_an_environment_it_keeps_nothing_that_happens_there() -> None:
    method = build(
        "method", {"name": "compose", "steps": ["selective-replay", {"name": "write-gate", "key": KEY.hex()}]}
    )
    for name in ("gridworld/0", "gridworld", "gridworld:walk"):
        subject = await method(walker(), about(name, scope="environment"))
        assert not subject.memory.log and not subject.memory.notes
        elsewhere = [replace(e, id=f"h-{e.id}", environment="household", world="0", task_type="heat") for e in walk()]
        later = subject.memory.with_events([*walk(), *elsewhere])
        assert [event.environment for event in later.log] == ["household"] * len(elsewhere)


async def test_closed_to_a_trajectory_it_keeps_other_ways_to_the_same_goal() -> None:
    method = build(
        "method", {"name": "compose", "steps": ["selective-replay", {"name": "write-gate", "key": KEY.hex()}]}
    )
    subject = await method(walker(), about("walk-1", "go north; go east", scope="trajectory"))
    same = replace(walk()[11], id="n:0", episode="n")
    other = replace(same, id="n:1", text=same.text.replace("go north; go east", "go east; go north"))
    assert [event.id for event in subject.memory.with_events([same, other]).log if event.episode == "n"] == ["n:1"]


async def test_who_has_the_key_may_let_it_be_told_again() -> None:
    subject = await forgot(walker())
    lawful = replace(subject.memory, gate=subject.memory.gate.without_names([TARGET]))
    again = replace(subject, memory=lawful.with_events([told(f"{TARGET} is at (1, 2).")]))
    assert await knows(again)
    assert not lawful.gate.hashes and lawful.log == subject.memory.log
