"""Remaining texts that resemble the target of a request: for human review, since rules cannot decide.

A request acts on what was recognised: the target's names, and what was derived from there. Texts that stay
may still refer to it, by initials, by a first name, by a pronoun, by a number that only its own texts had.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import TypeAlias

from agents.memory.memory import Event, Memory, Note
from agents.name_matching import make_finder, make_finder_beside
from arena.text.words import CAPITAL, PART, compile_pattern, fold, is_unspaced, split_runs
from unlearning.data.proper_names import COMMON, find_salient
from unlearning.memory.influence_set import find_influence
from unlearning.request import Request

Source: TypeAlias = Event | Note
Test: TypeAlias = Callable[[Source, str], bool]
KINDS: Mapping[str, str] = {  # in the order in which they are looked for: a text has one kind
    "name": "its name",
    "initials": "its initials",
    "part": "a part of its name",
    "spelling": "a name that is spelt nearly so",
    "pronoun": "a pronoun behind a text that was forgotten",
    "value": "a value that stood in a text that was forgotten",
}
PRONOUN = re.compile(
    r"\b(he|she|they|him|his|her|hers|them|their|theirs|it|its|er|sie|ihn|ihm|ihr|il|elle|lui|él|ella)\b", re.IGNORECASE
)
NEAR = 0.8  # how alike two words are that may be one name in two spellings
LONG = 4  # letters of a word of which spellings are compared
ENDING = 2  # letters by which a language inflects a name, of both forms together; one more outside of ASCII
DIGITS = 3  # of a number that is rare enough to identify its subject


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A row that stays and looks like the target: why (a key of KINDS), in which table, and its id."""

    kind: str
    table: str
    id: str


def lookalikes(memory: Memory, after: Memory, request: Request) -> tuple[Lookalike, ...]:
    """The events and notes of the memory `after` that look like the target of a request on `memory`.

    Notes that were written from such an event alone are left out: they go when it goes. Of environments nothing is
    looked for, nor of trajectories: they have no names in prose.
    """
    if request.scope in ("environment", "trajectory"):
        return ()
    tests = tuple(_tests(memory, request))
    others = make_finder(tuple(_other_names(memory, request)))
    found: list[Lookalike] = []
    rest = [("event", event) for event in after.log] + [("note", note) for note in after.by_hand]
    for table, source in rest:
        told = f"{source.subject}\n{source.text}"
        bare = others.sub(" · ", told)  # without the names of others, which may contain parts of this one
        kind = next((kind for kind, test in tests if test(source, told if kind == "name" else bare)), None)
        if kind:
            found.append(Lookalike(kind, table, source.id))
    return tuple(found)


def _tests(memory: Memory, request: Request) -> Iterator[tuple[str, Test]]:
    names = request.targets
    whole, initials, part = make_finder(names), _initials(names), make_finder_beside(tuple(_parts(names)), names)
    gone = find_influence(memory, request).events
    behind = frozenset(_behind(memory, gone))
    values = make_finder(tuple(_values(memory, gone)))
    yield "name", lambda source, text: whole.search(text) is not None
    yield "initials", lambda source, text: initials is not None and initials.search(text) is not None
    yield "part", lambda source, text: any(one.text[:1].isupper() or _caseless(one.text) for one in part.finditer(text))
    yield "spelling", lambda source, text: _spelt_nearly(text, names)
    yield "pronoun", lambda source, text: source.id in behind and PRONOUN.search(source.text) is not None
    yield "value", lambda source, text: values.search(source.text) is not None


def _other_names(memory: Memory, request: Request) -> Iterator[str]:
    """Other things with a name in memory, but for names that have that of the target in them."""
    target = make_finder(request.targets)
    kept = (name for item in request.retain for name in item.names)
    for name in dict.fromkeys([*kept, *(event.subject for event in memory.log)]):
        if name and target.search(name) is None and not _is_part(name, request.targets):
            yield name


def _is_part(name: str, targets: Iterable[str]) -> bool:
    """Whether a name is made of words of the target's alone: "Ann" and "Ann Lee"."""
    return any(set(split_runs(name)) < set(split_runs(target)) for target in targets)


def _initials(names: Sequence[str]) -> re.Pattern[str] | None:
    """Finds the initials of names of two words or more, in capitals: "A.L.", "A. L.", "AL"."""
    found = []
    for name in names:
        letters = [word[0] for word in name.replace("-", " ").split() if word[0].isalpha()]
        if len(letters) > 1 and not is_unspaced(letters[0]):
            found.append(r"[.\-]?\s?".join(re.escape(letter.upper()) for letter in letters))
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)") if found else None


def _parts(names: Sequence[str]) -> Iterator[str]:
    """Single words of names of several words, and of an unspaced name what follows its first character."""
    for name in names:
        words = split_runs(name)
        if len(words) > 1:
            yield from (word for word in words if len(word) > 1 and word not in COMMON and not word.isdigit())
        elif name and is_unspaced(name[0]) and len(name) > 2:
            yield name[1:]


def _caseless(text: str) -> bool:
    return text.upper() == text.lower()


def _spelt_nearly(text: str, names: Sequence[str]) -> bool:
    """Whether a capitalised word of the text is spelt nearly as a word of the names, or is that with an ending."""
    wanted = {word for name in names for word in split_runs(name) if word not in COMMON and word.isalpha()}
    for found in compile_pattern(rf"(?<!{PART}){CAPITAL}{PART}+").finditer(text):
        word = fold(found.group())
        if any(_near(word, one) for one in wanted):
            return True
    return False


def _near(word: str, other: str) -> bool:
    if word == other or _caseless(word):
        return False
    stem = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False)))
    if stem > ENDING and len(word) + len(other) - 2 * stem <= (ENDING if word.isascii() else ENDING + 1):
        return True
    return min(len(word), len(other)) >= LONG and SequenceMatcher(None, word, other).ratio() >= NEAR


def _behind(memory: Memory, gone: frozenset[str]) -> Iterator[str]:
    """The events that follow a deleted one, within an episode, up to the next that names another subject."""
    open_episodes: dict[str, str] = {}  # episode -> subject of what went
    for event in memory.log:
        if event.id in gone:
            open_episodes[event.episode] = event.subject
        elif event.episode in open_episodes:
            if event.subject and event.subject != open_episodes[event.episode] and event.subject in event.text:
                del open_episodes[event.episode]
            else:
                yield event.id


def _values(memory: Memory, gone: frozenset[str]) -> Iterator[str]:
    """The numbers and names that only deleted texts contain; those of two subjects identify neither."""
    told = [event for event in memory.log if event.id in gone]
    subjects = {fold(event.subject) for event in memory.log}
    for event in told:
        for value in find_salient(event.text, event.subject):
            rare = sum(one.isdigit() for one in value) >= DIGITS or " " in value.strip("()")
            if rare and fold(value) not in subjects:
                yield value
