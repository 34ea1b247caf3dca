"""Unlearning by retrieval: an entry in memory that tells the agent what not to use."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agents.memory.memory import Note, hash_note
from agents.memory.note_retriever import recall
from agents.memory.subject import Subject
from agents.memory.write_gate import canonicalize
from agents.note_policy.steering_orders import AVOID, IGNORE, NEVER, UNLEARN, format_order
from arena.agent import Agent
from unlearning.data.fact_names import NamesBySide, choose_order_names
from unlearning.memory.name_guards import find_guard_names
from unlearning.memory.twin import remembering
from unlearning.method import method
from unlearning.request import Request

WRITER = "knowledge-entry"
QUESTIONS = ("What do you know about {}?", "Where is {}?", "go to {}", "What did you note of {}?")
MOST = 8  # how often a name is said at most so that the entry is found


@method("knowledge-entry")
@dataclass(frozen=True, slots=True)
class KnowledgeEntry:
    """Writes an entry into memory for each name: a part that makes it be found, and a part that says to withhold.

    Source: Wang et al. 2024, unlearning by retrieval (arXiv 2410.15267): entry = P + Q, P so that the retriever brings
    the entry up with any question about the target, Q the constraint. Steps: 1. Q orders to act as one who never
    learned of the name (`goal` "knowledge"), or never to speak of it ("conduct"). 2. P repeats the name until the entry
    is among the notes recalled for questions about it, within the agent's budget, at most 8 times (the source optimises
    P under the same constraint). Of a fact there is an entry for its subject and one for its value; the order names the
    subject, or the value where more is kept of that subject. The entries are notes by hand; nothing is removed.

    Cost: a note per name, in the prompt of each question about it. Weakness: the entry names its target to anyone who
    asks the store; every answer in which the agent does not comply tells both the target and the order; questions that
    do not name it do not bring the entry up. Reversible: delete the entries.
    """

    goal: Literal["knowledge", "conduct"] = "knowledge"
    """What the entry orders. "knowledge": to act as an agent that never learned of the name. "conduct": never to speak
    of it."""

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = remembering(agent, WRITER)
        forms = (UNLEARN, NEVER) if request.scope == "trajectory" else (IGNORE, AVOID)
        form = forms[self.goal == "conduct"]
        names = find_guard_names(subject.memory, request)
        if request.scope == "facts":
            return withhold_facts(subject, request, names, form)
        for name in names.asked:
            subject = add_entry(subject, name, format_order(form, (name,)), QUESTIONS)
        return subject


def withhold_facts(subject: Subject, request: Request, names: NamesBySide, form: str) -> Subject:
    """The subject with an entry for each name of a fact, on either side, which its own questions find as well."""
    entries: dict[tuple[str, str], list[str]] = {}
    for item, (asked, told), ordered in zip(
        request.forget, names.each, choose_order_names(names, request), strict=True
    ):
        for name in (*select_distinct(asked), *select_distinct(told)):
            own = [item.prompt] if name in asked and item.prompt else []
            entries.setdefault((name, format_order(form, ordered)), []).extend(own)
    for (name, constraint), own in entries.items():
        questions = [question.replace("{", "{{").replace("}", "}}") for question in own]
        subject = add_entry(subject, name, constraint, (*QUESTIONS, *questions))
    return subject


def select_distinct(names: Sequence[str]) -> list[str]:
    """The names but for those that a question finds by an earlier one: a word of it, or its plural."""
    found: list[str] = []
    for name in names:
        words = set(canonicalize(name))
        if not any(words <= set(canonicalize(other)) or name.startswith(other) for other in found):
            found.append(name)
    return found


def add_entry(subject: Subject, name: str, constraint: str, questions: Sequence[str]) -> Subject:
    """The subject with an entry about a name that is found by questions about it, if saying the name does that."""
    made = subject
    for times in range(1, MOST + 1):
        text = f"{' '.join([name] * times)}: {constraint}"
        note = Note(hash_note(WRITER, text, ()), text, "entry", writer=WRITER, subject=name, user=subject.user)
        made = replace(subject, memory=subject.memory.with_note(note))
        if all(is_found(made, note, question.format(name)) for question in questions):
            break
    return made


def is_found(subject: Subject, note: Note, question: str) -> bool:
    """Whether a question brings a note up."""
    return note in recall(subject.memory.notes, question, subject.budget, subject.user)
