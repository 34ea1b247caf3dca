"""Output of `arena list`: registered parts, and recorded runs, episodes, subjects and requests."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from arena.console.stdio import say
from arena.errors import UsageError, unknown
from arena.registry import FOLDERS, find, list_all_entries, list_broken_files
from arena.reports.game_list import games
from arena.reports.output import rows
from arena.reports.part_parameters import list_parameters
from arena.store.query import query
from arena.store.query_result import QueryResult

PARTS = {f"{kind}s": kind for kind in FOLDERS}
FIRST = {  # the most important columns of each list
    "games": ("name", "seats", "about"),
    "runs": ("id", "status", "matches", "finished", "errors", "usd", "command"),
    "episodes": ("id", "game", "status", "seed", "seats", "turns", "usd"),
    "requests": ("request", "agent", "scope", "targets", "method", "exact", "at"),
    "subjects": ("name", "mind", "taught_in", "events", "notes", "requests"),
}
SUBJECTS = """
SELECT s.name, s.spec, s.course, (SELECT count(*) FROM event e WHERE e.owner = s.name) AS events,
    (SELECT count(*) FROM note n WHERE n.owner = s.name) AS notes,
    (SELECT count(*) FROM request q WHERE q.owner = s.name) AS requests, s.epoch, s.made, s.changed
FROM subject s ORDER BY s.changed DESC, s.name LIMIT :limit
"""


def print_listing(
    what: str, part: str, db: str, limit: int, as_json: bool, as_csv: bool = False, wide: bool = False
) -> None:  # fmt: skip
    """Parts by kind with the first line of their documentation; of one `part` its documentation and its parameters;
    or what is on record, newest first.

    If a terminal has no room for all columns, those of FIRST are shown.
    """
    what = what if what in PARTS or what in RECORDED else f"{what}s"
    form: dict[str, Any] = {"as_json": as_json, "as_csv": as_csv, "wide": wide, "first": FIRST.get(what, ())}
    if part and what not in PARTS:
        raise UsageError(f"arena list KIND NAME shows one part, and {what.removesuffix('s')} is no kind of parts; "
                         f"kinds: {', '.join(PARTS)}")  # fmt: skip
    if part:
        print_part(PARTS[what], part, form)
    elif what in PARTS:
        kind = PARTS[what]
        parts = tuple((entry.name, entry.about) for entry in list_all_entries(kind).values())
        rows(games() if kind == "game" else QueryResult(("name", "about"), parts), **form)
        for path, why in list_broken_files(kind).items():
            say(f"cannot be read: {path}: {why}", stderr=True)
    elif what in RECORDED:
        rows(RECORDED[what](db, int(limit)), **form)
    else:
        raise UsageError(unknown("list", what.removesuffix("s"), [*PARTS, *RECORDED]))


def print_part(kind: str, name: str, form: Mapping[str, Any]) -> None:
    """Print the description of a part, its presets, and each parameter with type, default, range and meaning."""
    thing, _ = find(kind, name)
    found = list_parameters(kind, name)
    columns = ("parameter", "type", "default", "range", "about")
    table = QueryResult(columns, tuple((one.name, one.type, one.default, one.range, one.about) for one in found))
    if form["as_json"] or form["as_csv"]:
        rows(table, **form)
        return
    say(inspect.getdoc(thing) or "")
    if presets := getattr(thing, "presets", {}):
        say(f"\nPresets: {', '.join(presets)}")
    say("")
    if not found:
        say("It takes no parameters.")
        return
    rows(table, **{**form, "first": ()})


def load_subjects(db: str, limit: int) -> QueryResult:
    """The taught agents: their base agent, where they learned, how much they remember, how often they forgot."""
    found = query(db, SUBJECTS, {"limit": limit}).rows
    columns = ("name", "mind", "taught_in", "events", "notes", "requests", "epoch", "made", "changed")
    return QueryResult(
        columns,
        tuple((name, _find_mind(spec), _list_course_games(course), *rest) for name, spec, course, *rest in found),
    )


def _find_mind(spec: str) -> str:
    """The name of the base agent in a spec; for an agent with a model, the model's name."""
    mind = json.loads(spec)["mind"]
    return str(mind["model"]["name"] if isinstance(mind.get("model"), dict) else mind["name"])


def _list_course_games(course: str) -> str:
    """The games of all its courses, each once."""
    taught = json.loads(course) if course else {}
    places = [*taught.get("earlier", ()), taught]
    names = [str(place["name"]) for one in places for place in one.get("environments", ())]
    return ", ".join(dict.fromkeys(names))


RECORDED: Mapping[str, Callable[[str, int], QueryResult]] = {
    "runs": lambda db, limit: query(db, f"select * from runs order by id desc limit {limit}"),
    "episodes": lambda db, limit: query(db, f"select * from episodes order by id desc limit {limit}"),
    "requests": lambda db, limit: query(db, f"select * from receipts order by at desc limit {limit}"),
    "subjects": load_subjects,
}
