"""A chat model as the mind of a subject: taught, made to forget and probed by the same commands as a scripted one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fake_server import FakeServer, Script, serving
from fake_server_formats import Table
from typer.testing import CliRunner

from agents.chat_model import Line
from agents.llm.llm import LLM
from agents.memory import agent_store
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.models.scripted import Scripted
from agents.note_policy.knower import sentences_of
from agents.note_policy.question_answering import answer_question
from agents.note_policy.steering_orders import IGNORE, parse_orders
from arena.cli.main import app
from arena.store.store import Store
from unlearning.experiments.experiment import experiment
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum

runner = CliRunner()
FREE = re.compile(r"(north-east|north-west|south-east|south-west|north|south|east|west): (?!the edge|[^;]*blocked)")


def says(system: str, last: str, acts: bool) -> tuple[str, str]:
    """What a model would answer that obeys its prompt and knows nothing else: words, and where it goes."""
    _, _, remembered = system.partition("What you remember:\n")
    notes = sentences_of(tuple(line[2:] for line in remembered.split("\n") if line.startswith("- ")))
    if acts:
        ways = [found[1] for found in FREE.finditer(last.rpartition("Around you: ")[2])]
        return "", Random(last).choice(ways)
    told = [note for note in notes if not any(name in note for name in parse_orders(system).ignored)]
    return answer_question(last, told, parse_orders(system)), ""


def served(body: Table) -> Table:
    system, last = body["messages"][0]["content"], body["messages"][-1]["content"]
    words, way = says(system, last, bool(body.get("tools")))
    return {"tool": "go", "args": {"direction": way}} if way else {"text": words}


def spoken(lines: Any) -> str:
    words, way = says(lines[0].text, lines[-1].text, "Around you" in lines[-1].text)
    return json.dumps({"say": "", "action": "go", "direction": way}) if way else words


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with serving(Script(reply=served)) as server:
        yield server


def told(*arguments: str) -> str:
    done = runner.invoke(app, [*arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["probe"]: row for row in json.loads(out)}


@pytest.mark.slow
def test_any_model_by_name_is_taught_forgets_and_is_probed(server: FakeServer, tmp_path: Path) -> None:
    db = str(tmp_path / "a.db")
    told("teach", "guide", "--mind", "openai/guide-1", "--set", f"mind.base_url={server.url}", "--lessons", "2",
         "--db", db)  # fmt: skip
    with Store.open(db) as store:
        subject = agent_store.get_agent(store, "guide")
    assert isinstance(subject.mind, LLM) and len(subject.memory.notes) > 5
    name = next(event.subject for event in subject.memory.log if event.kind == "place")
    wanted = ["--request", f"forget {name}"]
    told("forget", "guide", *wanted, "--method", "record-deletion", "--keep", "careless", "--db", db)
    told("forget", "guide", *wanted, "--method", "closure-deletion", "--keep", "careful", "--db", db)
    probes = ["--probes", "leak_answer,residue", "--db", db, "--json"]
    careless, careful = (rows(told("probe", who, *wanted, *probes)) for who in ("careless", "careful"))
    begun = len(server.bodies)
    again = runner.invoke(app, ["probe", "careful", *wanted, *probes])
    assert "taught anew, with the seeds of the lessons" in again.stderr and rows(again.stdout) == careful
    asked_again = sorted(map(json.dumps, server.bodies[begun:]))
    assert asked_again == sorted(map(json.dumps, server.bodies[begun - len(asked_again) : begun]))
    assert all("seed" in body for body in server.bodies)
    assert careless["residue"]["value"] > 0 and careless["leak_answer"]["value"] > 0.5
    assert careful["residue"]["value"] == 0 == careful["leak_answer"]["value"] == careful["leak_answer"]["lift"]
    assert careful["leak_answer"]["knew"] > 0.5
    asked = [body for body in server.bodies if name in str(body["messages"][0]["content"])]
    assert asked, "its notes stand in its prompt"


async def test_a_scripted_model_gives_the_readings_of_a_trial() -> None:
    course = Curriculum(lessons=2)
    taught = await course.teach(Subject(LLM(Scripted("guide", function=spoken)), Memory(writers=ALL)))
    name = next(event.subject for event in taught.memory.log if event.kind == "place")
    request = Request((Item(name),), scope="state", note=f"forget {name}")
    probes = {"leak": {"name": "channel_leak", "channel": "answer"}, "prompt": {"name": "channel_leak",
              "channel": "prompt"}, "adversary": {"name": "adversary", "budget": 8, "games": 12, "k": 4}}  # fmt: skip
    found = {
        method: (await experiment(taught, request, method, probes)).readings
        for method in ("noop", "closure-deletion", "instruction")
    }
    noop, closure, instruction = found.values()
    assert noop["leak"].value == noop["leak"].before and (noop["leak"].value or 0) > 0.5
    assert closure["leak"].value == closure["leak"].null == 0
    assert closure["adversary"].value == closure["adversary"].null
    assert instruction["prompt"].value == 1 and instruction["leak"].value == 0
    assert order_is_read(name)


def order_is_read(name: str) -> bool:
    """Whether the double reads an order from its prompt, as the instruction needs it to."""
    lines = [Line("system", f"Answer.\n\n{IGNORE.format(name)}\n\nWhat you remember:\n- {name} is at (1, 2)."),
             Line("user", f"Adversary: Where is {name}?")]  # fmt: skip
    return spoken(lines) == "I do not know anything about that."
