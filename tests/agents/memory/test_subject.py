"""An agent with a memory: what its mind is shown, whose notes, in which words, and through which guards."""

from dataclasses import dataclass, field, replace

import pytest
from random_memories import NAMES, OTHER, TARGET, question, remembers, walk, walker

from agents.llm.llm import LLM
from agents.memory.memory import Note
from agents.memory.subject import Answer, Subject, with_mind_words
from agents.models.scripted import Scripted
from arena.engine.play import perform
from arena.episode import Match
from arena.game import Move, View
from arena.spec import describe


@dataclass(frozen=True)
class Open:
    """A mind that says what it was shown: its notes and the words that steer it."""

    shown: list[tuple[tuple[str, ...], str, View]] = field(default_factory=list)

    def recalling(self, notes: tuple[str, ...], steering: str) -> "Told":
        return Told(self, notes, steering)

    async def act(self, view: View) -> Move:
        return Move("I was not given anything.")


@dataclass(frozen=True)
class Told:
    mind: Open
    notes: tuple[str, ...]
    steering: str

    async def act(self, view: View) -> Move:
        self.mind.shown.append((self.notes, self.steering, view))
        return Move(" | ".join(self.notes))


@dataclass(frozen=True)
class Mark:
    """A guard that writes its letter before and behind."""

    letter: str

    async def guard(self, view: View, answer: Answer) -> Move:
        move = await answer(replace(view, rules=view.rules + self.letter))
        return replace(move, text=self.letter + move.text)


async def test_the_mind_is_shown_what_it_noted_and_what_steers_it() -> None:
    mind = Open()
    subject = Subject(mind, remembers(walk()), steering="Be brief.")
    await subject.act(question("Where?"))
    ((notes, steering, _),) = mind.shown
    assert notes == tuple(note.text for note in subject.memory.notes) and steering == "Be brief."


async def test_a_small_budget_brings_up_what_bears_on_the_question() -> None:
    mind = Open()
    subject = Subject(mind, remembers(walk()), budget=60)
    for name in NAMES:
        await subject.act(question(f"Where is {name}?"))
        notes, _, _ = mind.shown[-1]
        assert sum(map(len, notes)) <= 60 and any(note.startswith(f"{name} is at") for note in notes)


@pytest.mark.parametrize("user", ["", "ann", "ben"])
async def test_nobody_is_told_what_another_user_told(user: str) -> None:
    log = [replace(e, id=f"{who}-{e.id}", user=who, text=f"{e.text} ({who})") for e in walk() for who in ("ann", "ben")]
    mind = Open()
    await Subject(mind, remembers([*walk(), *log]), user=user).act(question("Where?"))
    ((notes, _, _),) = mind.shown
    told = " ".join(notes)
    assert (("(ann)" in told), ("(ben)" in told)) == (user == "ann", user == "ben")
    assert f"{OTHER} is at (2, 3)." in notes


async def test_guards_stand_one_behind_the_other_the_first_outermost() -> None:
    mind = Open()
    move = await Subject(mind, guards=(Mark("a"), Mark("b"))).act(question("?"))
    assert move.text == "ab" and mind.shown[0][2].rules == "Answer.ab"


async def test_what_a_guard_whispers_is_said_to_the_mind_alone_and_for_once() -> None:
    mind = Open()
    subject = Subject(mind, steering="Be brief.")
    view = with_mind_words(with_mind_words(question("?"), "one"), "two")
    await subject.act(view)
    await subject.act(question("?"))
    (_, first, seen), (_, second, _) = mind.shown
    assert first == "Be brief.\none\ntwo" and second == "Be brief."
    assert "one" not in str(seen.known) and "one" not in str(seen.messages)


async def test_a_model_is_a_mind_and_has_it_all_in_its_prompt() -> None:
    subject = Subject(LLM(Scripted(replies=("ok",)), persona="A guide."), remembers(walk()), steering="Be brief.")
    move = await subject.act(question("Where?"))
    prompt = "\n".join(text for _, text in move.usage.calls[0].prompt)
    assert all(words in prompt for words in ("A guide.", "Be brief.", f"{TARGET} is at (1, 2).", "Where?"))
    assert isinstance(subject.mind, LLM) and subject.mind.memory == (), "the mind itself is as it was"


async def test_a_subject_sits_down_wherever_its_mind_can() -> None:
    episode = await perform(Match({"name": "gridworld", "preset": "unknown"}, {"agent": walker()}, 3))
    assert episode.scores["agent"] == 1


async def test_notes_of_others_stay_away_when_they_are_written_by_hand() -> None:
    mind = Open()
    memory = remembers(walk()).with_note(Note("x", "The code is 4711.", "hint", user="ann"))
    await Subject(mind, memory, user="ben").act(question("What is the code?"))
    assert not any("4711" in note for note in mind.shown[0][0])


def test_the_data_of_events_changes_no_description_and_no_id_of_a_match() -> None:
    knows = walker()
    bare = replace(knows.memory, log=tuple(replace(event, data=None) for event in knows.memory.log))
    assert any(event.data is not None for event in knows.memory.log)
    assert describe(knows) == describe(replace(knows, memory=bare))
    assert (
        Match("gridworld", {"agent": knows}, 3).id == Match("gridworld", {"agent": replace(knows, memory=bare)}, 3).id
    )
