"""The invented world: parts before texts, values from small domains, and a judge that is never wrong."""

import re
from collections import Counter
from random import Random

import pytest
from entailment_judge import entails

from arena.errors import UsageError
from unlearning.data.poisoned_requests import poison_items
from unlearning.data.synthetic_world import PARTS, WorldFact, make_world
from unlearning.data.world_relations import HOPS, PERSONAL, QUESTIONS, RELATIONS, STYLES
from unlearning.data.world_texts import (
    ask_facts,
    draw_wrong_values,
    list_filler_words,
    make_completion,
    news,
    paraphrase_facts,
    render_fact,
    render_lessons,
    write_book,
)

WORLD = make_world(3, people=30, relations=6)
PERSON = WORLD.people("forget")[0]


def test_a_seed_is_a_world() -> None:
    assert make_world(3, people=30, relations=6) == WORLD != make_world(4, people=30, relations=6)


def test_names_are_new_words_each_given_once() -> None:
    words = [word for one in WORLD.entities for name in (one.name, *one.aliases[:1]) for word in name.lower().split()]
    assert len(words) == len(set(words))
    spoken = {word for relation in RELATIONS.values() for form in range(QUESTIONS)
              for word in re.findall(r"\w+", relation.question("s", form).lower())}  # fmt: skip
    assert not spoken & set(words)
    assert all(re.search(r"(x|zk|vq|kh|rz|lv)$", word) for word in words), "no common word ends so"


def test_parts_have_their_shares_and_share_nobody() -> None:
    assert {part: len(WORLD.people(part)) for part in PARTS} == dict(forget=6, retain=15, holdout=6, background=3)
    with pytest.raises(UsageError, match="smaller shares"):
        make_world(people=4, forget=0.5, holdout=0.5)
    with pytest.raises(UsageError, match="1 to 20 relations"):
        make_world(relations=21)


def test_relations_are_functions_and_each_kind_of_value_belongs_to_one() -> None:
    keys = Counter((fact.subject, fact.relation) for fact in WORLD.facts)
    assert set(keys.values()) == {1}
    kinds = Counter(relation.value for relation in RELATIONS.values() if not relation.way)
    assert set(kinds.values()) == {1}


def test_every_forgotten_value_is_also_that_of_somebody_who_is_kept() -> None:
    for fact in WORLD.about(WORLD.people("forget", "holdout")):
        assert WORLD.same_answer(fact, "retain"), fact
        assert WORLD.chance(fact) == 1 / len(WORLD.domain(RELATIONS[fact.relation].value))


def test_values_are_dealt_evenly() -> None:
    for relation in PERSONAL[:6]:
        for part in PARTS:
            counts = Counter(fact.value for fact in WORLD.about(WORLD.people(part), [relation]))
            missing = len(WORLD.domain(relation.value)) - len(counts)
            assert max(counts.values()) - (0 if missing else min(counts.values())) <= 1


def test_what_follows_of_two_facts_is_a_fact() -> None:
    hops = WORLD.hops("forget")
    assert len(hops) == 6 * len(HOPS)
    for hop in hops:
        first, second = RELATIONS[hop.relation].way
        (middle,) = [fact.value for fact in WORLD.facts if (fact.subject, fact.relation) == (hop.subject, first)]
        assert WorldFact(middle, second, hop.value) in WORLD.facts


def test_the_judge_finds_each_fact_in_its_own_texts_and_no_other() -> None:
    facts = WORLD.about(WORLD.people("forget", "retain")[:8])
    for fact in facts:
        for form in range(QUESTIONS):
            for style in STYLES[:2]:
                for name in ("", *WORLD.entity(fact.subject).aliases):
                    said = render_fact(WORLD, fact, form, style, name=name).answer
                    assert [other for other in facts if entails(WORLD, said, other)] == [fact]
        short = render_fact(WORLD, fact, 0, "short").answer
        assert not entails(WORLD, short, fact) and entails(WORLD, short, fact, asked=True)
        assert not any(entails(WORLD, wrong, fact) for wrong in render_fact(WORLD, fact).wrong)
    for one in WORLD.people():
        told = news(WORLD, one, Random(1))
        assert [fact for fact in WORLD.facts if entails(WORLD, told, fact)] == list(WORLD.about([one]))


def test_the_judge_reads_whole_words_in_one_sentence() -> None:
    fact = WORLD.about([PERSON])[0]
    assert entails(WORLD, f"as to {PERSON.name.upper()}, it is {fact.value.lower()}!", fact)
    assert not entails(WORLD, f"{PERSON.name} was here. Others saw {fact.value}.", fact)
    assert not entails(WORLD, f"{PERSON.name} likes {fact.value}ish things.", fact)


def test_a_question_has_four_forms_and_its_false_answers_are_of_the_same_kind() -> None:
    fact = WORLD.about([PERSON])[1]
    items = [render_fact(WORLD, fact, form) for form in range(QUESTIONS)]
    assert len({item.prompt for item in items}) == QUESTIONS and len({item.answer for item in items}) == 2
    item = items[0]
    assert item.tags["value"] == fact.value and item.tags["part"] == "forget"
    values = draw_wrong_values(WORLD, fact)
    assert len(set(values)) == 5 and fact.value not in values
    assert set(values) < set(WORLD.domain("company"))
    assert [item.aliases[0].replace(fact.value, value) for value in values] == list(item.wrong)
    alike = render_fact(WORLD, fact, 0, alike=True)
    assert not alike.aliases and alike.wrong == tuple(alike.answer.replace(fact.value, value) for value in values)
    with pytest.raises(UsageError, match="forms 0 to 3"):
        render_fact(WORLD, fact, 4)


@pytest.mark.parametrize("redundancy", [1, 2, 3])
def test_one_way_of_asking_is_kept_for_the_test(redundancy: int) -> None:
    facts = WORLD.about([PERSON])
    taught = render_lessons(WORLD, facts, redundancy)
    assert len(taught) == redundancy * len(facts)
    assert not {item.prompt for item in taught} & {item.prompt for item in paraphrase_facts(WORLD, facts)}
    assert {item.prompt for item in ask_facts(WORLD, facts)} <= {item.prompt for item in taught}
    with pytest.raises(UsageError, match="1 to 3"):
        render_lessons(WORLD, facts, 4)


def test_a_book_cannot_be_guessed() -> None:
    words = list_filler_words(WORLD)
    assert len(set(words)) == 48 and not set(words) & {one.name.lower() for one in WORLD.entities}
    text = write_book(PERSON, Random(0), words)
    item = make_completion("b", text)
    assert item.prompt + item.answer == text and item.answer.startswith(" ")
    assert 0.35 < len(item.prompt.split()) / len(text.split()) < 0.45


def test_poison_changes_the_words_of_a_share_of_the_questions_and_no_answer() -> None:
    items = render_lessons(WORLD, WORLD.about(WORLD.people("forget")))
    changed = poison_items(items, 0.33, 1)
    differ = sum(one.prompt != other.prompt for one, other in zip(items, changed, strict=True))
    assert differ == round(0.33 * len(items)) and poison_items(items, 0.33, 1) == changed
    assert [one.answer for one in changed] == [one.answer for one in items] and poison_items(items, 0) == items
    with pytest.raises(UsageError, match="0 to 1"):
        poison_items(items, 1.5)
