"""Which seat a JSON object in a reply belongs to: {"name": "buyer", "action": "accept"} is no move of the seller's."""

import re
from collections.abc import Iterable, Mapping

from agents.llm.json_objects import find_objects
from arena.game import JSON, View
from arena.text.words import is_same

KEYS = (
    "name",
    "speaker",
    "seat",
    "role",
    "from",
    "sender",
    "player",
    "agent",
    "character",
    "author",
    "who",
    "by",
    "as",
)
WRITTEN = re.compile(rf"""["'](?:{"|".join(KEYS)})["']\s*:""", re.IGNORECASE)
OPENED = re.compile(r"(?:\s|```\w*|<\w+>|\[)+\Z")  # what may surround an object
OTHERS = ("user", "human", "system", "arena")  # never the seat itself


def cut_own_objects(words: str, view: View) -> tuple[str, str]:
    """The words up to the first JSON object that is written as another's, and that other; "" where there is none.

    A key is no speaker where an action has an argument of that name.
    """
    if not WRITTEN.search(words):
        return words, ""
    at = 0
    for found in find_objects(words)[0]:
        at += len(found.before)
        if other := find_other_speaker(found.value, view):
            return OPENED.sub("", words[:at]).rstrip(), other
        at += len(found.raw)
    return words, ""


def find_other_speaker(item: Mapping[str, JSON], view: View) -> str:
    """The other seat as whose move an object is written; "" where it is the seat's own, or no seat's."""
    arguments = {name for tool in view.tools for name in tool.parameters}
    named = [str(value) for key, value in item.items() if key.casefold() in KEYS and key not in arguments]
    return next((other for name in named for other in _list_others(view) if _is_called(name, other)), "")


def _list_others(view: View) -> Iterable[str]:
    return [seat for seat in (*view.seats, *OTHERS) if seat != view.seat]


def _is_called(name: str, seat: str) -> bool:
    return is_same(re.sub(r"[_-]", " ", name), seat.replace("_", " "))
