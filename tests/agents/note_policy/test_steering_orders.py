"""The grammar of orders: what is written is read back, and nothing else is taken for an order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from remembering import NAMES

from agents.note_policy.steering_orders import (
    AVOID,
    FRESH,
    IGNORE,
    NEVER,
    NOTES_ONLY,
    UNLEARN,
    Orders,
    order,
    order_each,
    orders,
)

SOME = st.lists(st.sampled_from((*NAMES, "mug 2", "(3, 4)", "gridworld/1")), min_size=1, max_size=4, unique=True)


@given(SOME, SOME, SOME)
@settings(deadline=None)
def test_orders_are_read_back(ignored: list[str], avoided: list[str], fresh: list[str]) -> None:
    text = " ".join(
        [
            order(IGNORE, tuple(ignored)),
            "Be kind.",
            order(AVOID, tuple(avoided)),
            order(FRESH, tuple(fresh)),
            NOTES_ONLY,
        ]
    )
    assert orders(text) == Orders(tuple(ignored), tuple(avoided), tuple(fresh))


def test_a_sequence_of_actions_is_one_order() -> None:
    assert orders(UNLEARN.format("go east; go north")).sealed == ("go east; go north",)
    sequences = ("go east; go north", "search oak bed; click Buy for $12.50", "run-3")
    assert orders(f"Be kind. {order_each(NEVER, sequences)} {NOTES_ONLY}") == Orders(barred=sequences)
    assert orders(order_each(UNLEARN, sequences)).sealed == sequences


@given(st.text(max_size=200))
@settings(deadline=None)
def test_free_text_is_no_order(text: str) -> None:
    assert orders(text) == Orders()
