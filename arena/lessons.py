"""What can be learned in an episode: a sentence that stands alone, and beside it the same as typed data.

A game that teaches lists its lessons (`list_lessons`); agents keep them as events. Code that needs what a lesson says
reads its data. The sentences are for models; `arena/text/lesson_sentences.py` writes each from its data.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from arena.cache_register import memoize
from arena.game import JSON

Cell: TypeAlias = tuple[int, int]  # column and row
Result: TypeAlias = Literal["done", "in part", "not done"]
SEPARATOR = "; "  # between actions in a row


@dataclass(frozen=True, slots=True)
class OutcomeData:
    """How a task ended: `errand` is the task in words, `actions` what was done, each in words.

    score: the success, 0 to 1, as told: two decimals. steps: the number of steps, lost ones included.
    """

    errand: str
    result: Result
    score: float
    steps: int
    actions: tuple[str, ...]

    @property
    def route(self) -> str:
        """The actions in a row: "go east; go north"; "" where nothing was done."""
        return SEPARATOR.join(self.actions)


@dataclass(frozen=True, slots=True)
class PlaceData:
    """Where a named place lies on a grid."""

    name: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class BlockedData:
    """A cell that cannot be entered; `name` is its place, "" where it has none."""

    cell: Cell
    name: str = ""


@dataclass(frozen=True, slots=True)
class ObjectData:
    """Which receptacle an object is in, or on where it is not `inside`."""

    name: str
    receptacle: str
    inside: bool


@dataclass(frozen=True, slots=True)
class EmptyData:
    """A receptacle that holds nothing."""

    receptacle: str


@dataclass(frozen=True, slots=True)
class ProductData:
    """What a product costs, in dollars, and the options it comes in, as pairs of a name and its values."""

    title: str
    code: str
    price: float
    options: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class FeaturesData:
    """What a product is like."""

    title: str
    code: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FactData:
    """The value of one relation of what a page is about."""

    page: str
    relation: str
    value: str


@dataclass(frozen=True, slots=True)
class PersonData:
    """Who haggled over an item."""

    name: str
    item: str


@dataclass(frozen=True, slots=True)
class LimitData:
    """The most that a buyer can pay, in dollars."""

    buyer: str
    limit: float


LessonData: TypeAlias = (
    OutcomeData
    | PlaceData
    | BlockedData
    | ObjectData
    | EmptyData
    | ProductData
    | FeaturesData
    | FactData
    | PersonData
    | LimitData
)
D = TypeVar("D", bound=LessonData)
KINDS: Mapping[str, type[LessonData]] = {
    "outcome": OutcomeData,
    "place": PlaceData,
    "blocked": BlockedData,
    "object": ObjectData,
    "empty": EmptyData,
    "product": ProductData,
    "features": FeaturesData,
    "fact": FactData,
    "person": PersonData,
    "limit": LimitData,
}
CODED = ("result",)  # fields that hold one of a few codes, and no words of the world


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something worth remembering: what kind it is, what it is about, and a sentence that stands alone.

    data: what the sentence says, typed by `kind` as in KINDS; None for a kind that is not among them.
    """

    kind: str
    subject: str
    text: str
    data: LessonData | None = None


@dataclass(frozen=True, slots=True)
class LessonEvent:
    """A lesson and the step in which it was learned; 0 is before the first step."""

    step: int
    lesson: Lesson

    def row(self) -> dict[str, JSON]:
        """The lesson as it stands in the facts of an episode: in words."""
        return {
            "step": self.step,
            "kind": self.lesson.kind,
            "subject": self.lesson.subject,
            "text": self.lesson.text,
        }


@runtime_checkable
class TeachingGame(Protocol):
    """A game that says itself what can be learned in an episode of it."""

    def list_lessons(self, state: Any) -> tuple[LessonEvent, ...]:
        """What was learned up to this state, in order."""
        ...


def dump_data(data: LessonData | None) -> str:
    """The data as JSON with sorted keys, "" for None."""
    return "" if data is None else json.dumps(asdict(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def parse_data(kind: str, text: str) -> LessonData | None:
    """The data of a lesson of `kind` from JSON; None for "". Raises ValueError for what is no data of that kind."""
    if not text:
        return None
    if kind not in KINDS:
        raise ValueError(f"a lesson of the kind {kind!r} has no data; kinds that have: {', '.join(sorted(KINDS))}")
    data: LessonData = _make_adapter(KINDS[kind]).validate_json(text)
    return data


def change_texts(data: D, change: Callable[[str], str]) -> D:
    """The data with every text in it changed, those of tuples included."""
    texts = {f.name: _change(getattr(data, f.name), change) for f in fields(data) if f.name not in CODED}
    return replace(data, **texts)


def _change(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    return tuple(_change(item, change) for item in value) if isinstance(value, tuple) else value


@memoize("code")
def _make_adapter(of: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(of)
