"""World of the household environment: receptacles, objects, and their initial places."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from arena.cache_register import memoize
from games.environments.invented_names import NameSource, world_rng

Treatment: TypeAlias = Literal["clean", "heat", "cool"]
RECEPTACLES: Mapping[str, tuple[int, int]] = {  # the least and the greatest number of each kind
    "cupboard": (3, 4), "drawer": (3, 4), "counter": (2, 2), "shelf": (2, 3), "table": (1, 2), "desk": (1, 1),
    "bed": (1, 1), "sofa": (1, 1), "bin": (1, 1), "sink": (1, 1), "fridge": (1, 1), "microwave": (1, 1),
}  # fmt: skip
OPENABLE = frozenset({"cupboard", "drawer", "fridge", "microwave"})
INSIDE = OPENABLE | {"bin", "sink"}  # things are in them; on the others
APPLIANCES: Mapping[Treatment, str] = {"clean": "sink", "heat": "microwave", "cool": "fridge"}
MADE: Mapping[Treatment, str] = {"clean": "clean", "heat": "hot", "cool": "cold"}
LAMP = "lamp 1"
LAMP_ON = ("desk", "shelf", "table")


@dataclass(frozen=True)
class Kind:
    """A kind of object: where it may lie, what can be done to it, where a task may want it."""

    found: tuple[str, ...]
    treatments: tuple[Treatment, ...] = ()
    wanted: tuple[str, ...] = ()


FOOD = Kind(("fridge", "counter", "table", "sink", "bin", "shelf"), ("clean", "heat", "cool"),
            ("fridge", "counter", "table", "bin", "microwave"))  # fmt: skip
DISH = Kind(("cupboard", "counter", "table", "sink", "shelf", "drawer"), ("clean", "heat", "cool"),
            ("cupboard", "counter", "table", "shelf"))  # fmt: skip
TOOL = Kind(("drawer", "counter", "table", "sink"), ("clean",), ("drawer", "counter", "table"))
THING = Kind(("drawer", "shelf", "desk", "table", "bed", "sofa", "bin", "cupboard"), (),
             ("drawer", "shelf", "desk", "bed", "sofa", "bin", "cupboard"))  # fmt: skip
KINDS: Mapping[str, Kind] = {
    "apple": FOOD, "bun": FOOD, "carrot": FOOD, "egg": FOOD, "lemon": FOOD, "onion": FOOD,
    "bowl": DISH, "cup": DISH, "kettle": DISH, "mug": DISH, "pan": DISH, "plate": DISH,
    "fork": TOOL, "ladle": TOOL, "spoon": TOOL, "whisk": TOOL,
    "book": THING, "candle": THING, "key": THING, "letter": THING, "pen": THING, "pillow": THING, "vase": THING,
}  # fmt: skip
LOOKED_AT = tuple(name for name, kind in KINDS.items() if kind is THING)


@dataclass(frozen=True)
class House:
    """A house and its owner; `objects` says where each object is at the start, the lamp included."""

    owner: str
    receptacles: tuple[str, ...]
    objects: Mapping[str, str]

    def of_kind(self, kind: str) -> list[str]:
        """The receptacles of a kind."""
        return [name for name in self.receptacles if get_kind(name) == kind]


def get_kind(name: str) -> str:
    """ "cupboard" of "cupboard 2"."""
    return name.rpartition(" ")[0]


def is_inside(receptacle: str) -> bool:
    """Whether things are in a receptacle, not on it; also for a kind."""
    return (get_kind(receptacle) or receptacle) in INSIDE


def format_place(receptacle: str) -> str:
    """ "in cupboard 2" or "on shelf 1"; also for a kind."""
    return f"{'in' if is_inside(receptacle) else 'on'} {receptacle}"


@memoize("worlds")
def build_house(world: int) -> House:
    """House number `world`: 18 to 22 receptacles, every kind of object one to three times."""
    rng = world_rng("household", world)
    owner = NameSource(rng).person()
    receptacles = [
        f"{kind} {number}"
        for kind, (low, high) in RECEPTACLES.items()
        for number in range(1, rng.randint(low, high) + 1)
    ]
    house = House(owner, tuple(receptacles), {})
    objects = {LAMP: _choose_spot(rng, house, LAMP_ON)}
    for name, kind in KINDS.items():
        for number in range(1, rng.choice((1, 1, 2, 2, 3)) + 1):
            objects[f"{name} {number}"] = _choose_spot(rng, house, kind.found)
    return House(owner, house.receptacles, objects)


def _choose_spot(rng: Random, house: House, kinds: tuple[str, ...]) -> str:
    return rng.choice(house.of_kind(rng.choice(kinds)))
