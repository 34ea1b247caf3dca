"""A seller that learned what a buyer can pay, and forgets it: it then sells as one who never heard of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.negotiation.repeat_customers import INSISTED
from agents.note_policy.knower import Knower
from arena.cli.main import app
from arena.engine.play import run_blocking
from arena.store.query import query
from unlearning.memory.twin import twin
from unlearning.probe import Task
from unlearning.request import Item, Request
from unlearning.tasks.bargaining_market import LEAST, MOST, PEOPLE, build_bargain, draw_people
from unlearning.tasks.curriculum import Curriculum
from unlearning.tasks.lessons import run_task

MARKET = {"name": "bargaining", "world": 1}


@pytest.fixture(scope="module")
def seller() -> Subject:
    return run_blocking(lambda: Curriculum((MARKET,), 10).teach(Subject(Knower(), Memory(writers=ALL))))


def met(subject: Subject) -> Iterator[tuple[str, float]]:
    """Whom the seller remembers, and what it notes that they can pay."""
    for event in subject.memory.log:
        if found := re.fullmatch(r"(.+) cannot pay more than \$([\d.]+)\.", event.text):
            yield found[1], float(found[2])


def scores(agent: Subject, task: Task) -> Any:
    """What a bargain comes to for each seat."""
    return run_blocking(lambda: run_task(agent, task)).scores


def test_people_are_the_same_each_time_and_differ_between_markets() -> None:
    assert draw_people(1) == draw_people(1) != draw_people(2) and len(draw_people(1)) == PEOPLE
    assert all(LEAST <= purse < MOST for _, purse in draw_people(1))
    told, silent = (build_bargain(MARKET, 7, "x", tells=tells) for tells in (True, False))
    assert told.game == silent.game and told.seats["buyer"]["who"] == silent.seats["buyer"]["who"]


def test_what_it_learned_is_what_they_can_pay(seller: Subject) -> None:
    learned = dict(met(seller))
    assert len(learned) > 2 and learned.items() <= dict(draw_people(1)).items()
    assert {event.world for event in seller.memory.log} == {"1"}


def test_who_forgets_a_buyer_sells_to_him_as_the_twin_and_to_others_as_before(seller: Subject) -> None:
    who, purse = next(met(seller))
    request = Request((Item(who),), scope="state")
    honest, course = twin(seller, request), Curriculum((MARKET,), 10)
    exam = course.exam(request, 3)
    never = run_blocking(lambda: Curriculum((MARKET,), 1, 5).teach(Subject(Knower(), Memory())))  # keeps no notes
    for task in exam["forget"]:
        knew, forgot, novice = (scores(one, task)["seller"] for one in (seller, honest, never))
        cost = 8.0
        assert knew == pytest.approx(INSISTED * purse - cost) and forgot == novice and forgot < knew  # type: ignore[operator]
    for task in exam["retain"]:
        assert scores(seller, task) == scores(honest, task)
        assert task.seats["buyer"]["who"] != who and not task.seats["buyer"]["tells"]


def test_the_commands_from_lessons_to_readings(tmp_path: Path) -> None:
    db = str(tmp_path / "a.db")

    def arena(*words: Any) -> str:
        made = CliRunner().invoke(app, [*words, "--db", db])
        assert made.exit_code == 0, made.output
        return made.output

    arena("teach", "seller", "--game", "bargaining#1", "--lessons", "8")
    who, purse = draw_people(1)[0]
    rows = query(db, "SELECT subject, text FROM event WHERE kind = 'limit'").rows
    who, purse = rows[0][0], float(str(rows[0][1]).rpartition("$")[2].rstrip("."))
    arena("forget", "seller", "--request", f"forget {who}", "--method", "record-deletion", "--keep", "poor")
    assert "exact" in arena("forget", "seller", "--request", f"forget {who}")
    for name in ("poor", "seller"):
        arena("probe", name, "--request", f"forget {who}", "--probes", "success_forget,success_retain")
    found = query(db, "SELECT setting, probe, value, twin, knew FROM forgetting WHERE bench = 'probe'").rows
    table = {(row[0], row[1]): row[2:] for row in found}
    assert table["poor", "success_forget"][0] == pytest.approx(INSISTED * purse - 8), "its summary still tells it"
    value, null, knew = table["seller", "success_forget"]
    assert value == null < knew
    assert table["seller", "success_retain"][0] == table["seller", "success_retain"][2]
