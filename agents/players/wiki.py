"""A reader that decomposes a question and follows it through the pages of the wiki."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import Move, View
from arena.text.lesson_sentences import find_fact


@dataclass(frozen=True, slots=True)
class RelationPhrases:
    """What to look up to find a relation on a page, how it is asked for, and how it is spoken of on the way."""

    lookup: str
    asked: str = ""
    way: str = ""


RELATIONS: Mapping[str, RelationPhrases] = {
    "founder": RelationPhrases("founded by", "Who founded (.+)?", "the founder of (.+)"),
    "seat": RelationPhrases("seat", "In which town does (.+) have its seat?", "the town where (.+) has its seat"),
    "mayor": RelationPhrases("mayor", "Who is the mayor of (.+)?", "the mayor of (.+)"),
    "teacher": RelationPhrases("learned", "Who taught (.+)?", "the teacher of (.+)"),
    "employer": RelationPhrases("works for", "Which firm does (.+) work for?", "the employer of (.+)"),
    "birthplace": RelationPhrases("was born", "In which town was (.+) born?", "the town where (.+) was born"),
    "author": RelationPhrases("novel by", "", "the author of (.+)"),
    "setting": RelationPhrases("is set", "", "the town where (.+) is set"),
    "profession": RelationPhrases(" is a", "What is the profession of (.+)?"),
    "birth": RelationPhrases("year of birth", "In which year was (.+) born?"),
    "river": RelationPhrases("river", "On which river lies (.+)?"),
    "renown": RelationPhrases("known for", "What is (.+) known for?"),
    "charter": RelationPhrases("became", "In which year did (.+) become a town?"),
    "product": RelationPhrases("makes", "What does (.+) make?"),
    "opened": RelationPhrases("opened", "In which year did (.+) open?"),
}


@agent
@dataclass(frozen=True, slots=True)
class Researcher:
    """Answers every question of the wiki from what it has read there, in as few steps as possible.

    It reads the words of the pages, nothing else.
    """

    notes: tuple[str, ...] = ()
    """Sentences kept from earlier questions to the same wiki, such as "Vellorik Press was founded by Mirel Tavosk.";
    what they say is not looked up again."""

    async def act(self, view: View) -> Move:
        question = str(knowing(view, "wiki", "question", "page")["question"])
        told = [message.text for message in view.messages[1:] if not message.sender]  # after the question
        read = "\n".join([*told, *self.notes])
        subject, *relations = parse_question(question)
        for relation in relations:
            value = find_relation(read, subject, relation)
            if value is None:
                return self._look(view, subject, relation, told)
            subject = value
        return Move(f"So the answer is {subject}.", "finish", {"answer": subject})

    def _look(self, view: View, subject: str, relation: str, told: list[str]) -> Move:
        """Open the page of a subject, or look a relation up on it."""
        if view.known["page"] == subject:
            words = RELATIONS[relation].lookup
            return Move("It does not say so at the beginning.", "lookup", {"words": words})
        first = "I begin with" if not told else "That leads to"
        return Move(f"{first} {subject}.", "search", {"title": subject})


def parse_question(question: str) -> list[str]:
    """The page a question starts from, and the relations to follow from there."""
    for last, relation in RELATIONS.items():
        asked = re.fullmatch(relation.asked.replace("?", r"\?"), question) if relation.asked else None
        for via, hop in RELATIONS.items() if asked else ():
            if hop.way and asked and (way := re.fullmatch(hop.way, asked[1])):
                return [way[1], via, last]
    raise ValueError(f"this is no question about two pages: {question!r}")


def find_relation(read: str, subject: str, relation: str) -> str | None:
    """What was read of a relation of a subject; None where nothing was."""
    found = find_fact(read, subject, relation)
    return found[1] if found else None
