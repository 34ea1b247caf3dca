"""Agents that remember, for tests: logs drawn at random, a small world, subjects that know it."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from agents.memory.memory import Event, Memory, Note, hash_note
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from agents.note_policy.knower import Knower
from arena.game import Message, View
from arena.text.lesson_sentences import read_lesson
from unlearning.request import Item, Request

NAMES = ("Sosten Harbour", "Raendris Mill", "Kournun Gate", "Trurdor Chapel", "Krorna Garden")
TARGET, OTHER = NAMES[0], NAMES[1]


@st.composite
def events(draw: st.DrawFn, most: int = 24) -> tuple[Event, ...]:
    """A log: places told again and again, outcomes, in two worlds, for everybody and for two users."""
    made = []
    for number in range(draw(st.integers(0, most))):
        episode = draw(st.integers(0, 5))
        world, user = str(episode % 2), draw(st.sampled_from(("", "", "", "ann", "ben")))
        about = Event(f"e{episode}:{number}", "", episode=f"e{episode}", step=number, environment="gridworld",
                      world=world, task_type="walk", user=user)  # fmt: skip
        name = draw(st.sampled_from(NAMES))
        if draw(st.integers(0, 3)):
            made.append(
                replace(about, text=f"{name} is at ({NAMES.index(name)}, {world}).", kind="place", subject=name)
            )
        else:
            way = "; ".join(draw(st.lists(st.sampled_from(("go east", "go north")), min_size=1, max_size=4)))
            done = draw(st.sampled_from(("done", "not done")))
            told = f"The task “go to {name}” was {done} in 3 steps: {way}."
            made.append(replace(about, text=told, kind="outcome", subject="walk"))
    return tuple(map(with_data, made))


def with_data(event: Event) -> Event:
    """The event with what its words say as data, as the games give it."""
    return replace(event, data=read_lesson(event.kind, event.subject, event.text))


def remembers(log: Sequence[Event], hand: Sequence[Note] = ()) -> Memory:
    """The memory of a log, taught in one go, with notes by hand behind it."""
    memory = Memory(writers=ALL).with_events(log)
    for note in hand:
        memory = memory.with_note(note)
    return memory


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    """A memory of a random log; some notes by hand stem from its events and notes, or from nothing."""
    memory = remembers(draw(events()))
    for number in range(draw(st.integers(0, 3))):
        sources = [source.id for source in (*memory.log, *memory.notes)]
        parents = tuple(draw(st.lists(st.sampled_from(sources), max_size=3, unique=True))) if sources else ()
        text = f"Note {number} on {draw(st.sampled_from(NAMES))}."
        memory = memory.with_note(Note(hash_note("hand", text, parents), text, "hint", parents, "hand"))
    return memory


def walk(world: str = "0") -> tuple[Event, ...]:
    """Three walks in which all five places were met; the second was to the target."""
    told = []
    for walk_number, goal in enumerate((OTHER, TARGET, NAMES[2])):
        episode = f"walk-{walk_number}"
        about = Event("", "", episode=episode, environment="gridworld", world=world, task_type="walk")
        met = [replace(about, id=f"{episode}:{n}", text=f"{name} is at ({n + 1}, {n + 2}).", kind="place", subject=name,
                       step=n) for n, name in enumerate(NAMES)]  # fmt: skip
        story = f"The task “go to {goal}” was done in 2 steps: go north; go {'east' if walk_number else 'west'}."
        told += [*met, replace(about, id=f"{episode}:9", text=story, kind="outcome", subject="walk", step=9)]
    return tuple(map(with_data, told))


def walker(compliance: float = 1.0, **settings: object) -> Subject:
    """A subject that went on the three walks."""
    return Subject(Knower(compliance=compliance), remembers(walk()), **settings)  # type: ignore[arg-type]


def about(*names: str, scope: str = "state", keep: Sequence[str] = ()) -> Request:
    return Request(tuple(map(Item, names)), tuple(map(Item, keep)), scope)  # type: ignore[arg-type]


def question(text: str, seed: int = 0) -> View:
    """A view as an interrogation gives it."""
    return View("subject", "Answer.", (Message("adversary", text),), known={"asked": text}, seed=seed)
