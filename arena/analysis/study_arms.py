"""Arms of a recorded run of negotiations: means by round and turn, with bootstrap intervals."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from arena.analysis.identical_episodes import find_copies
from arena.errors import BadRecord, UsageError
from arena.stats.estimates import bootstrap
from arena.store.query import query
from arena.store.select_episodes import choose
from arena.store.store import Store

By: TypeAlias = Literal["feedback", "buyer", "seller", "game"]
Cluster: TypeAlias = tuple[float, ...]  # sums over the chains of one seed
FEEDBACK = ("none", "goal", "constant", "human", "ai")
RESAMPLES = 1000
MEASURES = ("price", "deal_rate", "survival", "payoff")


@dataclass(frozen=True, slots=True)
class Curve:
    """A mean at each x (a round, or a turn) with the ends of its 95 % interval; x without a mean are left out.

    With a single seed nothing can be resampled: then the ends are the mean.
    """

    x: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm under one coach: its curves by round, and the offers of `side` by turn in the first and last round.

    price: dollars, of rounds with a deal. deal_rate: share of all chains that make a deal in the round. survival: share
    that made one in this and all earlier rounds. payoff: mean surplus of `side` in dollars, 0 without a deal. first,
    last: the share of value - cost that the offers keep for `side`. Chains count in every round, whatever happened in
    earlier rounds.
    """

    name: str
    coach: str
    side: Literal["buyer", "seller"]
    chains: int
    curves: Mapping[str, Curve] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyArms:
    """All arms of a run, grouped by coach, and the players. `copied`: between the same players of an arm the episodes
    of all seeds are identical, answer by answer.
    """

    run: str
    by: By
    arms: tuple[Arm, ...]
    players: str
    seeds: int
    rounds: int
    copied: bool = False


def read_study(where: str, which: str = "last", by: By = "feedback", resamples: int = RESAMPLES) -> StudyArms:
    """Load the arms of a run, distinguished by a column of the view `rounds` and by the coached side.

    Intervals: the bootstrap of `arena.stats.estimates` over seeds, so that the rounds of a chain, and chains with equal
    seeds, are resampled together; the seed is fixed. Raises BadRecord, UsageError.
    """
    if by not in ("feedback", "buyer", "seller", "game"):
        raise UsageError(f"arms are told apart by feedback, buyer, seller or game; got {by!r}")
    with Store.open(where, create=False) as store:
        run = choose(store, which)[0].id.partition(".")[0]
    sums = _by_round(where, run, by)
    if not sums:
        raise BadRecord(f"run {run} has no finished rounds of a negotiation; name another (all: arena list runs)")
    rounds = max(x for rows in sums.values() for x in rows)
    offers = _by_turn(where, run, by, rounds)
    arms = [_arm(key, rows, offers.get(key, {}), rounds, resamples) for key, rows in sums.items()]
    seats = {seat: query(
        where, f"select distinct {seat} from rounds where run = ? and {seat} is not null "
                         f"order by {seat}", (run,)).rows for seat in ("buyer", "seller")}  # fmt: skip
    players = "; ".join(f"{seat}: {', '.join(name for (name,) in names)}" for seat, names in seats.items() if names)
    seeds = len({seed for rows in sums.values() for seed in rows[1]})
    chains = query(
        where, f"select distinct {by}, coach, buyer, seller, seed, episode from rounds where run = ?", (run,)
    )
    same = find_copies(where, ((tuple(group), int(seed), str(episode)) for *group, seed, episode in chains.rows))
    copied = bool(same) and all(same.values())
    return StudyArms(run, by, tuple(sorted(arms, key=_place)), players, seeds, rounds, copied)


def interval(clusters: Sequence[Cluster], above: int, below: int, resamples: int) -> tuple[float, float, float] | None:
    """The ratio of two sums over clusters, and its 95 % interval; None where the denominator is 0."""
    top, bottom = (np.array([cluster[place] for cluster in clusters]) for place in (above, below))
    if not bottom.sum():
        return None
    mean = float(top.sum() / bottom.sum())

    def ratio(drawn: Any, axis: int = -1) -> Any:
        """The ratio for the clusters at the indices `drawn`; the point estimate where the denominator is 0."""
        over, under = (numbers[drawn.astype(int)].sum(axis=axis) for numbers in (top, bottom))
        return np.divide(over, under, out=np.full_like(over, mean), where=under != 0)

    rng = np.random.default_rng(0)
    found = bootstrap((np.arange(len(clusters), dtype=float),), ratio, rng, resamples=resamples)
    if found.low is None or found.high is None:
        return mean, mean, mean
    return mean, min(found.low, mean), max(found.high, mean)


def _by_round(where: str, run: str, by: By) -> dict[tuple[str, str], dict[int, dict[int, Cluster]]]:
    """Per arm, round and seed: chains, deals, their prices, chains alive, and the surplus of the coached side."""
    rows = query(
        where,
        f"select {by}, coach, round, seed, count(*), sum(deal), coalesce(sum(price), 0), sum(alive), "
        "sum(case coach when 'buyer' then buyer_surplus else seller_surplus end) from (select r.*, "
        "min(r.deal) over (partition by r.episode order by r.round) as alive from rounds r join episode e "
        f"on e.id = r.episode and e.status in ('over', 'forfeit') where r.run = ?) x "
        f"group by {by}, coach, round, seed order by round",
        (run,),
    ).rows
    found: dict[tuple[str, str], dict[int, dict[int, Cluster]]] = defaultdict(dict)
    for name, coach, number, seed, *sums in rows:
        found[str(name), str(coach or "none")].setdefault(number, {})[seed] = tuple(float(value or 0) for value in sums)
    return found


def _by_turn(where: str, run: str, by: By, last: int) -> dict[tuple[str, str], dict[tuple[int, int], list[Cluster]]]:
    """Per arm, round (the first and the last) and turn: by seed, offers of the coached side and their demands."""
    rows = query(
        where,
        f"select r.{by}, r.coach, o.round, o.turn, o.seed, count(o.demand), sum(o.demand) from offers o "
        "join rounds r on r.episode = o.episode and r.round = o.round "
        "where o.run = ? and o.round in (1, ?) and o.demand is not null "
        "and o.seat = case r.coach when 'buyer' then 'buyer' else 'seller' end "
        f"group by r.{by}, r.coach, o.round, o.turn, o.seed",
        (run, last),
    ).rows
    found: dict[tuple[str, str], dict[tuple[int, int], list[Cluster]]] = defaultdict(dict)
    for name, coach, number, turn, _, n, demand in rows:
        found[str(name), str(coach or "none")].setdefault((number, turn), []).append((float(n), float(demand)))
    return found


def _arm(
    key: tuple[str, str],
    rows: Mapping[int, Mapping[int, Cluster]],
    offers: Mapping[tuple[int, int], Sequence[Cluster]],
    rounds: int,
    resamples: int,
) -> Arm:
    name, coach = key
    begun = {seed: sums[0] for seed, sums in rows[1].items()}
    curves = {}
    for measure, above, below in zip(MEASURES, (3, 2, 4, 5), (2, 0, 0, 0), strict=True):
        places = {}
        for x in range(1, rounds + 1):
            there = rows.get(x, {})
            clusters = [(n, *there.get(seed, (0.0,) * 5)) for seed, n in begun.items()]
            places[x] = interval(clusters, above, below, resamples)
        curves[measure] = _curve(places)
    for part, number in (("first", 1), ("last", rounds)):
        turns = sorted(turn for at, turn in offers if at == number)
        curves[part] = _curve({turn: interval(offers[number, turn], 1, 0, resamples) for turn in turns})
    side: Literal["buyer", "seller"] = "buyer" if coach == "buyer" else "seller"
    return Arm(name, coach, side, int(sum(begun.values())), curves)


def _curve(places: Mapping[int, tuple[float, float, float] | None]) -> Curve:
    there = [(x, *ends) for x, ends in places.items() if ends is not None]
    x, mean, low, high = (tuple(column) for column in zip(*there, strict=True)) if there else ((), (), (), ())
    return Curve(x, mean, low, high)


def _place(arm: Arm) -> tuple[int, int, str]:
    coaches = ("seller", "buyer", "both", "none")
    coach = coaches.index(arm.coach) if arm.coach in coaches else len(coaches)
    return coach, FEEDBACK.index(arm.name) if arm.name in FEEDBACK else len(FEEDBACK), arm.name
