"""Load recorded episodes with their status, settings and measures."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from arena.analysis.measures import COSTS, EpisodeMeasures, measure
from arena.spec import dump_canonical
from arena.store.query import query

FINISHED = ("over", "forfeit")
CHUNK = 500  # episodes per database query


@dataclass(frozen=True, slots=True)
class Recorded:
    """One episode on record. `settings` are its resolved match by path: `game`, `game.cost`, `buyer`, `buyer.exponent`,
    `patience`; the name of a part is stored under the part's own path. `who` lists the names of each seat: its agent's
    and its model's. `measured` is None unless the episode is finished."""

    id: str
    run: str
    n: int
    status: str
    seed: int
    settings: Mapping[str, Any]
    who: Mapping[str, tuple[str, ...]]
    measured: EpisodeMeasures | None = None


def load_episodes(db: str, condition: str = "", parameters: Sequence[object] = ()) -> list[Recorded]:
    """Load the episodes for which an SQL condition on `episode e` holds, in order, without their measures."""
    where = f"where {condition}" if condition else ""
    columns = "select e.id, e.run, e.n, e.status, e.seed, e.spec from episode e"
    found = query(db, f"{columns} {where} order by e.run, e.n", tuple(parameters)).rows
    return [_parse_episode(*row) for row in found]


def read_measures(db: str, episodes: Iterable[Recorded], costs: bool = False) -> dict[str, EpisodeMeasures]:
    """The measures of each finished episode, by id; with `costs`, also turns, tokens, usd and so on."""
    ids = [episode.id for episode in episodes if episode.status in FINISHED]
    found: dict[str, EpisodeMeasures] = {}
    for start in range(0, len(ids), CHUNK):
        found |= _read_chunk(db, ids[start : start + CHUNK], costs)
    return found


def _read_chunk(db: str, ids: Sequence[str], costs: bool) -> dict[str, EpisodeMeasures]:
    among = f"in ({', '.join('?' * len(ids))})"
    scores: dict[str, dict[str, float | None]] = defaultdict(dict)
    facts: dict[str, dict[str, Any]] = defaultdict(dict)
    paid = f"select episode, seat, value from scores where recorded = 1 and episode {among} order by episode, seat"
    for episode, seat, value in query(db, paid, tuple(ids)).rows:
        scores[episode][seat] = value
    told = f"select episode, name, n, value from fact where episode {among} order by episode, name, n"
    for episode, name, n, value in query(db, told, tuple(ids)).rows:
        if n:
            facts[episode].setdefault(name, []).append(json.loads(value))
        else:
            facts[episode][name] = json.loads(value)
    spent: dict[str, dict[str, float | None]] = {}
    if costs:
        listed = query(db, f"select id, {', '.join(COSTS)} from episodes where id {among}", tuple(ids))
        spent = {row[0]: dict(zip(COSTS, row[1:], strict=True)) for row in listed.rows}
    return {id: _add_costs(measure(scores[id], facts[id]), spent.get(id, {})) for id in ids}


def _add_costs(measured: EpisodeMeasures, spent: Mapping[str, float | None]) -> EpisodeMeasures:
    values = {**measured.values, **spent}
    return replace(measured, values=values, aside=measured.aside | frozenset(spent))


def _parse_episode(id: str, run: str, n: int, status: str, seed: int, spec: str) -> Recorded:
    match = json.loads(spec)
    settings = {key: match[key] for key in ("patience", "branch") if key in match}
    settings |= _flatten("game", match["game"])
    who = {}
    for seat, agent in match["seats"].items():
        settings |= _flatten(seat, agent)
        who[seat] = tuple(dict.fromkeys(_list_names(agent)))
    return Recorded(id, run, n, status, seed, settings, who)


def _flatten(path: str, value: object) -> dict[str, Any]:
    """Settings by path; a part's name is stored at its own path, a list as JSON."""
    if not isinstance(value, Mapping):
        return {path: dump_canonical(value) if isinstance(value, list) else value}
    found = {path: value["name"]} if "name" in value else {}
    for key, inner in value.items():
        if key != "name" or not found:
            found |= _flatten(f"{path}.{key}", inner)
    return found


def _list_names(agent: object) -> Iterable[str]:
    """The agent's name, and that of its innermost model."""
    while isinstance(agent, Mapping):
        if isinstance(agent.get("name"), str):
            yield agent["name"]
        agent = agent.get("model")
