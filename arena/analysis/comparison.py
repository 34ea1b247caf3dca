"""Compare two sides measure by measure: means, difference with interval, effect size and p.

Episodes with the same seed form a cluster, whatever their settings, because the seed fixes their random draws; so a
seed counts once, with the mean of its episodes, and a chain of rounds is one episode.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from arena.analysis.comparison_sides import ComparisonSide, Observation
from arena.analysis.measures import resolve_name
from arena.errors import UsageError, unknown
from arena.stats.effect_sizes import cohens_d, cohens_dz, estimate_paired_superiority, estimate_superiority
from arena.stats.estimates import (
    Test,
    estimate_difference,
    estimate_paired_difference,
    run_paired_test,
    run_unpaired_test,
)
from arena.stats.intervals import Estimate
from arena.stats.multiple_testing import CORRECTIONS
from arena.stats.proportions import cohens_h, compare_paired_proportions, compare_proportions

Key: TypeAlias = tuple[Any, ...]
Groups: TypeAlias = Mapping[Key, Sequence[Observation]]


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One measure on both sides. `difference` is b - a; `a` and `b` are means over the seeds that count.

    `pairs` (of episodes, or of groups with equal settings) is None where nothing is paired; `seeds` counts clusters, of
    each side where they are not paired; `dropped` counts, by side, episodes without a value: NULL, failed, cut.
    `effect` is dz for pairs, d without, h for shares of yes; `p` is None where nothing can be tested.
    """

    measure: str
    a: float
    b: float
    difference: Estimate
    effect: Estimate | None
    better: Estimate | None
    test: Test | None
    corrected: float | None
    pairs: int | None
    seeds: tuple[int, int]
    dropped: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was compared. `factors` are the settings, beside the seed, in which the episodes of a pair agree;
    `alone` counts, by side, finished episodes without a partner. `same` are measures left out, each with the one that
    it equals."""

    a: ComparisonSide
    b: ComparisonSide
    paired: bool
    factors: tuple[str, ...]
    alone: tuple[int, int]
    rows: tuple[ComparisonRow, ...]
    level: float
    seed: int
    correction: str
    same: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Units:
    """The values of one measure, by seed: those of a and of b, in the same order of seeds where they are paired."""

    a: tuple[float, ...]
    b: tuple[float, ...]
    pairs: int | None
    dropped: tuple[int, int]


def compare(
    a: ComparisonSide,
    b: ComparisonSide,
    metrics: Sequence[str] = (),
    *,
    level: float = 0.95,
    seed: int = 0,
    correction: str = "holm",
    pair: bool = True,
) -> Comparison:
    """Compare two sides in `metrics`, or by default in all scores and facts that describe outcomes.

    Paired where they share seeds (and settings that vary on both sides alike), unless `pair` is off. `seed` seeds the
    resampling. p is corrected for the number of measures. Raises UsageError for an unknown measure, and where nothing
    can be compared.
    """
    if correction not in CORRECTIONS:
        raise UsageError(unknown("correction", correction, CORRECTIONS))
    if not 0 < level < 1:
        raise UsageError(f"a level is between 0 and 1, such as 0.95; got {level}")
    whole = a, b
    if a.copies and b.copies:  # all copies count as one observation
        a, b = _keep_first_seed(a, b)
    factors = _find_factors(a, b)
    groups = [_group_observations(side, factors) for side in (a, b)]
    shared = [key for key in groups[0] if key in groups[1]]
    paired = pair and bool(shared)
    names = _select_measures(a, b, metrics)
    shares = {name for one in (*a.observations, *b.observations) if one.measured for name in one.measured.shares}
    collect: Callable[[str], Units] = lambda name: (  # noqa: E731
        _average_pairs(groups, shared, name) if paired else _average_unpaired(a, b, name)
    )
    units = {name: collect(name) for name in names}
    same = {} if metrics else _find_duplicates(units)
    kept = {n: u for n, u in units.items() if n not in same and u.a and u.b and (metrics or _is_outcome(n, u, shares))}
    if not kept:
        raise UsageError(_explain_nothing(a, b, names, paired))
    made = [
        _make_row(n, u, n in shares, level, np.random.default_rng([seed, k])) for k, (n, u) in enumerate(kept.items())
    ]
    alone = [sum(len(some) for key, some in group.items() if key not in set(shared)) for group in groups]
    return Comparison(
        *whole, paired, factors if paired else (), (alone[0], alone[1]) if paired else (0, 0),
        _correct_p_values(made, correction), level, seed, correction, {k: v for k, v in same.items() if v in kept},
    )  # fmt: skip


def _keep_first_seed(a: ComparisonSide, b: ComparisonSide) -> tuple[ComparisonSide, ComparisonSide]:
    """Both sides reduced to one seed: the first that they share, else the first of each."""
    seeds = [{one.seed for one in side.observations if one.measured} for side in (a, b)]
    shared = seeds[0] & seeds[1]
    first, second = (min(shared or some) for some in seeds)
    kept = [tuple(one for one in side.observations if one.seed == seed) for side, seed in ((a, first), (b, second))]
    return replace(a, observations=kept[0]), replace(b, observations=kept[1])


def _find_factors(a: ComparisonSide, b: ComparisonSide) -> tuple[str, ...]:
    """Settings that vary within a side and have values in common: the episodes of a pair must agree in them."""
    paths = {path for side in (a, b) for one in side.observations for path in one.settings}
    found = []
    for path in sorted(paths):
        taken = [{one.settings.get(path) for one in side.observations} for side in (a, b)]
        if max(map(len, taken)) > 1 and (taken[0] & taken[1]) - {None}:
            found.append(path)
    return tuple(found)


def _group_observations(side: ComparisonSide, factors: Sequence[str]) -> dict[Key, list[Observation]]:
    groups: dict[Key, list[Observation]] = defaultdict(list)
    for one in side.observations:
        groups[one.seed, one.seat, *(one.settings.get(path) for path in factors)].append(one)
    return groups


def _select_measures(a: ComparisonSide, b: ComparisonSide, metrics: Sequence[str]) -> list[str]:
    """Measures that both sides have, scores first; or the requested ones."""
    finished = [[one.measured for one in side.observations if one.measured is not None] for side in (a, b)]
    for side, found in zip((a, b), finished, strict=True):
        if not found:
            ended = ", ".join(f"{number} {status}" for status, number in side.statuses.items())
            raise UsageError(f"no episode of {side.text!r} is finished ({ended}); type its command again to go on")
    known = [dict.fromkeys(name for one in found for name in one.values) for found in finished]
    if metrics:
        both_sides = [one for found in finished for one in found]
        return list(dict.fromkeys(resolve_name(name, both_sides) for name in metrics))
    always = set.intersection(*(set(one.values) for found in finished for one in found))
    aside = {name for found in finished for one in found for name in one.aside}
    both = [name for name in known[0] if name in known[1] and name in always and name not in aside]
    return sorted(both, key=lambda name: not name.startswith("score"))


def _average_pairs(groups: Sequence[Groups], shared: Sequence[Key], name: str) -> Units:
    """Pairs in which both sides have a value, averaged by seed."""
    by_seed: dict[Any, list[tuple[float, float]]] = defaultdict(list)
    dropped = [0, 0]
    for key in shared:
        means = []
        for k, group in enumerate(groups):
            values = [_get_value(one, name) for one in group[key]]
            known = [value for value in values if value is not None]
            dropped[k] += len(values) - len(known)
            means.append(sum(known) / len(known) if known else None)
        if means[0] is not None and means[1] is not None:
            by_seed[_make_cluster_key(groups[0][key][0])].append((means[0], means[1]))
    columns = [tuple(sum(pair[k] for pair in some) / len(some) for some in by_seed.values()) for k in (0, 1)]
    return Units(columns[0], columns[1], sum(map(len, by_seed.values())), (dropped[0], dropped[1]))


def _average_unpaired(a: ComparisonSide, b: ComparisonSide, name: str) -> Units:
    """The values of each side, averaged by seed."""
    columns, dropped = [], []
    for side in (a, b):
        by_seed: dict[Any, list[float]] = defaultdict(list)
        for one in side.observations:
            if (value := _get_value(one, name)) is not None:
                by_seed[_make_cluster_key(one)].append(value)
        columns.append(tuple(sum(some) / len(some) for some in by_seed.values()))
        dropped.append(len(side.observations) - sum(map(len, by_seed.values())))
    return Units(columns[0], columns[1], None, (dropped[0], dropped[1]))


def _make_cluster_key(one: Observation) -> tuple[Any, ...]:
    return (one.seed, one.settings.get("branch"))  # forks of one episode share its seed and draw again by branch


def _get_value(one: Observation, name: str) -> float | None:
    return one.measured.values.get(name) if one.measured is not None else None


def _is_outcome(name: str, units: Units, shares: Iterable[str]) -> bool:
    """Whether a measure describes an outcome: a score, a yes/no fact, or a number that differs between episodes."""
    if name.startswith("score") or name in shares:
        return True
    return units.a != units.b if units.pairs is not None else len({*units.a, *units.b}) > 1


def _find_duplicates(units: Mapping[str, Units]) -> dict[str, str]:
    """Measures with the same values as an earlier one, mapped to that one."""
    first: dict[Any, str] = {}
    return {n: first[u.a, u.b] for n, u in units.items() if first.setdefault((u.a, u.b), n) != n and u.a}


def _make_row(name: str, units: Units, yes_no: bool, level: float, rng: np.random.Generator) -> ComparisonRow:
    a, b, paired = units.a, units.b, units.pairs is not None
    binary = {*a, *b} == {0.0, 1.0} or (yes_no and {*a, *b} <= {0.0, 1.0})
    enough = min(len(a), len(b)) > 1
    gap = _compute_gap(a, b, paired, binary and enough, level, rng)
    if binary and enough and not paired:
        effect: Estimate | None = cohens_h((int(sum(a)), len(a)), (int(sum(b)), len(b)), level=level)
    else:
        effect = cohens_dz(a, b, level=level) if paired else cohens_d(a, b, level=level)
    better = (estimate_paired_superiority if paired else estimate_superiority)(a, b, level=level) if enough else None
    test = (run_paired_test if paired else run_unpaired_test)(a, b, rng) if enough else None
    means = sum(a) / len(a), sum(b) / len(b)
    return ComparisonRow(name, *means, gap, effect, better, test, None, units.pairs, (len(a), len(b)), units.dropped)


def _compute_gap(
    a: Sequence[float], b: Sequence[float], paired: bool, binary: bool, level: float, rng: np.random.Generator
) -> Estimate:
    """b - a with its interval: Newcombe's for shares of yes (the bootstrap fails near 0 and 1), else the bootstrap."""
    if binary and paired:
        both = sum(x == y == 1 for x, y in zip(a, b, strict=True))
        counts = both, int(sum(a)) - both, int(sum(b)) - both
        return compare_paired_proportions(*counts, len(a) - sum(counts), level=level)
    if binary:
        return compare_proportions((int(sum(a)), len(a)), (int(sum(b)), len(b)), level=level)
    return estimate_paired_difference(a, b, rng, level=level) if paired else estimate_difference(a, b, rng, level=level)


def _correct_p_values(rows: Sequence[ComparisonRow], correction: str) -> tuple[ComparisonRow, ...]:
    tested = [row.test.p for row in rows if row.test is not None]
    adjusted = iter(CORRECTIONS[correction](tested))
    return tuple(replace(row, corrected=next(adjusted)) if row.test is not None else row for row in rows)


def _explain_nothing(a: ComparisonSide, b: ComparisonSide, names: Sequence[str], paired: bool) -> str:
    how = "in the pairs" if paired else "on both sides"
    return f"nothing in common to compare: {a.text!r} and {b.text!r} have no value {how} in any of {', '.join(names)}"
