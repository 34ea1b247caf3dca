"""One score of the roles before, after, oracle and further twins; and the reading made of them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan
from typing import TypeAlias

import numpy as np

from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from unlearning.probe import Direction, Reading, Trial
from unlearning.request import Item
from unlearning.scoring.statistics import Floats, Statistic, mean, percentiles

Measure: TypeAlias = Callable[[Agent], Awaitable[Sequence[Floats]]]
LEVEL = 0.95
FORGOTTEN = {"forget", "paraphrase", "verbatim", "forget_text", "derived"}
RESAMPLES = 400  # of the bootstrap; the ends of a 95 % interval are then known to about a tenth of its width


def select_items(trial: Trial, role: str) -> tuple[Item, ...]:
    """The items of that role. Raises UsageError, naming the roles there are."""
    items = trial.data.get(role) or (trial.request.forget if role == "forget" else ())
    if not items:
        raise UsageError(
            f"the trial has no items of the role {role!r} (it has: {', '.join(sorted(trial.data)) or 'none'}); take a "
            "benchmark that has them, or leave this probe out"
        )
    return items


def find_direction(role: str) -> Direction:
    """Which direction is better for a role's score: near the twin on forget data, else higher."""
    return "twin" if role in FORGOTTEN else "higher"


async def measure_roles(
    trial: Trial,
    measure: Measure,
    statistic: Statistic = mean,
    *,
    better: Direction = "twin",
    twins: bool = True,
    paired: bool = False,
    detail: Mapping[str, JSON] | None = None,
) -> Reading:
    """The reading of a statistic of scores by item, taken alike of all roles.

    measure: gives an agent's scores by item, in one group or several, and is called once for each different agent.
    The interval is a bootstrap over items (seeded by the trial), where groups are resampled separately, or together if
    they are `paired` (several numbers of the same items); `items` are the first group. detail gets besides:
    lift_low and lift_high, the paired interval of the lift over the twin; twins, the values of the further twins
    (where `twins`), and percentile, the share of them that is at most as far from the oracle as the agent after.
    Without an oracle the reading has no null and no lift.
    """
    known = MeasureOnce(measure, trial)
    after, before = [await known.of(agent) for agent in (trial.after, trial.before)]
    oracle = None if trial.oracle is None else await known.of(trial.oracle)
    value, null = statistic(*after), nan if oracle is None else statistic(*oracle)
    rng = np.random.default_rng(trial.seed)
    draws, lifts = _resample(statistic, after, oracle, rng, paired)
    (low, high), (lift_low, lift_high) = percentiles(draws, LEVEL), percentiles(lifts, LEVEL)
    told: dict[str, JSON] = {"n": [len(group) for group in after], **(detail or {})}
    told |= {"lift_low": drop_nonfinite(lift_low), "lift_high": drop_nonfinite(lift_high)}
    if twins and trial.twins and oracle is not None:
        others = [statistic(*await known.of(agent)) for agent in trial.twins]
        told |= {"twins": others, "percentile": percentile(value - null, [other - null for other in others])}
    return Reading(
        drop_nonfinite(value),
        tuple(map(float, after[0])),
        drop_nonfinite(low),
        drop_nonfinite(high),
        drop_nonfinite(null),
        drop_nonfinite(statistic(*before)),
        better,
        LEVEL,
        told,
    )


def transform_reading(reading: Reading, slope: float, offset: float) -> Reading:
    """The reading of slope · value + offset; `items` stay as they are. slope: more than 0."""

    def at(value: JSON) -> float | None:
        return slope * value + offset if isinstance(value, float) else None

    detail = dict(reading.detail)
    for name in ("lift_low", "lift_high"):
        lift = detail.get(name)
        detail[name] = slope * lift if isinstance(lift, float) else None
    if isinstance(others := detail.get("twins"), list):
        detail["twins"] = [at(other) for other in others]
    value, low, high, null, before = map(at, (reading.value, reading.low, reading.high, reading.null, reading.before))
    return replace(reading, value=value, low=low, high=high, null=null, before=before, detail=detail)


class MeasureOnce:
    """Measures each distinct agent once; with a trial that has a memo, agents that stay the
    same from trial to trial once for all of these."""

    def __init__(self, measure: Measure, trial: Trial | None = None) -> None:
        self.measure = measure
        self.done: list[tuple[Agent, Sequence[Floats]]] = []
        self.lasting = () if trial is None or trial.memo is None else (trial.before, trial.oracle, *trial.twins)
        name = getattr(measure, "__qualname__", "")  # a probe may take several measurements
        self.shared: list[tuple[Agent, Sequence[Floats]]] = []
        if trial is not None and trial.memo is not None:
            self.shared = trial.memo.setdefault(name, [])

    async def of(self, agent: Agent) -> Sequence[Floats]:
        """The agent's scores."""
        for other, scores in (*self.shared, *self.done):
            if other is agent or (type(other) is type(agent) and other == agent):
                return scores
        scores = await self.measure(agent)
        lasts = any(other is agent for other in self.lasting)
        (self.shared if lasts else self.done).append((agent, scores))
        return scores


def percentile(distance: float, nulls: Sequence[float]) -> float:
    """The share of the null's distances that are at most as large as this one, whatever their sign."""
    return sum(abs(null) <= abs(distance) for null in nulls) / len(nulls)


def drop_nonfinite(value: float) -> float | None:
    """The value, or None where there is none."""
    return float(value) if isfinite(value) else None


def _resample(
    statistic: Statistic,
    after: Sequence[Floats],
    oracle: Sequence[Floats] | None,
    rng: np.random.Generator,
    paired: bool,
) -> tuple[Floats, Floats]:
    """The statistic, and its lift over the twin, of samples in which both were asked the same items; the lift is nan
    without a twin."""
    draws, lifts = np.empty(RESAMPLES), np.full(RESAMPLES, nan)
    for n in range(RESAMPLES):
        chosen = [rng.integers(len(group), size=len(group)) for group in after[: 1 if paired else None]]
        chosen = chosen * len(after) if paired else chosen
        draws[n] = statistic(*(group[rows] for group, rows in zip(after, chosen, strict=True)))
        if oracle is not None:
            lifts[n] = draws[n] - statistic(*(group[rows] for group, rows in zip(oracle, chosen, strict=True)))
    return draws, lifts
