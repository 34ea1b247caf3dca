"""Household chores: find objects, process them, and put them in their places."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from arena.game import JSON, Tool, game
from arena.lessons import EmptyData, Lesson, ObjectData
from arena.text.lesson_sentences import write_empty, write_object
from games.environments.base import Action, ActionOutcome, Environment
from games.environments.household_tasks import TASK_TYPES, HouseholdTask, TaskType, fewest, is_done, tasks
from games.environments.household_world import (
    APPLIANCES,
    KINDS,
    LAMP,
    MADE,
    OPENABLE,
    House,
    Treatment,
    build_house,
    format_place,
    get_kind,
    is_inside,
)
from games.phrasing import join_list

HANDS = "your hands"
PHRASES = {
    "go_to": "go to {receptacle}", "open": "open {receptacle}", "close": "close {receptacle}",
    "take": "take {object} from {receptacle}", "put": "put {object} {place}", "use": "use {object}",
    "heat": "heat {object} with {receptacle}", "clean": "clean {object} with {receptacle}",
    "cool": "cool {object} with {receptacle}", "examine": "examine {object}", "look": "look", "inventory": "inventory",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class HouseholdState:
    """State of a house: `where` each object is (HANDS when carried), what was `made` of it, what was opened, seen.

    `seen` are the receptacles whose contents were observed, `lit` the objects held into the light.
    """

    task: HouseholdTask
    where: Mapping[str, str]
    at: str = ""
    made: Mapping[str, frozenset[str]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    lit: frozenset[str] = frozenset()

    @property
    def carried(self) -> str | None:
        return next((name for name, where in self.where.items() if where == HANDS), None)

    def is_open(self, receptacle: str) -> bool:
        return get_kind(receptacle) not in OPENABLE or receptacle in self.opened

    def inside(self, receptacle: str) -> list[str]:
        return [name for name, where in self.where.items() if where == receptacle]


@game
@dataclass(frozen=True, slots=True)
class Household(Environment[HouseholdState]):
    """A robot does one chore in a house of some twenty receptacles, some closed, and over forty objects.

    `world` builds the house and places its objects, the seed draws the chore. One object can be carried at a time. The
    score is 1 when the chore is done within `cap` steps, else 0.

    The task types and the cap are those of ALFWorld (Shridhar et al. 2021, arXiv 2010.03768); house, text and code are
    not. The kinds of objects are everyday ones, their locations invented. A state is a receptacle or an object.
    """

    world: int = 0
    chore: Literal["any", "place", "look", "clean", "heat", "cool", "two"] = "any"
    """Type of the chore. "place": put an object somewhere. "look": hold it under the lamp. "clean", "heat", "cool": do
    so, then put it somewhere. "two": put two of a kind into one receptacle. "any": one of these, drawn by the seed."""
    cap: int = 50

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError(f"cap is a count of 1 or more, got {self.cap}")

    @property
    def cast(self) -> Mapping[str, str]:
        return {"agent": "housekeeper"}

    @property
    def house(self) -> House:
        return build_house(self.world)

    def begin(self, rng: Random) -> ActionOutcome[HouseholdState]:
        types: tuple[TaskType, ...] = TASK_TYPES if self.chore == "any" else (self.chore,)
        task = rng.choice(tasks(self.house, [rng.choice(types)]))
        around = f"Around you are {join_list(self.house.receptacles)}."
        told = f"You stand in the middle of the house of {self.house.owner}. {around} Your task: {task.text}."
        return ActionOutcome(HouseholdState(task, self.house.objects), told)

    # ---- actions -------------------------------------------------------------------------------------------------

    def possible(self, here: HouseholdState) -> tuple[Action, ...]:
        at, carried = here.at, here.carried
        actions = [Action("go_to", {"receptacle": name}) for name in self.house.receptacles if name != at]
        if get_kind(at) in OPENABLE:
            actions.append(Action("close" if at in here.opened else "open", {"receptacle": at}))
        in_reach = here.inside(at) if at and here.is_open(at) else []
        if carried is None:
            actions += [Action("take", {"object": n, "receptacle": at}) for n in in_reach if n != LAMP]
        else:
            if at and here.is_open(at):
                actions.append(Action("put", {"object": carried, "receptacle": at}))
            actions += [
                Action(verb, {"object": carried, "receptacle": at})
                for verb, appliance in APPLIANCES.items()
                if get_kind(at) == appliance and verb in KINDS[get_kind(carried)].treatments
            ]
        if LAMP in in_reach:
            actions.append(Action("use", {"object": LAMP}))
        actions += [Action("examine", {"object": n}) for n in (*in_reach, *([carried] if carried else []))]
        return (*actions, Action("look"), Action("inventory"))

    def act(self, here: HouseholdState, tool: str, args: Mapping[str, JSON]) -> ActionOutcome[HouseholdState] | None:
        if Action(tool, {key: str(value).lower() for key, value in args.items()}) not in self.possible(here):
            return None
        receptacle, name = str(args.get("receptacle", "")), str(args.get("object", "")).lower()
        match tool:
            case "go_to":
                return self._see(replace(here, at=receptacle), f"You go to {receptacle}.", (receptacle,))
            case "open":
                return self._see(replace(here, opened=here.opened | {receptacle}), f"You open {receptacle}.")
            case "close":
                return ActionOutcome(replace(here, opened=here.opened - {receptacle}), f"You close {receptacle}.")
            case "take":
                taken = replace(here, where={**here.where, name: HANDS})
                return ActionOutcome(taken, f"You take {name} from {receptacle}.", (name,))
            case "put":
                after = replace(here, where={**here.where, name: receptacle})
                return ActionOutcome(after, f"You put {name} {format_place(receptacle)}.")
            case "heat" | "clean" | "cool":
                return self._treat(here, tool, name, receptacle)
            case "use":
                lit = f" In its light you look at {here.carried}." if here.carried else ""
                held = frozenset({here.carried}) if here.carried else frozenset()
                return ActionOutcome(replace(here, lit=here.lit | held), f"You turn on {name}.{lit}", (name,))
            case "examine":
                return ActionOutcome(here, self._describe(here, name))
            case "look":
                return self._see(here, f"You are at {here.at}." if here.at else "You stand in the middle of the house.")
            case _:
                return ActionOutcome(here, f"You carry {here.carried or 'nothing'}.")

    def _see(self, here: HouseholdState, did: str, visited: tuple[str, ...] = ()) -> ActionOutcome[HouseholdState]:
        """The observation at the robot's place; unmoved objects become lessons."""
        at = here.at
        if not at:
            return ActionOutcome(here, did, visited)
        if not here.is_open(at):
            return ActionOutcome(here, f"{did} It is closed.", visited)
        inside = here.inside(at)
        still = [name for name in inside if self.house.objects[name] == at]
        found = [ObjectData(name, at, is_inside(at)) for name in still]
        lessons = [Lesson("object", data.name, write_object(data), data) for data in found]
        if at not in self.house.objects.values():
            lessons.append(Lesson("empty", at, write_empty(EmptyData(at)), EmptyData(at)))
        told = f"{format_place(at).partition(' ')[0].capitalize()} it you see {join_list(inside)}."
        return ActionOutcome(replace(here, seen=here.seen | {at}), f"{did} {told}", visited, tuple(lessons))

    def _treat(
        self, here: HouseholdState, verb: Treatment, name: str, receptacle: str
    ) -> ActionOutcome[HouseholdState]:
        undone = {"heat": {MADE["cool"]}, "cool": {MADE["heat"]}, "clean": set[str]()}[verb]
        state = (here.made.get(name, frozenset()) - undone) | {MADE[verb]}
        after = replace(here, made={**here.made, name: state})
        return ActionOutcome(after, f"You {verb} {name} with {receptacle}. It is {MADE[verb]} now.")

    def _describe(self, here: HouseholdState, name: str) -> str:
        states = join_list(sorted(here.made.get(name, ()))) if here.made.get(name) else "nothing special about it"
        return f"You look closely at {name}: {states}."

    def explain_refusal(self, here: HouseholdState, tool: str, args: Mapping[str, JSON]) -> str:
        receptacle, at = str(args.get("receptacle", "")), here.at
        if receptacle and tool == "go_to":
            return f"you are at {receptacle} already"
        if receptacle and receptacle != at:
            return f"you are not at {receptacle}"
        if tool == "take" and here.carried:
            return f"your hands are full, you carry {here.carried}"
        if tool in ("take", "put") and not here.is_open(at):
            return f"{at} is closed"
        return f"you cannot {self.phrase(tool, args)} here"

    # ---- the task ------------------------------------------------------------------------------------------------

    def is_done(self, here: HouseholdState) -> bool:
        return is_done(here.task, here.where, here.made, here.lit)

    def reward(self, here: HouseholdState) -> float:
        return float(self.is_done(here))

    def optimal(self, here: HouseholdState) -> int:
        return fewest(self.house, here.task)

    def task(self, here: HouseholdState) -> dict[str, JSON]:
        return {"task": here.task.text, "task_type": here.task.type}

    def describe_seen(self, here: HouseholdState) -> dict[str, JSON]:
        """`places` has for each receptacle what is in it as far as it was told, None where it was not."""
        carried = here.carried
        return {
            "type": here.task.type,
            "object": here.task.object,
            "target": here.task.target,
            "at": here.at,
            "carried": carried,
            "made": sorted(here.made.get(carried, ())) if carried else [],
            "places": {n: here.inside(n) if n in here.seen else None for n in self.house.receptacles},
            "closed": [n for n in self.house.receptacles if not here.is_open(n)],
        }

    # ---- words ---------------------------------------------------------------------------------------------------

    def phrase(self, tool: str, args: Mapping[str, JSON]) -> str:
        return PHRASES[tool].format(**{"place": format_place(str(args.get("receptacle", ""))), **args}).lower()

    def rules(self) -> str:
        return (
            f"You are a household robot in the house of {self.house.owner}. You stand at one receptacle at a time and "
            "see what is in or on it; cupboards, drawers, the fridge and the microwave are closed until you open them. "
            "You carry one object at a time. With an object in your hands you can clean it at the sink, heat it at the "
            "microwave, cool it at the fridge, or hold it into the light of the lamp by using the lamp where it "
            "stands. Objects are named by kind and number, like “mug 1”; any of the kind will do. You have "
            f"{self.cap} steps."
        )

    def tools(self) -> tuple[Tool, ...]:
        anywhere: Mapping[str, JSON] = {"type": "string", "enum": list(self.house.receptacles)}
        here: Mapping[str, JSON] = {"type": "string", "description": "the receptacle you are at"}
        name: Mapping[str, JSON] = {"type": "string", "description": "an object, for example mug 1"}
        return (
            Tool("go_to", "Go to a receptacle.", {"receptacle": anywhere}),  # the one list: it costs tokens
            Tool("open", "Open the receptacle you are at.", {"receptacle": here}),
            Tool("close", "Close the receptacle you are at.", {"receptacle": here}),
            Tool("take", "Take an object from the receptacle you are at.", {"object": name, "receptacle": here}),
            Tool("put", "Put what you carry in or on the receptacle you are at.", {"object": name, "receptacle": here}),
            Tool("heat", "Heat what you carry with the microwave.", {"object": name, "receptacle": here}),
            Tool("clean", "Clean what you carry with the sink.", {"object": name, "receptacle": here}),
            Tool("cool", "Cool what you carry with the fridge.", {"object": name, "receptacle": here}),
            Tool("use", "Turn on a lamp where you are.", {"object": name}),
            Tool("examine", "Look closely at an object.", {"object": name}),
            Tool("look", "Look at what is where you are."),
            Tool("inventory", "See what you carry."),
        )
