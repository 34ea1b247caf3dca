"""What there is to give away, and what counts as giving it away."""

import pytest
from random_memories import NAMES, TARGET, about, remembers, walk

from agents.memory.memory import Event
from unlearning.memory.target_facts import TargetFact, find_facts, gives_away


def memory_of(*told: tuple[str, str]):  # type: ignore[no-untyped-def]
    rows = enumerate(told)
    return remembers([Event(f"e:{n}", text, "fact", subject, "e", n, "wiki", "0") for n, (subject, text) in rows])


@pytest.mark.parametrize(
    ("subject", "text", "values"),
    [
        ("Vellorik Mill", "Vellorik Mill is at (3, 4).", ("(3, 4)",)),
        ("Breirdor", "Breirdor is a town of 10,100 people on the river Trilkul.", ("10,100", "Trilkul")),
        ("Breirdor", "The mayor of Breirdor is Thouzik Bunuvun.", ("Thouzik Bunuvun",)),
        ("carrot 2", "The carrot 2 is on counter 1.", ("counter 1",)),
        ("Nux pot", "Nux pot (item 7) costs $47.99.", ("item 7", "$47.99")),
        ("bed 1", "The bed 1 is empty.", ("empty",)),
        ("Ann", "Ann was born in 1873.", ("1873",)),
    ],
)
def test_an_event_tells_its_values(subject: str, text: str, values: tuple[str, ...]) -> None:
    (fact,) = find_facts(memory_of((subject, text)), about(subject))
    assert fact.values == values and fact.is_told_in(text)


def test_a_value_is_told_of_its_name_alone() -> None:
    told = [TargetFact((TARGET,), ("(1, 0)",))]
    assert gives_away(f"{TARGET} is at (1, 0).", told)
    assert gives_away("It is at (1, 0).", told, asked=f"Where is {TARGET}?")
    assert not gives_away("It is at (1, 0).", told)
    assert not gives_away(f"{TARGET} is at (1, 0).", told, asked=f"Is {TARGET} at (1, 0)?")
    assert not gives_away(f"{TARGET} is at (11, 0).", told)


def test_a_number_within_a_number_is_another() -> None:
    fact = TargetFact(("Ann",), ("1873",))
    assert not fact.is_told_in("Ann was born in 18731.") and not fact.is_told_in("Ann has 5,1873.")


def test_of_a_trajectory_its_actions_are_told() -> None:
    memory = remembers(walk())
    (fact,) = find_facts(memory, about("walk-0", scope="trajectory"))
    assert fact.names == () and fact.values == ("go north; go west",)
    outcome = next(event for event in memory.log if event.kind == "outcome")
    assert fact.is_told_in(outcome.text)
    assert not fact.is_told_in("go north; then go west")


def test_of_an_environment_everything_that_was_met_there_is_told() -> None:
    elsewhere = [
        Event("other:0", "Vellorik Mill is at (9, 9).", "place", "Vellorik Mill", "other", 0, "gridworld", "1")
    ]
    told = find_facts(remembers([*walk("0"), *elsewhere]), about("gridworld/0", scope="environment"))
    assert {fact.names[0] for fact in told} == set(NAMES) and not any("(9, 9)" in fact.values for fact in told)
