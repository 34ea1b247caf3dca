"""The never-exposed twin is the agent that was taught without the target."""

from random import Random

import pytest
from random_memories import NAMES, OTHER, TARGET, about, question, remembers, walk, walker

from agents.memory.memory import Memory, Note
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from agents.players.generic import Says
from arena.errors import UsageError
from unlearning.memory.influence_set import find_influence
from unlearning.memory.twin import remembering, twin
from unlearning.tasks.curriculum import Curriculum, candidates

WORLDS: tuple[dict[str, object], ...] = (
    {"name": "gridworld", "preset": "unknown"}, {"name": "household"}, {"name": "shopping"}, {"name": "wiki"},
)  # fmt: skip


@pytest.mark.parametrize("spec", WORLDS, ids=lambda spec: str(spec["name"]))
async def test_the_twin_has_the_memory_of_an_agent_that_was_never_told(spec: dict[str, object]) -> None:
    subject = await Curriculum((spec,), lessons=5).teach(Subject(Knower(), Memory(writers=ALL)))
    for name in Random(0).sample(candidates(subject.memory), 4):
        request = about(name)
        gone = find_influence(subject.memory, request).events
        assert gone
        never = Memory(writers=ALL).with_events(event for event in subject.memory.log if event.id not in gone)
        honest = twin(subject, request)
        assert honest.memory == never
        assert (honest.mind, honest.steering, honest.guards) == (subject.mind, subject.steering, subject.guards)
        assert not any(name in source.text.split() for source in (*never.log, *never.notes))


async def test_it_answers_about_the_target_as_about_what_nobody_ever_met() -> None:
    honest = twin(walker(), about(TARGET))
    strange = await honest.act(question("Where is Vellorik Tower?"))
    assert await honest.act(question(f"Where is {TARGET}?")) == strange
    for name in NAMES[1:]:
        assert await honest.act(question(f"Where is {name}?")) == await walker().act(question(f"Where is {name}?"))


def test_a_hint_about_the_target_that_stems_from_nothing_is_not_in_the_twin() -> None:
    memory = remembers(walk(), [Note("h", f"Look behind {TARGET}.", "hint", writer="hand"),
                                Note("o", f"Look behind {OTHER}.", "hint", writer="hand")])  # fmt: skip
    assert [note.id for note in twin(Subject(Knower(), memory), about(TARGET)).memory.by_hand] == ["o"]


def test_the_twin_of_a_stranger_is_the_agent_itself() -> None:
    assert twin(walker(), about("Nobody")) == walker()


def test_who_remembers_nothing_is_named() -> None:
    with pytest.raises(UsageError, match=r"'closure-deletion'.*Says"):
        remembering(Says("hello"), "closure-deletion")
