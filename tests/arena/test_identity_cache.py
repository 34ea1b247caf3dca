"""What is worked out once for each value, and for how long it is remembered."""

from dataclasses import replace

import pytest

from arena import identity_cache
from arena.game import Message, Tool
from arena.identity_cache import by_identity, same_tools

HELLO = Message("buyer", "hello", "offer", {"price": 1})
OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number", "minimum": 0}})


def test_a_function_runs_once_for_each_object_and_each_other_argument() -> None:
    asked: list[tuple[str, int]] = []

    @by_identity
    def length(message: Message, more: int) -> int:
        asked.append((message.text, more))
        return len(message.text) + more

    twin = replace(HELLO)
    assert [length(HELLO, 0), length(HELLO, 0), length(HELLO, 1), length(twin, 0)] == [5, 5, 6, 5]
    assert asked == [("hello", 0), ("hello", 1), ("hello", 0)]


def test_nothing_takes_the_place_of_what_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_cache, "MOST", 3)

    @by_identity
    def text(message: Message) -> str:
        return message.text

    # objects that die at once are made anew at the same address
    assert [text(Message("", str(number))) for number in range(1_000)] == [str(number) for number in range(1_000)]
    assert text(HELLO) == text(HELLO) == "hello"


def test_equal_tools_are_one_object_and_others_are_not() -> None:
    first, second = same_tools((OFFER,)), same_tools([replace(OFFER, parameters=dict(OFFER.parameters))])
    assert first is second
    wider = replace(OFFER, parameters={"price": {"type": "number", "minimum": 5}})
    assert same_tools((wider,)) == (wider,)
    assert same_tools((OFFER,)) == (OFFER,)
