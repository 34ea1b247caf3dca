"""What an error means that no part of arena expected: the database gave way, or holds what no arena wrote."""

import errno
import sqlite3
import sys
from collections.abc import Mapping, Sequence

from arena.cli.options import DEFAULT_DB
from arena.errors import BadRecord


def explain_error(error: BaseException, arguments: Sequence[str], environment: Mapping[str, str]) -> BadRecord | None:
    """The sentence for an error of a command, where its database is the reason; None for a fault of the program.

    The command's words and environment say which database that is.
    """
    from arena.store.damage import explain_damage
    from arena.store.location import DatabaseLocation, explain_failure

    try:
        place = DatabaseLocation.of(_find_database(arguments, environment))
    except BadRecord:
        return None
    if any(_is_refused(one) for one in _list_causes(error)):
        found = explain_damage(place.path, error) if place.path is not None and _is_corrupt(error) else None
        return found or explain_failure(place, error)
    return explain_damage(place.path, error) if place.path is not None else None


def _find_database(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    for word, behind in zip(arguments, (*arguments[1:], ""), strict=True):
        if word == "--db":
            return behind
        if word.startswith("--db="):
            return word.partition("=")[2]
    return environment.get("ARENA_DB") or DEFAULT_DB


def _list_causes(error: BaseException | None) -> Sequence[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _is_refused(error: BaseException) -> bool:
    """Whether the database, or the disk below it, refused what was asked."""
    exceptions = sys.modules.get("sqlalchemy.exc")
    if exceptions is not None and isinstance(error, exceptions.DBAPIError):
        return True
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
    return full or isinstance(error, sqlite3.Error)


def _is_corrupt(error: BaseException) -> bool:
    words = ("malformed", "not a database", "no such", "datatype", "could not decode", "parameter", "malformed json")
    return any(word in str(one).lower() for one in _list_causes(error) for word in words)
