"""Link the words of a request to names in memory: in full, or by some of their words."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agents.memory.memory import Event, Memory
from arena.lessons import OutcomeData
from arena.text.words import fold, is_letters, split_tokens
from unlearning.conversion.conversion import MemoryEntity
from unlearning.memory.request_parsing import list_names
from unlearning.request import Scope

MOST = 16  # names shown at once
COMMON = 8  # a word shared by more names than this identifies none


def split_folded(text: str) -> tuple[str, ...]:
    return tuple(map(fold, split_tokens(text)))


@dataclass(frozen=True)
class NamedEntities:
    """Everything in a memory that can be named, with what else it is called."""

    scopes: Mapping[str, Scope]
    kinds: Mapping[str, str]
    aliases: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, memory: Memory) -> "NamedEntities":
        scopes = {name: scope for name, scope in list_names(memory).items() if name[-1] not in "/:"}
        kinds: dict[str, str] = {}
        aliases: dict[str, tuple[str, ...]] = {}
        for event in memory.log:
            for name, kind, also in _find_names(event):
                if name in scopes:
                    kinds[name] = kind
                    aliases[name] = also or aliases.get(name, ())
        return cls(scopes, kinds, aliases)

    @cached_property
    def by_form(self) -> dict[tuple[str, ...], list[str]]:
        """Names by what they are called, as lower-case words."""
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in self.scopes:
            for form in (name, *self.aliases.get(name, ())):
                found[split_folded(form)].append(name)
        return dict(found)

    @cached_property
    def by_word(self) -> dict[str, list[str]]:
        """States by each of their words that few others have."""
        words = {name: {word for word in split_folded(name) if is_letters(word)} for name in self.scopes}
        counts = Counter(word for each in words.values() for word in each)
        found: dict[str, list[str]] = defaultdict(list)
        for name, each in words.items():
            for word in each:
                if counts[word] <= COMMON and len(word) > 2 and self.scopes[name] == "state":
                    found[word].append(name)
        return dict(found)


def _find_names(event: Event) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What an event tells of names: the name, its kind, what else it is called."""
    task = [event.data.errand] if isinstance(event.data, OutcomeData) else []
    if event.kind != "outcome":
        yield event.subject, event.kind, ()
    yield event.environment, "game", ()
    yield f"{event.environment}/{event.world}", "world", (f"{event.environment} {event.world}",)
    yield f"{event.environment}:{event.task_type}", "type", (f"{event.task_type} tasks",)
    yield event.episode, "episode", tuple(f"“{words}”" for words in task)


def link_names(text: str, names: NamedEntities, most: int = MOST) -> tuple[MemoryEntity, ...]:
    """The names that the words may speak of, those named in full first; the longer of two that overlap counts."""
    words = split_folded(text)
    exact = _find_in_full(words, names.by_form)
    taken = {place for places in exact.values() for place in places}
    found = [
        _make_entity(names, name, exact, tuple(sorted(places)), True, 1.0)
        for name, places in sorted(exact.items(), key=lambda item: min(item[1]))
    ]
    partial: dict[str, set[int]] = defaultdict(set)
    for place, word in enumerate(words):
        for name in names.by_word.get(word, ()) if place not in taken else ():
            if name not in exact:
                partial[name].add(place)
    shares = {name: len(places) / max(1, sum(map(is_letters, split_folded(name)))) for name, places in partial.items()}
    order = sorted(partial, key=lambda name: (-len(partial[name]), -shares[name], min(partial[name])))
    found += [
        _make_entity(names, name, partial, tuple(sorted(partial[name])), False, min(1.0, shares[name]))
        for name in order
    ]
    return tuple(found[:most])


def _find_in_full(words: Sequence[str], called: Mapping[tuple[str, ...], list[str]]) -> dict[str, set[int]]:
    """The positions of every name in the words, longest first, none within another."""
    free = [True] * len(words)
    found: dict[str, set[int]] = defaultdict(set)
    sizes = sorted({len(form) for form in called}, reverse=True)
    for size in sizes:
        for first in range(len(words) - size + 1):
            if (form := tuple(words[first : first + size])) in called and all(free[first : first + size]):
                free[first : first + size] = [False] * size
                for name in called[form]:
                    found[name].update(range(first, first + size))
    return dict(found)


def _make_entity(
    names: NamedEntities, name: str, among: Mapping[str, set[int]], places: tuple[int, ...], exact: bool, cover: float
) -> MemoryEntity:
    rivals = sum(other != name and set(places) == set(spots) for other, spots in among.items())
    return MemoryEntity(name, names.scopes[name], names.kinds.get(name, ""), exact, cover, places, rivals)
