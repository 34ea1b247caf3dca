"""Tasks of the household environment: enumeration, completion check, and optimal step count."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, TypeAlias

from games.environments.household_world import (
    APPLIANCES,
    KINDS,
    LAMP,
    LOOKED_AT,
    MADE,
    OPENABLE,
    House,
    Treatment,
    format_place,
    get_kind,
)

TaskType: TypeAlias = Literal["place", "look", "clean", "heat", "cool", "two"]
TASK_TYPES: tuple[TaskType, ...] = ("place", "look", "clean", "heat", "cool", "two")
TREATMENTS: Mapping[str, Treatment] = {"clean": "clean", "heat": "heat", "cool": "cool"}


@dataclass(frozen=True, slots=True)
class HouseholdTask:
    """What is to be done with an object of kind `object`, and the kind of receptacle it shall end up in."""

    type: TaskType
    object: str
    target: str | None

    @property
    def treatment(self) -> Treatment | None:
        return TREATMENTS.get(self.type)

    @property
    def text(self) -> str:
        """The task as a sentence without a subject."""
        if self.target is None:
            return f"look at {article(self.object)} in the light of a lamp"
        preposition = format_place(self.target).partition(" ")[0]
        if self.type == "two":
            return f"put two {self.object}s {preposition} one {self.target}"
        made = f"{MADE[self.treatment]} {self.object}" if self.treatment else self.object
        return f"put {article(made)} {preposition} {article(self.target)}"


def article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def tasks(house: House, types: Sequence[TaskType]) -> list[HouseholdTask]:
    """Every task of these types that the house allows and that is not done from the start."""
    return [task for kind in types for task in _all(kind) if _count(house, task.object) >= 1 + (kind == "two")
            and not is_done(task, house.objects, {}, frozenset())]  # fmt: skip


def is_done(
    task: HouseholdTask, where: Mapping[str, str], made: Mapping[str, frozenset[str]], lit: frozenset[str]
) -> bool:
    """Whether a task is done: `where` the objects lie, what was `made` of them, which were held into the light."""
    if task.target is None:
        return any(get_kind(name) == task.object for name in lit)
    state = {MADE[task.treatment]} if task.treatment else set()
    fit = [name for name in where if get_kind(name) == task.object and state <= made.get(name, frozenset())]
    ends = [where[name] for name in fit if get_kind(where[name]) == task.target]
    return len(ends) > len(set(ends)) if task.type == "two" else bool(ends)


def fewest(house: House, task: HouseholdTask) -> int:
    """The fewest steps that complete a task with full knowledge: the minimum over all objects and targets."""
    return min(_steps(stops) for stops in _plans(house, task))


def _all(kind: TaskType) -> Iterator[HouseholdTask]:
    if kind == "look":
        yield from (HouseholdTask(kind, name, None) for name in LOOKED_AT)
        return
    for name, properties in KINDS.items():
        treatment = TREATMENTS.get(kind)
        if treatment is None or treatment in properties.treatments:
            for target in properties.wanted:
                if treatment is None or target != APPLIANCES[treatment]:
                    yield HouseholdTask(kind, name, target)


def _count(house: House, kind: str) -> int:
    return sum(get_kind(name) == kind for name in house.objects)


def _plans(house: House, task: HouseholdTask) -> Iterator[list[tuple[str, bool]]]:
    """Ways to do it, as stops: where one action is taken, and whether the receptacle must be open for it."""
    places = {name: where for name, where in house.objects.items() if get_kind(name) == task.object}
    if task.target is None:
        yield from ([(where, True), (house.objects[LAMP], False)] for where in places.values())
        return
    for target in house.of_kind(task.target):
        if task.type == "two":
            away = [where for where in places.values() if where != target]
            missing = 2 - (len(places) - len(away))
            for order in permutations(away, missing):
                yield [stop for where in order for stop in ((where, True), (target, True))]
            continue
        treated = [(house.of_kind(APPLIANCES[task.treatment])[0], False)] if task.treatment else []
        yield from ([(where, True), *treated, (target, True)] for where in places.values())


def _steps(stops: Sequence[tuple[str, bool]]) -> int:
    """Steps of a plan: going where one is not yet, opening what is closed, and the action itself."""
    at, opened, steps = "", set[str](), 0
    for receptacle, inside in stops:
        steps += (receptacle != at) + 1
        at = receptacle
        if inside and get_kind(receptacle) in OPENABLE and receptacle not in opened:
            opened.add(receptacle)
            steps += 1
    return steps
