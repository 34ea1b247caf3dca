"""The grammar of orders: what is written is read back, and nothing else is taken for an order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import NAMES

from agents.note_policy.steering_orders import (
    AVOID,
    FRESH,
    IGNORE,
    NEVER,
    NOTES_ONLY,
    UNLEARN,
    Orders,
    format_each_order,
    format_order,
    parse_orders,
)

SOME = st.lists(st.sampled_from((*NAMES, "mug 2", "(3, 4)", "gridworld/1")), min_size=1, max_size=4, unique=True)


@given(SOME, SOME, SOME)
@settings(deadline=None)
def test_orders_are_read_back(ignored: list[str], avoided: list[str], fresh: list[str]) -> None:
    text = " ".join(
        [
            format_order(IGNORE, tuple(ignored)),
            "Be kind.",
            format_order(AVOID, tuple(avoided)),
            format_order(FRESH, tuple(fresh)),
            NOTES_ONLY,
        ]
    )
    assert parse_orders(text) == Orders(tuple(ignored), tuple(avoided), tuple(fresh))


def test_a_sequence_of_actions_is_one_order() -> None:
    assert parse_orders(UNLEARN.format("go east; go north")).sealed == ("go east; go north",)
    sequences = ("go east; go north", "search oak bed; click Buy for $12.50", "run-3")
    assert parse_orders(f"Be kind. {format_each_order(NEVER, sequences)} {NOTES_ONLY}") == Orders(barred=sequences)
    assert parse_orders(format_each_order(UNLEARN, sequences)).sealed == sequences


@given(st.text(max_size=200))
@settings(deadline=None)
def test_free_text_is_no_order(text: str) -> None:
    assert parse_orders(text) == Orders()
