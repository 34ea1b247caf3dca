"""From words to targets: what is clear is found, what is not changes nothing and is answered with candidates."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES, OTHER, TARGET, about, remembers, walk

from agents.memory.memory import Event, Memory
from arena.errors import UsageError
from unlearning.memory.request_parsing import UnclearTarget, list_names, resolve_request, strip_politeness
from unlearning.request import Item, Request

MEMORY = remembers(walk())


@pytest.mark.parametrize("words", [
    "forget the harbour", "Forget Sosten Harbour.", "please kindly forget the harbour", "forget the harbour, please",
    "Could you please forget the harbour? Thank you so much!", "delete all you know about Sosten Harbour",
    "forget “the harbour”", "erase Harbour Sosten", "I want you to forget about sosten harbour", TARGET,
    "wipe 'the harbour'",
])  # fmt: skip
def test_a_target_is_found_however_it_is_asked_for(words: str) -> None:
    request = resolve_request(MEMORY, words)
    assert (request.targets, request.scope, request.retain) == ((TARGET,), "state", ())
    assert request.note == words


def test_several_targets_and_what_must_stay() -> None:
    request = resolve_request(
        MEMORY, "forget the harbour, the gate and the tower; but keep the mill please".replace("tower", "garden")
    )
    assert request.targets == (TARGET, NAMES[2], NAMES[4])
    assert [item.name for item in request.retain] == [OTHER]


@pytest.mark.parametrize(("words", "scope", "name"), [
    ("forget walk-1", "trajectory", "walk-1"), ("forget gridworld", "environment", "gridworld"),
    ("forget world gridworld/0", "environment", "gridworld/0"),
    ("forget gridworld:walk", "environment", "gridworld:walk"),
])  # fmt: skip
def test_episodes_and_environments_have_names_too(words: str, scope: str, name: str) -> None:
    request = resolve_request(MEMORY, words)
    assert (request.scope, request.targets[0]) == (scope, name)


@pytest.mark.parametrize("words", [
    "", "   ", "forget", "forget the", "forget everything", "forget all", "please", "forget the mill and everything",
    "forget nothing", "do not forget the harbour", "don't forget the harbour", "never forget the harbour",
    "keep the harbour", "forget the clinic", "forget the harbour and the clinic", "forget the harbour and keep it",
    "forget the harbour; ignore all other notes", "forget walk", "forget the harbour and walk-1", "x" * 5000,
    "forget " + "the harbour and " * 200 + "the clinic", "忘れてください", "1", "forget 1",
    "'; DROP TABLE note; --",
])  # fmt: skip
def test_what_is_unclear_is_refused(words: str) -> None:
    with pytest.raises(UnclearTarget):
        resolve_request(MEMORY, words)


def test_a_contradiction_is_refused_with_the_name() -> None:
    with pytest.raises(UsageError, match=r"Sosten Harbour.*cannot be forgotten and kept"):
        resolve_request(MEMORY, "forget the harbour but keep the harbour")


def test_an_ambiguous_name_is_answered_with_all_it_may_be() -> None:
    memory = remembers([*walk(), Event("x:0", "Bimalo Harbour is at (7, 7).", "place", "Bimalo Harbour", "x")])
    with pytest.raises(UnclearTarget, match="2 things") as caught:
        resolve_request(memory, "forget the harbour")
    assert caught.value.candidates == ("Bimalo Harbour", TARGET)
    assert resolve_request(memory, f"forget {TARGET}").targets == (TARGET,)


def test_a_slip_of_the_pen_is_answered_with_what_it_may_be() -> None:
    with pytest.raises(UnclearTarget, match=TARGET) as caught:
        resolve_request(MEMORY, "forget Sostn Harbor")
    assert TARGET in caught.value.candidates


def test_a_structured_request_must_have_something_to_do_with_the_memory() -> None:
    assert resolve_request(MEMORY, about(TARGET)) == about(TARGET)
    for request in (
        about("Nobody"),
        Request((Item("walk-9"),), scope="trajectory"),
        about("household", scope="environment"),
    ):
        with pytest.raises(UnclearTarget, match="nothing of"):
            resolve_request(MEMORY, request)
    with pytest.raises(UnclearTarget):
        resolve_request(Memory(), about(TARGET))


@given(st.text(max_size=80))
@settings(deadline=None)
def test_no_words_are_taken_for_more_than_they_name(words: str) -> None:
    """Any text is refused, or its targets are things in memory of which it has a word."""
    try:
        request = resolve_request(MEMORY, words)
    except UsageError:
        return
    known = list_names(MEMORY)
    asked = [item.name for item in request.forget]
    assert all(name in known for name in asked)
    assert all(any(part.lower() in words.lower() for part in re.findall(r"\w+", name)) for name in asked)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_stripping_politeness_ends(text: str) -> None:
    assert strip_politeness(strip_politeness(text)) == strip_politeness(text)


@pytest.mark.parametrize(
    ("words", "forget", "keep"),
    [
        ("forget (6, 4)", ["(6, 4)"], []),
        ("please forget the (6, 4) and (7, 1), but keep Mill and Sons", ["(6, 4)", "(7, 1)"], ["Mill and Sons"]),
        ("forget mill and sons", ["Mill and Sons"], []),
        ("forget Mill, (6, 4)", ["Mill", "(6, 4)"], []),
    ],
)
def test_a_name_with_a_comma_or_an_and_in_it_is_one_name(words: str, forget: list[str], keep: list[str]) -> None:
    subjects = ("(6, 4)", "(7, 1)", "Mill and Sons", "Mill")
    told = [
        Event(f"e:{n}", f"{name} is blocked.", "place", name, "e", n, "gridworld", "0")
        for n, name in enumerate(subjects)
    ]
    request = resolve_request(remembers(told), words)
    assert [item.name for item in request.forget] == forget and [item.name for item in request.retain] == keep


@pytest.mark.parametrize("words", ["", "forget everything", "forget xyzzy"])
def test_where_nothing_is_meant_some_of_what_there_is_is_told(words: str) -> None:
    with pytest.raises(UnclearTarget) as caught:
        resolve_request(remembers(walk()), words)
    assert not caught.value.candidates and set(caught.value.others) <= set(NAMES) and len(caught.value.others) == 5
    assert "memory has, among others, " in str(caught.value)
