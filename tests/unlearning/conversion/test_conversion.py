"""Conversion: what is shown, what may come back, what is carried out, and when nothing is."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from random_memories import with_data
from reply_forms import THOUGHTS

from agents.chat_model import Reply
from agents.memory.memory import Event, Memory, Note
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.models.scripted import Scripted
from agents.note_policy.knower import Knower
from agents.note_policy.steering_orders import AVOID, IGNORE, NOTES_ONLY, format_order
from arena.errors import UsageError
from arena.spec import build, describe
from arena.usage import FREE, Usage
from unlearning.conversion.chat import ChatConverter, format_input
from unlearning.conversion.conversion import (
    BadConversion,
    Conversion,
    ConversionInput,
    parse_conversion,
    render_conversion,
    render_steering,
)
from unlearning.conversion.data import compute_oracle_edits
from unlearning.conversion.edits import apply_conversion
from unlearning.conversion.exam import examine_subject, probe_subject
from unlearning.conversion.headers import build_pages, flag_failures
from unlearning.conversion.loop import convert_request
from unlearning.conversion.name_linking import NamedEntities, link_names
from unlearning.conversion.styles import HELD_OUT, STYLES, TAUGHT, TUNED, Wording, word_request
from unlearning.memory.request_parsing import UnclearTarget
from unlearning.memory.twin import twin
from unlearning.methods.memory.converted import Converted
from unlearning.request import Item, Request

PLACES = {"Solthosk Harbour": (7, 3), "Vrova Arch": (2, 9), "Krulmul Arch": (5, 5)}


def event(episode: int, number: int, subject: str, text: str, kind: str = "place") -> Event:
    name = f"walk-{episode}"
    return with_data(Event(f"{name}:{number}", text, kind, subject, name, number, "gridworld", "1", "reach"))


def walker() -> Subject:
    """Three walks: the first two tell of the harbour and an arch, the third of the other arch."""
    told = {name: f"{name} is at {cell}." for name, cell in PLACES.items()}
    walks = (("Solthosk Harbour", "Vrova Arch"), ("Solthosk Harbour",), ("Krulmul Arch",))
    log = []
    for number, seen in enumerate(walks):
        log += [event(number, n, name, told[name]) for n, name in enumerate(seen)]
        story = f"The task “go to {seen[0]}” was done in 2 steps: go east; go north."
        log.append(event(number, 9, "reach", story, "outcome"))
    memory = Memory(writers=ALL).with_events(log)
    return Subject(
        Knower(), memory.with_note(Note("hint", "Vrova Arch is lovely.", "hint", writer="hand", exact=False))
    )


def right(subject: Subject, request: Request) -> Conversion:
    names = tuple(item.name for item in request.forget)
    return Conversion(request.scope, names, compute_oracle_edits(subject.memory, request))


class Fixed:
    """A converter that gives its answers one after the other, and keeps what it was asked."""

    def __init__(self, *answers: Conversion | BadConversion) -> None:
        self.answers, self.asked = list(answers), list[ConversionInput]()

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]:
        self.asked.append(asked)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, BadConversion):
            raise answer
        return answer, FREE


def harbour(scope: str = "state", name: str = "Solthosk Harbour") -> Request:
    return Request((Item(name),), scope=scope)  # type: ignore[arg-type]


# ---- what is shown -----------------------------------------------------------------------------------------


def test_names_are_found_in_full_before_in_part() -> None:
    names = NamedEntities.of(walker().memory)
    full = link_names("please forget SOLTHOSK harbour and gridworld/1", names)
    assert [(entity.name, entity.scope, entity.exact) for entity in full[:2]] == [
        ("Solthosk Harbour", "state", True), ("gridworld/1", "environment", True)
    ]  # fmt: skip
    arches = link_names("that arch of yours", names)
    assert {entity.name for entity in arches} == {"Vrova Arch", "Krulmul Arch"}
    assert all(entity.rivals == 1 and not entity.exact and entity.cover == 0.5 for entity in arches)
    assert link_names("forget the windmill", names) == ()


def test_a_run_is_known_by_its_task() -> None:
    found = link_names("forget how you did “go to Krulmul Arch”", NamedEntities.of(walker().memory))
    assert [(entity.name, entity.scope) for entity in found] == [("walk-2", "trajectory")]


def test_headers_say_how_much_of_a_note_has_to_do_with_a_name_and_never_what_it_says() -> None:
    subject = walker()
    (page,) = build_pages(subject, "forget Solthosk Harbour and Vrova Arch")
    by_kind = {(header.kind, header.about[0][0]): header for header in page.headers if header.about}
    assert dict(by_kind["record", "Solthosk Harbour"].about)["Solthosk Harbour"] == 1.0
    summary = next(header for header in page.headers if header.kind == "summary")
    assert dict(summary.about)["Solthosk Harbour"] == 0.5, "two of the four events behind it"
    assert by_kind["hint", "Vrova Arch"].fixed and not summary.fixed
    texts = [note.text for note in subject.memory.notes]
    assert not any(text in format_input(page) for text in texts)


def test_notes_that_may_be_meant_are_all_shown_page_by_page() -> None:
    subject = walker()
    pages = build_pages(subject, "forget gridworld", shown=2)
    ids = [header.id for page in pages for header in page.headers]
    assert len(pages) > 1 and sorted(ids) == sorted(note.id for note in subject.memory.notes)
    assert all(len(page.headers) <= 2 for page in pages)
    assert all(page.entities == pages[0].entities for page in pages)


# ---- what may come back ------------------------------------------------------------------------------------


def test_an_answer_is_the_same_after_json_and_back() -> None:
    subject = walker()
    (page,) = build_pages(subject, "forget Solthosk Harbour")
    made = replace(right(subject, harbour()), steering=NOTES_ONLY)
    assert parse_conversion(render_conversion(made), page) == made


def answer(kind: str, edits: str = "{}", names: str = '["Vrova Arch"]') -> str:
    return f'{{"scope": {{"kind": "{kind}", "names": {names}}}, "edits": {edits}, "steering": "", "retain": []}}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no JSON", "no JSON of the form"),
        ("{}", "no JSON of the form"),
        (answer("state", names='"x"'), "no JSON of the form"),
        (answer("city"), "the kind 'city'"),
        (answer("state", names="[]"), "without a target"),
        (answer("state", names='["Rome"]'), "'Rome'"),
        (answer("environment"), "for a env"),
        (answer("state", '{"n": "delete"}'), "'n'"),
        (answer("state", '{"hint": "burn"}'), "burn"),
        (answer("state", '{"hint": "rewrite"}'), "nobody can write anew"),
    ],
)
def test_what_is_not_of_the_form_is_refused(text: str, says: str) -> None:
    (page,) = build_pages(walker(), "forget Vrova Arch")
    with pytest.raises(BadConversion, match=says):
        parse_conversion(text, page)


def test_long_words_to_steer_by_are_refused_and_names_in_them_are_seen() -> None:
    (page,) = build_pages(walker(), "forget Vrova Arch")
    with pytest.raises(BadConversion, match="48 words"):
        parse_conversion(render_conversion(Conversion("state", ("Vrova Arch",), steering="so " * 49)), page)
    names = ("Vrova Arch",)
    assert Conversion("state", names, steering=render_steering("ignore", names)).leaks
    assert not Conversion("state", names, steering=render_steering("notes", names)).leaks


# ---- what is carried out -----------------------------------------------------------------------------------

REQUESTS = (
    harbour(),
    Request((Item("Solthosk Harbour"), Item("Krulmul Arch")), (Item("Vrova Arch"),), "state"),
    harbour("trajectory", "walk-0"),
    harbour("environment", "gridworld/1"),
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.forget[0].name)
async def test_the_oracles_edits_make_the_never_exposed_twin(request_: Request) -> None:
    subject = walker()
    after, honest = apply_conversion(subject, right(subject, request_)), twin(subject, request_)
    assert (after.memory.log, after.memory.notes) == (honest.memory.log, honest.memory.notes)
    assert (await examine_subject(subject, after, request_)).passed


async def test_an_edit_that_is_missing_leaks_and_one_too_many_costs() -> None:
    subject, request = walker(), harbour()
    good = right(subject, request)
    summary = next(note.id for note in subject.memory.notes if note.kind == "summary")
    left = apply_conversion(subject, replace(good, edits={**good.edits, summary: "keep"}))
    assert any("Solthosk" in note.text for note in left.memory.notes)
    found = await probe_subject(subject, left, request)
    assert found.told == ("Solthosk Harbour",) and found.leaking == (summary,)
    arch = [note.id for note in subject.memory.notes if "Krulmul" in note.text]
    over = apply_conversion(subject, replace(good, edits={**good.edits, **dict.fromkeys(arch, "delete")}))
    assert (await probe_subject(subject, over, request)).lost
    marks = await examine_subject(subject, over, request)
    assert marks.forget == 1.0 and marks.retain < 1.0


def test_parts_edits_or_text_alone() -> None:
    subject = walker()
    made = replace(right(subject, harbour()), steering=NOTES_ONLY)
    assert apply_conversion(subject, made, "edits").steering == ""
    text = apply_conversion(subject, made, "text")
    assert text.steering == NOTES_ONLY and text.memory == subject.memory


async def test_what_failed_is_told_and_converted_again() -> None:
    subject = walker()
    good = right(subject, harbour())
    record = next(id for id, edit in good.edits.items() if edit == "delete")
    poor = replace(good, edits={id: edit for id, edit in good.edits.items() if id != record})
    converter = Fixed(BadConversion("no JSON"), poor, good)
    course = await convert_request(subject, harbour(), converter)
    assert [attempt.passed for attempt in course.attempts] == [False, False, True]
    assert "no JSON" in converter.asked[1].failed
    assert {header.id: header.flag for header in converter.asked[2].headers}[record] == "told"
    assert [entity.told for entity in converter.asked[2].entities] == [True]
    assert course.agent.memory.notes == twin(subject, harbour()).memory.notes


async def test_words_to_steer_by_never_name_the_target() -> None:
    subject = walker()
    good = right(subject, harbour())
    for form in (IGNORE, AVOID):
        naming = replace(good, steering=format_order(form, good.names))
        course = await convert_request(subject, harbour(), Fixed(naming))
        assert course.agent.steering == "" and "named the target" in course.attempts[0].fault
        assert course.agent.memory == twin(subject, harbour()).memory
        alone = await convert_request(subject, harbour(), Fixed(replace(naming, edits={})), attempts=2)
        assert [attempt.passed for attempt in alone.attempts] == [False, False], "and what they hid comes to light"
    kept = await convert_request(subject, harbour(), Fixed(replace(good, steering=NOTES_ONLY)))
    assert kept.agent.steering == NOTES_ONLY and not kept.attempts[0].fault


async def test_attempts_are_bounded_and_no_valid_answer_changes_nothing() -> None:
    converter = Fixed(BadConversion("no JSON"))
    with pytest.raises(BadConversion, match="2 attempts, and nothing was changed"):
        await convert_request(walker(), "forget Vrova Arch", converter, attempts=2)
    assert len(converter.asked) == 2


@pytest.mark.parametrize(
    ("made", "error", "says"),
    [
        (Conversion("everything"), UnclearTarget, "reset"),
        (Conversion("unknown"), UnclearTarget, "nothing that memory has"),
        (
            Conversion("ambiguous", ("Vrova Arch", "Krulmul Arch")),
            UnclearTarget,
            "did it mean Vrova Arch, Krulmul Arch",
        ),
        (Conversion("state", ("Vrova Arch",), retain=("Vrova Arch",)), UsageError, "forgotten and kept at once"),
    ],
)
async def test_what_cannot_be_carried_out_is_told(made: Conversion, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        await convert_request(walker(), "forget the arch of Vrova Arch and Krulmul Arch", Fixed(made))


# ---- chat models -------------------------------------------------------------------------------------------


async def test_any_chat_model_can_convert_and_is_held_to_the_form() -> None:
    subject, request = walker(), harbour()
    model = Scripted(replies=(f"```json\n{render_conversion(right(subject, request))}\n```",))
    after = await Converted(model=model)(subject, request)
    assert isinstance(after, Subject) and after.memory.notes == twin(subject, request).memory.notes
    with pytest.raises(BadConversion, match="nothing was changed"):
        await Converted(model=Scripted(replies=("I cannot do that.",)))(subject, request)
    course = await convert_request(subject, request, ChatConverter(model))
    assert len(course.usage.calls) == 1 and course.usage.input_tokens > 100


@pytest.mark.parametrize("form", ["think", "magistral", "harmony", "granite", "begun by the prompt", "answer tag"])
async def test_what_a_chat_model_thinks_is_no_conversion(form: str) -> None:
    subject, request = walker(), harbour()
    told = render_conversion(right(subject, request))
    model = Scripted(replies=(THOUGHTS[form]('{"scope": "hm, what?"}', f"```json\n{told}\n```"),))
    after = await Converted(model=model)(subject, request)
    assert isinstance(after, Subject) and after.memory.notes == twin(subject, request).memory.notes
    endless = Scripted(replies=(Reply("<think>The notes", stop="length"),))
    with pytest.raises(BadConversion, match="all thought, cut off at 4,096 tokens"):
        await convert_request(subject, request, ChatConverter(endless))


def test_the_method_is_a_part_like_any_other() -> None:
    made = build("method", {"name": "converted", "model": "scripted/echo", "attempts": 1})
    assert build("method", describe(made)) == made
    assert build("method", "converted") == Converted()
    with pytest.raises(ValueError, match="attempts"):
        Converted(attempts=0)
    with pytest.raises(ValueError, match="one of"):
        Converted(weights="a", base="b")


# ---- styles ------------------------------------------------------------------------------------------------


def test_the_styles_are_three_sets_apart_and_word_what_they_are_given() -> None:
    assert len(STYLES) == 26 and sorted((*TAUGHT, *TUNED, *HELD_OUT)) == sorted(STYLES)
    for style in STYLES:
        for seed in range(20):
            text = word_request(style, Wording(("Aaa", "Bbb"), ("Ccc",), ("Ddd",)), Random(seed))
            assert {"Aaa", "Bbb", "Ccc"} <= {name for name in ("Aaa", "Bbb", "Ccc") if name in text}, (style, text)
            assert not any(mark in text for mark in ("[[", "<<", "{t", "{v")), (style, text)


def test_flags_go_to_the_notes_and_names_they_are_about() -> None:
    (page,) = build_pages(walker(), "forget Vrova Arch")
    marked: Sequence[str] = [header.flag for header in flag_failures(page, ("Vrova Arch",), ("hint",), ()).headers]
    assert marked.count("told") == 1 and "1 notes" in flag_failures(page, (), ("hint",), ()).failed
