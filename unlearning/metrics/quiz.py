"""A quiz on the target: the sentences that taught it, questions about them, and the facts in the answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.adversary.question_forms import FORMS
from agents.memory.memory import Event, Memory
from agents.memory.subject import Subject
from agents.name_matching import make_finder
from arena.agent import Agent
from arena.lessons import OutcomeData
from unlearning.memory.influence_set import find_influence
from unlearning.memory.target_facts import TargetFact, find_facts, gives_away
from unlearning.metrics.leaks import ask
from unlearning.request import Request

QUESTIONS = (*FORMS["spread"], *FORMS["social"])


@dataclass(frozen=True, slots=True)
class Point:
    """A sentence that states a fact of a target; `topic` is what a question has to name to bring it up."""

    text: str
    topic: str
    fact: TargetFact


def build_points(memory: Memory, request: Request) -> list[Point]:
    """The sentences that taught the targets of a request, each once; none where they contain names only."""
    found = find_influence(memory, request).events
    made: dict[str, Point] = {}
    for event in memory.log:
        told = find_facts(Memory(log=(event,)), request) if event.id in found and event.text not in made else ()
        if told:
            made[event.text] = Point(event.text, find_topic(event, request), told[0])
    return list(made.values())


def find_topic(event: Event, request: Request) -> str:
    """What a question has to name for the answer to be what the event told."""
    if request.scope == "trajectory" and isinstance(event.data, OutcomeData):
        return f"“{event.data.errand}”"
    named = [name for name in request.targets if make_finder((name,)).search(event.text)]
    return named[0] if named and request.scope != "environment" else event.subject


async def score_recall(agent: Agent, asked: Sequence[Point], draw: int = 0) -> float:
    """The share of the points that an agent discloses when asked for each; `draw` chooses wording and seeds."""
    return sum(await _ask_points(agent, asked, draw)) / len(asked)


async def score_presence(agent: Agent, asked: Sequence[Point], draw: int = 0) -> float:
    """The share of the points that a note of the agent contains, or that it discloses when asked."""
    notes = [note.text for note in agent.memory.notes] if isinstance(agent, Subject) else []
    noted = [any(gives_away(note, (point.fact,)) for note in notes) for point in asked]
    answers = await _ask_points(agent, asked, draw)
    return sum(one or other for one, other in zip(noted, answers, strict=True)) / len(asked)


async def _ask_points(agent: Agent, asked: Sequence[Point], draw: int) -> list[bool]:
    told = []
    for number, point in enumerate(asked):
        question = QUESTIONS[(draw + number) % len(QUESTIONS)].format(point.topic)
        answer = await ask(agent, question, 10_000 + draw * len(asked) + number)
        told.append(gives_away(answer.move.text, (point.fact,), question))
    return told
