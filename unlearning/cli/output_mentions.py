"""Print the result of `mentions`."""

from collections.abc import Mapping, Sequence

from arena.console.stdio import print_json, say
from arena.reports.output import rows
from arena.store.query_result import QueryResult
from unlearning.memory.mentions import Mentions

DELETES = "To delete these episodes, runs and measurements, whole and for good, type the same with --delete."
FORGETS = "Agents forget by: arena forget NAME --request “forget …”"


def format_counts(counts: Mapping[str, int]) -> str:
    """Numbers by kind in one line: "answers 3, calls 2"."""
    return ", ".join(f"{kind} {count}" for kind, count in counts.items())


def tell_mentions(found: Mentions, as_json: bool) -> None:
    """Every place that names it, with its rows by kind."""
    lines = [(sort, id, format_counts(kinds)) for (sort, id), kinds in found.places.items()]
    if as_json:
        places = [{"what": sort, "id": id, "rows": dict(kinds)} for (sort, id), kinds in found.places.items()]
        print_json({"counts": found.counts(), "places": places})
        return
    if not lines:
        say("Nothing on record names it.")
        return
    rows(QueryResult(("what", "id", "rows that name it"), tuple(lines)))
    if any(sort != "agent" for sort, _ in found.places):
        say(DELETES)
    if found.of("agent"):
        say(FORGETS)


def tell_deleted(found: Mentions, deleted: Mapping[str, int], left: Sequence[str], as_json: bool) -> None:
    """Print what was deleted, by table, and what remains."""
    agents = found.of("agent")
    if as_json:
        print_json({"deleted": dict(deleted), "agents": list(agents), "remains": list(left)})
        return
    say(
        f"Deleted rows: {format_counts(deleted)}." if deleted else "Nothing was deleted: no episode on record names it."
    )
    for what in left:
        say(f"  – not removed: {what}")
    if agents:
        say(f"Still named by what these agents remember: {', '.join(agents)}. {FORGETS}")
