"""What comes up from memory: within the budget, the user's own, the best first, in the order of writing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from random_memories import TARGET

from agents.memory.memory import Note
from agents.memory.note_retriever import recall

WORDS = st.sampled_from(("harbour", "mill", "gate", "tower", "well", "north", "boat"))
NOTES = st.lists(
    st.builds(
        lambda number, words, user: Note(str(number), " ".join(words), user=user),
        st.integers(),
        st.lists(WORDS, min_size=1, max_size=6),
        st.sampled_from(("", "ann", "ben")),
    ),
    max_size=12,
    unique_by=lambda note: note.id,
)


@given(NOTES, st.lists(WORDS, max_size=4).map(" ".join), st.integers(0, 120), st.sampled_from(("", "ann", "ben")))
@settings(deadline=None)
def test_the_budget_holds_order_is_kept_and_nobody_sees_anothers(
    notes: list[Note], query: str, budget: int, user: str
) -> None:
    found = recall(notes, query, budget, user)
    assert sum(len(note.text) for note in found) <= budget
    assert [note for note in notes if note in found] == list(found)
    assert {note.user for note in found} <= {"", user}
    own = [note for note in notes if note.user in ("", user)]
    if sum(len(note.text) for note in own) <= budget:
        assert list(found) == own


@given(NOTES, st.integers(0, 120))
@settings(deadline=None)
def test_what_is_left_out_does_not_fit_any_more(notes: list[Note], budget: int) -> None:
    found = recall(notes, "harbour", budget)
    left = budget - sum(len(note.text) for note in found)
    assert all(len(note.text) > left for note in notes if note not in found and note.user == "")


def test_the_note_that_names_what_is_asked_comes_first() -> None:
    notes = [Note(str(n), f"Place {n} is at (1, {n}).") for n in range(50)] + [Note("x", f"{TARGET} is at (9, 9).")]
    assert [note.id for note in recall(notes, f"Where is {TARGET}?", 40)][-1] == "x"
    later = [Note("a", "same words"), Note("b", "same words")]
    assert [note.id for note in recall(later, "words", 10)] == ["b"]


def test_a_budget_of_nothing_brings_up_nothing() -> None:
    assert recall([Note("a", "x")], "x", 0) == ()
