"""Settings of what is taught and of what forgets, as they are typed: the specs of lessons, and of a method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arena.game import Game
from arena.planning.settings import SettablePart, apply_settings, resolve_settings, set_parts
from arena.spec import build
from unlearning.tasks.bargaining_market import get_game, is_market
from unlearning.tasks.curriculum import seat_of

OF_SUBJECT = ("budget", "user")
OF_GAME = ("world",)  # of any game that is taught in, also a market


@dataclass(frozen=True, slots=True)
class LessonSpecs:
    """The specs of lessons with the settings made. subject: values of its fields. seats: who sits beside it."""

    mind: Any
    subject: Mapping[str, Any]
    games: tuple[dict[str, Any], ...]
    seats: Mapping[str, Any]


def set_method(method: str, settings: Sequence[str]) -> Any:
    """The spec of the one method of a command, with its settings. Raises UsageError."""
    return set_parts([SettablePart("method", "method", {"name": method})], settings)["method"]


def set_lessons(
    mind: str, games: Sequence[dict[str, Any]], seat: str, seats: Mapping[str, Any], settings: Sequence[str]
) -> LessonSpecs:
    """The specs of lessons: `mind.a=…`, `subject.budget=…`, `game.a=…` of each game that has it, `SEAT.a=…`.

    Settings of the games are made first, since they say what seats there are. Raises UsageError.
    """
    first = [typed for typed in settings if typed.startswith("game.")]
    places = _build_game_parts(games)
    games = apply_settings(places, resolve_settings(places, first))
    beside = _build_seat_parts(games, seat, seats)
    places = _build_game_parts(games)
    own = [SettablePart("mind", "agent", {"name": mind}), SettablePart("subject", "", {}, OF_SUBJECT)]
    parts = [*own, *places, *beside]
    rest = resolve_settings(parts, [typed for typed in settings if typed not in first])
    made = apply_settings(parts, rest)
    sitting = dict(zip((part.prefix for part in beside), made[2 + len(places) :], strict=True))
    changed = {part.prefix for part in beside if part.prefix in seats or sitting[part.prefix] is not part.spec}
    kept = {name: spec for name, spec in sitting.items() if name in changed}
    return LessonSpecs(made[0], made[1], tuple(made[2 : 2 + len(places)]), {**seats, **kept})


def _build_game_parts(games: Sequence[dict[str, Any]]) -> list[SettablePart]:
    return [SettablePart("game", "game", spec, OF_GAME) for spec in games]


def _build_seat_parts(games: Sequence[dict[str, Any]], seat: str, seats: Mapping[str, Any]) -> list[SettablePart]:
    """The seats of the games that the one who is taught does not take; a bare name means named agents alone."""
    found: dict[str, Any] = {}
    for spec in games:
        game = build(Game, get_game(spec))
        mine = "" if is_market(spec) else seat_of(game, seat)
        found = {**{name: game.cast[name] for name in game.seats if name != mine}, **found}
    found |= {name: spec for name, spec in seats.items() if name in found}
    return [SettablePart(name, "agent", spec, bare=name in seats) for name, spec in found.items()]
