"""A small model that acts and answers by the notes before it: what it is shown, what its answers mean, what it does."""

from dataclasses import replace
from pathlib import Path

import pytest
from random_memories import OTHER, TARGET, question

pytest.importorskip("torch")
pytest.importorskip("transformers")

from agents.learned_policy.policy import SHIPPED, Policy
from agents.learned_policy.policy_prompt import (
    LINES,
    build_prompt,
    choose_sentences,
    mark_names,
    number_names,
    parse_move,
    unmark_names,
)
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE, classify_answer
from arena.engine.match_loop import first_state
from arena.engine.play import perform
from arena.episode import Match
from arena.errors import UsageError
from arena.game import Move, View
from arena.spec import build
from unlearning.policy.scores import list_facts
from unlearning.probe import Task
from unlearning.tasks.curriculum import Curriculum
from unlearning.tasks.lessons import run_task

NOTES = (f"{TARGET} is at (1, 2). {OTHER} is at (2, 3).", f"{OTHER}, at (2, 3), is blocked.",
         f"The task “go to {TARGET} from (5, 5)” was done in 4 steps: go south; go west.")  # fmt: skip
GRID = {"name": "gridworld", "preset": "unknown"}
shipped = pytest.mark.skipif(
    not (SHIPPED / "config.json").is_file(), reason="no model stands there; type: python -m unlearning.policy.train"
)


def view_of(game: object, seed: int = 0) -> View:
    made = build("game", game)
    return made.view(first_state(made, Match(game, seed=seed)), "agent")


async def knower(game: object, lessons: int = 12) -> Subject:
    return await Curriculum((game,), lessons).teach(Subject(Knower(), Memory(writers=ALL)))  # type: ignore[arg-type]


def test_it_is_shown_facts_orders_and_where_it_stands() -> None:
    view = view_of({**GRID, "world": 3}, 5)
    goal, (x, y) = view.known["goal"], view.known["position"]  # type: ignore[misc]
    text = build_prompt(view, (*NOTES, f"{goal} is at (4, 4)."), "Be\nbrief.")
    *lines, last = text.rstrip("\n").split("\n")
    assert lines[-2:] == [f" {goal} is at (4, 4).", " order Be brief."] and "was done in" not in text
    assert last.startswith(f"walk to {goal} at ({x}, {y}) around ") and f" {TARGET} is at (1, 2)." in lines
    assert build_prompt(question(f"Where is {TARGET}?"), ()) == f"asked Where is {TARGET}?\n"
    told = replace(question("Where?"), known={"asked": "Where?", "told": ["It is here."]})
    assert build_prompt(told, ()) == " It is here.\nasked Where?\n"


def test_what_bears_on_the_question_is_chosen_and_no_more_than_fits() -> None:
    many = tuple(f"Place Number{n} is at ({n}, {n})." for n in range(1, 40))
    found = choose_sentences(("The mayor of Polkor is Zeb Zullen.", *many, "Zeb Zullen is a weaver."), ("Polkor",))
    assert len(found) == LINES and found[0].endswith("Zeb Zullen.") and found[-1] == "Zeb Zullen is a weaver."


@pytest.mark.parametrize("said, expected", [
    (" Vellorik Mill is at (3, 4); go north", Move("", "go", {"direction": "north"}, "Vellorik Mill is at (3, 4)")),
    ("?; go nowhere", Move("?; go nowhere")), ("", Move("")), ("go; go; go", Move("go; go; go")),
])  # fmt: skip
def test_an_answer_is_a_possible_action_or_mere_words(said: str, expected: Move) -> None:
    view = View("agent", "", known={"phrases": ["go north"], "possible": [["go", {"direction": "north"}]]})
    assert parse_move(view, said) == expected


def test_names_are_numbers_in_the_prompt_and_names_again_in_the_answer() -> None:
    text = f"Is {TARGET} near The Thillet Quartet? The mayor of Polkor, <3>, knows {TARGET}.\n"
    marks = number_names(text)
    assert mark_names(text, marks) == "Is <0> near <1>? The mayor of <2>, ‹3›, knows <0>.\n"
    assert unmark_names("<0>; search [ <1>] <9>", marks) == f"{TARGET}; search [ The Thillet Quartet] <9>"
    crowd = " ".join(f"Ab{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}," for n in range(80))
    assert mark_names(crowd, number_names(crowd)).count("<") == 64


def test_free_text_of_an_action_is_taken_as_it_stands() -> None:
    assert parse_move(view_of("wiki"), " ?; search [ Vellorik Press]") == Move(
        "", "search", {"title": "Vellorik Press"}, "?"
    )


@pytest.mark.slow
@shipped
async def test_what_it_does_in_a_world_it_never_met_depends_on_its_notes() -> None:
    subject = await knower(GRID)
    goals = {event.subject for event in subject.memory.log if event.kind == "place"}
    tasks = [Task({**GRID, "world": 0}, seed=2_000_000 + number) for number in range(40)]
    tasks = [task for task in tasks if view_of(task.game, task.seed).known["goal"] in goals][:8]
    steps: dict[str, float] = {}
    for label, agent in (("with", replace(subject, mind=Policy())), ("without", Subject(Policy()))):
        played = [await run_task(agent, task) for task in tasks]
        steps[label] = sum(float(episode.facts["steps"]) for episode in played) / len(played)  # type: ignore[arg-type]
        if label == "with":
            assert sum(episode.scores["agent"] or 0 for episode in played) >= 7
    assert steps["with"] < 0.6 * steps["without"]


@shipped
async def test_it_says_what_its_notes_say_and_that_it_does_not_know_the_rest() -> None:
    subject = replace(await knower(GRID), mind=Policy())
    places = [event for event in subject.memory.log if event.kind == "place"][:6]
    right = [event.text in (await subject.act(question(f"What do you know about {event.subject}?"))).text
             for event in places]  # fmt: skip
    assert sum(right) >= 5
    names = (
        TARGET,
        OTHER,
        "Bremmik Arch",
        "Drelthun Chapel",
        "Vostil Garden",
        "Kelmar Yard",
        "Zunnet Fountain",
        "Arvik Well",
    )
    strange = [(await subject.act(question(f"What do you know about {name}?"))).text for name in names]
    assert strange.count(IGNORANCE) >= 6
    empty = [(await Policy().act(question(f"What do you know about {event.subject}?"))).text for event in places]
    assert {classify_answer(text) for text in empty} == {"ignorant"}


@shipped
async def test_the_same_seed_is_the_same_episode_and_temperature_draws_by_it() -> None:
    subject = replace(await knower(GRID, 4), mind=Policy())
    task = Match(GRID, {"agent": subject}, 9)
    first, again = await perform(task), await perform(task)
    assert first.facts == again.facts
    drawn = Policy(temperature=1.5)
    answers = [(await drawn.recalling(tuple(list_facts(subject)), "").act(view_of(GRID, seed))).text for seed in (1, 1)]
    assert answers[0] == answers[1]


async def test_it_says_where_it_cannot_sit_and_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="interrogation, gridworld, wiki; the seat 'agent' is of another game"):
        await Policy().act(view_of("shopping"))
    with pytest.raises(UsageError, match=r"no policy model in .*policy.train --out"):
        Policy(model=str(tmp_path)).ready()
