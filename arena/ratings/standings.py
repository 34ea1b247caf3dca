"""Standings: ratings with intervals beside wins, scores from each seat, forfeits and errors, from recorded episodes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from arena.errors import MissingExtra, UsageError
from arena.extras import missing
from arena.ratings.history import By, History, Per, RatedEpisode, build_histories, load_rated_episodes
from arena.ratings.meeting import Meeting, Rating, points

Model: TypeAlias = Literal["bt", "openskill"]
DECIDED = 10  # least decided episodes for a note that one seat wins nearly all of them
NEARLY = 0.95


@dataclass(frozen=True, slots=True)
class RatingRule:
    """How players are rated. `by` agent: all settings count; model: the shown name alone. See `build_histories` for
    `per` and `forfeits`; scores that differ by no more than `margin` are a draw; `seed` is that of the bootstrap."""

    model: Model = "bt"
    by: By = "agent"
    per: Per = "episode"
    margin: float = 0.0
    level: float = 0.95
    resamples: int = 2000
    seed: int = 0
    forfeits: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """One player. Won, drawn and lost count meetings, at a table of N against each other player; `score` is the mean
    over its finished episodes, `scores` the same by seat; `rating` is None for a player without meetings."""

    player: str
    rating: Rating | None
    won: int
    drawn: int
    lost: int
    episodes: int
    score: float | None
    scores: Mapping[str, float]
    forfeits: int
    errors: int


@dataclass(frozen=True, slots=True)
class Standings:
    """The players of one game, best first; `seats` have scores; `left_out` counts episodes that are no result."""

    game: str
    rule: RatingRule
    rows: tuple[Standing, ...]
    seats: tuple[str, ...]
    meetings: int
    seeds: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...]


def compute_standings(
    db: str, runs: Sequence[str] = (), rule: RatingRule = RatingRule(), game: str = ""
) -> tuple[Standings, ...]:
    """Standings of each game in these runs, by default all; empty if nothing is recorded."""
    if rule.margin < 0 or not 0 < rule.level < 1 or rule.resamples < 1:
        raise UsageError(
            f"margin is 0 or more, level between 0 and 1, resamples 1 or more; got {rule.margin}, {rule.level} and "
            f"{rule.resamples}"
        )
    episodes = load_rated_episodes(db, runs, game, rule.by)
    return tuple(_rate_game(history, rule) for history in build_histories(episodes, rule.per, rule.forfeits))


def rate(meetings: Sequence[Meeting], rule: RatingRule) -> tuple[Rating, ...]:
    """Rate the meetings by the rule. Raises MissingExtra."""
    if not meetings:
        return ()
    try:
        if rule.model == "openskill":
            from arena.ratings.openskill_board import run_board

            return run_board(meetings, margin=rule.margin).ratings(rule.level)
        from arena.ratings.bradley_terry import fit_bradley_terry

        return fit_bradley_terry(
            meetings, level=rule.level, resamples=rule.resamples, seed=rule.seed, margin=rule.margin
        )
    except ModuleNotFoundError as error:
        raise missing("rating players", error, "ratings") from error


def _rate_game(history: History, rule: RatingRule) -> Standings:
    notes: list[str] = []
    try:
        ratings = {rating.player: rating for rating in rate(history.meetings, rule)}
    except MissingExtra as error:
        ratings = {}
        notes.append(str(error))
    seats = _find_scored_seats(history)
    results = _count_results(history.meetings, rule.margin)
    died, gave_up = _count_failures(history, seats)
    sat: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for sitting in (sitting for episode in history.counted for sitting in episode.scored):
        sat[sitting.player].append((sitting.seat, sitting.score or 0.0))
    rows = tuple(
        Standing(
            player,
            ratings.get(player),
            results[player][1.0],
            results[player][0.5],
            results[player][0.0],
            len(sat[player]),
            _mean([score for _, score in sat[player]]),
            _average_by_seat(sat[player]),
            gave_up[player],
            died[player],
        )
        for player in dict.fromkeys([*ratings, *sat, *died, *gave_up])
    )
    notes += _make_notes(history, rule, tuple(ratings.values()), seats)
    seeds = len({meeting.cluster for meeting in history.meetings})
    left_out = dict(history.left_out)
    return Standings(history.game, rule, rows, seats, len(history.meetings), seeds, left_out, tuple(notes))


def _find_scored_seats(history: History) -> tuple[str, ...]:
    """The seats that ever have a score, in the game's order; all, if no episode is finished."""
    scored = dict.fromkeys(sitting.seat for episode in history.counted for sitting in episode.scored)
    return tuple(scored or dict.fromkeys(s.seat for episode in history.episodes for s in episode.sittings))


def _count_results(meetings: Sequence[Meeting], margin: float) -> dict[str, Counter[float]]:
    """How often each player took 1, ½ and 0 points in its meetings."""
    results: dict[str, Counter[float]] = defaultdict(Counter)
    for meeting in meetings:
        for (left, one), (right, other) in combinations(meeting.scores.items(), 2):
            results[left][points(one, other, margin)] += 1
            results[right][points(other, one, margin)] += 1
    return results


def _count_failures(history: History, seats: Sequence[str]) -> tuple[Counter[str], Counter[str]]:
    """For each player, in how many failed episodes it had a seat, and how many it forfeited."""
    died, gave_up = Counter[str](), Counter[str]()
    for episode in (episode for episode in history.episodes if not episode.forked):
        if episode.status == "error":
            died.update({sitting.player for sitting in episode.sittings if sitting.seat in seats})
        gave_up.update({sitting.player for sitting in episode.sittings if sitting.seat in episode.gave_up & {*seats}})
    return died, gave_up


def _make_notes(history: History, rule: RatingRule, ratings: Sequence[Rating], seats: Sequence[str]) -> Iterator[str]:
    """Notes that are needed to interpret the ratings."""
    if len(seats) == 1:
        yield "one seat has a score: who scored more on the same seed, with the same rules, was better"
    elif rule.per == "episode":
        yield from _check_lucky_seat(history.counted, rule.margin)
    if len(seats) > 1 and (uneven := _find_uneven(history.meetings, seats)):
        yield f"not balanced over the seats, so that ratings mix in what a seat is worth: {', '.join(uneven)}"
    if (rules := len({episode.rules for episode in history.counted})) > 1:
        yield f"pooled over {rules} settings of the game"
    if max((rating.group for rating in ratings), default=1) > 1:
        yield "ratings of different groups cannot be compared: their players met nobody in common"
    if ratings and all(rating.low is None and rating.high is None for rating in ratings):
        several = len({meeting.cluster for meeting in history.meetings}) > 1
        yield f"no intervals: {'all seeds ended alike' if several else 'they need several seeds'}"


def _check_lucky_seat(episodes: Sequence[RatedEpisode], margin: float) -> Iterator[str]:
    """A note if nearly all decided two-player episodes were won from one seat."""
    won = Counter[str]()
    for left, right in (episode.scored for episode in episodes if len(episode.scored) == 2):
        if left.player != right.player:
            point = points(left.score or 0.0, right.score or 0.0, margin)
            won.update([left.seat if point == 1 else right.seat] if point != 0.5 else [])
    decided = sum(won.values())
    for seat, number in won.most_common(1):
        if decided >= DECIDED and number >= NEARLY * decided:
            yield (
                f"the seat decides: {seat} won {number} of {decided} decided episodes; --per seed compares what the "
                "same players score from all seats"
            )


def _find_uneven(meetings: Sequence[Meeting], seats: Sequence[str]) -> list[str]:
    """Players that did not have all seats equally often, with counts."""
    sat: dict[str, Counter[str]] = defaultdict(Counter)
    for meeting in meetings:
        for player, names in meeting.seats.items():
            sat[player].update(names)
    return [
        f"{player} ({', '.join(f'{seat} {count[seat]}' for seat in seats)})"
        for player, count in sat.items()
        if len({count[seat] for seat in seats}) > 1
    ]


def _average_by_seat(scores: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Mean score by seat."""
    return {seat: sum(s for at, s in scores if at == seat) / n for seat, n in Counter(at for at, _ in scores).items()}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
