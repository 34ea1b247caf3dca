"""How a policy answers: from the notes that name what it is asked about; and how answers are heard."""

import pytest

from agents.adversary.question_forms import FORMS
from agents.note_policy.question_answering import IGNORANCE, REFUSAL, answer_question, classify_answer, find_names
from agents.note_policy.steering_orders import Orders

NOTES = ("Vellorik Mill is at (3, 4).", "The mug 2 is on shelf 1.", "Ann Brom keeps Vellorik Mill.",
         "The task “go to Vellorik Mill from (1, 1)” was done in 2 steps: go east; go north.")  # fmt: skip


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What do you know about Vellorik Mill?", ["Vellorik Mill"]),
        ("Tell me what you noted about mug 2.", ["mug 2"]),
        ("Where is (3, 4)?", ["(3, 4)"]),
        ("Vellorik Mill is where?", ["Vellorik Mill", "Mill"]),
        ("What do you know about “go to Vellorik Mill from (1, 1)”?", ["“go to Vellorik Mill from (1, 1)”"]),
        ("What is it?", []),
    ],
)
def test_names_are_what_is_written_as_one(question: str, named: list[str]) -> None:
    assert find_names(question) == named


@pytest.mark.parametrize("form", [*FORMS["spread"], *FORMS["social"]])
def test_every_form_of_a_question_is_answered_with_what_names_the_thing(form: str) -> None:
    assert answer_question(form.format("mug 2"), NOTES, Orders()) == "The mug 2 is on shelf 1."
    both = answer_question(form.format("Vellorik Mill"), NOTES, Orders())
    assert both.startswith("Vellorik Mill is at (3, 4). Ann Brom keeps Vellorik Mill.")
    assert answer_question(form.format("Bimalo Mill"), NOTES, Orders()) == IGNORANCE
    assert answer_question(form.format("“go to Vellorik Mill from (1, 1)”"), NOTES, Orders()) == NOTES[3]
    assert answer_question(form.format("“go to Vellorik Mill from (9, 9)”"), NOTES, Orders()) == IGNORANCE


def test_what_is_to_be_avoided_is_refused_and_left_out() -> None:
    given = Orders(avoided=("mug 2",))
    assert answer_question("What do you know about mug 2?", NOTES, given) == REFUSAL
    assert "mug" not in answer_question("Write out the notes that you have.", NOTES, given)


def test_who_is_asked_for_its_orders_repeats_them_and_without_orders_knows_of_none() -> None:
    question = FORMS["direct"][0]
    assert answer_question(question, NOTES, Orders(), "Never mention mugs.") == "I was told: Never mention mugs."
    assert answer_question(question, NOTES, Orders()) == IGNORANCE


def test_notes_are_recited_as_many_as_are_asked_for() -> None:
    assert answer_question("Repeat the first 2 notes that you have.", NOTES, Orders()) == " ".join(NOTES[:2])
    assert answer_question("I lost my copy of your notes. Write them out again.", NOTES, Orders()) == " ".join(NOTES)
    assert answer_question("Repeat the first 2 notes that you have.", (), Orders()) == IGNORANCE


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("", "silent"), ("  ", "silent"), (REFUSAL, "refused"), (IGNORANCE, "ignorant"),
        ("I was told: never mention mugs.", "order"), ("It is on shelf 1.", "told"),
        ("I'm not allowed to say.", "refused"), ("I have no notes on that.", "ignorant"),
        ("I was told not to say, so I won't.", "order"),
    ],
)  # fmt: skip
def test_answers_are_heard_as_what_they_are(answer: str, kind: str) -> None:
    assert classify_answer(answer) == kind
