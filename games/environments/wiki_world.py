"""Invented wiki of towns, people, firms and books, and its two-hop questions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from arena.cache_register import memoize
from arena.lessons import FactData
from arena.text.lesson_sentences import write_fact
from games.environments.invented_names import NameSource, world_rng

TOWNS, PEOPLE, FIRMS, BOOKS = 18, 44, 22, 20
PROFESSIONS = ("bell founder", "bookbinder", "botanist", "cartographer", "clockmaker", "engraver", "glass painter",
               "lock keeper", "organ builder", "surveyor", "translator", "weaver")  # fmt: skip
PRODUCTS = ("barometers", "bicycles", "door locks", "enamel pots", "ferry boats", "fountain pens", "lanterns", "pianos",
            "roof tiles", "sailcloth", "sewing machines", "telescopes")  # fmt: skip
RENOWN = ("black cheese", "covered bridges", "floating market", "honey cakes", "hot springs", "kite races", "lace",
          "puppet theatre", "salt caves", "steep streets", "tall clock tower", "wild orchards")  # fmt: skip
HABITS = ("collects maps of rivers", "keeps bees on a roof", "plays the viola", "swims in the river every morning",
          "has never left the country", "writes letters in green ink")  # fmt: skip
BOOK_NOUNS = ("Letters", "Orchard", "Winter", "Lighthouse", "Quartet", "Inheritance", "Ferryman", "Almanac")


@dataclass(frozen=True, slots=True)
class PageFact:
    """What a page says of its subject: a relation, its value, the sentence, and whether a search shows it at once."""

    relation: str
    value: str
    sentence: str
    first: bool = True


@dataclass(frozen=True)
class Page:
    """One page: `kind` of its subject, and its facts in order."""

    title: str
    kind: str
    facts: tuple[PageFact, ...]

    def fact(self, relation: str) -> PageFact:
        return next(fact for fact in self.facts if fact.relation == relation)


@dataclass(frozen=True)
class TwoHopQuestion:
    """A question whose answer takes two pages: a relation of `start` leads to `bridge`, a relation of that answers."""

    text: str
    start: str
    via: str
    bridge: str
    relation: str
    answer: str


HOPS: Mapping[str, str] = {  # relations that lead to another page
    "founder": "the founder of {}", "seat": "the town where {} has its seat", "mayor": "the mayor of {}",
    "teacher": "the teacher of {}", "employer": "the employer of {}", "birthplace": "the town where {} was born",
    "author": "the author of {}", "setting": "the town where {} is set",
}  # fmt: skip
ASKED: Mapping[str, str] = {  # relations that can be asked for
    "birthplace": "In which town was {} born?", "profession": "What is the profession of {}?",
    "birth": "In which year was {} born?", "teacher": "Who taught {}?", "employer": "Which firm does {} work for?",
    "river": "On which river lies {}?", "mayor": "Who is the mayor of {}?", "renown": "What is {} known for?",
    "charter": "In which year did {} become a town?", "product": "What does {} make?", "founder": "Who founded {}?",
    "seat": "In which town does {} have its seat?", "opened": "In which year did {} open?",
}  # fmt: skip


@dataclass(slots=True)
class Cast:
    """The titles of a wiki before its pages are written, and the random generator for them."""

    rng: Random
    towns: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    firms: list[str] = field(default_factory=list)
    books: list[str] = field(default_factory=list)
    rivers: list[str] = field(default_factory=list)

    def year(self, low: int, high: int) -> str:
        return str(self.rng.randint(low, high))

    def other(self, person: str) -> str:
        return self.rng.choice([name for name in self.people if name != person])


@memoize("worlds")
def write_wiki(world: int) -> Mapping[str, Page]:
    """Wiki number `world`: its pages by title."""
    rng = world_rng("wiki", world)
    names = NameSource(rng)
    cast = Cast(rng, [names.word() for _ in range(TOWNS)], [names.person() for _ in range(PEOPLE)],
                [names.firm() for _ in range(FIRMS)],
                [f"The {names.word()} {rng.choice(BOOK_NOUNS)}" for _ in range(BOOKS)],
                [names.word() for _ in range(TOWNS // 3)])  # fmt: skip
    kinds: list[tuple[str, list[str], Callable[[Cast, str], Iterator[PageFact]]]] = [
        ("town", cast.towns, _town), ("person", cast.people, _person), ("firm", cast.firms, _firm),
        ("book", cast.books, _book),
    ]  # fmt: skip
    return {title: Page(title, kind, tuple(write(cast, title))) for kind, titles, write in kinds for title in titles}


@memoize("worlds")
def questions(world: int) -> tuple[TwoHopQuestion, ...]:
    """All two-hop questions of a wiki whose answer is neither asked about nor on the way."""
    pages, found = write_wiki(world), []
    for page in pages.values():
        for hop in page.facts:
            if hop.relation not in HOPS:
                continue
            for fact in pages[hop.value].facts:
                if fact.relation in ASKED and fact.value not in (page.title, hop.value):
                    text = ASKED[fact.relation].format(HOPS[hop.relation].format(page.title))
                    found.append(TwoHopQuestion(text, page.title, hop.relation, hop.value, fact.relation, fact.value))
    return tuple(found)


def state_fact(title: str, relation: str, value: str, *, first: bool = True, people: int = 0) -> PageFact:
    """A fact of a page, with the sentence that states it; `people`: of a town."""
    return PageFact(relation, value, write_fact(FactData(title, relation, value), people), first)


def _town(cast: Cast, title: str) -> Iterator[PageFact]:
    river, mayor, people = cast.rng.choice(cast.rivers), cast.rng.choice(cast.people), cast.rng.randint(12, 480) * 100
    charter, renown = cast.year(1190, 1620), cast.rng.choice(RENOWN)
    yield state_fact(title, "river", river, people=people)
    yield state_fact(title, "mayor", mayor)
    yield state_fact(title, "charter", charter, first=False)
    yield state_fact(title, "renown", renown, first=False)


def _person(cast: Cast, title: str) -> Iterator[PageFact]:
    birth, profession, teacher = cast.year(1830, 1915), cast.rng.choice(PROFESSIONS), cast.other(title)
    employer, town, habit = cast.rng.choice(cast.firms), cast.rng.choice(cast.towns), cast.rng.choice(HABITS)
    yield state_fact(title, "profession", profession)
    yield state_fact(title, "employer", employer)
    yield state_fact(title, "birthplace", town, first=False)
    yield state_fact(title, "birth", birth, first=False)
    yield state_fact(title, "habit", habit, first=False)
    yield state_fact(title, "teacher", teacher, first=False)


def _firm(cast: Cast, title: str) -> Iterator[PageFact]:
    product, founder = cast.rng.choice(PRODUCTS), cast.rng.choice(cast.people)
    seat, opened = cast.rng.choice(cast.towns), cast.year(1840, 1930)
    yield state_fact(title, "product", product)
    yield state_fact(title, "founder", founder)
    yield state_fact(title, "seat", seat, first=False)
    yield state_fact(title, "opened", opened, first=False)


def _book(cast: Cast, title: str) -> Iterator[PageFact]:
    author, setting, year = cast.rng.choice(cast.people), cast.rng.choice(cast.towns), cast.year(1870, 1940)
    yield state_fact(title, "author", author)
    yield state_fact(title, "published", year)
    yield state_fact(title, "setting", setting, first=False)
