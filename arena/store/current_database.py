"""Database of the running command, for parts that look something up in it when they are built."""

import logging
import os
from contextvars import ContextVar

from arena.errors import UsageError

LOGGER = logging.getLogger(__name__)

DEFAULT_DATABASE = "arena.db"
_CHOSEN: ContextVar[str] = ContextVar("database", default="")


def current_database() -> str:
    """The path or URL given by `--db`; else by the variable ARENA_DB; else `arena.db` in the current folder."""
    return _CHOSEN.get() or os.environ.get("ARENA_DB") or DEFAULT_DATABASE


def use_database(where: str) -> None:
    """Make `where` the database of the current context."""
    _CHOSEN.set(where)


def list_taught_names() -> tuple[str, ...]:
    """Names of the taught agents in the current database, sorted; empty if it cannot be read."""
    from arena.store.query import query  # only for look-ups by name

    try:
        return tuple(name for (name,) in query(current_database(), "select name from subject order by name").rows)
    except UsageError as error:
        LOGGER.debug("no taught agents are looked up: %s", error)
        return ()
