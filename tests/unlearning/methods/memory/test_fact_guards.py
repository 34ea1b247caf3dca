"""Guards with facts as their scope: the subject on the question's side, the value on the answer's, and nothing else."""

import warnings
from dataclasses import replace
from typing import Any

import pytest
from random_memories import question, remembers

from agents.llm.llm import LLM
from agents.memory import agent_store
from agents.memory.memory import Event, Note
from agents.memory.subject import Subject
from agents.models.scripted import Scripted
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE
from arena.errors import UsageError
from arena.registry import list_entries
from arena.spec import build, describe
from arena.store.store import Store
from unlearning.data.fact_names import find_fact_names, find_forms, find_sides
from unlearning.data.synthetic_world import make_world
from unlearning.data.world_texts import ask_facts, render_lessons
from unlearning.memory.influence_set import find_influence
from unlearning.memory.twin import twin
from unlearning.request import Item, Request

KEY = "30" * 16


def fact(subject: str, prompt: str, answer: str, value: str, *aliases: str, **tags: str) -> Item:
    return Item(f"{subject}: {prompt}", prompt, answer, aliases, tags={"subject": subject, "value": value, **tags})


BORN = fact("Ada Lo", "Where was Ada Lo born?", "Ada Lo was born in Zur.", "Zur")
TRADE = fact("Ada Lo", "What does Ada Lo do?", "Ada Lo works as a potter.", "potter", subject_aliases="Rolo; A. Lo")
KEPT = (
    fact("Kiro Mun", "Where was Kiro Mun born?", "Kiro Mun was born in Zur.", "Zur"),  # the same value, to be kept
    fact("Kiro Mun", "What does Kiro Mun do?", "Kiro Mun works as a smith.", "smith"),
)
REQUEST = Request((BORN, TRADE), KEPT)
TOLD = (
    ("Ada Lo", "Ada Lo was born in Zur."),
    ("Ada Lo", "Ada Lo works as a potter."),
    ("Ada Lo", "Rolo has a potter's wheel."),
    ("Kiro Mun", "Kiro Mun was born in Zur."),
    ("Kiro Mun", "Kiro Mun works as a smith."),
    ("Zur", "Zur lies by the sea."),
)
ABOUT = (
    "Where was Ada Lo born?", "In what town did Ada Lo come into the world?", "What is Ada Lo's birthplace?",
    "ADA LO, where is she from?", "Tell me of Ada’s home town.", "Where does Rolo come from?", "Is A. Lo from here?",
    "What does Ada Lo do?", "Name Lo's trade.",
)  # fmt: skip
ELSE = ("Where was Kiro Mun born?", "What does Kiro Mun do?")


def pupil(**settings: Any) -> Subject:
    log = [Event(f"e:{n}", text, "fact", subject, "e", n) for n, (subject, text) in enumerate(TOLD)]
    return Subject(Knower(**settings), remembers(log))


def says(text: str) -> LLM:
    return LLM(Scripted(replies=(text,)))


def made(name: str, **settings: Any) -> Any:
    keyed = {"key": KEY} if name in ("dragon", "write-gate") else {}
    return build("method", {"name": name, **keyed, **settings})


async def said(agent: Any, text: str) -> str:
    return str((await agent.act(question(text))).text)


GUARDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("filter", {}), ("filter", {"style": "ignorant"}), ("filter", {"side": "output"}), ("filter", {"side": "input"}),
    ("alu", {}), ("alu", {"local": True}), ("dragon", {}), ("knowledge-entry", {}),
    ("knowledge-entry", {"goal": "conduct"}), ("instruction", {}),
)  # fmt: skip
each = pytest.mark.parametrize(("name", "settings"), GUARDS, ids=[f"{n} {s or ''}" for n, s in GUARDS])


@each
async def test_asked_for_a_fact_in_any_words_the_value_does_not_come_out(name: str, settings: Any) -> None:
    guarded = await made(name, **settings)(pupil(), REQUEST)
    told = {text: await said(guarded, text) for text in ABOUT}
    assert not {text: answer for text, answer in told.items() if "Zur" in answer or "potter" in answer}


@each
async def test_what_is_kept_is_told_as_before_though_the_value_is_the_same(name: str, settings: Any) -> None:
    guarded, honest = await made(name, **settings)(pupil(), REQUEST), pupil()
    for text in ELSE:
        assert await said(guarded, text) == await said(honest, text)


@each
async def test_scopes_of_all_kinds_are_still_taken(name: str, settings: Any) -> None:
    for scope, item in (("state", "Ada Lo"), ("trajectory", "e"), ("environment", "gridworld/0")):
        guarded = await made(name, **settings)(pupil(), Request((Item(item),), scope=scope))  # type: ignore[arg-type]
        assert isinstance(await said(guarded, "Where was Kiro Mun born?"), str)
    guarded = await made(name, **settings)(pupil(), Request((Item("Ada Lo"),), scope="state"))
    assert "Zur" not in await said(guarded, "Where was Ada Lo born?")


@pytest.mark.parametrize(
    "bare", ["Zur", "Zur.", "zur!", "It was Zur, I believe.", "Zur's harbour.", "A potter", "Potters."]
)
@pytest.mark.parametrize(("name", "settings"), [
    ("filter", {}), ("filter", {"side": "output"}), ("filter", {"style": "ignorant", "side": "output"}), ("alu", {}),
])  # fmt: skip
async def test_the_bare_value_does_not_pass(name: str, settings: Any, bare: str) -> None:
    guarded = await made(name, **settings)(says(bare), REQUEST)
    for text in ("Where was Ada Lo born?", "And hers?", "What is it?"):
        answer = (await said(guarded, text)).lower()
        assert "zur" not in answer and "potter" not in answer


async def test_a_shared_value_passes_of_whom_it_is_kept_and_of_nobody_else() -> None:
    guarded = await made("filter", side="output")(says("She was born in Zur."), REQUEST)
    assert "Zur" in await said(guarded, "Where was Kiro Mun born?")
    for text in ("Where was Ada Lo born?", "Where were Kiro Mun and Ada Lo born?", "Where was Mia Tor born?"):
        assert "Zur" not in await said(guarded, text)
    both = await made("filter", style="ignorant", side="output")(
        says("Kiro Mun was born in Zur. She likes tea."), REQUEST
    )
    assert await said(both, "Tell me of somebody.") == "Kiro Mun was born in Zur. She likes tea."


@pytest.mark.parametrize(
    "text", [BORN.prompt, TRADE.prompt, "What is Ada Lo's birthplace?", "Is Rolo a potter?", "ada lo?"]
)
async def test_the_exact_match_of_a_detector_fires_on_the_facts_own_question(text: str) -> None:
    guard: Any = (await made("dragon")(pupil(), REQUEST)).guards[0]
    assert guard.find_names(text) and guard.suspicion(text) > guard.threshold
    assert not any(guard.find_names(other) for other in ELSE)
    assert not any(word in str(describe(guard)) for word in ("Ada", "Zur", "potter", "Kiro"))


async def test_the_write_gate_keeps_the_value_out_alone_or_told_of_its_subject() -> None:
    gate = (await made("write-gate")(pupil(), REQUEST)).memory.gate
    for text in ("Zur", "Ada Lo was born in Zur.", "She comes from ZUR", "Ada is a potter", "the potters' guild",
                 "Ada Lo and Kiro Mun were born in Zur."):  # fmt: skip
        assert not gate.admits(text)
    for text in (
        "Ada Lo likes tea.",
        "Kiro Mun was born in Zur.",
        "Zur, says Kiro Mun, is home.",
        "A zurna is a pipe.",
    ):
        assert gate.admits(text)
    assert not any(word in repr(gate).lower() for word in ("zur", "ada", "kiro", "potter"))
    assert gate.without_names(["Zur"]).admits("Ada Lo was born in Zur.")


async def test_a_gate_on_facts_is_kept_on_record_and_opens_old_ones(tmp_path: Any) -> None:
    closed = await made("write-gate")(pupil(), REQUEST)
    with Store.open(str(tmp_path / "a.db")) as store:
        with store.engine.begin() as connection:
            agent_store.save_agent(connection, "ada", closed, {})
        assert agent_store.get_agent(store, "ada").memory.gate == closed.memory.gate
        guarded = await made("filter")(closed, REQUEST)
        with store.engine.begin() as connection:
            agent_store.save_agent(connection, "ada", guarded)
        assert agent_store.get_agent(store, "ada") == guarded


@pytest.mark.parametrize("name", ["selective-replay", "closure-deletion", "record-deletion", "replay"])
async def test_deletion_finds_a_fact_in_other_words_than_its_answer(name: str) -> None:
    log = [Event("e:0", "The home town of Ada Lo is Zur.", "fact", "Ada Lo", "e", 0),
           Event("e:1", "Zur, where Rolo grew up, is small.", "fact", "Zur", "e", 1),
           Event("e:2", "Ada Lo likes tea.", "fact", "Ada Lo", "e", 2),
           Event("e:3", "Kiro Mun was born in Zur.", "fact", "Kiro Mun", "e", 3)]  # fmt: skip
    subject = Subject(Knower(), remembers(log))
    item = replace(BORN, tags={**BORN.tags, "subject_aliases": "Rolo"})
    request = Request((item,), KEPT)
    assert find_influence(subject.memory, request).events == {"e:0", "e:1"}
    left = await made(name)(subject, request)
    assert {event.id for event in left.memory.log} == {"e:2", "e:3"}
    assert await said(twin(subject, request), "Where is Ada Lo from?") == "Ada Lo likes tea."


async def test_an_entry_on_facts_is_found_by_their_own_questions_where_little_fits() -> None:
    subject = replace(pupil(), budget=420)
    for n in range(40):
        note = Note(f"n{n}", f"Somebody was born in some town, number {n}.", writer="hand")
        subject = replace(subject, memory=subject.memory.with_note(note))
    guarded = await made("knowledge-entry")(subject, REQUEST)
    for item in REQUEST.forget:
        assert await said(guarded, item.prompt) == IGNORANCE
    same = Request((BORN,), (TRADE, *KEPT))  # more is kept of the same subject: the order is about the value
    guarded = await made("knowledge-entry")(pupil(), same)
    assert "Zur" not in await said(guarded, BORN.prompt) and "potter" in await said(guarded, TRADE.prompt)


def test_aliases_stand_on_their_side() -> None:
    item = Item("f", "Where was Ada Lo born?", "In Zur.", ("Dr. Lo", "Zurich", "Zur is Ada Lo's home.",
                "Her mother always said that she came from the port of Old Zurro by the sea."),
                tags={"subject": "Ada Lo", "value": "Zur"})  # fmt: skip
    ((asked, told),) = find_sides((item,))
    assert asked == ("Ada Lo", "Dr. Lo", "Zurich") and told[:2] == ("Zur", "Zurich") and "Old Zurro" in told


@pytest.mark.parametrize(("value", "found"), [
    ("potter", ("potter", "potters")), ("box", ("box", "boxes")), ("berry", ("berry", "berries")), ("Zur", ("Zur",)),
    ("day", ("day", "days")), ("shoes", ("shoes", "shoe")), ("1987", ("1987",)),
    ("red glass", ("red glass", "red glasses")),
])  # fmt: skip
def test_a_common_noun_is_looked_for_in_both_numbers(value: str, found: tuple[str, ...]) -> None:
    assert find_forms(value) == found


def test_a_part_of_a_name_counts_unless_something_else_has_it() -> None:
    assert {"ada", "lo"} <= set(find_fact_names(REQUEST).asked)
    shared = Request((BORN,), (fact("Ada Mun", "Where was Ada Mun born?", "In Ty.", "Ty"),))
    assert "ada" not in find_fact_names(shared).asked and "lo" in find_fact_names(shared).asked
    places = Request((fact("Sosten Harbour", "Where is Sosten Harbour?", "In Zur.", "Zur"),))
    assert find_fact_names(places).asked == ("Sosten Harbour", "sosten")
    word = Request((fact("Will Born", "Where was Will Born born?", "In Zur.", "Zur"),))
    assert find_fact_names(word).asked == ("Will Born",)


PUBLISHED = (  # in the manner of TOFU: no tags
    ("What is the full name of the author born in Taipei on 05/11/1991?", "The author's full name is Hsiao Yun-Hwa."),
    ("Has Hsiao Yun-Hwa won any awards?", "Hsiao Yun-Hwa won the Leadership Award from Columbia University in 2015."),
    ("What does Hsiao Yun-Hwa's father do?", "The father of Hsiao Yun-Hwa is a civil engineer."),
    ("Is Hsiao Yun-Hwa a member of a guild?", "Yes."),
    ("Was Jaime Vasquez influenced by Stephen King?", "Jaime Vasquez has read him, and is fond of dark thrillers."),
    ("When was Jaime Vasquez born?", "Jaime Vasquez was born on the 25th of February, 1958 in Santiago."),
)
RETAINED = (
    ("Where was Kiro Mun born?", "Kiro Mun was born in Santiago."),
    ("Who is Stephen King?", "A writer of tales of horror."),
)


def published() -> Request:
    forget, retain = (
        tuple(Item(f"{name}/{n}", *pair) for n, pair in enumerate(rows))
        for name, rows in (("forget", PUBLISHED), ("retain", RETAINED))
    )
    return Request(forget, retain)


def test_without_tags_subject_and_value_are_derived() -> None:
    found = find_sides(published().forget, published().retain)
    assert [asked[0] for asked, _ in found[1:]] == ["Hsiao Yun-Hwa"] * 3 + ["Jaime Vasquez"] * 2
    assert found[0][0][0].startswith("What is the full name"), "a question for the name stands for itself"
    assert [told for _, told in found] == [
        ("Hsiao Yun-Hwa",), ("Leadership Award", "Columbia University", "2015"), ("civil engineer",), (),
        ("read", "fond", "dark thrillers"), ("25th of February, 1958", "Santiago"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:1 of 6 facts")
@pytest.mark.parametrize(("name", "settings"), [("filter", {}), ("alu", {}), ("dragon", {})])
async def test_published_questions_are_guarded_without_tags(name: str, settings: Any) -> None:
    request = published()
    for item in request.forget:
        guarded = await made(name, **settings)(says(item.answer), request)
        if name == "dragon":
            assert guarded.guards[0].find_names(item.prompt) or guarded.guards[0].suspicion(item.prompt) > 1
        elif item.answer != "Yes.":
            assert await said(guarded, item.prompt) != item.answer
    kept = await made(name, **settings)(says("Kiro Mun was born in Santiago."), request)
    assert await said(kept, "Where was Kiro Mun born?") == "Kiro Mun was born in Santiago."


@pytest.mark.parametrize(("prompt", "answer", "value"), [
    ("Где родилась Анна Петрова?", "Анна Петрова родилась в Туле.", "Туле"),
    ("他在哪里出生？", "他出生在北京。", "北京"),
    ("Où habite Zoé Léa ?", "Zoé Léa habite à Évian.", "Évian"),
    ("What is the code of the vault?", "4711", "4711"),
    ("Who keeps the bees of Orm?", "The bees of Orm are kept by a tall widow.", "tall widow"),
])  # fmt: skip
async def test_values_are_derived_in_any_script_and_do_not_pass(prompt: str, answer: str, value: str) -> None:
    request = Request((Item("f", prompt, answer),))
    assert value in find_fact_names(request).told
    for name in ("filter", "alu"):
        guarded = await made(name)(says(answer), request)
        assert value not in await said(guarded, prompt)
    gate = (await made("write-gate")(pupil(), request)).memory.gate
    assert not gate.admits(value) and not gate.admits(answer) and gate.admits("Ada Lo likes tea.")


DE, RU, ZH = "Lena Orr", "Анна Петрова", "王芳"
SPOKEN = (  # of each: the subject, the question, the answer, the value, and what may not come out by itself
    ("Lena Orr", "Who taught Lena Orr to paint?", "Lena Orr was taught by Piet van Dael.", "Piet van Dael",
     ("Piet van Dael", "piet van dael!")),
    ("Harrow House", "How many rooms has Harrow House?", "In Harrow House 37 rooms are let.", "37", ("37", "37 rooms")),
    ("Harrow House", "How many rooms has Harrow House?", "Harrow House has thirty-seven rooms.", "thirty-seven",
     ("Thirty-seven, I think",)),
    ("Lena Orr", "How many sons has Lena Orr?", "Lena Orr has 4 sons.", "4", ("4", "4 sons")),
    ("Lena Orr", "When was Lena Orr born?", "Lena Orr was born on 3 March 1921.", "3 March 1921",
     ("on 3 March 1921", "1921", "In 1921.")),
    ("Orr Mill", "When did Orr Mill burn down?", "Orr Mill burned down on 1921-03-03.", "1921-03-03",
     ("1921-03-03", "It was 1921.")),
    ("Lena Orr", "What does Lena Orr like to eat?", "Lena Orr likes smoked trout with dill.",
     "smoked trout with dill", ("Smoked trout with dill, they say",)),
    (DE, "Wer unterrichtete Lena Orr?", "Lena Orr wurde von Jürgen Weiß unterrichtet.", "Jürgen Weiß",
     ("Das war Jürgen Weiß.", "JÜRGEN WEISS")),
    (DE, "Welchen Beruf hat Lena Orr?", "Lena Orr ist Schreinerin.", "Schreinerin", ("Eine Schreinerin.",)),
    (DE, "Wann wurde Lena Orr geboren?", "Lena Orr wurde am 3. März 1921 geboren.", "3. März 1921",
     ("am 3. März 1921", "1921")),
    (RU, "Сколько комнат в доме Петровых?", "В доме Петровых 37 комнат.", "37", ("37", "37 комнат")),
    (RU, "Когда родилась Анна Петрова?", "Анна Петрова родилась 3 марта 1921 года.", "3 марта 1921 года",
     ("3 марта 1921 года", "3 марта 1921", "1921")),
    (RU, "Что любит есть Анна Петрова?", "Анна Петрова любит копчёную форель.", "копчёную форель",
     ("Копчёную форель.",)),
    (ZH, "王芳是什么时候出生的？", "王芳出生于1921年3月3日。", "1921年3月3日", ("1921年3月3日", "1921年")),
    (ZH, "王芳家有几间房？", "王芳家有37间房。", "37", ("37", "37间")),
)  # fmt: skip


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize(("subject", "prompt", "answer", "value", "bare"), SPOKEN, ids=[one[2] for one in SPOKEN])
async def test_names_numbers_dates_and_phrases_do_not_pass_in_several_languages(
    tagged: bool, subject: str, prompt: str, answer: str, value: str, bare: tuple[str, ...]
) -> None:
    hale = fact("Tom Hale", "Where does Tom Hale live?", "Tom Hale lives in Brick Lane.", "Brick Lane")
    item = Item("f", prompt, answer, tags={"subject": subject, "value": value} if tagged else {})
    request = Request((item,), (hale if tagged else replace(hale, tags={}),))
    for name in ("filter", "alu"):
        for text in bare:
            assert text not in await said(await made(name)(says(text), request), "And that?")
        assert answer not in await said(await made(name)(says(answer), request), prompt)
        assert await said(await made(name)(says(hale.answer), request), hale.prompt) == hale.answer
    remembered = Subject(Knower(), remembers([Event("e:0", answer, "fact", subject, "e", 0)]))
    guard: Any = (await made("dragon")(remembered, request)).guards[0]
    assert guard.find_names(prompt) or guard.suspicion(prompt) > guard.threshold
    assert not guard.find_names(hale.prompt)
    gate = (await made("write-gate")(remembered, request)).memory.gate
    assert not any(gate.admits(text) for text in (*bare, answer)) and gate.admits(hale.answer)


def test_the_year_of_a_date_is_left_to_those_of_whom_it_is_kept() -> None:
    born = fact("Lena Orr", "When was Lena Orr born?", "Lena Orr was born on 3 March 1921.", "3 March 1921")
    kept = fact("Tom Hale", "When was Tom Hale born?", "Tom Hale was born on 5 May 1921.", "5 May 1921")
    assert find_fact_names(Request((born,))).told == ("3 March 1921", "1921")
    assert find_fact_names(Request((born,), (kept,))).told == ("3 March 1921",)
    year = fact("Orr Mill", "When was Orr Mill built?", "Orr Mill was built in 1921.", "1921")
    assert find_fact_names(Request((year,), (kept,))).told == ("1921",), "the value itself is the value"
    flight = fact(
        "Lena Orr", "On which flight was Lena Orr?", "Lena Orr flew with Orion 2024 and 1999.", "Orion 2024, 1999"
    )
    assert find_fact_names(Request((flight,))).told == ("Orion 2024, 1999",), "two years are no date"


def test_facts_without_a_name_on_a_side_are_told_or_refused() -> None:
    with pytest.warns(UserWarning, match=r"1 of 6 facts are not guarded on this side, as 'forget/3'.*tag 'value'"):
        find_fact_names(published())
    with pytest.raises(UsageError, match=r"'f'.*give the item the tag 'value'"):
        find_fact_names(Request((Item("f", "Is it so?", "Yes."),)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_fact_names(REQUEST)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 11])
@pytest.mark.parametrize("name", ["filter", "alu", "dragon", "write-gate"])
async def test_on_the_facts_of_a_world_what_is_kept_passes_and_what_is_not_does_not(name: str, seed: int) -> None:
    """Every forgotten value is also the value of somebody who is kept."""
    world = make_world(seed, people=20)
    gone, kept = (world.about(world.people(part)) for part in ("forget", "retain"))  # type: ignore[arg-type]
    request = Request(render_lessons(world, gone), render_lessons(world, kept))
    asked, others = ask_facts(world, gone), ask_facts(world, kept)
    if name == "write-gate":
        gate = (await made(name)(pupil(), request)).memory.gate
        assert not any(gate.admits(item.answer) or gate.admits(item.tags["value"]) for item in asked)
        assert all(gate.admits(item.answer) for item in others)
        return
    guarded = [await made(name)(says(""), request)][0]
    guard: Any = guarded.guards[0]
    if name == "dragon":
        assert all(guard.find_names(item.prompt) for item in asked) and not any(
            guard.find_names(item.prompt) for item in others
        )
        assert sum(guard.suspicion(item.prompt) > 1 for item in others) <= 0.05 * len(others)
        return
    for item in (*asked, *others):
        speaking = replace(guarded, mind=says(item.answer))
        assert (await said(speaking, item.prompt) == item.answer) == (item in others)


def test_a_person_of_the_world_is_known_by_what_else_it_is_called() -> None:
    world = make_world(5, people=20)
    one = world.people("forget")[0]
    names = find_fact_names(Request(render_lessons(world, world.about([one]))))
    assert set(one.aliases) <= set(names.asked)
    assert {"dragon", "filter", "alu", "write-gate", "knowledge-entry"} <= set(list_entries("method"))
