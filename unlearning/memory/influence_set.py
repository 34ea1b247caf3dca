"""The influence set of a request: the events it names, and all notes derived from them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from agents.memory.memory import Event, Memory, Source
from agents.name_matching import make_finder, make_finder_beside
from arena.lessons import OutcomeData
from arena.text.lesson_sentences import tells_route
from unlearning.data.fact_names import find_sides
from unlearning.request import Item, Request


@dataclass(frozen=True, slots=True)
class Influence:
    """The influence set of a request.

    events: ids of the events it names. notes: ids of all notes written from them, directly or through other notes.
    mixed: those of the notes that have a parent which stays, so that they could be rebuilt from the rest.
    """

    events: frozenset[str]
    notes: frozenset[str]
    mixed: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        return self.events | self.notes


def find_influence(memory: Memory, request: Request) -> Influence:
    """The influence set of a request in a memory; empty where the memory has nothing to do with it.

    A note that is about the target without a source event (written by hand, by a model, by another user's hint) is
    in the set, too. What is to be kept is out of it, where the request names it, but for such notes.
    """
    known = {event.subject: None for event in memory.log} if request.scope in ("state", "facts") else ()
    concerns, forgotten = build_event_test(request, known), build_tests(request.named, request, known)
    log = memory.find_events_naming(list_target_words(request)) if request.scope in ("state", "facts") else memory.log
    events = frozenset(event.id for event in log if concerns(event))
    named = frozenset(note.id for note in memory.by_hand if any(test(note) for test in forgotten))
    if request.rows:
        events |= {event.id for event in memory.log if event.id in request.rows}
        named |= {note.id for note in memory.notes if note.id in request.rows}
    tainted = memory.closure(events | named) - events
    notes = {note.id: note for note in memory.notes}
    gone = events | tainted
    mixed = {id for id in tainted if any(parent not in gone for parent in notes[id].parents)}
    return Influence(events, frozenset(tainted), frozenset(mixed))


def build_event_test(request: Request, known: Collection[str] = ()) -> Callable[[Event], bool]:
    """Whether an event is about what a request wants forgotten, and not about what it wants kept.

    known: other names in memory; a name within a longer name is not matched.
    """
    forgotten, kept = build_tests(request.named, request, known), build_tests(request.retain, request, known)
    return lambda event: any(test(event) for test in forgotten) and not any(test(event) for test in kept)


def list_target_words(request: Request) -> tuple[str, ...]:
    """Words of which every event in scope of a request about states or facts contains one."""
    return tuple(name for item in request.named for name in find_item_names(item, request))


def find_item_names(item: Item, request: Request) -> tuple[str, ...]:
    """The names by which texts refer to an item: a state's names, a fact's subject."""
    return item.names if request.scope == "state" else _split_sides(item)[0]


def _split_sides(item: Item) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The subjects of a fact and its values; an item without a question is its own subject."""
    tags = item.tags if item.prompt or "subject" in item.tags else {"subject": item.name, **item.tags}
    return find_sides((replace(item, tags=tags),))[0]


def build_tests(
    items: Iterable[Item], request: Request, known: Collection[str] = ()
) -> tuple[Callable[[Source], bool], ...]:
    return tuple(_build_test(item, request, known) for item in items)


def _build_test(item: Item, request: Request, known: Collection[str]) -> Callable[[Source], bool]:
    if request.scope == "trajectory":
        return lambda event: (
            getattr(event, "episode", "") in item.names or any(has_route(event, name) for name in item.names)
        )
    if request.scope == "environment":
        return lambda event: any(is_within(event, name) for name in item.names) and _matches_tags(event, item)
    pattern = make_finder_beside(find_item_names(item, request), known)
    told = _split_sides(item)[1] if request.scope == "facts" and item.answer else ()
    value = make_finder((*told, item.answer)) if told else None

    def test(event: Source) -> bool:
        if not _matches_tags(event, item):
            return False
        named = pattern.search(event.subject) or pattern.search(event.text)
        return bool(named) and (value is None or bool(value.search(event.text)))

    return test


class LogPosition(Protocol):
    """The place of an event or a task."""

    @property
    def environment(self) -> str: ...
    @property
    def world(self) -> str: ...
    @property
    def task_type(self) -> str: ...


def is_within(event: LogPosition, name: str) -> bool:
    """Whether an event happened in the environment `name`: a game, `game/world`, `game:task_type` or a task type."""
    places = {event.environment, f"{event.environment}/{event.world}", f"{event.environment}:{event.task_type}"}
    return name in places or (name == event.task_type and name != "")


def list_routes(memory: Memory, episode: str) -> tuple[str, ...]:
    """The actions of an episode in a row, as its outcome tells them: the other name of a trajectory."""
    outcomes = (event.data for event in memory.log if event.episode == episode)
    return tuple(data.route for data in outcomes if isinstance(data, OutcomeData) and data.actions)


def has_route(source: Source, route: str) -> bool:
    """Whether an event or a note tells just these actions, two or more: "go east; go north"."""
    if isinstance(source, Event) and isinstance(source.data, OutcomeData):
        return len(source.data.actions) > 1 and source.data.route == route
    return tells_route(source.text, route)


def mentions_target(text: str, request: Request) -> bool:
    """Whether a text names a target of the request, by any of its names."""
    return bool(make_finder(request.targets).search(text))


def _matches_tags(event: Source, item: Item) -> bool:
    """Whether the event has the environment, world, task type and user that the item asks for, where it does."""
    wanted = (key for key in ("environment", "world", "task_type", "user") if key in item.tags)
    return all(getattr(event, key) == item.tags[key] for key in wanted)
