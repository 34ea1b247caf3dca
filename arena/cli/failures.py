"""Report an error that ends a command, with its exit code; explains failing databases and rows that arena did not
write.
"""

import errno
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from traceback import format_exception

from arena.console.exit_codes import FAILED, USAGE
from arena.console.stdio import say
from arena.errors import ArenaError, BadRecord, MissingExtra, UsageError
from arena.extras import missing
from arena.redaction import redact
from arena.store.current_database import DEFAULT_DATABASE
from arena.store.damage import explain_damage
from arena.store.location import DatabaseLocation, explain_failure


def report_failure(error: Exception, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the error of a command in one line on stderr; returns the exit code of its kind.

    A bug of arena or of a user's part is printed with its traceback.
    """
    if isinstance(error, ArenaError):
        say(redact(f"arena: {error}"), stderr=True)
        return USAGE if isinstance(error, UsageError) else FAILED
    if isinstance(error, RecursionError):
        say("arena: what it was given is nested too deeply", stderr=True)
        return USAGE
    # a module missing for a part that was not looked up by name
    needed = missing("this command", error) if isinstance(error, ModuleNotFoundError) else None
    told = needed if isinstance(needed, MissingExtra) else explain_error(error, arguments, environment)
    if told:
        say(f"arena: {told}", stderr=True)
        return USAGE
    say(redact("".join(format_exception(error))), stderr=True, end="")
    return FAILED


def explain_error(error: BaseException, arguments: Sequence[str], environment: Mapping[str, str]) -> BadRecord | None:
    """The message for an exception that the database caused; None for a bug of the program.

    The command's arguments and environment tell which database that is.
    """
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
    return environment.get("ARENA_DB") or DEFAULT_DATABASE


def _list_causes(error: BaseException | None) -> Sequence[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _is_refused(error: BaseException) -> bool:
    """Whether the database or its disk refused the operation."""
    exceptions = sys.modules.get("sqlalchemy.exc")
    if exceptions is not None and isinstance(error, exceptions.DBAPIError):
        return True
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
    return full or isinstance(error, sqlite3.Error)


def _is_corrupt(error: BaseException) -> bool:
    words = ("malformed", "not a database", "no such", "datatype", "could not decode", "parameter", "malformed json")
    return any(word in str(one).lower() for one in _list_causes(error) for word in words)
