"""Shell completion: names of games, agents and other parts, and ids of recorded runs and episodes."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from arena.errors import UsageError
from arena.registry import FOLDERS, list_entries
from arena.store.current_database import current_database, list_taught_names

LOGGER = logging.getLogger(__name__)

LATEST = 50  # most ids offered
Found = list[tuple[str, str]]  # a word and its description


def make_part_completer(kind: str) -> Callable[[str], Found]:
    """Make a completion function for the names of parts of one kind."""

    def complete(incomplete: str) -> Found:
        return _filter_by_prefix(incomplete, ((entry.name, entry.about) for entry in list_entries(kind).values()))

    return complete


def complete_agents(incomplete: str) -> Found:
    """Registered agents, taught agents, and model providers."""
    known = [(entry.name, entry.about) for entry in list_entries("agent").values()]
    taught = [(name, "a taught agent") for name in list_taught_names()]
    models = [(f"{name}/", "a model of this provider") for name in list_entries("model") if "/" not in name]
    return _filter_by_prefix(incomplete, [*taught, *known, *models])


def complete_seats(incomplete: str) -> Found:
    """The agent after `NAME=`."""
    seat, sign, agent = incomplete.partition("=")
    return [(f"{seat}={name}", about) for name, about in complete_agents(agent)] if sign else []


def complete_taught(incomplete: str) -> Found:
    """The names of taught agents."""
    return _filter_by_prefix(incomplete, ((name, "") for name in list_taught_names()))


def complete_ids(incomplete: str) -> Found:
    """`last`, and the ids of the latest runs and episodes."""
    runs = _query_pairs("select id, coalesce(status, '') || '  ' || command from run order by id desc")
    episodes = _query_pairs("select id, game || '  ' || status from episode order by started desc, n desc")
    return _filter_by_prefix(incomplete, [("last", "the latest"), *runs, *episodes])


def complete_kinds(incomplete: str) -> Found:
    """The kinds that `arena list` accepts."""
    from arena.cli.listing import RECORDED  # heavy import that only this completion needs

    return _filter_by_prefix(incomplete, [(name, "") for name in (*(f"{kind}s" for kind in FOLDERS), *RECORDED)])


def complete_parts_of_kind(ctx: Any, incomplete: str) -> Found:
    """The parts of the kind given before, for `arena list KIND NAME`."""
    kind = str(ctx.params.get("what", "")).removesuffix("s")
    return make_part_completer(kind)(incomplete) if kind in FOLDERS else []


def _query_pairs(question: str) -> list[tuple[str, str]]:
    from arena.store.query import query

    try:
        return [(str(id), str(told)) for id, told in query(current_database(), f"{question} limit {LATEST}").rows]
    except UsageError as error:
        LOGGER.debug("nothing of the record is completed: %s", error)
        return []


def _filter_by_prefix(incomplete: str, known: Iterable[tuple[str, str]]) -> Found:
    return [(name, about) for name, about in known if name.startswith(incomplete)]
