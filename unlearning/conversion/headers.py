"""The converter's input from a memory: headers of the retrieved notes, and a card of the environment."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from agents.memory.memory import Memory, Note, Source
from agents.memory.subject import Subject
from arena.text.bm25 import Index
from unlearning.conversion.conversion import SHOWN, Card, ConversionInput, Flag, Header, MemoryEntity
from unlearning.conversion.name_linking import NamedEntities, link_names
from unlearning.memory.influence_set import build_tests
from unlearning.request import Item, Request

LISTED = 8  # parents that a header lists
DEEDS: Mapping[str, tuple[str, ...]] = {  # what can be done in the environments that agents learn in
    "gridworld": ("go",), "household": ("go to", "take", "put", "open", "use"), "shopping": ("search", "click"),
    "wiki": ("search", "lookup", "finish"), "bargaining": ("say", "offer", "accept"),
}  # fmt: skip


def build_pages(
    subject: Subject, text: str, *, shown: int = SHOWN, failed: str = "", names: NamedEntities | None = None
) -> tuple[ConversionInput, ...]:
    """The input of a conversion, in pages of at most `shown` headers; the notes that may be meant come first.

    All pages have the same words, card and names. Notes that have nothing to do with any of the names fill the last
    page as far as it goes, those nearest to the words first.
    """
    memory = subject.memory
    found = link_names(text, names or NamedEntities.of(memory))
    extents = trace_roots(memory, found)
    hits = [note for note in memory.notes if extents.get(note.id)]
    rest = [note for note in memory.notes if not extents.get(note.id)]
    room = -len(hits) % shown if hits else shown
    scores = Index.of([note.text for note in rest]).scores(text) if rest else {}
    near = sorted(range(len(rest)), key=lambda n: (-scores.get(n, 0.0), n))[:room]
    own = {writer.name for writer in memory.writers}
    order = {note.id: place for place, note in enumerate(memory.notes)}
    chosen = sorted([*hits, *(rest[n] for n in near)], key=lambda note: order[note.id])
    episodes = {event.id: event.episode for event in memory.log}
    headers = [make_header(note, extents.get(note.id, ()), episodes, note.writer not in own) for note in chosen]
    seen = make_card(subject)
    pages = [tuple(headers[first : first + shown]) for first in range(0, len(headers), shown)] or [()]
    return tuple(ConversionInput(text, seen, found, page, failed) for page in pages)


def make_header(note: Note, about: tuple[tuple[str, float], ...], episodes: Mapping[str, str], fixed: bool) -> Header:
    """The header of a note; of an event among its parents it lists the episode."""
    where = f"{note.environment}/{note.world}:{note.task_type}".rstrip(":").rstrip("/")
    names = {name for name, _ in about}
    subject: tuple[tuple[str, float], ...] = ((note.subject, 1.0),) if note.subject not in ("", *names) else ()
    parents = tuple(dict.fromkeys(episodes.get(parent, parent) for parent in note.parents))
    return Header(note.id, note.kind, where, (*about, *subject), parents, fixed)


def trace_roots(memory: Memory, entities: Sequence[MemoryEntity]) -> dict[str, tuple[tuple[str, float], ...]]:
    """By note id, the names in its source events, each with the share of the events that have it.

    A note by hand has to do with what its own text names, too.
    """
    concerns = {entity.name: make_matcher(entity) for entity in entities}
    touched = {event.id: {name for name, test in concerns.items() if test(event)} for event in memory.log}
    own = {writer.name for writer in memory.writers}
    ends: dict[str, frozenset[str]] = {event.id: frozenset((event.id,)) for event in memory.log}
    found: dict[str, tuple[tuple[str, float], ...]] = {}
    for note in memory.notes:
        ends[note.id] = frozenset[str]().union(*(ends.get(parent, frozenset()) for parent in note.parents))
        sets = [touched[id] for id in ends[note.id]]
        if not sets or note.writer not in own:
            sets = [*sets, {name for name, test in concerns.items() if test(note)}]
        counts = {entity.name: sum(entity.name in each for each in sets) for entity in entities}
        found[note.id] = tuple((name, n / len(sets)) for name, n in counts.items() if n)
    return found


def make_matcher(entity: MemoryEntity) -> Callable[[Source], bool]:
    """Whether an event or a note has to do with a name, in the sense in which requests are resolved."""
    (test,) = build_tests((Item(entity.name),), Request((Item(entity.name),), scope=entity.scope))
    return test


def make_card(subject: Subject) -> Card:
    """The environment card of a subject, from its log and its base agent."""
    log = subject.memory.log
    games = tuple(sorted({event.environment for event in log if event.environment}))
    things = tuple(sorted({event.kind for event in log if event.kind}))
    actions = tuple(dict.fromkeys(deed for name in games for deed in DEEDS.get(name, ())))
    return Card(games, actions, things, own=hasattr(subject.mind, "model"))


def flag_failures(
    page: ConversionInput, told: Collection[str], leaking: Collection[str], lost: Collection[str]
) -> ConversionInput:
    """The input after an attempt that failed: names that are still known, and notes that disclose them or were lost.

    told: names. leaking, lost: note ids. In words it says how many there were of each.
    """
    flags: dict[str, Flag] = {**dict.fromkeys(lost, "lost"), **dict.fromkeys(leaking, "told")}
    return replace(
        page,
        entities=tuple(replace(entity, told=entity.name in told) for entity in page.entities),
        headers=tuple(replace(header, flag=flags.get(header.id, "")) for header in page.headers),
        failed=f"Failed: {len(leaking)} notes still tell it, {len(lost)} were lost without need.",
    )
