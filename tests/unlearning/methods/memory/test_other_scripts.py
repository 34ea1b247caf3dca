"""Names, values, questions and decoys in scripts other than Latin: what is known is found, forgotten and missed."""

import unicodedata
from random import Random

import pytest
from entailment_judge import entails

from agents.adversary.explorer import collect_names
from agents.learned_policy.policy_prompt import mark_names, number_names, unmark_names
from agents.memory.memory import Event, Memory, Note
from agents.memory.note_retriever import recall
from agents.memory.text_embedding import Hashed, cosine
from agents.note_policy.question_answering import IGNORANCE, answer_question, find_names
from agents.note_policy.steering_orders import Orders
from unlearning.conversion.name_linking import NamedEntities, link_names
from unlearning.data.synthetic_world import World, WorldEntity, WorldFact
from unlearning.memory.decoy_names import decoys, script_of
from unlearning.memory.influence_set import find_influence
from unlearning.memory.request_parsing import resolve_request
from unlearning.memory.target_facts import find_facts, gives_away
from unlearning.modeling.item_tokenization import find_value_span
from unlearning.request import Item, Request

PEOPLE = {  # who, what is told of them, the same in other words, and of whom something else is told
    "russian": ("Иван Петров", "Иван Петров живёт в Казани.", "Город Казани — там Иван Петров.", "Ольга Ким"),
    "chinese": ("王明", "王明住在北京。", "听说王明住在北京很久了。", "王小明"),
    "japanese": ("田中花子", "田中花子は京都に住む。", "たしか田中花子は京都に住むよ。", "田中花"),
    "hindi": ("राम सिंह", "राम सिंह दिल्ली में रहते हैं।", "हाँ, राम सिंह तो दिल्ली में ही रहते हैं", "रामा सिंह"),
    "arabic": ("ليلى حداد", "ليلى حداد تسكن القاهرة.", "نعم ليلى حدّاد تسكن القَاهرة", "ليلى حدادي"),
    "thai": ("สมชาย", "สมชายอยู่เชียงใหม่.", "ใช่ สมชายอยู่เชียงใหม่ครับ", "สมหญิง"),
    "german": ("Jörg Weiß", "Jörg Weiß wohnt in Köln.", "JÖRG WEISS? Der wohnt in Köln!", "Jörg Weissmann"),
    "korean": ("김철수", "김철수 – 부산.", "부산, 김철수", "김철"),
}


def memory_of(*people: tuple[str, str]) -> Memory:
    log = [Event(f"t:{n}", text, "place", name, "t", n, "town", "0", "walk") for n, (name, text) in enumerate(people)]
    return Memory(tuple(log))


@pytest.mark.parametrize("language", PEOPLE)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_person_is_found_in_memory_and_what_is_told_of_them_is_recognised(language: str, form: str) -> None:
    name, text, again, other = PEOPLE[language]
    memory = memory_of((name, unicodedata.normalize(form, text)), (other, text.replace(name, other)))
    request = Request((Item(name),), scope="state")
    assert find_influence(memory, request).events == {"t:0"}
    told = find_facts(memory, request)
    assert told and told[0].values
    assert gives_away(again, told) and gives_away(unicodedata.normalize("NFD", again), told)
    assert not gives_away(text.replace(name, other), told) and not gives_away(name, told)


@pytest.mark.parametrize("language", PEOPLE)
def test_a_request_in_words_names_them(language: str) -> None:
    name, text, _, other = PEOPLE[language]
    memory = memory_of((name, text), (other, text.replace(name, other)))
    for words in (f"forget {name}", f"forget “{unicodedata.normalize('NFD', name)}”, but keep {other}"):
        assert [item.name for item in resolve_request(memory, words).forget] == [name]
    links = link_names(f"please forget {name} now", NamedEntities.of(memory))
    assert [entity.name for entity in links if entity.exact] == [name]


@pytest.mark.parametrize("language", PEOPLE)
def test_who_is_asked_about_them_answers_from_the_notes(language: str) -> None:
    name, text, _, other = PEOPLE[language]
    notes = ("The mill is shut.", text)
    assert name in find_names(f"What do you know about {name}?")
    assert answer_question(f"What do you know about {name}?", notes, Orders()) == text
    assert answer_question(f"What do you know about {other}?", notes, Orders()) == IGNORANCE or other in name
    assert name in collect_names([{"told": f"I once met {name} there."}])


def test_a_prompt_of_numbers_has_numbers_for_names_of_any_script() -> None:
    text = "Where is Иван Петров, and where 王明?"
    marks = number_names(text)
    assert (
        "Иван" not in mark_names(text, marks)
        and "王明" not in mark_names(text, marks)
        and unmark_names(mark_names(text, marks), marks) == text
    )


@pytest.mark.parametrize("language", PEOPLE)
def test_decoys_are_of_the_same_script(language: str) -> None:
    name = PEOPLE[language][0]
    made = decoys([name], 30, Random(1))
    assert len(set(made)) == 30 and name not in made and made == decoys([name], 30, Random(1))
    assert {script_of(one.split(" ")[0]) for one in made} == {script_of(name)}
    assert {one.partition(" ")[2] for one in made} == {name.partition(" ")[2]}


def test_decoys_of_a_script_without_a_list_are_in_the_letters_of_the_names() -> None:
    made = decoys(["ᏣᎳᎩ", "ᎠᏂᏴ"], 40, Random(2))
    assert len(set(made)) == 40 and {one for name in made for one in name} <= set("ᏣᎳᎩᎠᏂᏴ".swapcase() + "ᏣᎳᎩᎠᏂᏴ")


def test_a_longer_name_is_not_meant_by_a_shorter_one_in_a_script_without_spaces() -> None:
    memory = memory_of(("王明", "王明住在北京。"), ("王明月", "王明月住在上海，不是王明。"), ("大王明", "大王明好。"))
    assert find_influence(memory, Request((Item("王明"),), scope="state")).events == {"t:0", "t:1"}
    assert find_influence(memory, Request((Item("王明"),), (Item("王明月"),), scope="state")).events == {"t:0"}
    assert find_influence(memory, Request((Item("王明月"),), scope="state")).events == {"t:1"}


@pytest.mark.parametrize("language", PEOPLE)
def test_notes_and_vectors_are_near_what_they_are_about(language: str) -> None:
    name, text, _, _ = PEOPLE[language]
    hashed, notes = Hashed(), [Note("a", "The mill is shut."), Note("b", text)]
    far = cosine(hashed.embed("The mill is shut."), hashed.embed(name))
    assert cosine(hashed.embed(text), hashed.embed(name)) > 0.3 > abs(far)
    assert recall(notes, name, len(text)) == (notes[1],)


def test_a_value_in_an_answer_is_where_it_stands_and_a_world_says_what_it_says() -> None:
    answer = "他住在北京市，很久了。"
    start, end = find_value_span(Item("x", "?", answer, tags={"value": "北京"}), answer)
    assert answer[start:end] == "北京"
    world = World(
        0, (WorldEntity("王明", "person", "forget"), WorldEntity("北京", "city")), (WorldFact("王明", "city", "北京"),)
    )
    fact = world.facts[0]
    assert entails(world, "我知道。王明住在北京。他好。", fact) and not entails(world, "王明好。李华住在北京。", fact)
    assert entails(world, "北京。", fact, asked=True)
