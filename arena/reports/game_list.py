"""Overview of the registered games."""

from arena.errors import UsageError
from arena.game import Game
from arena.registry import RegistryEntry, list_all_entries
from arena.spec import build
from arena.store.query_result import QueryResult

COLUMNS = ("name", "seats", "lowest", "highest", "zero_sum", "about")


def games() -> QueryResult:
    """The registered games with their seats and the declared properties of their scores, with default parameters.

    `lowest` and `highest` bound a seat's score; `zero_sum` is whether all scores always have the same sum. A game that
    cannot be built without parameters, or without an extra that is missing, has only its name and its first line.
    """
    return QueryResult(COLUMNS, tuple(_row(entry) for entry in list_all_entries("game").values()))


def _row(entry: RegistryEntry) -> tuple[str | float | bool | None, ...]:
    try:
        game = build(Game, entry.name)
    except UsageError:
        return (entry.name, None, None, None, None, entry.about)
    lowest, highest = game.bounds() or (None, None)
    return (entry.name, ", ".join(game.seats), lowest, highest, game.zero_sum, entry.about)
