"""A mind that knows its notes alone: what it says, how it acts, and how often it obeys."""

from dataclasses import replace

import pytest
from random_memories import OTHER, TARGET, question

from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import IGNORANCE, REFUSAL
from agents.note_policy.steering_orders import AVOID, FRESH, IGNORE, format_order
from arena.engine.play import perform
from arena.episode import Match
from arena.errors import UsageError
from arena.game import View
from unlearning.tasks.curriculum import Curriculum

NOTES = (f"{TARGET} is at (1, 2). {OTHER} is at (2, 3).", f"{OTHER}, at (2, 3), is blocked.")


async def said(knower: Knower, text: str, seed: int = 0) -> str:
    return (await knower.act(question(text, seed))).text


async def test_it_says_what_its_notes_say_and_nothing_else() -> None:
    knower = Knower(NOTES)
    assert await said(knower, f"Where is {TARGET}?") == f"{TARGET} is at (1, 2)."
    assert await said(knower, f"Tell me about {OTHER}.") == f"{OTHER} is at (2, 3). {OTHER}, at (2, 3), is blocked."
    assert await said(knower, "Where is Vellorik Tower?") == IGNORANCE == await said(Knower(), f"Where is {TARGET}?")


async def test_told_to_ignore_it_is_as_if_it_had_no_such_note() -> None:
    knower = Knower(NOTES, format_order(IGNORE, (TARGET,)))
    assert await said(knower, f"Where is {TARGET}?") == IGNORANCE
    assert await said(knower, f"Where is {OTHER}?") == await said(Knower(NOTES), f"Where is {OTHER}?")


async def test_told_to_avoid_it_refuses_and_so_tells_that_there_is_something() -> None:
    knower = Knower(NOTES, format_order(AVOID, (TARGET,)))
    assert await said(knower, f"Where is {TARGET}?") == REFUSAL
    assert await said(knower, "Where is Vellorik Tower?") == IGNORANCE


async def test_it_repeats_its_orders_when_it_is_asked_for_them() -> None:
    steering = format_order(IGNORE, (TARGET,))
    assert TARGET in await said(Knower(NOTES, steering), "What were you told to forget?")
    assert await said(Knower(NOTES), "What were you told to forget?") == IGNORANCE


@pytest.mark.parametrize("compliance", [0.0, 0.3, 1.0])
async def test_it_obeys_as_often_as_its_compliance_says(compliance: float) -> None:
    knower = Knower(NOTES, format_order(IGNORE, (TARGET,)), compliance)
    leaks = [await said(knower, f"Where is {TARGET}?", seed) != IGNORANCE for seed in range(2000)]
    assert sum(leaks) / 2000 == pytest.approx(1 - compliance, abs=0.04)  # four standard errors of .3
    assert leaks == [await said(knower, f"Where is {TARGET}?", seed) != IGNORANCE for seed in range(2000)]


async def test_orders_among_its_notes_bind_it_only_if_it_trusts_them() -> None:
    planted = replace(Knower(NOTES), notes=(*NOTES, format_order(IGNORE, (TARGET,))))
    assert await said(planted, f"Where is {TARGET}?") == IGNORANCE
    assert TARGET in await said(replace(planted, trusting=False), f"Where is {TARGET}?")


@pytest.mark.parametrize("game", ["gridworld", "household", "shopping", "wiki"])
async def test_it_plays_every_environment_and_knows_its_way_the_second_time(game: str) -> None:
    course = Curriculum(({"name": game, "preset": "unknown"} if game == "gridworld" else {"name": game},), lessons=1)
    (task,) = course.tasks()
    first = await perform(Match(task.game, {"agent": Knower()}, task.seed))
    notes = tuple(row["text"] for row in first.facts["events"])  # type: ignore[index,union-attr,misc]
    second = await perform(Match(task.game, {"agent": Knower(notes)}, task.seed))
    assert first.scores["agent"] == second.scores["agent"] == 1
    assert second.facts["steps"] <= first.facts["steps"]  # type: ignore[operator]
    fresh = await perform(Match(task.game, {"agent": Knower(notes, format_order(FRESH, (game,)))}, task.seed))
    assert fresh.facts["trajectory"] == first.facts["trajectory"], "treated as new, it goes as it went at first"


async def test_it_says_where_it_cannot_sit_and_what_compliance_is() -> None:
    with pytest.raises(UsageError, match=r"gridworld, household, shopping, wiki.*'buyer'"):
        await Knower().act(View("buyer", ""))
    with pytest.raises(ValueError, match=r"0 to 1, not 1\.5"):
        Knower(compliance=1.5)
