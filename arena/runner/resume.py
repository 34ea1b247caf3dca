"""Resume a run: the money already spent, and a check that its plan is unchanged."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from arena.episode import Match
from arena.errors import UsageError
from arena.store.location import explain_failure
from arena.store.rows import dump, mask_command
from arena.store.store import Store, group_matches, hash_plan
from arena.text.storable import clean

SHOWN = 8  # most differences in a message
ASIDE = re.compile(  # options that change how a plan is played, not what is played
    r" --(?:json|quiet|retry-errors|again|dry-run|trust|verbose)\b| -(?:q|v+)\b|"
    r" --until(?:=| )[^<]*< *[\d.eE+-]+|"
    r" --(?:db|usd|usd-seat|at-once|retries|progress|backend)(?:=| )(?:\S+)| +#.*"
)


def sum_spending(store: Store, run: str, most: Callable[[], Mapping[str, float]] = dict) -> dict[str, float]:
    """Dollars that a run has spent, by seat; a call of unknown price counts as the dearest known one of its seat.

    If all are unknown, since a provider counts no tokens, it counts as `most`, the highest possible price by seat.
    """
    query = text(
        "SELECT c.seat, coalesce(sum(c.usd), 0), count(*) - count(c.usd), coalesce(max(c.usd), 0) "
        "FROM call c JOIN episode e ON e.id = c.episode WHERE e.run = :run GROUP BY c.seat"
    )
    try:
        with store.engine.connect() as connection:
            rows = connection.execute(query, {"run": run}).all()
    except DBAPIError as error:
        raise explain_failure(store.place, error) from error
    bound = most() if any(unknown and not dearest for _, _, unknown, dearest in rows) else {}
    return {seat: float(known + unknown * (dearest or bound.get(seat, 0.0))) for seat, known, unknown, dearest in rows}


def refuse_changed(store: Store, matches: Sequence[Match], command: str, origin: str = "") -> None:
    """Raise UsageError if the last run of this command is unfinished and today's plan is a different one.

    Games, parts or the plan file have changed since; the message says in which keys. No objection where the plan of
    today has an unfinished run of its own, or where another process plays that last run right now.
    """
    asked = _drop_options(mask_command(clean(command)))
    try:
        with store.engine.connect() as connection:
            query = text("SELECT id, status, command, plan FROM run ORDER BY id DESC LIMIT 200")
            rows = connection.execute(query).all()
            same = text(
                "SELECT id FROM run WHERE plan_hash = :plan AND status IN ('running', 'cut', 'interrupted', 'enough')"
            )
            if connection.execute(same, {"plan": hash_plan(matches, origin)}).first() is not None:
                return
    except DBAPIError as error:
        raise explain_failure(store.place, error) from error
    last = next((row for row in rows if _drop_options(row.command) == asked), None)
    if last is None or last.status not in ("running", "cut", "interrupted") or store.is_played(last.id):
        return
    then, now = json.loads(last.plan), json.loads(dump(group_matches(matches)))
    if len(then["groups"]) == len(now["groups"]) == 1:
        then, now = ({**plan, **plan.pop("groups")[0]} for plan in (then, now))
    changes = list(list_differences(then, now))
    if changes:
        more = f"\n  and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        listed = "".join(f"\n  {change}" for change in changes[:SHOWN])
        raise UsageError(
            f"run {last.id} of this command is not finished, and the plan has changed since:{listed}{more}\n"
            "to play the new plan in a new run, type the command with --again; to go on, undo the change"
        )


def list_differences(then: object, now: object, path: str = "") -> Iterator[str]:
    """The keys in which two plans differ, with both values: `groups.1.game.cost: 10 then, 8 now`."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            inner = f"{path}.{key}" if path else str(key)
            if key not in now:
                yield f"{inner}: {_shorten_value(then[key])} then, gone now"
            elif key not in then:
                yield f"{inner}: not there then, {_shorten_value(now[key])} now"
            else:
                yield from list_differences(then[key], now[key], inner)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for n, (old, new) in enumerate(zip(then, now, strict=True), 1):
            yield from list_differences(old, new, f"{path}.{n}")
    elif then != now:
        yield f"{path}: {_shorten_value(then)} then, {_shorten_value(now)} now"


def _shorten_value(value: object) -> str:
    shown = f"a list of {len(value)}" if isinstance(value, list) and len(value) > 6 else json.dumps(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"


def _drop_options(command: str) -> str:
    """A command without the options that do not change its plan."""
    return " ".join(ASIDE.sub("", f" {command}").split())
