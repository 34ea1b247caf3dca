"""What is written as a sentence is read again as the same data, whatever the names; what is no such sentence is not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.lessons import (
    KINDS,
    BlockedData,
    EmptyData,
    FactData,
    FeaturesData,
    LessonData,
    LimitData,
    ObjectData,
    OutcomeData,
    PersonData,
    PlaceData,
    ProductData,
    change_texts,
    dump_data,
    parse_data,
)
from arena.text import lesson_sentences as sentences
from arena.text.lesson_sentences import read_lesson

WRITERS: dict[str, Callable[[Any], str]] = {
    kind: getattr(sentences, f"write_{'features' if kind == 'features' else kind}") for kind in KINDS
}
NAME = st.text("abcdefgäßøЖ漢'-", min_size=1, max_size=8).map(str.capitalize)
NAMES = st.lists(NAME, min_size=1, max_size=3).map(" ".join)
WORD = st.text("abcdefghij", min_size=1, max_size=8).filter(lambda word: word != "and")
NUMBERED = st.builds("{} {}".format, WORD, st.integers(1, 99))
CELL = st.tuples(st.integers(0, 50), st.integers(0, 50))
PRICE = st.integers(1, 99_999).map(lambda cents: cents / 100)
VALUES = st.lists(WORD, min_size=1, max_size=3, unique=True).map(tuple)
CODE = st.integers(1, 99).map("item {}".format)


@st.composite
def outcomes(draw: st.DrawFn) -> OutcomeData:
    result = draw(st.sampled_from(("done", "in part", "not done")))
    score = {"done": 1.0, "not done": 0.0}.get(result, draw(st.integers(1, 99)) / 100)
    actions = tuple(draw(st.lists(st.builds("{}: {} [{}].".format, WORD, NAMES, NAMES), max_size=4)))
    return OutcomeData(draw(NAMES) + ": " + draw(NAMES), result, score, draw(st.integers(0, 200)), actions)  # type: ignore[arg-type]


LESSONS: dict[str, st.SearchStrategy[Any]] = {
    "outcome": outcomes(),
    "place": st.builds(PlaceData, NAMES, CELL),
    "blocked": st.builds(BlockedData, CELL, st.one_of(st.just(""), NAMES)),
    "object": st.builds(ObjectData, NUMBERED, NUMBERED, st.booleans()),
    "empty": st.builds(EmptyData, NUMBERED),
    "product": st.builds(
        ProductData, NAMES, CODE, PRICE, st.lists(st.tuples(WORD, VALUES), min_size=1, max_size=3).map(tuple)
    ),
    "features": st.builds(FeaturesData, NAMES, CODE, VALUES),
    "fact": st.builds(
        lambda page, relation, value, year: FactData(page, relation, year if relation in sentences.YEARS else value),
        NAMES,
        st.sampled_from([relation for relation in sentences.FACTS if relation != "habit"]),
        NAMES,
        st.integers(1190, 1940).map(str),
    ),
    "person": st.builds(PersonData, NAMES, WORD),
    "limit": st.builds(LimitData, NAMES, st.integers(1, 9999).map(lambda tenths: tenths / 10)),
}


def test_every_kind_of_lesson_is_tried_here() -> None:
    assert LESSONS.keys() == KINDS.keys() == WRITERS.keys()


@pytest.mark.few(3)
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(deadline=None)
def test_a_sentence_is_read_again_as_it_was_meant(kind: str, data: st.DataObject) -> None:
    lesson: LessonData = data.draw(LESSONS[kind])
    subject = lesson.page if isinstance(lesson, FactData) else ""
    assert read_lesson(kind, subject, WRITERS[kind](lesson)) == lesson
    assert parse_data(kind, dump_data(lesson)) == lesson


@given(LESSONS["outcome"], st.booleans())
@settings(deadline=None)
def test_an_outcome_is_read_whether_one_step_is_in_the_singular_or_not(outcome: OutcomeData, singular: bool) -> None:
    assert sentences.read_outcome(sentences.write_outcome(outcome, singular=singular)) == outcome
    assert sentences.is_story(sentences.write_outcome(outcome))
    turned = sentences.reverse_outcome(sentences.write_outcome(outcome))
    again = sentences.read_outcome(turned or "")
    assert again is not None and again.result == ("done" if outcome.result == "not done" else "not done")


@given(NAMES, VALUES)
@settings(deadline=None)
def test_a_plan_is_read_again(errand: str, actions: tuple[str, ...]) -> None:
    assert sentences.read_plan(sentences.write_plan(errand, actions)) == (errand, actions)
    assert sentences.is_story(sentences.write_plan(errand, actions))


@given(NAMES, st.sampled_from(list(sentences.FACTS)), st.integers(1190, 1940).map(str))
@settings(deadline=None)
def test_a_relation_is_found_in_the_middle_of_a_page(page: str, relation: str, value: str) -> None:
    told = sentences.write_fact(FactData(page, relation, value), people=12_345)
    found = sentences.find_fact(f"Once upon a time. {told} And so on.", page, relation)
    assert found is not None and found[1] == value


def test_words_of_another_form_have_no_data() -> None:
    words = "Somebody said that Vrova Arch is lovely."
    assert [read_lesson(kind, "Vrova Arch", words) for kind in KINDS if kind != "habit"] == [None] * len(KINDS)
    assert read_lesson("message", "", "Vrova Arch is at (1, 2).") is None
    assert sentences.read_outcome("The task “go” was done in 2 steps") is None
    assert sentences.read_limit("He says that Ann cannot pay more than $17, today.") is None


def test_data_is_json_that_a_person_can_read_and_bad_json_is_refused() -> None:
    assert dump_data(None) == "" and parse_data("message", "") is None
    assert json.loads(dump_data(PlaceData("Mühle", (3, 4)))) == {"name": "Mühle", "cell": [3, 4]}
    with pytest.raises(ValueError, match="cell"):
        parse_data("place", '{"name": "Mill"}')
    with pytest.raises(ValueError, match="'message' has no data; kinds that have: blocked, empty"):
        parse_data("message", "{}")


def test_texts_are_changed_everywhere_but_in_codes() -> None:
    outcome = OutcomeData("be done", "done", 1.0, 2, ("go done", "go on"))
    assert change_texts(outcome, lambda text: text.replace("done", "gone")) == OutcomeData(
        "be gone", "done", 1.0, 2, ("go gone", "go on")
    )
    product = ProductData("Oak", "item 1", 2.5, (("color", ("red", "oak")),))
    assert change_texts(product, str.upper).options == (("COLOR", ("RED", "OAK")),)
