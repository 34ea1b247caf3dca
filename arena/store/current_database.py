"""Which database the running command uses, for parts that look something up in it when they are built by name."""

import logging
import os
from contextvars import ContextVar

from arena.errors import UsageError

LOGGER = logging.getLogger(__name__)

DEFAULT_DATABASE = "arena.db"
_CHOSEN: ContextVar[str] = ContextVar("database", default="")


def current_database() -> str:
    """The path or URL that `--db` names; else that of the variable ARENA_DB; else `arena.db` in the current folder."""
    return _CHOSEN.get() or os.environ.get("ARENA_DB") or DEFAULT_DATABASE


def use_database(where: str) -> None:
    """Makes `where` the database of the running context."""
    _CHOSEN.set(where)


def list_taught_names() -> tuple[str, ...]:
    """The names of the agents that were taught and are kept in the current database, sorted; none where it cannot be
    read."""
    from arena.store.query import query  # only where somebody is looked up by name

    try:
        return tuple(name for (name,) in query(current_database(), "select name from subject order by name").rows)
    except UsageError as error:
        LOGGER.debug("no taught agents are looked up: %s", error)
        return ()
