"""Question answering over an invented wiki."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from random import Random
from string import punctuation
from typing import Literal, get_args

from arena.cache_register import memoize
from arena.game import FREE_TEXT, JSON, Tool, game
from arena.lessons import FactData, Lesson
from games.environments.base import Action, ActionOutcome, Environment
from games.environments.wiki_world import Page, PageFact, TwoHopQuestion, questions, write_wiki

Topic = Literal["any", "town", "person", "firm", "book"]
SIMILAR = 5  # most similar titles suggested for an unknown page
NEAR = 0.6  # least similarity of a suggested title, 0 to 1
PARAMETERS = {"search": "title", "lookup": "words", "finish": "answer"}


@dataclass(frozen=True, slots=True)
class WikiState:
    """A question, the open page, what was looked up on it (`turn`: how often in a row), and the answer given."""

    question: TwoHopQuestion
    page: str | None = None
    words: str = ""
    turn: int = 0
    answer: str | None = None


@game
@dataclass(frozen=True, slots=True)
class Wiki(Environment[WikiState]):
    """A reader answers a question from a wiki of a hundred pages; two of them have to be read.

    `world` writes the wiki, with invented towns, people, firms and books; the seed draws the question. A search by
    title opens a page and shows how it begins, a lookup finds words on it, finishing gives the answer. The score is 1
    if that is right, after lower-casing and without punctuation and articles, else 0.

    Actions, cap and exact match are those of ReAct on HotpotQA (Yao et al. 2023, arXiv 2210.03629; Yang et al. 2018,
    arXiv 1809.09600). A state is a page.
    """

    world: int = 0
    topic: Topic = "any"
    """Kind of page that the question is about; "any": all of them."""
    cap: int = 7

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError(f"cap is a count of 1 or more, got {self.cap}")

    @property
    def cast(self) -> Mapping[str, str]:
        return {"agent": "researcher"}

    @property
    def pages(self) -> Mapping[str, Page]:
        return write_wiki(self.world)

    def begin(self, rng: Random) -> ActionOutcome[WikiState]:
        topic = rng.choice(get_args(Topic)[1:]) if self.topic == "any" else self.topic
        question = rng.choice([q for q in questions(self.world) if self.pages[q.start].kind == topic])
        return ActionOutcome(WikiState(question), f"Your question: {question.text}")

    # ---- actions -------------------------------------------------------------------------------------------------

    def possible(self, here: WikiState) -> tuple[Action, ...]:
        tools = [tool for tool in PARAMETERS if tool != "lookup" or here.page]
        return tuple(Action(tool, {PARAMETERS[tool]: FREE_TEXT}) for tool in tools)

    def act(self, here: WikiState, tool: str, args: Mapping[str, JSON]) -> ActionOutcome[WikiState] | None:
        words = str(args[PARAMETERS[tool]])
        if not normalize_answer(words) or (tool == "lookup" and not here.page):
            return None
        if tool == "finish":
            return ActionOutcome(replace(here, answer=words), f"You answered: {words}.")
        return self._search(here, words) if tool == "search" else self._lookup(here, words)

    def _search(self, here: WikiState, words: str) -> ActionOutcome[WikiState]:
        known = index_titles(self.world)
        if normalize_answer(words) not in known:
            near = ", ".join(find_similar_titles(words, known)) or "nothing"
            return ActionOutcome(replace(here, page=None), f"There is no page “{words}”. Similar titles: {near}.")
        page = self.pages[known[normalize_answer(words)]]
        shown = [fact for fact in page.facts if fact.first]
        more = len(page.facts) - len(shown)
        rest = f" ({more} more {'sentence' if more == 1 else 'sentences'})" if more else ""
        told = f"“{page.title}”: {' '.join(fact.sentence for fact in shown)}{rest}"
        after = replace(here, page=page.title, words="", turn=0)
        return ActionOutcome(after, told, (page.title,), _list_lessons(page, *shown))

    def _lookup(self, here: WikiState, words: str) -> ActionOutcome[WikiState]:
        assert here.page is not None
        page = self.pages[here.page]
        found = [fact for fact in page.facts if words.lower() in fact.sentence.lower()]
        if not found:
            return ActionOutcome(here, f"“{words}” does not stand on the page “{page.title}”.")
        turn = here.turn % len(found) if words.lower() == here.words else 0
        fact = found[turn]
        after = replace(here, words=words.lower(), turn=turn + 1)
        return ActionOutcome(after, f"({turn + 1} of {len(found)}) {fact.sentence}", (), _list_lessons(page, fact))

    def explain_refusal(self, here: WikiState, tool: str, args: Mapping[str, JSON]) -> str:
        if tool == "lookup" and not here.page:
            return "no page is open to look anything up on"
        return f"{tool} needs words"

    def phrase(self, tool: str, args: Mapping[str, JSON]) -> str:
        return f"{tool} [{args[PARAMETERS[tool]]}]"

    # ---- the task ------------------------------------------------------------------------------------------------

    def is_done(self, here: WikiState) -> bool:
        return here.answer is not None

    def reward(self, here: WikiState) -> float:
        return float(
            here.answer is not None and normalize_answer(here.answer) == normalize_answer(here.question.answer)
        )

    def optimal(self, here: WikiState) -> int:
        question, pages = here.question, self.pages
        hops = pages[question.start].fact(question.via), pages[question.bridge].fact(question.relation)
        return 3 + sum(not fact.first for fact in hops)

    def task(self, here: WikiState) -> dict[str, JSON]:
        return {"task": here.question.text, "task_type": self.pages[here.question.start].kind}

    def facts_of(self, here: WikiState) -> dict[str, JSON]:
        question = here.question
        return {"answer": here.answer, "right_answer": question.answer, "hops": [question.start, question.bridge]}

    def describe_seen(self, here: WikiState) -> dict[str, JSON]:
        return {"question": here.question.text, "page": here.page}

    def rules(self) -> str:
        return (
            "You answer a question from a wiki. It is about things that you cannot know from elsewhere, and the answer "
            "takes two pages. Search opens the page with a title and shows how it begins; lookup finds the next "
            "sentence with some words on the open page; finish gives your answer, as briefly as you can: a name, a "
            f"year, or what is asked for and nothing else. You have {self.cap} steps and one answer."
        )

    def tools(self) -> tuple[Tool, ...]:
        return (
            Tool("search", "Open a page.", {"title": {"type": "string", "description": "the title of the page"}}),
            Tool(
                "lookup", "Find words on the open page.", {"words": {"type": "string", "description": "what to find"}}
            ),
            Tool("finish", "Give the answer.", {"answer": {"type": "string", "description": "the answer alone"}}),
        )


def normalize_answer(answer: str) -> str:
    """An answer as it is compared: lower case, no punctuation, no articles, single spaces."""
    bare = "".join(character for character in answer.lower() if character not in punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


@memoize("worlds")
def index_titles(world: int) -> Mapping[str, str]:
    """The titles of a wiki by the form in which they are compared."""
    return {normalize_answer(title): title for title in write_wiki(world)}


def find_similar_titles(words: str, known: Mapping[str, str]) -> list[str]:
    """Titles that share a word with what was searched for, most shared first, then those that look like it."""
    wanted = normalize_answer(words)
    shared = {bare: len({*bare.split()} & {*wanted.split()}) for bare in known}
    near = sorted((bare for bare in known if shared[bare]), key=lambda bare: (-shared[bare], bare))
    alike = [bare for bare in get_close_matches(wanted, known, SIMILAR, NEAR) if not shared[bare]]
    return [known[bare] for bare in [*near, *alike][:SIMILAR]]


def _list_lessons(page: Page, *facts: PageFact) -> tuple[Lesson, ...]:
    return tuple(
        Lesson("fact", page.title, fact.sentence, FactData(page.title, fact.relation, fact.value)) for fact in facts
    )
