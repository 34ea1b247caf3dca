"""A forget request: what to forget, what to keep, and in which sense."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from arena.errors import UsageError

Scope: TypeAlias = Literal["facts", "state", "trajectory", "environment"]
SCOPES: tuple[str, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Item:
    """An item that can be known, forgotten and asked for.

    name: its unique name: the name of a state, the id of an episode, of an environment, of a fact.
    prompt, answer: the question and the answer; a passage has its first words as prompt, or none.
    aliases: other names of it, or other forms of the answer. wrong: false answers of the same type.
    tags: what kind of item it is: `subject`, `relation`, `value`, `form`, `environment`, `world`, `task_type`, …; other
    names of the subject or the value, parted by semicolons: `subject_aliases`, `value_aliases`; `paraphrases`, other
    questions for the same that may be trained on, one a line.
    """

    name: str
    prompt: str = ""
    answer: str = ""
    aliases: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it is called: the name, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def is_passage(self) -> bool:
        """Whether it is running text rather than a question with its answer."""
        return not self.prompt or self.tags.get("form") == "passage"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to forget the items `forget` and to keep the items `retain`.

    `scope` says what the items are: "state" a place, thing or person; "trajectory" one sequence of actions, while its
    task stays permitted; "environment" a world or a kind of task; "facts" questions with their answers. `note` is
    the request in the user's words. `rows` are ids of events and notes that are meant besides, whatever stands
    in them.
    """

    forget: tuple[Item, ...]
    retain: tuple[Item, ...] = ()
    scope: Scope = "facts"
    note: str = ""
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise UsageError(f"request: scope is one of {', '.join(SCOPES)}; got {self.scope!r}")
        if not self.forget:
            raise UsageError("request: nothing is named to forget; name an item, such as the clinic")
        if both := sorted({item.name for item in self.forget} & {item.name for item in self.retain}):
            raise UsageError(
                f"request: {', '.join(map(repr, both))} cannot be forgotten and kept at once; "
                "take it out of one of the two lists"
            )

    @property
    def named(self) -> tuple[Item, ...]:
        """The items to forget by name: all but those that represent one of the rows."""
        return tuple(item for item in self.forget if item.name not in self.rows) if self.rows else self.forget

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of what is to be forgotten, aliases included, each once; of a fact with a subject, that."""
        if self.scope != "facts":
            return names(self.named)
        called = (item.names if (one := item.tags.get("subject")) is None else (one,) for item in self.named)
        return tuple(dict.fromkeys(name for some in called for name in some if name))


def names(items: Iterable[Item]) -> tuple[str, ...]:
    """All that the items are called, each name once, in order."""
    return tuple(dict.fromkeys(name for item in items for name in item.names if name))


def apart(forget: Iterable[Item], retain: Iterable[Item]) -> None:
    """Raise UsageError where a question with its answer is to be forgotten under one name and kept under another."""
    asked = {(item.prompt, item.answer): item.name for item in forget}
    if same := [(item.name, asked[key]) for item in retain if (key := (item.prompt, item.answer)) in asked]:
        kept, gone = same[0]
        raise UsageError(
            f"request: {kept}, which is to be kept, is word for word {gone}, which is to be forgotten ({len(same)} "
            "such); take it out of one of the two lists"
        )
