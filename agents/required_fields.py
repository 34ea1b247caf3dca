"""Check that a view has the fields that a scripted agent needs, or say which game it was made for."""

from collections.abc import Mapping
from typing import Any

from arena.errors import UsageError
from arena.game import View


def knowing(view: View, game: str, *names: str) -> Mapping[str, Any]:
    """The numeric fields of the view. Raises UsageError where one of `names` is missing: it is no seat of `game`."""
    known: Mapping[str, Any] = view.known
    if missing := [name for name in names if name not in known]:
        raise UsageError(
            f"the seat {view.seat!r} is no seat of {game} (its view lacks {', '.join(missing)}); "
            "seat another agent there, for example: random"
        )
    return known
