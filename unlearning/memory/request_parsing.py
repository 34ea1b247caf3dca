"""Parse a request in words into names in memory: "forget the clinic and house 12, but keep the mill"."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from agents.memory.memory import Memory
from agents.name_matching import NameMatch, make_finder
from arena.errors import UsageError, unknown
from arena.text.words import fold, is_same, split_runs
from unlearning.memory.influence_set import find_influence, list_routes
from unlearning.request import Item, Request, Scope

ASKED = re.compile(
    r"^(?:please\s+|kindly\s+|we ask you to\s+|i want you to\s+)*"
    r"(?:forget|erase|delete|remove|unlearn|drop|wipe)\s+(?:all\s+|everything\s+)?"
    r"(?:you (?:know|learned|remember)\s+)?(?:about\s+|of\s+)?",
    re.IGNORECASE,
)
POLITE = re.compile(
    r"^(?:could|can|would|will) you\s+(?=(?:please\s+|kindly\s+)*(?:forget|erase|delete|remove|unlearn|drop|wipe)\b)|"
    r"[\s,;.!?]+(?:please|(?:many )?thanks|thank you(?: (?:so|very) much)?|if you (?:would|please))(?=[\s.!?]*$)|"
    r"[\s.!?]+$",
    re.IGNORECASE,
)
KEPT = re.compile(r"\s*[,;.]?\s*(?:but|and)?\s*\b(?:keep|retain|except(?: for)?|save for)\b\s*", re.IGNORECASE)
PARTED = re.compile(r"\s*(?:,|;|\band\b|\bas well as\b)\s*", re.IGNORECASE)
QUOTES = re.compile(r"[“”„«»\"]|(?<!\w)['‘’]|['‘’](?!\w)")
LETTERS = re.compile(r"[^\W\d]{2}")
LEADING = re.compile(r"^(?:the|a|an|any|all|every|our|my|trajectory|episode|environment|world)\s+", re.IGNORECASE)
HIDDEN = "\ue000"  # a private-use character: it occurs in no text
SHOWN = re.compile(f"{HIDDEN}(\\d+){HIDDEN}")
ALL = {"everything", "all", "it all", "anything"}


class UnclearTarget(UsageError):
    """A request that names nothing in memory, or several things; nothing was changed.

    `candidates`: what it may be; where nothing is called nearly so, `others` are some of what there is.
    """

    def __init__(self, why: str, candidates: Sequence[str], others: Sequence[str] = ()) -> None:
        told = f"; did it mean {', '.join(candidates)}?" if candidates else ""
        told = told or (f"; memory has, among others, {', '.join(others)}" if others else "")
        super().__init__(f"request: {why}{told}")
        self.why, self.candidates, self.others = why, tuple(candidates), tuple(others)


class Everything(UnclearTarget):
    """A request to forget all there is; nothing was changed."""


def request_all(memory: Memory, words: str) -> Request:
    """The request for all environments of a memory. Raises UnclearTarget for an empty one."""
    places = tuple(dict.fromkeys(event.environment for event in memory.log))
    if not places:
        raise UnclearTarget("there is nothing in memory that could be forgotten", ())
    return Request(tuple(map(Item, places)), scope="environment", note=words)


def with_rows(memory: Memory, words: str, scope: Scope | None, rows: tuple[str, ...]) -> Request:
    """The request for what the words name and for these rows besides; for the rows alone where there are no words.

    Raises UsageError for an id that no event and no note has.
    """
    if not rows:
        return resolve_request(memory, words, scope)
    there = {*(event.id for event in memory.log), *(note.id for note in memory.notes)}
    if missing := [id for id in rows if id not in there]:
        raise UsageError(unknown("event or note", missing[0], get_close_matches(missing[0], there)))
    if not words:
        return Request(tuple(map(Item, rows)), scope="state", rows=rows)
    return replace(resolve_request(memory, words, scope), rows=rows)


def resolve_request(memory: Memory, asked: str | Request, scope: Scope | None = None) -> Request:
    """The request with targets that are in memory, by their names there.

    In words it may name several targets and, after "but keep", what must stay. Raises UnclearTarget, with the
    candidates, for a target that memory does not have or has more than one of; nothing is ever changed by it.
    """
    request = asked if isinstance(asked, Request) else None
    if request is None:
        assert isinstance(asked, str)
        known = list_names(memory)
        wanted, kept = parse_names(asked, known)
        found = [pick_target(name, known, scope) for name in wanted]
        scopes = {kind for kind, _ in found}
        if len(scopes) > 1:
            raise UnclearTarget(f"it mixes {' and '.join(sorted(scopes))} targets; ask for one kind at a time", ())
        keep = tuple(Item(pick_target(name, known, None)[1]) for name in kept)
        request = Request(tuple(_build_item(memory, *one) for one in found), keep, found[0][0], asked)
    if not find_influence(memory, request).ids:
        raise UnclearTarget(
            f"memory has nothing of {', '.join(map(repr, request.targets))}",
            suggest_names(request.targets, list_names(memory)),
            list_examples(list_names(memory)),
        )
    return request


def _build_item(memory: Memory, scope: Scope, name: str) -> Item:
    return Item(name, aliases=list_routes(memory, name) if scope == "trajectory" else ())


def parse_names(text: str, known: Mapping[str, Scope]) -> tuple[list[str], list[str]]:
    """What `parts` finds; names in memory that have a comma or an "and" in them, such as (6, 4), are kept whole."""
    whole = sorted((name for name in known if PARTED.search(name)), key=len, reverse=True)
    pattern = make_finder(tuple(whole))
    found: list[str] = []

    def hide(match: NameMatch) -> str:
        found.append(match.group())
        return f"{HIDDEN}{len(found) - 1}{HIDDEN}"

    def restore(name: str) -> str:
        return SHOWN.sub(lambda match: found[int(match[1])], name)

    try:
        wanted, kept = split_request(pattern.sub(hide, text.replace(HIDDEN, "")))
    except UnclearTarget as error:
        raise type(error)(error.why, error.candidates, list_examples(known)) from None
    return list(map(restore, wanted)), list(map(restore, kept))


def list_examples(known: Mapping[str, Scope], most: int = 5) -> list[str]:
    """Some of the names, states before others."""
    return sorted(known, key=lambda name: (known[name] != "state", not name[0].isalpha()))[:most]


def split_request(text: str) -> tuple[list[str], list[str]]:
    """The names that a request wants forgotten, and those it wants kept. Raises UnclearTarget for none or for all."""
    body, *rest = map(strip_politeness, KEPT.split(strip_politeness(text), maxsplit=1))
    wanted = [LEADING.sub("", name).strip() for name in PARTED.split(ASKED.sub("", body)) if name.strip()]
    kept = [LEADING.sub("", name).strip() for name in PARTED.split(rest[0]) if name.strip()] if rest else []
    if any(fold(name) in ALL for name in wanted):
        raise Everything("it asks to forget everything; name a target, or type: --method reset", ())
    if not any(wanted):
        raise UnclearTarget("it names nothing to forget; name a target, or everything with --method reset", ())
    return wanted, kept


def strip_politeness(text: str) -> str:
    """A request without quotation marks, and without the politeness at its ends."""
    text = QUOTES.sub("", text).strip()
    while (shorter := POLITE.sub("", text, count=1)) != text:
        text = shorter
    return text


def list_names(memory: Memory) -> Mapping[str, Scope]:
    """Everything in memory that can be named: subjects, episodes, environments, worlds and kinds of task."""
    found: dict[str, Scope] = {}
    for event in memory.log:
        found[event.environment] = "environment"
        found[f"{event.environment}/{event.world}"] = "environment"
        found[f"{event.environment}:{event.task_type}"] = "environment"
        found[event.episode] = "trajectory"
        if event.kind != "outcome":
            found.setdefault(event.subject, "state")
    return {name: scope for name, scope in found.items() if name.strip("/:")}


def pick_target(asked: str, known: Mapping[str, Scope], scope: Scope | None) -> tuple[Scope, str]:
    """The one thing in memory that a name refers to: the name itself, or the only one that contains its words.

    Raises UnclearTarget where there is none, or more than one.
    """
    names = [name for name, kind in known.items() if scope in (None, kind)]
    exact = [name for name in names if is_same(name, asked)]
    wanted = split_words(asked) if LETTERS.search(asked) else frozenset()  # a bare number is part of too many names
    fitting = exact or [name for name in names if wanted and wanted <= split_words(name) and known[name] == "state"]
    fitting = fitting or [name for name in names if wanted and wanted <= split_words(name)]
    if len(fitting) == 1:
        return known[fitting[0]], fitting[0]
    if fitting:
        raise UnclearTarget(f"{asked!r} may be one of {len(fitting)} things", sorted(fitting)[:10])
    raise UnclearTarget(f"memory has nothing called {asked!r}", suggest_names((asked,), known), list_examples(known))


def split_words(name: str) -> frozenset[str]:
    """The words of a name; one of a script without spaces is not cut up, since its characters are in other names."""
    return frozenset(split_runs(name))


def suggest_names(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names in memory similar to this one."""
    return list(dict.fromkeys(_find_near_names(names, list(known))))


def _find_near_names(names: Iterable[str], known: Sequence[str]) -> Iterator[str]:
    lower = {fold(name): name for name in known}
    for name in names:
        for match in get_close_matches(fold(name), lower, n=3, cutoff=0.5):
            yield lower[match]
        yield from (known_name for known_name in known if split_words(name) & split_words(known_name))
