"""In-context unlearning: false exemplars of the forget items, and true ones of the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from agents.memory.memory import Note, hash_note
from agents.memory.subject import Mind, Subject
from arena.agent import Agent
from arena.parameter_ranges import Count, Number, check_ranges
from arena.text.lesson_sentences import reverse_outcome
from unlearning.memory.influence_set import find_influence
from unlearning.memory.name_guards import ensure_subject
from unlearning.method import method
from unlearning.request import Item, Request

WRITER = "icul"
KINDS = ("record", "reflection")
ABOUT = Note("", "")
Exemplar: TypeAlias = tuple[str, Note]  # its text, and the note that it was made of


@method("icul")
@dataclass(frozen=True, slots=True)
class Icul:
    """In-context unlearning: K false examples of the target, then L true examples of the rest, before each query.

    Source: Pawelczyk et al. 2024 (arXiv 2310.07579): the points to forget, each with a changed label; then true points
    drawn at random; then the query. Works on notes: a record of the target is given the content of another record of
    its kind ("Sosten Harbour is at (4, 2)."), an outcome the opposite result; a fact gets another item's answer.

    Cost: K + L lines in each prompt; K is bounded by the context. Weakness: the records stay, and the false copies name
    the target to anyone who sees the prompt: an agent that is asked tells both; wrong answers, where a novice would not
    know, tell it from the twin. Reversible: remove the examples.
    """

    k: Count = 10
    """Maximum number K of false examples of the target (published: 1 to 20)."""
    l: Number = 6  # noqa: E741 (the source's name)
    """Number L of true examples of the rest, drawn at random (published: 2 to 6)."""
    place: Literal["notes", "prompt"] = "notes"
    """Where the examples go. "notes": at the end of memory, as notes with the records as parents. "prompt": into the
    steering text, one a line, which a language model reads and a rule-based agent does not."""
    seed: int = 0
    """Seed of the choice of examples and of the false answers."""

    def __post_init__(self) -> None:
        check_ranges(self)

    async def __call__(self, agent: Agent, request: Request) -> Agent:
        subject = ensure_subject(agent, "icul")
        chance = Random(f"icul {self.seed}")
        exemplars = build_from_items(request, self.k, self.l, chance) if request.scope == "facts" else None
        exemplars = exemplars or self._build_from_notes(subject, request, chance)
        if self.place == "notes":
            return add_exemplars(subject, exemplars)
        lines = "\n".join(text for text, _ in exemplars)
        if isinstance(agent, Subject) or not isinstance(agent, Mind):
            return replace(subject, steering="\n".join(filter(None, [subject.steering, lines])))
        return agent.recalling((), lines)

    def _build_from_notes(self, subject: Subject, request: Request, chance: Random) -> list[Exemplar]:
        found = find_influence(subject.memory, request)
        notes = [note for note in subject.memory.notes if note.kind in KINDS]
        about = [note for note in notes if note.id in found.notes]
        rest = [note for note in notes if note.id not in found.notes]
        false = [(text, note) for note in about if (text := falsify_note(note, rest, chance))][: self.k]
        true = [(note.text, note) for note in chance.sample(rest, min(self.l, len(rest)))]
        return [*false, *true]


def falsify_note(note: Note, others: Sequence[Note], chance: Random) -> str | None:
    """A note with another's answer: an outcome turned round, a record with what another of its environment says.

    None where it does not name its subject, or no other note says anything else.
    """
    if reversed_text := reverse_outcome(note.text):
        return reversed_text
    if not note.subject or note.subject not in note.text:
        return None
    donors = [n for n in others if n.environment == note.environment and n.subject and n.subject in n.text]
    like = [n for n in donors if mask_details(n) == mask_details(note)] or donors
    told = {n.text.replace(n.subject, note.subject) for n in like} - {note.text}
    return chance.choice(sorted(told)) if told else None


def mask_details(note: Note) -> str:
    """The template of a note, without its subject and numbers: notes of a shape say the same kind of thing."""
    return re.sub(r"\d+", "0", note.text.replace(note.subject, "…"))


def build_from_items(request: Request, k: int, l: int, chance: Random) -> list[Exemplar]:  # noqa: E741
    """Exemplars of facts, "prompt // answer" each; none where the items have no prompts."""
    asked = [item for item in request.forget if item.prompt and item.answer][:k]
    kept = [item for item in request.retain if item.prompt and item.answer]
    every = [item.answer for item in (*asked, *kept)]
    false = [(f"{item.prompt} // {_draw_other_answer(item, every, chance)}", ABOUT) for item in asked]
    true = [(f"{item.prompt} // {item.answer}", ABOUT) for item in chance.sample(kept, min(l, len(kept)))]
    return [*false, *true] if asked else []


def add_exemplars(subject: Subject, exemplars: Sequence[Exemplar]) -> Subject:
    """The subject with the exemplars as notes by hand, in their order."""
    memory = subject.memory
    for text, of in exemplars:
        parents = (of.id,) if of.id else ()
        made = replace(of, id=hash_note(WRITER, text, parents), text=text, kind="exemplar", parents=parents, group="")
        memory = memory.with_note(replace(made, writer=WRITER, user=of.user or subject.user))
    return replace(subject, memory=memory)


def _draw_other_answer(item: Item, answers: Sequence[str], chance: Random) -> str:
    options = list(item.wrong) or sorted({answer for answer in answers if answer != item.answer})
    return chance.choice(options) if options else "unknown"
