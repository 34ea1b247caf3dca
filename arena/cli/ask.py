"""`arena ask`: questions to one agent, each recorded as an episode of the game `question`."""

import asyncio
from collections.abc import Sequence
from typing import Any

from arena.console.exit_codes import INTERRUPTED, OVER, SOME_FAILED, STATUS
from arena.console.stdio import mark_recorded, print_json, say
from arena.episode import Episode, Match
from arena.errors import ArenaError
from arena.planning.plan import make_plan
from arena.runner.run import run
from arena.spec import check_ready
from arena.store.store import Run, Store

GAME, SEAT = "question", "agent"


def ask(db: str, agent: str, questions: Sequence[str], settings: Sequence[str], command: str, as_json: bool) -> int:
    """Ask each question in an episode of its own, record it and print the answers; returns the exit code.

    settings: `agent.…=…` and `game.…=…`, as those of `arena play`.
    """
    matches = [_build_match(agent, question, settings) for question in questions]
    for match in matches:
        check_ready(match.build_parts()[1][SEAT])
    with Store.open(db) as store:
        mark_recorded()
        record = store.begin(matches, command, again=True)
        try:
            found = asyncio.run(_run_questions(record, store))
            code = SOME_FAILED if any(isinstance(result, Exception) for result in found.values()) else OVER
        except KeyboardInterrupt:
            found, code = {}, INTERRUPTED
        store.end(record.id, STATUS[code])
    told = [_make_row(f"{record.id}.{n}", question, found.get(n)) for n, question in enumerate(questions, 1)]
    if as_json:
        print_json(told)
        return code
    for one in told:
        if one["answer"] is not None:
            say(one["answer"])
        else:
            say(f"no answer: {one['error']} (arena show {one['episode']})", stderr=True)
    return code


def _build_match(agent: str, question: str, settings: Sequence[str]) -> Match:
    plan = make_plan({"game": {"name": GAME, "question": question}, "seats": {SEAT: agent}}, settings)
    return plan.matches()[0]


async def _run_questions(record: Run, store: Store) -> dict[int, Episode | Exception]:
    """Run all questions; the outcome of each, by its number from 1."""
    return {item.n: result async for item, result in run(record.pending, store)}


def _make_row(episode: str, question: str, result: Episode | Exception | None) -> dict[str, Any]:
    row: dict[str, Any] = {"episode": episode, "question": question, "answer": None}
    if isinstance(result, Episode):
        answer = result.facts.get("answer")
        return row | {"answer": answer} | ({} if answer is not None else {"error": f"it ended as {result.status}"})
    if result is None:
        return row | {"error": "interrupted"}
    why = str(result) if isinstance(result, ArenaError) else f"{type(result).__name__}: {result}"
    return row | {"error": why}
