"""What forgetting costs as a log grows: `python tests/bench/bench_forget.py [NOTES …] [--lessons N]`.

NOTES are the sizes (1000 10000 100000).

A memory has that many notes: records, reflections, summaries of its worlds, plans. The requests are for places, one
after the other. In seconds of the processor are measured the closure (what of the memory a request is about), selective
replay, the whole replay of the rest and, as the baseline that everybody has, the lessons done again by a policy that
walks the same worlds. A million notes take some minutes: give the number. The last part keeps the agent in a database
and forgets there, files wiped.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from agents.memory import agent_store  # noqa: E402
from agents.memory.memory import Event, Memory  # noqa: E402
from agents.memory.note_writers import ALL  # noqa: E402
from agents.memory.subject import Subject  # noqa: E402
from agents.note_policy.knower import Knower  # noqa: E402
from arena.store.database import writing  # noqa: E402
from arena.store.store import Store  # noqa: E402
from arena.text.lesson_sentences import read_lesson  # noqa: E402
from unlearning.cli.teach_and_forget import Order, forget_request  # noqa: E402
from unlearning.memory.influence_set import find_influence  # noqa: E402
from unlearning.request import Item, Request  # noqa: E402
from unlearning.tasks.curriculum import Curriculum  # noqa: E402

SEEN, PLACES = 30, 60  # events of an episode, and places of a world; each world has as many episodes
DATABASE = 20_000  # notes at most in the part that keeps the agent in a database


@dataclass(frozen=True, slots=True)
class Row:
    """Seconds by what was done, for one size of log."""

    notes: int
    events: int
    influenced: int
    closure: float
    selective: float
    whole: float
    requests: float


def events() -> Iterator[Event]:
    """Walks without end: each episode tells of places of its world and ends with an outcome."""
    episode = 0
    while True:
        world = episode // PLACES
        about = Event("", "", episode=f"e{episode}", environment="gridworld", world=str(world), task_type="walk")
        for n in range(SEEN):
            name = f"Place {world}-{(episode * 7 + n) % PLACES} Gate"
            told = f"{name} is at ({n % 7}, {world % 50})." if n % 3 else f"From {name} one sees tower {episode}-{n}."
            place = replace(about, id=f"e{episode}:{n}", step=n, kind="place", subject=name, text=told)
            yield replace(place, data=read_lesson("place", name, told))
        story = (
            f"The task “go to Place {world}-{episode % PLACES} Gate” was done in 3 steps: go east; go north; go west."
        )
        end = replace(about, id=f"e{episode}:{SEEN}", step=SEEN, kind="outcome", subject="walk", text=story)
        yield replace(end, data=read_lesson("outcome", "walk", story))
        episode += 1


def memory_of(notes: int) -> Memory:
    """A memory of about so many notes, written in one go."""
    per_episode = SEEN / 3 + 2 + SEEN * 2 / 3 * 7 / PLACES
    source = events()
    log = [next(source) for _ in range(int(notes / per_episode) * (SEEN + 1))]
    return Memory(writers=ALL).with_events(log)


def timed(work: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """The seconds that a piece of work takes, the best of some times, and what it gives."""
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        made = work()
        best = min(best, time.process_time() - begun)
    return best, made


def measured(notes: int) -> Row:
    """The seconds for one size, and requests per second over ten requests one after the other."""
    memory = memory_of(notes)
    request = Request((Item("Place 0-5 Gate"),), scope="state")
    find_influence(memory, request)  # the search index of this memory is made by the first request
    closure, found = timed(lambda: find_influence(memory, request), 5)
    selective, repaired = timed(lambda: memory.repair_without(found.ids), 5)
    whole, anew = timed(lambda: memory.without(found.ids), 3)
    assert repaired == anew, "selective replay is the whole one"
    subject = Subject(Knower(), memory)

    def ten() -> None:
        left = subject.memory
        for n in range(10):
            one = Request((Item(f"Place 0-{n + 10} Gate"),), scope="state")
            left = left.repair_without(find_influence(left, one).ids)

    seconds, _ = timed(ten)
    return Row(len(memory.notes), len(memory.log), len(found.ids), closure, selective, whole, 10 / seconds)


def lessons(count: int) -> tuple[float, float, float]:
    """Seconds of selective replay, whole replay, and of the lessons done again, for an agent taught in a grid."""
    course = Curriculum(({"name": "gridworld", "preset": "unknown"},), count)
    novice = Subject(Knower(), Memory(writers=ALL))
    asyncio.run(Curriculum(({"name": "gridworld", "preset": "unknown"},), 1).teach(novice))  # imports
    again, subject = timed(lambda: asyncio.run(course.teach(novice)))
    place = next(event.subject for event in subject.memory.log if event.kind == "place")
    request = Request((Item(place),), scope="state")
    ids = find_influence(subject.memory, request).ids
    selective, _ = timed(lambda: subject.memory.repair_without(ids), 20)
    whole, _ = timed(lambda: subject.memory.without(ids), 20)
    return selective, whole, again


def kept(notes: int) -> tuple[int, float, float]:
    """Notes, seconds to put an agent into a database, and to have it forget there, files wiped and scanned."""
    subject = Subject(Knower(), memory_of(notes))
    with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/a.db") as store:

        def put() -> None:
            with writing(store.engine) as connection:
                agent_store.save_agent(connection, "one", subject)

        first, _ = timed(put)
        seconds, _ = timed(lambda: forget_request(store, Order("one", "forget Place 0-5 Gate")))
        assert not any(b"Place 0-5 Gate" in file.read_bytes() for file in Path(folder).iterdir())
    return len(subject.memory.notes), first, seconds


def main(sizes: list[int], count: int) -> None:
    print(
        f"{'notes':>10} {'events':>10} {'of it':>6} {'closure':>10} {'selective':>10} {'whole':>10} {'ratio':>6} "
        f"{'per s':>8}"
    )
    rows = [measured(size) for size in sizes]
    for row in rows:
        print(f"{row.notes:>10,} {row.events:>10,} {row.influenced:>6} {row.closure * 1e3:>7.1f} ms "
              f"{row.selective * 1e3:>7.1f} ms {row.whole * 1e3:>7.0f} ms {row.whole / row.selective:>6.1f} "
              f"{row.requests:>8.1f}")  # fmt: skip
    selective, whole, again = lessons(count)
    print(f"{count} lessons: selective replay {selective * 1e3:.2f} ms, whole {whole * 1e3:.2f} ms, "
          f"done again {again * 1e3:,.0f} ms")  # fmt: skip
    notes, put, wiped = kept(min(DATABASE, max(sizes)))
    print(f"in a database of {notes:,} notes: kept in {put:.2f} s, forgot and wiped in {wiped:.2f} s, no byte left")
    last = rows[-1]
    print(f"→ a request at {last.notes:,} notes: {last.selective * 1e3:.0f} ms, 1/{last.whole / last.selective:.0f} of "
          f"writing all anew; {last.requests:.1f} requests/s; closure {last.closure * 1e3:.1f} ms")  # fmt: skip
    print(f"→ after {count} lessons: 1/{whole / selective:.1f} of writing all anew, 1/{again / selective:,.0f} of "
          f"doing them again")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notes", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--lessons", type=int, default=30)
    chosen = parser.parse_args()
    main(chosen.notes, chosen.lessons)
