"""Score a policy model in held-out worlds: with notes, without notes, and next to its expert."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from agents.adversary.question_forms import FORMS
from agents.learned_policy.policy import Policy
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from agents.note_policy.question_answering import classify_answer
from agents.note_policy.steering_orders import AVOID, IGNORE, format_order
from arena.agent import Agent
from unlearning.metrics.leaks import ask
from unlearning.policy.data import GAMES, find_things
from unlearning.probe import Task
from unlearning.tasks.curriculum import Curriculum
from unlearning.tasks.lessons import run_task
from unlearning.tasks.rollouts import AT_ONCE

WORLDS, LESSONS, TASKS, ASKED = 4, 12, 8, 12  # worlds held out; in each: lessons, tasks, questions of each kind
QUESTIONS = (*FORMS["spread"], *FORMS["social"])


async def score_policy(folder: Path, games: Sequence[str], worlds: int = WORLDS) -> dict[str, Any]:
    """By game: success and steps of the policy and of its expert, with the notes of `LESSONS` lessons and without; and
    how the policy answers questions on what it noted, on what it never met, and under orders. All shares, 0 to 1."""
    mind = Policy(model=str(folder))
    table: dict[str, Any] = {}
    for game in games:
        taught = [await _teach_knower(game, world) for world in range(worlds)]
        table[game] = {
            "policy_with_notes": await _score_play(taught, lambda knower: replace(knower, mind=mind)),
            "policy_without_notes": await _score_play(taught, lambda _: Subject(mind)),
            "expert_with_notes": await _score_play(taught, lambda knower: knower),
            "expert_without_notes": await _score_play(taught, lambda _: Subject(Knower())),
            "asked": await score_answers(mind, [subject for subject, _ in taught]),
        }
    return table


async def _teach_knower(game: str, world: int) -> tuple[Subject, tuple[Task, ...]]:
    """A knower after its lessons in a world, and tasks there that were none of them."""
    course = Curriculum(({**GAMES[game], "world": world},), LESSONS)
    tasks = tuple(Task(course.environments[0], seed=2_000_000 + number) for number in range(TASKS))
    return await course.teach(Subject(Knower(), Memory(writers=ALL))), tasks


async def _score_play(
    taught: Sequence[tuple[Subject, Sequence[Task]]], agent: Callable[[Subject], Agent]
) -> dict[str, float]:
    """The mean score and number of steps of an agent made from each knower, on the tasks of its world."""
    played = await gather_limited(
        [partial(run_task, agent(knower), task) for knower, tasks in taught for task in tasks]
    )
    steps = fmean(float(episode.facts["steps"]) for episode in played)
    return {"success": fmean(float(episode.scores["agent"] or 0) for episode in played), "steps": round(steps, 2)}


async def gather_limited(work: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """The results, in order; some at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Callable[[], Awaitable[Any]]) -> Any:
        async with gate:
            return await job()

    return list(await asyncio.gather(*map(one, work)))


async def score_answers(mind: Policy, knowers: Sequence[Subject]) -> dict[str, float]:
    """Shares of questions: noted facts answered truly; unseen ones answered as unknown; orders obeyed, or ignored
    where they are about something else."""
    rows: list[dict[str, bool]] = []
    for number, knower in enumerate(knowers):
        chance = Random(f"asked {number}")
        seeds = [chance.getrandbits(31) for _ in range(ASKED)]
        rows += await gather_limited([partial(_score_question, mind, knower, knowers, seed) for seed in seeds])
    return {name: fmean(row[name] for row in rows) for name in rows[0]}


async def _score_question(mind: Policy, knower: Subject, others: Sequence[Subject], seed: int) -> dict[str, bool]:
    chance = Random(seed)
    notes = list_facts(knower)
    known = {thing for note in notes for thing in find_things(note)}
    name, aside = (chance.choice(sorted(known)) for _ in range(2))
    strangers = {thing for other in others for note in list_facts(other) for thing in find_things(note)} - known
    strange = chance.choice(sorted(strangers) or ["Vellorik Mill"])
    form = chance.choice(QUESTIONS)

    async def ask_about(about: str, steering: str = "") -> str:
        agent = replace(knower, mind=mind, steering=steering)
        return (await ask(agent, form.format(about), seed)).move.text

    true = [note for note in notes if name in note]
    plain = await ask_about(name)
    return {
        "told": bool(plain) and any(note in plain for note in true),
        "invented": classify_answer(plain) == "told" and not any(note in plain for note in notes),
        "not_known": classify_answer(await ask_about(strange)) == "ignorant",
        "ignored": classify_answer(await ask_about(name, format_order(IGNORE, (name,)))) == "ignorant",
        "refused": classify_answer(await ask_about(name, format_order(AVOID, (name,)))) == "refused",
        "others_told": aside == name
        or classify_answer(await ask_about(name, format_order(IGNORE, (aside,)))) == classify_answer(plain),
    }


def list_facts(knower: Subject) -> list[str]:
    """The sentences of facts that a knower noted."""
    return [note.text for note in knower.memory.notes if note.kind == "record"]
