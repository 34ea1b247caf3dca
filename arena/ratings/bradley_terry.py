"""Bradley–Terry ratings of players from pairwise results, with an interval for each."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from math import log, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped]

from arena.errors import UsageError
from arena.ratings.meeting import Meeting, Rating, points

Array: TypeAlias = NDArray[np.float64]
ELO = 400 / log(10)  # points of Elo per unit of log-odds: 400 points are odds of ten to one
MEAN = 1000.0  # the mean rating of players who are connected by meetings
STEPS = 200  # most iterations of Newton's method; about ten are needed
CHUNK = 2**21  # most numbers in a batch of resampled tables


def fit_bradley_terry(
    meetings: Iterable[Meeting],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    margin: float = 0.0,
    penalty: bool = True,
) -> tuple[Rating, ...]:
    """Ratings on the Elo scale with mean 1000 in each group, best first: 400 log10 of the odds to score more.

    Maximum likelihood of Bradley & Terry (1952). A draw is half a win, so that a rating tells the expected share of
    points, as in chess. A table of more than two counts as all its pairs: under the model of Plackett and Luce each
    pair is Bradley–Terry, so that the ratings are those of Plackett–Luce, though with pairs that are not independent.

    `penalty` adds the likelihood of Jeffreys' prior (Firth 1993): it removes the first-order bias, is finite where a
    player won or lost all, and makes two players differ by log((w + ½) / (l + ½)). Without it the estimate is plain;
    that raises UsageError where there is no finite maximum: where not every player leads to every other by a chain of
    points taken (Ford 1957).

    The mean is that of the core: the largest set of players for whom a finite maximum exists (all, unless some won or
    lost all). The distance of the others from the core is set by the penalty alone: their interval is open on that
    side, and `note` says so.

    Intervals are percentiles at `level` of the penalised ratings in `resamples` bootstraps of whole clusters, widened
    for few clusters as Student's t is (Hesterberg 2015, the expanded percentile interval). None with one cluster,
    where all clusters are equal, or where most resamples lose the connection between players. Simulated with planted
    strengths, intervals at 95 % cover 94 % from ten clusters on, 89 % with five. The order of the meetings is of no
    account.
    """
    if not 0 < level < 1 or resamples < 1:
        raise UsageError(f"level is between 0 and 1, resamples 1 or more; got {level} and {resamples}")
    players, tables = tabulate(meetings, margin)
    ratings: list[Rating] = []
    for group, members in enumerate(_find_groups(tables.sum(axis=0)), 1):
        own = tables[:, members][:, :, members]
        own = own[own.any(axis=(1, 2))]
        names = [players[k] for k in members]
        rated = _rate(names, own, level, resamples, np.random.default_rng(seed), penalty)
        ratings += [replace(rating, group=group) for rating in rated]
    return tuple(sorted(ratings, key=lambda rating: (rating.group, -rating.rating, rating.player)))


def tabulate(meetings: Iterable[Meeting], margin: float = 0.0) -> tuple[tuple[str, ...], Array]:
    """The players, sorted, and the points that player i took from player j in each cluster: array of
    clusters × i × j.
    """
    listed = list(meetings)
    players = tuple(sorted({player for meeting in listed for player in meeting.scores}))
    if not players:
        raise UsageError("nobody has met anybody, so there is nothing to rate")
    clusters = sorted({meeting.cluster for meeting in listed}, key=lambda cluster: (str(type(cluster)), cluster))
    place, number = ({name: k for k, name in enumerate(names)} for names in (players, clusters))
    tables = np.zeros((len(clusters), len(players), len(players)))
    for meeting in listed:
        c = number[meeting.cluster]
        for (left, one), (right, other) in combinations(meeting.scores.items(), 2):
            i, j = place[left], place[right]
            tables[c, i, j] += points(one, other, margin)
            tables[c, j, i] += points(other, one, margin)
    return players, tables


def _rate(
    names: Sequence[str], tables: Array, level: float, resamples: int, rng: np.random.Generator, penalty: bool
) -> list[Rating]:
    """Ratings of one group of players who are connected by meetings."""
    if len(names) == 1:
        return [Rating(names[0], MEAN, note="met nobody")]
    wins = tables.sum(axis=0)
    reach = _compute_reach(wins)
    if not penalty and not reach.all():
        won = [name for k, name in enumerate(names) if (reach[k] | ~reach[:, k]).all()]
        rest = ", ".join(name for name in names if name not in won) or "each other's rivals"
        raise UsageError(
            f"no finite rating fits: {', '.join(won)} lost nothing to {rest}; play more, or leave the penalty on"
        )
    core = _find_core(reach)
    best = _convert_to_elo(_fit(wins[None], penalty), core)[0]
    low, high = _compute_intervals(tables, level, resamples, rng, core)
    no_low, no_high = (np.atleast_1d(~one.all(axis=1)) for one in (reach[:, core], reach[core].T))
    rated = []
    for k, name in enumerate(names):
        ends = (
            None if low is None or no_low[k] else float(low[k]),
            None if high is None or no_high[k] else float(high[k]),
        )
        rated.append(Rating(name, float(best[k]), *ends, note=_make_note(wins, k, bool(no_low[k]), bool(no_high[k]))))
    return rated


def _make_note(wins: Array, k: int, no_low: bool, no_high: bool) -> str:
    """A note about a player whose interval is open below or above; else ""."""
    if not wins[:, k].any():
        return "won all"
    if not wins[k].any():
        return "lost all"
    return {(False, True): "above the others", (True, False): "below the others"}.get((no_low, no_high), "")


def _compute_intervals(
    tables: Array, level: float, resamples: int, rng: np.random.Generator, core: Sequence[int]
) -> tuple[Array | None, Array | None]:
    """The ends of the intervals of all players, or None."""
    clusters, k, _ = tables.shape
    if clusters < 2 or not np.ptp(tables, axis=0).any():
        return None, None
    flat, found, size = tables.reshape(clusters, -1), [], max(CHUNK // (k * k), 1)
    for begin in range(0, resamples, size):
        picks = rng.multinomial(clusters, np.full(clusters, 1 / clusters), min(size, resamples - begin))
        drawn = (picks @ flat).reshape(-1, k, k)
        drawn = drawn[_compute_reach(drawn + drawn.swapaxes(1, 2)).all(axis=(1, 2))]
        if len(drawn):
            found.append(_convert_to_elo(_fit(drawn, penalty=True), core))
    if sum(map(len, found)) * 2 < resamples:
        return None, None
    tail = ndtr(sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, (1 - level) / 2))
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail], axis=0)
    return low, high


def _convert_to_elo(theta: Array, core: Sequence[int]) -> Array:
    """Log-odds converted to Elo points around the mean of the core."""
    centre: Array = theta[:, core].mean(axis=1, keepdims=True)
    return MEAN + ELO * (theta - centre)


def _fit(wins: Array, penalty: bool) -> Array:
    """Log-odds of strength, mean 0, for each of many tables of points: tables × players × players → tables × players.

    Newton's method. The penalty is as if each pair had drawn h more games, h being the leverage of its n: the
    derivative of half the log-determinant of the information, n p (1 - p) summed over pairs as a Laplacian.
    """
    games = wins + wins.swapaxes(1, 2)
    k = games.shape[-1]
    theta, level_out = np.zeros(games.shape[:2]), np.full((k, k), 1 / k)  # the second makes a Laplacian invertible
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(theta[:, None, :] - theta[:, :, None]))
        drawn = np.zeros_like(games)
        if penalty:
            weight = games * chance * (1 - chance)
            inverse = np.linalg.inv(_compute_laplacian(weight) + level_out)
            own = np.diagonal(inverse, axis1=1, axis2=2)
            drawn = weight * (own[:, :, None] + own[:, None, :] - 2 * inverse)
        gap = (wins + drawn / 2 - (games + drawn) * chance).sum(axis=2)
        slope = _compute_laplacian((games + drawn) * chance * (1 - chance)) + level_out
        step = np.linalg.solve(slope, gap[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        theta = theta + step / np.maximum(largest, 1)
        theta -= theta.mean(axis=1, keepdims=True)
        if largest.max() < 1e-9:
            break
    return theta


def _compute_laplacian(weight: Array) -> Array:
    diagonal: Array = np.eye(weight.shape[-1]) * weight.sum(axis=2)[:, :, None]
    return diagonal - weight


def _compute_reach(edges: Array) -> NDArray[np.bool_]:
    """Transitive closure: which players each one leads to by a chain of positive entries, itself included; for one or
    many tables.
    """
    k = edges.shape[-1]
    reach = (edges > 0) | np.eye(k, dtype=bool)
    for _ in range(max(k - 1, 1).bit_length()):
        reach = np.matmul(reach.astype(np.float32), reach.astype(np.float32)) > 0
    return reach


def _find_groups(wins: Array) -> list[list[int]]:
    """Connected components of the meetings, largest first."""
    reach = _compute_reach(wins + wins.T)
    groups = {tuple(np.flatnonzero(row).tolist()) for row in reach}
    return [list(group) for group in sorted(groups, key=lambda group: (-len(group), group))]


def _find_core(reach: NDArray[np.bool_]) -> list[int]:
    """The largest set of players that all lead to each other by chains of points taken; all players, if
    there is none.
    """
    mutual = reach & reach.T
    largest = mutual[mutual.sum(axis=1).argmax()]
    return list(map(int, np.flatnonzero(largest))) if largest.sum() > 1 else list(range(len(reach)))
