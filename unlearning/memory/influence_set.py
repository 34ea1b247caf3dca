"""What of a memory a request is about: the events it names, and all notes that were written from them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from agents.memory.memory import Event, Memory, Source
from agents.name_matching import naming, naming_beside
from unlearning.data.fact_names import sides_of
from unlearning.request import Item, Request


@dataclass(frozen=True, slots=True)
class Influence:
    """The influence set of a request.

    events: ids of the events it names. notes: ids of all notes written from them, directly or through other notes.
    mixed: those of the notes that have a parent which stays, so that they could be written anew from the rest.
    """

    events: frozenset[str]
    notes: frozenset[str]
    mixed: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        return self.events | self.notes


def influence(memory: Memory, request: Request) -> Influence:
    """The influence set of a request in a memory; empty where the memory has nothing to do with it.

    A note that is about the target without an event behind it (written by hand, by a model, by another user's hint) is
    in the set, too. What is to be kept is out of it, where the request names it, but for such notes.
    """
    known = {event.subject: None for event in memory.log} if request.scope in ("state", "facts") else ()
    concerns, forgotten = about(request, known), tests(request.named, request, known)
    log = memory.telling(words(request)) if request.scope in ("state", "facts") else memory.log
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


def about(request: Request, known: Collection[str] = ()) -> Callable[[Event], bool]:
    """Whether an event is about what a request wants forgotten, and not about what it wants kept.

    known: other names in memory; what stands within a longer one is not meant by a shorter one.
    """
    forgotten, kept = tests(request.named, request, known), tests(request.retain, request, known)
    return lambda event: any(test(event) for test in forgotten) and not any(test(event) for test in kept)


def words(request: Request) -> tuple[str, ...]:
    """The words of which one stands in every event that a request about states or facts is about."""
    return tuple(name for item in request.named for name in called(item, request))


def called(item: Item, request: Request) -> tuple[str, ...]:
    """What an item is called where it is told of: a state by its names, a fact by its subject."""
    return item.names if request.scope == "state" else _sides(item)[0]


def _sides(item: Item) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The subjects of a fact and its values; the name of an item without a question stands for its subject."""
    tags = item.tags if item.prompt or "subject" in item.tags else {"subject": item.name, **item.tags}
    return sides_of((replace(item, tags=tags),))[0]


def tests(items: Iterable[Item], request: Request, known: Collection[str] = ()) -> tuple[Callable[[Source], bool], ...]:
    return tuple(_test(item, request, known) for item in items)


def _test(item: Item, request: Request, known: Collection[str]) -> Callable[[Source], bool]:
    if request.scope == "trajectory":
        return lambda event: (
            getattr(event, "episode", "") in item.names or any(same_actions(event.text, name) for name in item.names)
        )
    if request.scope == "environment":
        return lambda event: any(within(event, name) for name in item.names) and _tagged(event, item)
    pattern = naming_beside(called(item, request), known)
    told = _sides(item)[1] if request.scope == "facts" and item.answer else ()
    value = naming((*told, item.answer)) if told else None

    def test(event: Source) -> bool:
        if not _tagged(event, item):
            return False
        named = pattern.search(event.subject) or pattern.search(event.text)
        return bool(named) and (value is None or bool(value.search(event.text)))

    return test


class LogPosition(Protocol):
    """Where something happens: an event, or a task."""

    @property
    def environment(self) -> str: ...
    @property
    def world(self) -> str: ...
    @property
    def task_type(self) -> str: ...


def within(event: LogPosition, name: str) -> bool:
    """Whether an event happened in the environment `name`: a game, `game/world`, `game:task_type` or a task type."""
    places = {event.environment, f"{event.environment}/{event.world}", f"{event.environment}:{event.task_type}"}
    return name in places or (name == event.task_type and name != "")


def routes(memory: Memory, episode: str) -> tuple[str, ...]:
    """The actions of an episode in a row, as its outcome tells them: the other name of a trajectory."""
    outcomes = (event.text for event in memory.log if event.episode == episode and event.kind == "outcome")
    told = (text.partition(": ")[2].rstrip(".") for text in outcomes)
    return tuple(actions for actions in told if actions)


def same_actions(text: str, actions: str) -> bool:
    """Whether a text tells just these actions: "go east; go north"."""
    return bool(actions) and ";" in actions and f": {actions}." in text


def mentions(text: str, request: Request) -> bool:
    """Whether a text names a target of the request, by any of its names."""
    return bool(naming(request.targets).search(text))


def _tagged(event: Source, item: Item) -> bool:
    """Whether the event has the environment, world, task type and user that the item asks for, where it does."""
    wanted = (key for key in ("environment", "world", "task_type", "user") if key in item.tags)
    return all(getattr(event, key) == item.tags[key] for key in wanted)
