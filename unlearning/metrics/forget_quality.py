"""Forget quality: a test of whether the truth ratios on the forget set could be those of the twin."""

from itertools import combinations
from math import log10
from typing import Annotated

import numpy as np
from annotated_doc import Doc

from arena.agent import Agent
from arena.game import JSON
from arena.parameter_ranges import NotNegative
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.role_readings import LEVEL, MeasureOnce, drop_nonfinite, percentile, select_items
from unlearning.scoring.statistics import Floats, kolmogorov, percentiles, resample_groups
from unlearning.scoring.truth_ratio import FLOOR, Mean, ratios

DRAWN = 100  # resamples of the interval
LEAST = 1e-300  # p-values below it are given as this one, so that they have a logarithm


@metric
async def forget_quality(
    trial: Trial,
    *,
    role: Annotated[str, Doc('Items of the trial that are scored: "forget", "retain", …')] = "forget",
    mean: Annotated[Mean, Doc("Mean over the false answers of an item.")] = "geometric",
    floor: Annotated[
        NotNegative, Doc("Constant added to the denominator of the truth ratio, as in the published code.")
    ] = FLOOR,
) -> Reading:
    """The p-value that truth ratios by item, of the agent and of the twin, are samples of one distribution; 0 to 1.

    Above .05 the two count as indistinguishable. Compare values of equal numbers of items only: p falls with that
    number. Two honest twins often differ by less than .05 as well, so detail adds: log10_p; distance, the
    Kolmogorov-Smirnov distance of the two distributions; null_distances, those of all pairs of twins; and percentile,
    the share of them that is at most as large. A percentile of 1 is beyond what honest twins do. The p-value does not
    say in which direction the agent differs. items: R by item, without `floor`. Needs weights and further twins for the
    null. TOFU (arXiv 2401.06121).
    """
    items = select_items(trial, role)

    async def measure(agent: Agent) -> tuple[Floats]:
        return (ratios(agent, items, mean, "forget_quality", floor),)

    known, twin = MeasureOnce(measure, trial), trial.twin("forget_quality")
    after, before, oracle = [(await known.of(one))[0] for one in (trial.after, trial.before, twin)]
    honest = [oracle, *[(await known.of(one))[0] for one in trial.twins]]
    distance, p = kolmogorov(after, oracle)
    rng = np.random.default_rng(trial.seed)
    low, high = percentiles(
        np.array([kolmogorov(*resample_groups((after, oracle), rng))[1] for _ in range(DRAWN)]), LEVEL
    )
    nulls = [kolmogorov(*pair) for pair in combinations(honest, 2)]
    detail: dict[str, JSON] = {"n": len(items), "log10_p": log10(max(p, LEAST)), "distance": distance}
    if nulls:
        detail |= {
            "null_distances": [null[0] for null in nulls],
            "null_p": [null[1] for null in nulls],
            "percentile": percentile(distance, [null[0] for null in nulls]),
        }
    exact = ratios(trial.after, items, mean, "forget_quality")
    return Reading(
        drop_nonfinite(p), tuple(map(float, exact)), drop_nonfinite(low), drop_nonfinite(high),
        kolmogorov(oracle, oracle)[1],
        kolmogorov(before, oracle)[1], "higher", LEVEL, detail,
    )  # fmt: skip
