"""Select the recorded episodes of a command: those of a run, or one."""

from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from arena.errors import BadRecord
from arena.store.location import explain_failure
from arena.store.store import Store


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recorded episode and the version of the rules it was played under."""

    id: str
    rules_version: int


def choose(store: Store, which: str) -> tuple[Chosen, ...]:
    """The episodes of a run, in the order of its plan, or the one episode of that id.

    A run is given by its id, an id prefix, or "last"; an id with a dot is an episode's. Raises
    BadRecord with near ids, or for a run without episodes.
    """
    columns = "SELECT id, rules_version FROM episode"
    try:
        if "." in which:
            condition, values = "id = :name", {"name": store.episode(which).id}
        else:
            condition, values = "run = :name", {"name": find_run(store, which)}
        with store.engine.connect() as connection:
            rows = connection.execute(text(f"{columns} WHERE {condition} ORDER BY n"), values).all()
    except DBAPIError as error:
        raise explain_failure(store.place, error) from error
    if not rows:
        raise BadRecord(f"the run {values['name']} has no episode yet; type its command again, and it goes on")
    return tuple(Chosen(id, version) for id, version in rows)


def find_run(store: Store, which: str) -> str:
    """The id of a run, from its id, an id prefix, or "last". Raises BadRecord with near ids."""
    with store.engine.connect() as connection:
        ids: list[str] = list(connection.execute(text("SELECT id FROM run ORDER BY id DESC")).scalars())
    if not ids:
        raise BadRecord(f"{store.where} holds no run yet; type: arena play")
    found = ids[:1] if which == "last" else [id for id in ids if id == which] or [i for i in ids if i.startswith(which)]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadRecord(f"{which!r} may be any of the runs {', '.join(found[:8])}; write more of it")
    near = get_close_matches(which, ids, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(near)}?" if near else f"; the latest is {ids[0]}"
    raise BadRecord(f"no run {which!r} in {store.where}{meant} (all: arena list runs)")
