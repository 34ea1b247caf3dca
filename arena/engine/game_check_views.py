"""Detect seat data that shows in other seats' views without being declared private; reported as warnings, since it may
be intended.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from arena.game import Game

LOGGER = logging.getLogger(__name__)


def find_seat_fields(game: Game, state: object) -> dict[str, Any]:
    """Fields of a state with a value for each seat: tables by seat, and tuples with one item per seat."""
    if isinstance(state, Mapping):
        held = {str(key): value for key, value in state.items()}
    elif is_dataclass(state) and not isinstance(state, type):
        held = {one.name: getattr(state, one.name) for one in fields(state) if one.init}
    else:
        return {}
    seats = set(game.seats)
    return {
        name: value
        for name, value in held.items()
        if name != "private"
        and len(seats) > 1
        and (
            (isinstance(value, Mapping) and len(value) > 1 and set(value) <= seats)
            or (isinstance(value, tuple) and len(value) == len(seats))
        )
    }


def check_seat_fields(game: Game, state: object, altered: Callable[[Any], Any]) -> Iterator[str]:
    """One message for each field whose value for other seats shows in a seat's view."""
    for name, value in find_seat_fields(game, state).items():
        for seat in game.seats:
            if _is_visible(game, state, name, value, seat, altered):
                yield (
                    f"the view of {seat} changes with what the state's {name!r} holds for other seats, which is not "
                    "declared private: fine if everybody may know it, else keep it in the state's `private`"
                )
                break


def _is_visible(game: Game, state: Any, name: str, value: Any, seat: str, altered: Callable[[Any], Any]) -> bool:
    privy = game.privy(seat)
    if isinstance(value, Mapping):
        other: Any = {key: item if key in privy else altered(item) for key, item in value.items()}
    else:
        other = tuple(item if key in privy else altered(item) for key, item in zip(game.seats, value, strict=True))
    try:
        changed = {**state, name: other} if isinstance(state, Mapping) else replace(state, **{name: other})
        return bool(game.view(changed, seat) != game.view(state, seat))
    except Exception:  # the altered state is one that the game never makes; its view may fail
        LOGGER.debug("%s of %s cannot be checked with an altered value", name, type(game).__name__, exc_info=True)
        return False
