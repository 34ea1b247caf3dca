"""Privacy metrics: whether one can tell that an item was learned, or forgotten."""

from dataclasses import replace
from typing import Annotated, Literal

from annotated_doc import Doc

from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.parameter_ranges import Number, SomeShare
from unlearning.metrics.membership_scores import Kind, score_membership
from unlearning.probe import Reading, Trial, metric
from unlearning.scoring.role_readings import measure_roles, select_items, transform_reading
from unlearning.scoring.statistics import Floats, auc

Orientation = Literal["muse", "open-unlearning"]
HALF = 0.5  # the AUC of a guess: open-unlearning's default without a twin


@metric
async def membership(
    trial: Trial,
    *,
    score: Annotated[
        Kind,
        Doc(
            'Membership score. "loss", "zlib" (mean loss over compressed length), "zlib-sum" (summed loss over '
            'it), "min-k", "min-k++", "gradnorm" (norm of the gradient), "reference" (loss minus that of a '
            'reference, the first further twin or else the twin), "recall" (loss with non-members as context, '
            "over loss)."
        ),
    ] = "loss",
    k: Annotated[
        SomeShare, Doc("Share of an item's tokens, the least likely ones, that Min-K% and Min-K%++ average over.")
    ] = 0.4,
    members: Annotated[str, Doc("Role of the items that were taught.")] = "forget",
    strangers: Annotated[str, Doc("Role of similar items that were never taught.")] = "holdout",
    shots: Annotated[
        Number,
        Doc(
            "Non-member items put before an item as context by the recall attack, at most half of the "
            "non-members; they are not scored."
        ),
    ] = 5,
) -> Reading:
    """The AUC with which a membership score separates taught items from untaught ones: 1 perfectly, .5 as a guess.

    Above the twin's: the items still look known. Below: they look less likely than what nobody was taught, which gives
    away that they were forgotten. Needs weights. One forward a row; two for reference and recall.
    """
    known, others = select_items(trial, members), select_items(trial, strangers)
    shown = others[: min(shots, len(others) // 2)] if score == "recall" else ()
    if score == "recall" and not shown:
        raise UsageError(
            f"membership by recall shows strangers before it scores others, and {strangers!r} has {len(others)} for "
            f"{shots} shots; give it two or more, and a shot, or take another score"
        )
    others = others[len(shown) :]
    reference = None
    if score == "reference":
        reference = trial.twins[0] if trial.twins else trial.twin("membership by reference")

    async def measure(agent: Agent) -> tuple[Floats, Floats]:
        return (
            score_membership(agent, known, score, k=k, reference=reference, prefix=shown),
            score_membership(agent, others, score, k=k, reference=reference, prefix=shown),
        )

    return await measure_roles(trial, measure, auc, detail={"score": score, "k": k})


@metric
async def privleak(
    trial: Trial,
    *,
    score: Annotated[Kind, Doc("Membership score, as those of `membership`.")] = "min-k",
    k: Annotated[
        SomeShare, Doc("Share of an item's tokens, the least likely ones, that Min-K% and Min-K%++ average over.")
    ] = 0.4,
    members: Annotated[str, Doc("Role of the items that were taught.")] = "forget",
    strangers: Annotated[str, Doc("Role of similar items that were never taught.")] = "holdout",
    orientation: Annotated[
        Orientation,
        Doc(
            'Which way the AUCs in detail are given: "muse" (small for members) or "open-unlearning" (1 minus '
            "that). The value is the same."
        ),
    ] = "muse",
    against: Annotated[
        Literal["twin", "half"], Doc('Reference AUC: that of the "twin", or "half" (0.5) where there is no twin.')
    ] = "twin",
) -> Reading:
    """PrivLeak = 100 · (A − A_twin) / A_twin, A the AUC of Min-40 % in MUSE's orientation (small for members).

    Below 0 the forget items still look taught; 0 is like the twin; above 0 they look less likely than what nobody was
    taught: over-forgotten. With 100 + 100 items a standard error is about 8 points. Needs weights. One forward a row.
    MUSE (arXiv 2407.06460), C3.
    """
    known, others = select_items(trial, members), select_items(trial, strangers)
    if against == "twin":
        trial.twin("privleak")

    async def measure(agent: Agent) -> tuple[Floats, Floats]:
        return score_membership(agent, known, score, k=k), score_membership(agent, others, score, k=k)

    def small(mine: Floats, theirs: Floats) -> float:
        return 1 - auc(mine, theirs)

    found = await measure_roles(trial, measure, small)
    twin = HALF if against == "half" else found.null
    aucs: dict[str, JSON] = {
        role: value if value is None or orientation == "muse" else 1 - value
        for role, value in (("after", found.value), ("oracle", found.null))
    }
    told = replace(found, detail={**found.detail, "auc": aucs, "orientation": orientation})
    if not twin:
        why = "the twin tells all of it from what was never taught, so that there is nothing to be relative to"
        nothing = {**told.detail, "why": why, "twins": []}
        return replace(told, value=None, low=None, high=None, null=None, before=None, detail=nothing)
    return transform_reading(told, 100 / twin, -100.0)
