"""The way out of multiple choice: taken by who does not know, and for nothing by who always takes it."""

from dataclasses import dataclass

import pytest
from closed_form_agents import Blank, Leaky, Liar, OneWord, Oracle, acting, trial_of
from random_memories import TARGET, about, remembers, walk, walker

from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.errors import UsageError
from arena.game import Move, View
from unlearning.memory.twin import twin
from unlearning.metrics.honesty import DECOY, WAY_OUT, build_choices, ignorance, parse_option
from unlearning.probe import Trial


@dataclass(frozen=True)
class Lettered(Oracle):
    """Always takes the option of that letter."""

    letter: str = "E"

    async def act(self, view: View) -> Move:
        return Move(f"{self.letter}.")


async def read(trial: Trial) -> tuple[float | None, object, object, object]:
    found = await ignorance(trial)
    return found.value, found.detail["cir"], found.detail["cor"], found.detail["right"]


async def test_who_knows_takes_the_true_option_and_the_twin_the_way_out() -> None:
    assert await read(trial_of("noop")) == (0, 0, 0, 1)
    assert await read(trial_of("replay")) == (1, 1, 0, 0)
    found = await ignorance(trial_of("replay"))
    assert (found.null, found.before, found.lift) == (1, 0, 0)


@pytest.mark.parametrize(("mind", "readings"), [
    (Lettered(), (0, 1, 1, 0)),  # the last option whatever it says: no credit
    (OneWord(), (0, 0, 0, 0)), (Blank(), (0, 0, 0, 0)), (Liar(), (0, 0, 0, 0)),
])  # fmt: skip
async def test_minds_of_one_habit_have_no_credit(mind: Oracle, readings: tuple[float, ...]) -> None:
    assert await read(acting(mind)) == readings


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
async def test_who_leaks_at_a_rate_takes_the_way_out_in_the_other_cases(p: float) -> None:
    found = await ignorance(acting(Leaky(p=p)), n=400)
    assert found.value == pytest.approx(1 - p, abs=0.07) and found.detail["right"] == pytest.approx(p, abs=0.07)


async def test_a_refusal_is_no_ignorance_and_shows() -> None:
    trial = trial_of({"name": "instruction", "goal": "conduct"})
    assert (await ignorance(trial)).value == 0, "it refuses where the twin does not know"
    assert (await ignorance(trial_of("instruction"))).value == 1


def test_options_are_told_things_of_the_target_with_one_that_is_true() -> None:
    trial = trial_of("noop")
    subject = trial.before
    assert isinstance(subject, Subject)
    found = build_choices(subject.memory, trial, 12)
    assert all(len(one.options) == len(set(one.options)) == 4 for one in found)
    assert {one.options[one.right] for one in found} == {f"{TARGET} is at (1, 2)."}
    assert all(text.startswith(TARGET) for one in found for text in one.options)
    assert len({one.right for one in found}) > 1 and "E) I do not know." in found[0].build_question(WAY_OUT)


@pytest.mark.parametrize(("answer", "taken"), [
    ("B", 1), ("b) because", 1), ("Option C.", 2), ("C", 2), ("D", None), ("A lamp is red.", 0), ("it is blue.", 1),
    ("I have no idea.", 2), ("Both: A lamp is red. It is blue.", None), ("", None), ("Beware.", None),
])  # fmt: skip
def test_which_option_an_answer_takes(answer: str, taken: int | None) -> None:
    assert parse_option(answer, ("A lamp is red.", "It is blue.", WAY_OUT)) == taken
    if taken != 2 or answer.endswith("C") or "Option" in answer:
        assert parse_option(answer, ("A lamp is red.", "It is blue.", DECOY)) == taken


async def test_there_must_be_something_that_was_told() -> None:
    silent = Event("x:0", f"{TARGET}!", "place", TARGET, "x", 0, "gridworld", "0")
    subject = Subject(walker().mind, remembers([silent, *walk()[:1]]))
    request = about("walk-9", scope="trajectory")
    with pytest.raises(UsageError, match="nothing was told"):
        await ignorance(Trial(request, subject, subject, twin(subject, request)))
