"""Conversion: turns a free-text request into edits of memory, as JSON of a fixed form.

The form of the answer is fixed and its ids are those of the headers that were shown, so that it can be carried out, or
refused, without reading it with goodwill. An independent design: nothing here is another's model, prompt or number.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, get_args

from agents.note_policy.steering_orders import AVOID, IGNORE, NOTES_ONLY, format_order
from arena.errors import ArenaError
from arena.text.words import split_pieces
from arena.usage import FREE, Usage
from unlearning.memory.influence_set import mentions_target
from unlearning.memory.request_parsing import UnclearTarget
from unlearning.request import Item, Request, Scope

Edit: TypeAlias = Literal["keep", "delete", "rewrite"]
Flag: TypeAlias = Literal["", "told", "lost"]
Refusal: TypeAlias = Literal["everything", "unknown", "ambiguous"]
EDITS: tuple[Edit, ...] = get_args(Edit)
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)
KINDS: tuple[str, ...] = ("state", "trajectory", "environment", *REFUSALS)
QUIET = "Never say that anything was removed, or that you were asked to."
STEERING: Mapping[str, str] = {  # by its key in the output code; the last two name the target, which is a leak
    "none": "", "notes": NOTES_ONLY, "quiet": f"{NOTES_ONLY} {QUIET}", "ignore": IGNORE, "avoid": AVOID,
}  # fmt: skip
LONGEST = 48  # words and marks of steering text
SHOWN = 128  # headers at once


class BadConversion(ArenaError):
    """A converter's answer that is no JSON of the form, or names what it was not shown; nothing was changed.

    usage: what the answer cost anyway.
    """

    def __init__(self, why: str, usage: Usage = FREE) -> None:
        super().__init__(why)
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Card:
    """The environment card: the agent's environments, actions, kinds of things, kinds of tasks.

    own: whether the base agent may know something that is not in its notes, as a language model does.
    """

    environments: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class MemoryEntity:
    """Something in memory that the words may speak of. `exact`: named in full; `cover`: share of its words, 0 to 1.

    places: positions of those of its words among the request's. rivals: others that the same words fit as well.
    told: whether a probe found that it is still known after the last attempt.
    """

    name: str
    scope: Scope
    kind: str
    exact: bool = False
    cover: float = 0.0
    places: tuple[int, ...] = ()
    rivals: int = 0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a note that a converter sees, never its text.

    about: names it has to do with, and the share of its source events that have, above 0 to 1. parents: ids of
    notes, or of the episodes of events. fixed: it cannot be rebuilt. flag: what a probe found after the last
    attempt: the note still discloses the target ("told"), or was lost without need ("lost").
    """

    id: str
    kind: str
    where: str
    about: tuple[tuple[str, float], ...] = ()
    parents: tuple[str, ...] = ()
    fixed: bool = False
    flag: Flag = ""


@dataclass(frozen=True, slots=True)
class ConversionInput:
    """The input of a conversion: the words, the card, what they may speak of, headers, and what failed so far."""

    text: str
    card: Card
    entities: tuple[MemoryEntity, ...] = ()
    headers: tuple[Header, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The output: the request's targets, an edit for each note shown, steering text, and what to keep.

    kind: a scope, or why nothing can be done. names: the targets by their names in memory; of a refusal what it may
    have meant. edits: by note id; what is not in it is kept.
    """

    kind: str
    names: tuple[str, ...] = ()
    edits: Mapping[str, Edit] = field(default_factory=dict)
    steering: str = ""
    retain: tuple[str, ...] = ()

    @property
    def request(self) -> Request:
        """The request that it says was made. Raises UnclearTarget where it says that none can be carried out."""
        if self.kind == "everything":
            raise UnclearTarget("it asks to forget everything; take the method reset for that, or name a target", ())
        if self.kind == "ambiguous":
            raise UnclearTarget("its words fit several things", self.names)
        if self.kind == "unknown" or not self.names:
            raise UnclearTarget("it names nothing that memory has", self.names)
        scope: Any = self.kind
        return Request(tuple(map(Item, self.names)), tuple(map(Item, self.retain)), scope)

    @property
    def leaks(self) -> bool:
        """Whether the steering text names a target."""
        return bool(self.names) and mentions_target(self.steering, Request(tuple(map(Item, self.names)), scope="state"))


class Converter(Protocol):
    """Turns what is asked into a conversion, with what it cost. Raises BadConversion."""

    async def convert(self, asked: ConversionInput) -> tuple[Conversion, Usage]: ...


def render_steering(key: str, names: tuple[str, ...]) -> str:
    """The steering text of the small grammar; two of its forms name the targets."""
    form = STEERING[key]
    return format_order(form, names) if "{}" in form else form


def render_conversion(made: Conversion) -> str:
    """The conversion as JSON."""
    table = {
        "scope": {"kind": made.kind, "names": list(made.names)},
        "edits": dict(made.edits),
        "steering": made.steering,
        "retain": list(made.retain),
    }
    return json.dumps(table, ensure_ascii=False)


def parse_conversion(text: str, asked: ConversionInput) -> Conversion:
    """The conversion in a JSON text, checked against what was shown.

    Raises BadConversion: no JSON object of that form, an id or name that was not shown, an edit that there is not, a
    note rewritten that cannot be, or more than 48 words and marks of steering.
    """
    try:
        table = json.loads(text)
        scope = table["scope"]
        made = Conversion(
            str(scope["kind"]),
            _parse_words(scope["names"]),
            dict(table["edits"]),
            table["steering"],
            _parse_words(table["retain"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadConversion(f"the conversion is no JSON of the form: {error!r}") from error
    if why := _find_fault(made, asked):
        raise BadConversion(f"the conversion {why}")
    return made


def _parse_words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TypeError(f"not a list of names: {value!r}")
    return tuple(value)


def _find_fault(made: Conversion, asked: ConversionInput) -> str:
    """The error in a conversion; "" for none."""
    headers = {header.id: header for header in asked.headers}
    known = {entity.name: entity.scope for entity in asked.entities}
    if made.kind not in KINDS:
        return f"has the kind {made.kind!r}; there are {', '.join(KINDS)}"
    if made.kind not in REFUSALS and not made.names:
        return "acts without a target"
    if strange := [name for name in (*made.names, *made.retain) if name not in known]:
        return f"names {strange[0]!r}, which was not among the names"
    if other := [name for name in made.names if made.kind not in (*REFUSALS, known[name])]:
        return f"takes {other[0]!r} for a {made.kind}"
    if lost := [id for id in made.edits if id not in headers]:
        return f"edits {lost[0]!r}, which was not shown"
    if wrong := [edit for edit in made.edits.values() if edit not in EDITS]:
        return f"has the edit {wrong[0]!r}; there are {', '.join(EDITS)}"
    if fixed := [id for id, edit in made.edits.items() if edit == "rewrite" and headers[id].fixed]:
        return f"rewrites {fixed[0]!r}, which nobody can write anew"
    if not isinstance(made.steering, str) or len(split_pieces(made.steering)) > LONGEST:
        return f"steers with more than {LONGEST} words"
    return ""
