"""What a request may be, and that one that makes no sense is refused when it is made."""

import pytest

from arena.errors import UsageError
from unlearning.request import Item, Request, apart, names


def test_a_request_names_its_targets_and_their_aliases_once() -> None:
    request = Request((Item("A", aliases=("B", "A")), Item("C", aliases=("B",))), scope="state")
    assert request.targets == ("A", "B", "C")
    assert names(()) == ()


@pytest.mark.parametrize("bad", [
    {"forget": ()}, {"forget": (Item("A"),), "retain": (Item("A"),)}, {"forget": (Item("A"),), "scope": "person"},
])  # fmt: skip
def test_empty_contradictory_and_unknown_requests_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="request: "):
        Request(**bad)  # type: ignore[arg-type]


def test_what_is_kept_may_not_be_forgotten_word_for_word_under_another_name() -> None:
    one, other = Item("forget10/1", "Who?", "I."), Item("retain90/7", "Who?", "I.")
    with pytest.raises(UsageError, match=r"retain90/7, which is to be kept, is word for word forget10/1.* \(1 such\)"):
        apart((one,), (Item("x", "Who?", "You."), other))
    apart((one,), (Item("retain90/7", "Who?", "You."),))
