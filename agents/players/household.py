"""A planning household robot: what to carry where next, and where to search for what it has not seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.required_fields import knowing
from arena.agent import agent
from arena.game import JSON, Move, View
from arena.text.lesson_sentences import read_empty, read_object

APPLIANCES = {"clean": "sink", "heat": "microwave", "cool": "fridge"}
MADE = {"clean": "clean", "heat": "hot", "cool": "cold"}
LAMP = "lamp 1"
LIKELY = {  # where things are often found, the best first; what needs no opening is tried before the rest
    **dict.fromkeys(("apple", "bun", "carrot", "egg", "lemon", "onion"), ("counter", "table", "fridge", "sink", "bin")),
    **dict.fromkeys(
        ("bowl", "cup", "kettle", "mug", "pan", "plate"), ("counter", "table", "sink", "shelf", "cupboard")
    ),
    **dict.fromkeys(("fork", "ladle", "spoon", "whisk"), ("counter", "table", "sink", "drawer")),
    "lamp": ("desk", "table", "shelf"),
}
THINGS = ("desk", "bed", "sofa", "shelf", "table", "bin", "drawer", "cupboard")


@agent
@dataclass(frozen=True, slots=True)
class Housekeeper:
    """Does every chore of household: finds the object, treats it, and puts it where it is wanted.

    It looks where such objects often are, and remembers what it has seen on the way.
    """

    notes: tuple[str, ...] = ()
    """Sentences kept from earlier chores in the same house, such as "The mug 1 is in cupboard 2." or "The drawer 3 is
    empty"."""

    async def act(self, view: View) -> Move:
        known = knowing(view, "household", "type", "object", "target", "at", "carried", "made", "places", "closed")
        return Chore(known, _read_notes(self.notes, known["places"])).next()


@dataclass(frozen=True, slots=True)
class Chore:
    """Knowledge of the current chore; `noted`: contents of places not seen yet, from notes."""

    known: Mapping[str, Any]
    noted: Mapping[str, list[str]]

    def next(self) -> Move:
        """The next action, with a word on why."""
        known, carried = self.known, self.known["carried"]
        if carried is None:
            return self._fetch(known["object"])
        if _kind(carried) != known["object"]:
            return self._at(known["at"] or next(iter(known["places"])), "put", carried, f"I don't need {carried}.")
        if known["target"] is None:
            return self._light(carried)
        treatment = known["type"]
        if treatment in APPLIANCES and MADE[treatment] not in known["made"]:
            (place, *_) = self._of_kind(APPLIANCES[treatment])
            if known["at"] == place:
                return _move(f"Now I {treatment} {carried}.", treatment, object=carried, receptacle=place)
            return _move(f"I take {carried} to {place}.", "go_to", receptacle=place)
        return self._at(self._goal(), "put", carried, f"{carried.capitalize()} belongs here.")

    def _fetch(self, kind: str) -> Move:
        """Take an object of a kind that is still to be moved, or look for one."""
        goal = self._goal() if self.known["type"] == "two" else ""
        known_places = [(place, name) for place, name in self._objects() if _kind(name) == kind and place != goal]
        near = [pair for pair in known_places if pair[0] == self.known["at"]]
        if not known_places:
            return self._search(kind)
        place, name = (near or known_places)[0]
        return self._at(place, "take", name, f"There is {name}.")

    def _light(self, carried: str) -> Move:
        place = next((place for place, name in self._objects() if name == LAMP), None)
        if place is None:
            return self._search("lamp")
        if self.known["at"] != place:
            return _move(f"The lamp is at {place}.", "go_to", receptacle=place)
        if place in self.known["closed"]:
            return _move(f"I open {place}.", "open", receptacle=place)
        return _move(f"I hold {carried} into the light.", "use", object=LAMP)

    def _at(self, place: str, verb: str, name: str, words: str) -> Move:
        """Do something with an object at a place: go there and open it first, where need be."""
        if self.known["at"] != place:
            return _move(f"I go to {place} for {name}." if verb == "take" else f"I bring {name} to {place}.",
                         "go_to", receptacle=place)  # fmt: skip
        if place in self.known["closed"]:
            return _move(f"{place.capitalize()} is closed.", "open", receptacle=place)
        if verb == "take" and self.known["places"][place] is not None and name not in self.known["places"][place]:
            return self._search(_kind(name))
        return _move(words, verb, object=name, receptacle=place)

    def _search(self, kind: str) -> Move:
        """Search the most likely place that was not seen yet."""
        at, closed = self.known["at"], self.known["closed"]
        if at and at in closed and self.known["places"][at] is None:
            return _move(f"Is there {_a(kind)} in {at}?", "open", receptacle=at)
        order = LIKELY.get(kind, THINGS)
        dark = [place for place, names in self.known["places"].items() if names is None]
        unseen = [place for place in dark if self._unseen(place)] or dark
        if not unseen:
            return _move("I have looked everywhere.", "look")
        place = min(unseen, key=lambda name: (_kind(name) not in order, order.index(_kind(name)) if _kind(name) in order
                                              else name in closed))  # fmt: skip
        return _move(f"I look for {_a(kind)} at {place}.", "go_to", receptacle=place)

    def _unseen(self, place: str) -> bool:
        return self.known["places"][place] is None and self.noted.get(place) != []

    def _goal(self) -> str:
        """The receptacle to fill: for two of a kind the one with most of them already."""
        options = self._of_kind(self.known["target"])
        inside = {place: [n for p, n in self._objects() if p == place and _kind(n) == self.known["object"]]
                  for place in options}  # fmt: skip
        if self.known["type"] == "two":
            return max(options, key=lambda place: len(inside[place]))
        return min(options, key=lambda place: (place != self.known["at"], place in self.known["closed"]))

    def _objects(self) -> Iterator[tuple[str, str]]:
        """Each object of which the place is known: seen here, or noted before."""
        for place, names in self.known["places"].items():
            for name in self.noted.get(place, ()) if names is None else names:
                if name != self.known["carried"]:
                    yield place, name

    def _of_kind(self, kind: str) -> list[str]:
        return [place for place in self.known["places"] if _kind(place) == kind]


def _read_notes(notes: tuple[str, ...], places: Mapping[str, object]) -> dict[str, list[str]]:
    """Contents of places from notes; an empty list where a place is noted to be empty."""
    noted: dict[str, list[str]] = {}
    for note in notes:
        if (found := read_object(note)) and found.receptacle in places:
            noted.setdefault(found.receptacle, []).append(found.name)
        elif (empty := read_empty(note)) and empty.receptacle in places:
            noted.setdefault(empty.receptacle, [])
    return noted


def _kind(name: str) -> str:
    return name.rpartition(" ")[0]


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _move(words: str, tool: str, **args: JSON) -> Move:
    return Move(words, tool, args)
