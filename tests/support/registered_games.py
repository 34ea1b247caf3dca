"""The registered games that can be sat down to by their names alone; an adapter needs the name of what it adapts."""

from contextlib import suppress
from typing import Any

from arena.errors import BadPart
from arena.registry import find, list_entries
from arena.spec import build


def game_names() -> list[str]:
    names = []
    for name in list_entries("game"):
        with suppress(BadPart):
            build("game", name)
            names.append(name)
    return names


def game_specs() -> list[dict[str, Any]]:
    """Every game as it is by default, and with each of its presets."""
    specs: list[dict[str, Any]] = []
    for name in game_names():
        specs += [{"name": name}, *({"name": name, "preset": preset} for preset in find("game", name)[0].presets)]
    return specs
