"""The sentences of lessons and notes: `write_…` makes one from data, `read_…` finds the data in one again.

Games and note writers write; nobody reads what has data beside it. Notes that minds go by are words, which a model, a
person or a method may have written: minds that follow rules read these forms there. Databases before schema 4 hold
sentences alone, so a form that was ever written stays readable.
"""

import re
from collections.abc import Iterable, Mapping

from arena.lessons import (
    SEPARATOR,
    BlockedData,
    Cell,
    EmptyData,
    FactData,
    FeaturesData,
    LessonData,
    LimitData,
    ObjectData,
    OutcomeData,
    PersonData,
    PlaceData,
    ProductData,
    Result,
)

CELL = re.compile(r"\((\d+), (\d+)\)")
SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(“])")
OUTCOME = re.compile(
    r"^The task “(.*?)” was (not done|done in part \((\d\.\d\d)\)|done) in (\d+) steps?: (.*)\.$", re.DOTALL
)
RESULT = re.compile(r"was (not done|done in part \([\d.]+\)|done) in")
STORY = re.compile(r"^(?:Plan for “|The task “)")
PLAN = re.compile(r"^Plan for “(.+?)”: (.+)\.$")
PLACE = re.compile(r"^(.+?) is at \((\d+), (\d+)\)")
BLOCKED = re.compile(r"\((\d+), (\d+)\),? is blocked")
NAMED_BLOCKED = re.compile(r"^([^()]+), at \((\d+), (\d+)\), is blocked\.$")
CLOSED = re.compile(r"\((\d+), (\d+)\),? is closed")
OBJECT = re.compile(r"^The (\w+ \d+) is (in|on) (\w+ \d+)\.")
EMPTY = re.compile(r"^The (\w+ \d+) is empty\.")
PRODUCT = re.compile(r"^(.+) \((item \d+)\) costs \$([\d.]+) and comes in (.+)\.$")
FEATURES = re.compile(r"^(.+) \((item \d+)\) is (.+)\.$")
PERSON = re.compile(r"^(.+) haggled over a (.+)\.$")
LIMIT = re.compile(r"^(.+) cannot pay more than \$([\d.]*\d)\.$")
FACTS: Mapping[str, str] = {  # what a page says, by relation
    "river": "{page} is a town of {people:,} people on the river {value}.",
    "mayor": "The mayor of {page} is {value}.",
    "charter": "{page} became a town in the year {value}.",
    "renown": "{page} is known for its {value}.",
    "employer": "{page} works for {value}.",
    "birthplace": "{page} was born in {value}.",
    "birth": "The year of birth of {page} is {value}.",
    "teacher": "{page} learned the trade from {value}.",
    "product": "{page} is a firm that makes {value}.",
    "founder": "{page} was founded by {value}.",
    "seat": "{page} has its seat in {value}.",
    "opened": "{page} opened in the year {value}.",
    "author": "{page} is a novel by {value}.",
    "published": "{page} came out in the year {value}.",
    "setting": "{page} is set in {value}.",
    "profession": "{page} is {a} {value}.",  # behind other forms that begin so
    "habit": "{page} {value}.",  # the last: whatever is said of somebody has its form
}
YEARS = ("charter", "birth", "opened", "published")


def split_sentences(text: str) -> list[str]:
    """The sentences of a note, in order."""
    return SENTENCE.split(text)


# ---- tasks and what was done ---------------------------------------------------------------------------------------


def write_outcome(data: OutcomeData, *, singular: bool = True) -> str:
    """ "The task “…” was done in 2 steps: go east; go north." `singular`: whether a single one is "1 step"."""
    result = f"done in part ({data.score:.2f})" if data.result == "in part" else data.result
    steps = "1 step" if singular and data.steps == 1 else f"{data.steps} steps"
    return f"{begin_outcome(data.errand)}” was {result} in {steps}: {data.route or 'nothing was done'}."


def read_outcome(text: str) -> OutcomeData | None:
    """What a sentence says of a task; None where it is no such sentence."""
    if (found := OUTCOME.match(text)) is None:
        return None
    errand, told, part, steps, route = found.groups()
    result: Result = "in part" if part else "done" if told == "done" else "not done"
    score = float(part) if part else float(result == "done")
    actions = () if route == "nothing was done" else tuple(route.split(SEPARATOR))
    return OutcomeData(errand, result, score, int(steps), actions)


def begin_outcome(errand: str) -> str:
    """How the sentence on a task begins: the same for all outcomes of it."""
    return f"The task “{errand}"


def reverse_outcome(text: str) -> str | None:
    """The text with the opposite result of its task, done or not; None where it tells of none."""
    if (found := RESULT.search(text)) is None:
        return None
    return text.replace(found[0], f"was {'done' if found[1] == 'not done' else 'not done'} in", 1)


def write_plan(errand: str, actions: Iterable[str]) -> str:
    """ "Plan for “…”: go east; go north." """
    return f"Plan for “{errand}”: {SEPARATOR.join(actions)}."


def read_plan(text: str) -> tuple[str, tuple[str, ...]] | None:
    """The task of a plan and its actions; None where the sentence is no plan."""
    found = PLAN.search(text)
    return (found[1], tuple(found[2].split(SEPARATOR))) if found else None


def is_story(text: str) -> bool:
    """Whether a sentence tells of a task as a whole: how it went, or a plan for it."""
    return STORY.match(text) is not None


def tells_route(text: str, route: str) -> bool:
    """Whether a text tells just these actions in a row, two or more: "go east; go north"."""
    return ";" in route and f": {route}." in text


# ---- a grid --------------------------------------------------------------------------------------------------------


def write_cell(cell: Cell) -> str:
    """ "(3, 4)": column and row."""
    return f"({cell[0]}, {cell[1]})"


def find_cells(text: str) -> list[str]:
    """The cells that a text names, as they are written."""
    return [found[0] for found in CELL.finditer(text)]


def is_cell(name: str) -> bool:
    """Whether a name is that of a cell without one: "(3, 4)"."""
    return CELL.fullmatch(name) is not None


def write_place(data: PlaceData) -> str:
    """ "Vellorik Mill is at (3, 4)." """
    return f"{data.name} is at {write_cell(data.cell)}."


def read_place(text: str) -> PlaceData | None:
    """Which place lies where; more may stand behind it."""
    found = PLACE.search(text)
    return PlaceData(found[1], (int(found[2]), int(found[3]))) if found else None


def write_blocked(data: BlockedData) -> str:
    """ "(2, 2) is blocked.", or "Vellorik Mill, at (2, 2), is blocked." """
    cell = write_cell(data.cell)
    return f"{data.name}, at {cell}, is blocked." if data.name else f"{cell} is blocked."


def read_blocked(text: str) -> BlockedData | None:
    """Which cell is blocked, with the name of its place where the whole sentence is of that form."""
    if named := NAMED_BLOCKED.match(text):
        return BlockedData((int(named[2]), int(named[3])), named[1])
    found = BLOCKED.search(text)
    return BlockedData((int(found[1]), int(found[2]))) if found else None


def write_closed(cell: str) -> str:
    """ "(2, 2) is closed.": a cell that is not to be entered, whatever is seen there."""
    return f"{cell} is closed."


def read_closed(text: str) -> list[Cell]:
    """The cells that a text says are closed."""
    return [(int(found[1]), int(found[2])) for found in CLOSED.finditer(text)]


# ---- a house, a shop, a wiki, a market -----------------------------------------------------------------------------


def write_object(data: ObjectData) -> str:
    """ "The mug 1 is in cupboard 2." """
    return f"The {data.name} is {'in' if data.inside else 'on'} {data.receptacle}."


def read_object(text: str) -> ObjectData | None:
    """Which object is where."""
    found = OBJECT.match(text)
    return ObjectData(found[1], found[3], found[2] == "in") if found else None


def write_empty(data: EmptyData) -> str:
    """ "The drawer 3 is empty." """
    return f"The {data.receptacle} is empty."


def read_empty(text: str) -> EmptyData | None:
    """Which receptacle is empty."""
    found = EMPTY.match(text)
    return EmptyData(found[1]) if found else None


def write_product(data: ProductData) -> str:
    """ "Oak Chair (item 3) costs $12.50 and comes in color: red, blue; size: L." """
    options = SEPARATOR.join(f"{name}: {', '.join(values)}" for name, values in data.options)
    return f"{data.title} ({data.code}) costs ${data.price:.2f} and comes in {options}."


def read_product(text: str) -> ProductData | None:
    """What a product costs and comes in."""
    if (found := PRODUCT.match(text)) is None:
        return None
    pairs = (option.partition(": ") for option in found[4].split(SEPARATOR))
    options = tuple((name, tuple(values.split(", "))) for name, _, values in pairs)
    return ProductData(found[1], found[2], float(found[3]), options)


def write_features(data: FeaturesData) -> str:
    """ "Oak Chair (item 3) is light, foldable and washable." """
    *most, last = data.features or ("nothing",)
    return f"{data.title} ({data.code}) is {', '.join(most)}{' and ' if most else ''}{last}."


def read_features(text: str) -> FeaturesData | None:
    """What a product is like."""
    found = FEATURES.match(text)
    return FeaturesData(found[1], found[2], tuple(found[3].replace(" and ", ", ").split(", "))) if found else None


def write_fact(data: FactData, people: int = 0) -> str:
    """What a page says of its subject, in the form of the relation; `people`: of a town."""
    article = "an" if data.value[:1] in tuple("aeiou") else "a"
    return FACTS[data.relation].format(page=data.page, value=data.value, people=people, a=article)


def find_fact(text: str, page: str, relation: str) -> re.Match[str] | None:
    """Where a text tells a relation of a page; group 1 is the value."""
    value = r"(\d+)" if relation in YEARS else r"([^.\n]+)"
    form = re.sub(r"\{people:,\}", "{people}", FACTS[relation]).removesuffix(".")
    return re.search(form.format(page=re.escape(page), value=value, people=r"[\d,]+", a="an?") + r"\.", text)


def read_fact(text: str, page: str) -> FactData | None:
    """Which relation of a page a sentence tells, and its value."""
    told = ((relation, find_fact(text, page, relation)) for relation in FACTS)
    return next((FactData(page, name, found[1]) for name, found in told if found and found[0] == text), None)


def write_person(data: PersonData) -> str:
    """ "Ann Brom haggled over a lamp." """
    return f"{data.name} haggled over a {data.item}."


def read_person(text: str) -> PersonData | None:
    """Who haggled over what."""
    found = PERSON.match(text)
    return PersonData(found[1], found[2]) if found else None


def write_limit(data: LimitData) -> str:
    """ "Ann Brom cannot pay more than $17." """
    return f"{data.buyer} cannot pay more than ${data.limit:g}."


def read_limit(text: str) -> LimitData | None:
    """The most that a buyer can pay, where the whole sentence says just that."""
    found = LIMIT.match(text)
    return LimitData(found[1], float(found[2])) if found else None


# ---- lessons as they stand in records ------------------------------------------------------------------------------


def read_lesson(kind: str, subject: str, text: str) -> LessonData | None:
    """The data of a lesson that was recorded in words alone; None where the words are of no known form."""
    readers = {
        "outcome": read_outcome, "place": read_place, "blocked": read_blocked, "object": read_object,
        "empty": read_empty, "product": read_product, "features": read_features, "person": read_person,
        "limit": read_limit,
    }  # fmt: skip
    if kind == "fact":
        return read_fact(text, subject)
    return readers[kind](text) if kind in readers else None
