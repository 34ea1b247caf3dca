"""A curriculum: lessons for an agent, and tasks that test whether it forgot the target and kept the rest."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from random import Random
from typing import Any

from agents.memory.memory import Memory
from agents.memory.subject import Subject
from agents.name_matching import make_finder
from arena.engine.match_loop import first_state
from arena.episode import Match
from arena.errors import UsageError, unknown
from arena.game import Game
from arena.spec import Spec, build, describe
from unlearning.memory.influence_set import is_within, list_routes
from unlearning.probe import Task
from unlearning.request import Item, Request, Scope
from unlearning.tasks import bargaining_market
from unlearning.tasks.lessons import teach_tasks

SEARCHED = 2000  # seeds looked at for tasks about a target before giving up
SEAT = "agent"  # of environments
EXAM = 1_000_000  # first seed of the test tasks: lessons and tests share none


@dataclass(frozen=True, slots=True)
class Curriculum:
    """Lessons in one or more environments, `lessons` in each, with seeds that follow from `seed`.

    environments: specs of games, each with its world: {"name": "gridworld", "preset": "unknown", "world": 1}. earlier:
    courses as plain data that were taught before this one, in order; they are part of it. seat: which one it takes, ""
    for `agent`, or in a game that has no such seat the first one; seats: who sits at others, where it is not the cast.
    """

    environments: tuple[Spec, ...] = ({"name": "gridworld", "preset": "unknown"},)
    lessons: int = 12
    seed: int = 0
    earlier: tuple[Mapping[str, Any], ...] = ()
    seat: str = ""
    seats: Mapping[str, Spec] = field(default_factory=dict)

    @property
    def whole(self) -> tuple["Curriculum", ...]:
        """The courses that were taught before this one, and this one."""
        return (*map(course_of, self.earlier), replace(self, earlier=()))

    @property
    def places(self) -> tuple[Spec, ...]:
        """The environments of all courses, each once."""
        every = [spec for course in self.whole for spec in course.environments]
        return tuple(spec for n, spec in enumerate(every) if spec not in every[:n])

    def tasks(self) -> tuple[Task, ...]:
        """The lessons, environments taking turns; each is an episode with a name of its own."""
        return tuple(task for course in self.whole for task in course.own())

    def own(self) -> tuple[Task, ...]:
        """The lessons of this course alone."""
        return tuple(
            self._task(spec, self.seed * 10_000 + lesson, f"{name_of(spec)}-{self.seed}-{lesson}", lesson=True)
            for lesson in range(self.lessons)
            for spec in self.environments
        )

    async def teach(self, subject: Subject) -> Subject:
        """The subject after all lessons."""
        return await teach_tasks(subject, self.tasks(), user=subject.user)

    def exam(self, request: Request, n: int = 20) -> Mapping[str, tuple[Task, ...]]:
        """`n` tasks about what is to be forgotten and `n` about the rest, none of which was a lesson.

        Of a trajectory the task itself is asked again, `n` times, with the other lessons' as the rest. Raises
        UsageError where the environments have no such tasks.
        """
        if request.scope == "trajectory":
            lessons = self.tasks()
            meant = {name.partition("@")[0] for item in request.forget for name in item.names}
            asked = [task for task in lessons if task.name in meant]
            others = [task for task in lessons if task not in asked]
            return {"forget": tuple(islice(_again(asked), n)), "retain": tuple(islice(_again(others), n))}
        found: dict[str, list[Task]] = {"forget": [], "retain": []}
        for task in self._fresh():
            role = "forget" if is_about(task, request) else "retain"
            if len(found[role]) < n:
                found[role].append(task)
            if all(len(tasks) == n for tasks in found.values()):
                break
        if not found["forget"]:
            raise UsageError(
                f"course: no task of {', '.join(map(name_of, self.places))} is about {', '.join(request.targets)}"
            )
        return {role: tuple(tasks) for role, tasks in found.items()}

    def benign(self, requests: Sequence[Request], n: int) -> tuple[Task, ...]:
        """At most `n` tasks that none of the requests is about, none of which was a lesson."""
        found = (task for task in self._fresh() if not any(is_about(task, request) for request in requests))
        return tuple(islice(found, n))

    def pick(self, memory: Memory, scope: Scope, chance: Random) -> Request:
        """A request for something that the subject learned in the course, chosen at random.

        A state is a subject of its events, an environment one of the worlds; a trajectory is one of the lessons that
        took long: those that were done as short as can be, a twin may do in the same way.
        """
        if scope == "trajectory":
            done = sorted((len(event.text), event.episode) for event in memory.log if event.kind == "outcome")
            episode = chance.choice(done[-max(1, len(done) // 4) :])[1]
            return Request((Item(episode, aliases=list_routes(memory, episode)),), scope=scope)
        if scope == "environment":
            return Request((Item(chance.choice(sorted(map(name_of, self.places)))),), scope=scope)
        known = candidates(memory)
        chance.shuffle(known)
        for name in known:
            request = Request((Item(name),), scope=scope)
            if any(is_about(task, request) for task in islice(self._fresh(), SEARCHED)):
                return request
        raise UsageError("course: nothing was learned that a task is about; give it more lessons")

    def _fresh(self) -> Iterator[Task]:
        for number in range(SEARCHED):
            for spec in self.places:
                seed, name = EXAM + self.seed * 10_000 + number, f"{name_of(spec)}-exam-{number}"
                yield self._task(spec, seed, name, lesson=False)

    def _task(self, spec: Spec, seed: int, name: str, *, lesson: bool) -> Task:
        """The task, in the seat that this course takes."""
        task = task_of(spec, seed, name, lesson=lesson)
        if bargaining_market.is_market(spec):
            return task
        return replace(task, seat=seat_of(build(Game, spec), self.seat), seats=dict(self.seats))


def candidates(memory: Memory) -> list[str]:
    """The states that a memory knows by name, sorted: subjects of events that are no outcomes and no bare cells."""
    return sorted({e.subject for e in memory.log if e.kind not in ("outcome", "blocked", "empty") and e.subject})


def course_of(taught: Mapping[str, Any]) -> Curriculum:
    """The course that was put down as plain data, with all before it."""
    environments = tuple(taught["environments"])
    sitting = {"seat": taught.get("seat", ""), "seats": taught.get("seats", {})}
    return Curriculum(environments, taught["lessons"], taught["seed"], tuple(taught.get("earlier", ())), **sitting)


def seat_of(game: Game, seat: str = "") -> str:
    """The seat that is taken: the one that is named, else `agent`, else the game's first. Raises UsageError."""
    if seat and seat not in game.seats:
        raise UsageError(unknown(f"seat in {describe(game)['name']}", seat, game.seats))
    return seat or (SEAT if SEAT in game.seats else game.seats[0])


def task_of(spec: Spec, seed: int, name: str, *, lesson: bool) -> Task:
    """A task in an environment, or a bargain in a market."""
    if bargaining_market.is_market(spec) and isinstance(spec, Mapping):
        return bargaining_market.build_bargain(spec, seed, name, tells=lesson)
    return Task(spec, seed=seed, name=name)


def name_of(spec: Spec) -> str:
    """The name of an environment in requests: its game and world, "gridworld/1"."""
    if bargaining_market.is_market(spec) and isinstance(spec, Mapping):
        return f"{spec['name']}/{spec.get('world', 0)}"
    game = describe(build(Game, spec))
    return f"{game['name']}/{game['world']}" if "world" in game else str(game["name"])


def is_about(task: Task, request: Request) -> bool:
    """Whether a task is about what a request wants forgotten: it names it, or happens in it."""
    game = build(Game, task.game)
    facts = game.facts(first_state(game, Match(task.game, seed=task.seed)))
    if request.scope == "environment":
        world, kind_of = facts.get("world", task.name.partition("/")[2].partition("-")[0]), facts.get("task_type", "")
        place = _Place(str(describe(game)["name"]), str(world), str(kind_of))
        return any(is_within(place, name) for item in request.forget for name in item.names)
    shown = {name: value for name, value in facts.items() if name not in ("events", "visited")}
    told = json.dumps([shown, dict(task.seats)], default=str)
    return bool(make_finder(tuple(kind(name) for name in request.targets)).search(told))


def kind(name: str) -> str:
    """The kind of a numbered object: "bowl 1" is a bowl, and so tasks speak of it."""
    head, _, number = name.rpartition(" ")
    return head if head and number.isdigit() else name


@dataclass(frozen=True, slots=True)
class _Place:
    environment: str
    world: str
    task_type: str


def _again(tasks: Sequence[object]) -> Iterator[Any]:
    """The tasks over and over; none where there are none."""
    return (tasks[n % len(tasks)] for n in count()) if tasks else iter(())
