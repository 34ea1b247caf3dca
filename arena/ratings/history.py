"""Build meetings of players from recorded episodes: seats, scores, and excluded episodes with reasons."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from arena.errors import UsageError, unknown
from arena.ratings.meeting import Meeting
from arena.ratings.player_names import names
from arena.spec import dump_canonical
from arena.store.query import query
from arena.store.select_episodes import find_run
from arena.store.store import Store

By: TypeAlias = Literal["agent", "model"]
Per: TypeAlias = Literal["episode", "seed"]
FINISHED = ("over", "forfeit")
QUITTERS = (  # also where the game continues after a forfeit and the episode ends by its rules
    "SELECT t.episode, t.seat FROM turn t JOIN episode e ON e.id = t.episode WHERE t.refused IS NOT NULL AND {} "
    "GROUP BY t.episode, t.step, t.seat, e.patience HAVING count(*) > e.patience"
)


@dataclass(frozen=True, slots=True)
class RatedSeat:
    """One seat of a recorded episode; `score` is None without one."""

    seat: str
    player: str
    score: float | None


@dataclass(frozen=True, slots=True)
class RatedEpisode:
    """A recorded episode: `rules` are the game and its parameters, `gave_up` the seats that used up their patience."""

    id: str
    game: str
    rules: str
    seed: int
    status: str
    gave_up: frozenset[str]
    forked: bool
    sittings: tuple[RatedSeat, ...]

    @property
    def scored(self) -> tuple[RatedSeat, ...]:
        """The seats that have a score: players, not judges or moderators."""
        return tuple(sitting for sitting in self.sittings if sitting.score is not None)


@dataclass(slots=True)
class History:
    """The meetings of one game in order, the finished episodes they are made of, and the number of excluded ones by
    reason.
    """

    game: str
    meetings: list[Meeting] = field(default_factory=list)
    counted: list[RatedEpisode] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    episodes: list[RatedEpisode] = field(default_factory=list)


def load_rated_episodes(db: str, runs: Sequence[str] = (), game: str = "", by: By = "agent") -> list[RatedEpisode]:
    """The episodes of these runs, all by default, in the order of runs, seeds and places in the plan.

    A run is given by its id, an id prefix, or "last". Raises BadRecord, UsageError.
    """
    with Store.open(db, create=False) as store:
        chosen = [find_run(store, which) for which in runs]
    marks = ", ".join("?" * len(chosen))
    within = f"e.run IN ({marks})" if chosen else "1 = 1"
    found = query(
        db,
        "SELECT e.id, e.game, e.spec, e.seed, e.status, f.parent IS NOT NULL FROM episode e LEFT JOIN fork f "
        f"ON f.episode = e.id WHERE {within} ORDER BY e.run, e.seed, e.n",
        tuple(chosen),
    ).rows
    games = sorted({row[1] for row in found})
    if game and game not in games:
        raise UsageError(unknown("recorded game", game, games))
    seats = query(
        db,
        "SELECT e.id, s.seat, coalesce(s.model, s.agent), s.spec, p.value FROM episode e JOIN seat s ON s.episode = "
        "e.id LEFT JOIN score p ON p.episode = e.id AND p.seat = s.seat AND p.scorer = 'game' AND p.version = "
        f"e.rules_version WHERE {within}",
        tuple(chosen),
    ).rows
    gave_up: dict[str, set[str]] = defaultdict(set)
    for episode, seat in query(db, QUITTERS.format(within), tuple(chosen)).rows:
        gave_up[episode].add(seat)
    shown = _name_players(seats, by, {row[0] for row in found if not game or row[1] == game})
    sittings: dict[str, list[RatedSeat]] = defaultdict(list)
    for (episode, seat, _, _, score), player in zip(seats, shown, strict=True):
        sittings[episode].append(RatedSeat(seat, player, score))
    return [
        RatedEpisode(
            id,
            name,
            _extract_rules(spec),
            seed,
            status,
            frozenset(gave_up[id]),
            bool(forked),
            _sort_sittings(spec, sittings[id]),
        )
        for id, name, spec, seed, status, forked in found
        if not game or name == game
    ]


def build_histories(episodes: Sequence[RatedEpisode], per: Per = "episode", forfeits: bool = True) -> Iterator[History]:
    """The rateable meetings of each game.

    A meeting is an episode: the higher score wins. With `per` "seed" it is all episodes of the same players with the
    same rules and seed, as in duplicate bridge: the mean scores over all seatings are compared, without episodes that
    not all played from the same seats. If one seat has a score, the meeting is all players of the same rules and seed.

    Left out, by reason: what is not finished (error, cut, running), forks, forfeits without a score, or all of them
    unless `forfeits` (a seat used up its patience, in any round), and episodes in which no two players meet.
    """
    for game in dict.fromkeys(episode.game for episode in episodes):
        history = History(game, episodes=[episode for episode in episodes if episode.game == game])
        pools: dict[Any, list[RatedEpisode]] = {}
        for episode in history.episodes:
            if why := _explain_exclusion(episode, forfeits):
                history.left_out[why] += 1
                continue
            history.counted.append(episode)
            pools.setdefault(_make_pool_key(episode, per), []).append(episode)
        for pool in pools.values():
            meeting = _build_meeting(pool)
            solo = all(len(episode.scored) == 1 for episode in pool)
            if len(meeting.scores) < 2:
                history.left_out["alone on its seed" if solo else "self-play"] += len(pool)
            elif per == "seed" and not solo and len({tuple(sorted(seats)) for seats in meeting.seats.values()}) > 1:
                history.left_out["not in all seats"] += len(pool)
            else:
                history.meetings.append(meeting)
        yield history


def _explain_exclusion(episode: RatedEpisode, forfeits: bool) -> str:
    """Why an episode is excluded; "" if it is not."""
    if episode.forked:
        return "forked"
    if episode.status not in FINISHED:
        return episode.status
    if episode.gave_up and not forfeits:
        return "forfeit"
    if not episode.scored:
        return "forfeit without scores" if episode.status == "forfeit" else "without scores"
    return ""


def _make_pool_key(episode: RatedEpisode, per: Per) -> Any:
    """The grouping key of the episodes that form one meeting."""
    if len(episode.scored) == 1:
        return "solo", episode.rules, episode.seed
    if per == "episode":
        return episode.id
    return episode.rules, episode.seed, frozenset(sitting.player for sitting in episode.scored)


def _build_meeting(pool: Sequence[RatedEpisode]) -> Meeting:
    scores: dict[str, list[float]] = defaultdict(list)
    seats: dict[str, list[str]] = defaultdict(list)
    for episode in pool:
        for sitting in episode.scored:
            assert sitting.score is not None
            scores[sitting.player].append(sitting.score)
            seats[sitting.player].append(sitting.seat)
    means = {player: sum(values) / len(values) for player, values in scores.items()}
    return Meeting(means, pool[0].seed, {player: tuple(names) for player, names in seats.items()})


def _name_players(seats: Sequence[tuple[Any, ...]], by: By, episodes: set[str]) -> list[str]:
    """The player's name in each row: with distinguishing settings among `episodes`, or the shown name alone."""
    if by == "model":
        return [name for _, _, name, _, _ in seats]
    found = {(name, spec) for episode, _, name, spec, _ in seats if episode in episodes}
    called = names({key: json.loads(key[1]) for key in sorted(found)})
    return [called.get((name, spec), name) for _, _, name, spec, _ in seats]


def _extract_rules(spec: str) -> str:
    resolved = json.loads(spec)
    return dump_canonical([resolved["game"], resolved["patience"]])


def _sort_sittings(spec: str, sittings: Sequence[RatedSeat]) -> tuple[RatedSeat, ...]:
    """The seats in the game's order, as far as it is recorded."""
    order = list(json.loads(spec)["seats"])
    return tuple(sorted(sittings, key=lambda sitting: order.index(sitting.seat)))
