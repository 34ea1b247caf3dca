"""Names of facts: the subject a question asks about, and the value an answer must not disclose.

A fact that is tagged says both itself (tags `subject`, `subject_aliases`, `value`). Of published questions without tags
they are derived: the subject is the proper name of the question that occurs most often in what is to be forgotten;
the value is what the answer adds to the question, proper names, numbers and quotations first, else its rarer words.
The rules are for English: a text without capitals has no proper names, and the whole question is then its name. Of a
date its year counts as well. Other forms of a value are not found, such as a surname alone, an inflected word or a
number in words: they go into the tag `value_aliases`.
"""

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agents.memory.write_gate import canonicalize
from agents.name_matching import make_finder
from arena.errors import UsageError
from unlearning.data.proper_names import COMMON, find_added_phrases, find_proper_names, find_salient, is_small
from unlearning.request import Item, Request

Names: TypeAlias = tuple[str, ...]
ALIASES = re.compile(r"\s*[;|]\s*")
YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d)")
SHORT = 5  # words of an alias that is a name; a longer one is another form of the answer
MOST = 3  # phrases of an answer without names or numbers that are taken for its value
FREQUENT, FEW = 0.2, 5  # a word in more than this share of the answers is none of their values, from so many on


@dataclass(frozen=True, slots=True)
class NamesBySide:
    """asked: the subjects, as a question may call them. told: the values, as an answer may state them. spared: pairs of
    a value and a subject of whom it may be stated, since it is also true of that one, who is not forgotten. each: asked
    and told of each fact."""

    asked: Names
    told: Names
    spared: tuple[tuple[str, str], ...] = ()
    each: tuple[tuple[Names, Names], ...] = ()


def find_fact_names(request: Request, known: Sequence[tuple[str, str]] = ()) -> NamesBySide:
    """The names of all facts of a request by side, each once.

    known: subjects and sentences about them that an agent may still disclose; with `request.retain` they say which
    words are not the target's alone, and which values hold of others. A subject is also called by its first and by its
    last word, where nothing else has that word in its name. Raises UsageError where no fact has a name on either side;
    warns of those that have none on one.
    """
    sides = find_sides(request.forget, request.retain)
    kept = find_sides(request.retain)
    _complain(request.forget, sides)
    mine = {canonicalize(name) for names, _ in sides for name in names}
    ordinary = _find_ordinary(request, sides, [name for name, _ in known if canonicalize(name) not in mine])
    each = tuple(
        (
            tuple(dict.fromkeys(form for name in names for form in (name, *find_name_parts(name, ordinary)))),
            tuple(
                dict.fromkeys(form for value in values for form in (*find_forms(value), *find_year(value, ordinary)))
            ),
        )
        for names, values in sides
    )
    asked = tuple(dict.fromkeys(name for names, _ in each for name in names))
    told = tuple(dict.fromkeys(value for _, values in each for value in values))
    own = {canonicalize(name) for name in asked} | _find_named_subjects(request, kept, known)
    pairs = [pair for pair in _find_spared(told, kept, known) if canonicalize(pair[1]) not in own]
    return NamesBySide(asked, told, tuple(dict.fromkeys(pairs)), each)


def choose_order_names(names: NamesBySide, request: Request) -> list[Names]:
    """For each fact what an order not to know it names: its subject, or its value where something else about the same
    subject is kept. Names with a full stop are left out where there are others: it would end the order."""
    kept = {canonicalize(name) for subjects, _ in find_sides(request.retain) for name in subjects}
    found = [told if any(canonicalize(name) in kept for name in asked) else asked for asked, told in names.each]
    return [tuple(name for name in some if "." not in name) or some for some in found]


def find_sides(items: Sequence[Item], others: Sequence[Item] = ()) -> list[tuple[Names, Names]]:
    """For each item its subjects and its values; from its tags, else derived.

    others: items about something else; a proper name in one of them identifies none of these.
    """
    plain = [item for item in items if not ("subject" in item.tags and "value" in item.tags)]
    named = Counter(name for item in plain for name in set(find_proper_names(f"{item.prompt}\n{item.answer}")))
    taken = {name for item in others if plain for name in find_proper_names(f"{item.prompt}\n{item.answer}")}
    frequent = _find_frequent([*items, *others]) if plain else frozenset()
    found = []
    for item in items:
        first = (item.tags["subject"],) if item.tags.get("subject") else _find_subject(item, named, taken)
        values = (item.tags["value"],) if item.tags.get("value") else _find_values(item, item.answer, frequent)
        found.append(_add_aliases(item, first, values, frequent))
    return found


def find_name_parts(name: str, ordinary: frozenset[str]) -> Names:
    """The first and the last word of a name of two words or more, but for what is too common to be a name by itself
    and for words in `ordinary`; initials are left out."""
    words = canonicalize(name)
    if not 2 <= len(words) <= 4:
        return ()
    ends = dict.fromkeys((words[0], words[-1]))
    return tuple(
        word for word in ends if len(word) > 1 and word not in COMMON and word not in ordinary and not is_small(word)
    )


def find_forms(value: str) -> Names:
    """A value, and the plural or the singular of a value that is a common noun in English."""
    last = re.search(r"(?<![^\W_])[a-z]{3,}$", value)
    if last is None:
        return (value,)
    if value.endswith("s"):
        return (value, value[:-1]) if not value.endswith("ss") else (value, f"{value}es")
    if value.endswith("y") and value[-2] not in "aeiou":
        return (value, f"{value[:-1]}ies")
    return (value, f"{value}es" if value.endswith(("x", "z", "ch", "sh")) else f"{value}s")


def find_year(value: str, ordinary: frozenset[str]) -> Names:
    """The year of a value that is a date, which by itself gives most of it away; none where it is in `ordinary`."""
    years = YEAR.findall(value)
    dated = len(re.findall(r"\d+", value)) > 1 or len(value.split()) == 2
    return tuple(year for year in years if year != value and year not in ordinary) if dated and len(years) == 1 else ()


def _add_aliases(item: Item, subjects: Names, values: Names, frequent: frozenset[str]) -> tuple[Names, Names]:
    """The subjects and the values with the aliases that belong to each: an alias with a word of a subject is another
    name of it, one with a value another form of the answer, a long one has values of its own; one that is none of
    these counts on both sides."""
    asked = [*subjects, *filter(None, ALIASES.split(item.tags.get("subject_aliases", "")))]
    told = [*values, *filter(None, ALIASES.split(item.tags.get("value_aliases", "")))]
    words = {word for name in asked for word in canonicalize(name)}
    for alias in filter(None, item.aliases):
        if told and make_finder(tuple(told)).search(alias):
            continue
        if len(alias.split()) > SHORT:
            told += _find_values(item, alias, frequent)
        elif words & set(canonicalize(alias)):
            asked.append(alias)
        else:
            asked.append(alias)
            told.append(alias)
    return tuple(dict.fromkeys(asked)), tuple(dict.fromkeys(told))


def _find_subject(item: Item, named: Counter[str], taken: set[str]) -> Names:
    """Whom a question without a tag is about: its most frequent proper name. Where the answer has one that recurs and
    the question none that does, the question asks for the name: then it is itself what is looked for, and that name."""
    asked, told = (
        [name for name in find_proper_names(text) if name not in taken] for text in (item.prompt, item.answer)
    )
    best = max(asked, key=lambda name: (named[name], name in told), default="")
    named_in_answer = max(told, key=lambda name: named[name], default="")
    if best and (named[best] > 1 or best in told or named[named_in_answer] < 2):
        return (best,)
    question = (item.prompt or item.name).strip().rstrip("?!.？。！ ")
    return tuple(filter(None, (question, named_in_answer if named[named_in_answer] > 1 else "")))


def _find_values(item: Item, answer: str, frequent: frozenset[str]) -> Names:
    """The part of an answer that is not in its question or the tagged subject."""
    asked = f"{item.prompt} {item.tags.get('subject', '')}"
    return find_salient(answer, asked) or select_telling(find_added_phrases(answer, asked, frequent))


def select_telling(phrases: Sequence[str]) -> Names:
    """The MOST phrases of most words, then of longest words, in their order: of a long answer not every word is its
    value."""
    ranked = sorted(phrases, key=lambda phrase: (-len(phrase.split()), -len(phrase)))[:MOST]
    return tuple(phrase for phrase in phrases if phrase in ranked)


def _find_frequent(items: Sequence[Item]) -> frozenset[str]:
    answers = [set(canonicalize(item.answer)) for item in items]
    counts = Counter(word for words in answers for word in words)
    return frozenset(word for word, n in counts.items() if len(answers) >= FEW and n > FREQUENT * len(answers))


def _find_ordinary(request: Request, sides: Sequence[tuple[Names, Names]], known: Iterable[str]) -> frozenset[str]:
    """Words that a question may have without being about the target: those of what is kept, and of the questions about
    the target but for its names."""
    found = {word for item in request.retain for word in canonicalize(f"{item.prompt} {item.answer}")}
    found |= {word for name in known for word in canonicalize(name)}
    for item, (names, _) in zip(request.forget, sides, strict=True):
        found |= set(canonicalize(make_finder(names).sub(" ", item.prompt)))
    return frozenset(found)


def _find_named_subjects(
    request: Request, kept: Sequence[tuple[Names, Names]], known: Sequence[tuple[str, str]]
) -> set[tuple[str, ...]]:
    """Subjects of what an agent may tell, in words, that occur in a forget question whose subject is not
    tagged, and of whom nothing is kept: they are the target's own, whatever was derived."""
    plain = [item.prompt for item in request.forget if not item.tags.get("subject")]
    others = {canonicalize(name) for names, _ in kept for name in names}
    found = {canonicalize(name) for name, _ in known if any(make_finder((name,)).search(prompt) for prompt in plain)}
    return found - others


def _find_spared(
    told: Names, kept: Sequence[tuple[Names, Names]], known: Sequence[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    plain = {canonicalize(value): value for value in told}
    for names, values in kept:
        for value in values:
            if (own := plain.get(canonicalize(value))) is not None:
                yield from ((form, name) for form in find_forms(own) if form in told for name in names)
    for name, text in known:
        if make_finder(told).search(text) and not make_finder(told).search(name):  # a value is not spared by itself
            yield from ((value, name) for value in told if make_finder((value,)).search(text))


def _complain(items: Sequence[Item], sides: Sequence[tuple[Names, Names]]) -> None:
    for side, what, tag in ((0, "question is about", "subject"), (1, "answer tells", "value")):
        lacking = [item.name for item, names in zip(items, sides, strict=True) if not names[side]]
        said = f"{lacking[0]!r}: it cannot be told what its {what}; give the item the tag {tag!r}" if lacking else ""
        if len(lacking) == len(items):
            raise UsageError(f"a guard goes by names, and no fact has one on this side; {said}")
        if lacking:
            warnings.warn(f"{len(lacking)} of {len(items)} facts are not guarded on this side, as {said}", stacklevel=4)
