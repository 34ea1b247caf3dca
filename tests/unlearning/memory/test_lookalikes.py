"""What stays and looks like the target is listed row by row, and can be forgotten, too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runner import arena
from random_memories import remembers

from agents.memory import agent_store
from agents.memory.memory import Event, Memory, Note
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.store.database import writing
from arena.store.store import Store
from unlearning.cli.teach_and_forget import Order, forget_request
from unlearning.memory.lookalikes import lookalikes
from unlearning.memory.twin import twin
from unlearning.request import Item, Request

DIARY = (
    ("1", "Ann Lee", "Ann Lee lives in Oak Road 14, phone 5550199."),
    ("2", "", "She would rather not be called at work."),
    ("3", "", "A.L. paid the March rent."),
    ("4", "", "Call Ann back."),
    ("5", "Bo Park", "Bo Park shares a desk with Ann Lee."),
    ("6", "", "The number 5550199 rang twice."),
    ("7", "", "Anne Lee sent flowers."),
    ("8", "Bo Park", "Bo Park is at home."),
    ("9", "", "An annual lee wind blew; all is well."),
    ("10", "Anna Leeman", "Anna Leeman keeps bees."),
)


def diary(rows: tuple[tuple[str, str, str], ...] = DIARY) -> Subject:
    log = [Event(id, text, subject=subject, episode="diary", step=n) for n, (id, subject, text) in enumerate(rows)]
    return Subject(Knower(), remembers(log))


def seen(subject: Subject, *names: str, keep: tuple[str, ...] = ()) -> dict[str, str]:
    request = Request(tuple(map(Item, names)), tuple(map(Item, keep)), "state")
    after = twin(subject, request).memory
    return {one.id: one.kind for one in lookalikes(subject.memory, after, request)}


def test_initials_first_names_pronouns_values_spellings_and_kept_texts_are_seen() -> None:
    expected = {"2": "pronoun", "3": "initials", "4": "part", "5": "name", "6": "value", "7": "part"}
    assert seen(diary(), "Ann Lee", keep=("Bo Park",)) == expected
    assert seen(diary(), "Bo Park") == {}


@pytest.mark.parametrize(("name", "text", "kind"), [
    ("Ann Lee", "The initials are A. L. on the bag.", "initials"), ("Ann Lee", "AL was late.", "initials"),
    ("Mary-Ann Lee", "M.A.L. signed.", "initials"), ("Ann Lee", "ALL is well, AL's not ALE", "initials"),
    ("Анна Ли", "А.Л. звонила.", "initials"), ("Анна Ли", "Позвони Анне.", "spelling"),
    ("Robert Schmidt", "Herr Schmitt called.", "spelling"), ("Sosten Harbour", "Sostens gates are shut.", "spelling"),
    ("王小明", "小明来了。", "part"), ("Jörg Weiß", "Ask JÖRG.", "part"), ("Ann Lee", "Dear Mrs. Lee, hello.", "part"),
    ("Ann Lee", "Ann\nLee", "name"),
])  # fmt: skip
def test_each_kind_in_other_words(name: str, text: str, kind: str) -> None:
    subject = diary((("1", name, f"{name} is here."), ("2", "X", "X is between."), ("3", "", text)))
    if kind == "name":
        assert seen(subject, name, keep=("X",)) == {}, "what names it is forgotten, not listed"
    else:
        assert seen(subject, name) == {"3": kind}


@pytest.mark.parametrize("text", [
    "All is well.", "The lee side of the hill is green.", "Bo Park met Cy Vance.", "It rained on 14 days.",
    "ALSO BALL.",
    "The harbour is closed.", "An annual fee.",
])  # fmt: skip
def test_what_does_not_look_like_it_is_not_listed(text: str) -> None:
    for name in ("Ann Lee", "Sosten Harbour"):
        subject = diary((("1", name, f"{name} is here."), ("2", "X", "X is between."), ("3", "", text)))
        assert seen(subject, name) == {}


def test_places_that_share_a_common_word_are_not_taken_for_each_other() -> None:
    rows = [
        (str(n), name, f"{name} is at ({n}, {n}).") for n, name in enumerate(("Old Mill", "Tall Mill", "Mill Gate"))
    ]
    assert seen(diary(tuple(rows)), "Old Mill") == {}


def test_notes_by_hand_are_looked_at_and_written_ones_are_not() -> None:
    memory = remembers(diary().memory.log, [Note("hand", "Send Ann a card.", "hint", (), "me")])
    found = seen(Subject(Knower(), memory), "Ann Lee", keep=("Bo Park",))
    assert found["hand"] == "part" and set(found) <= {event.id for event in memory.log} | {"hand"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with Store.open(str(tmp_path / "arena.db")) as store, writing(store.engine) as connection:
        agent_store.save_agent(connection, "keeper", diary())
    yield tmp_path


def test_the_receipt_lists_them_and_they_can_be_forgotten_too(folder: Path) -> None:
    told = arena(folder, "forget", "keeper", "--request", "forget Ann Lee but keep Bo Park")
    assert "exact as far as recognised" in told
    assert "its initials: event 3" in told and "a part of its name: event 4, event 7" in told
    assert "a pronoun behind a text that was forgotten: event 2" in told and "its name: event 5" in told
    read = told.partition("arena sql ")[2].partition(";")[0].strip().strip('"')
    assert "5" in arena(folder, "sql", read) or "event" in read
    json_told = json.loads(arena(folder, "receipt", "keeper", "--json"))
    assert {one["id"] for one in json_told["alike"]} == {"2", "3", "4", "5", "6", "7"}
    assert not any(word in json.dumps(json_told) for word in ("Ann", "Lee", "5550199"))

    also = [word for id in ("2", "3", "4", "6", "7") for word in ("--also", id)]
    told = arena(folder, "forget", "keeper", *also)
    assert "5 events removed" in told.replace("  ", " ") and "exact as far as recognised" in told
    left = arena(folder, "sql", "select text from event order by n", "--csv")
    assert "Call Ann" not in left and "A.L." not in left and "Bo Park is at home." in left


def test_rows_go_with_the_named_target_in_one_request_and_wrong_ids_are_refused(folder: Path) -> None:
    with Store.open(str(folder / "arena.db")) as store:
        forget_request(store, Order("keeper", "forget Ann Lee", also=("2", "3", "4", "6", "7")))
        memory: Memory = agent_store.get_agent(store, "keeper").memory
    assert {event.id for event in memory.log} == {"8", "9", "10"}
    said = arena(folder, "forget", "keeper", "--also", "88", code=2)
    assert "no event or note named '88'" in said
    assert {event.id for event in memory.log} == {"8", "9", "10"}
