"""Telling two sets of scores apart."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """P(positive > negative) + P(equal) / 2, in [0, 1]; one half where they cannot be told apart (Mann & Whitney)."""
    ordered = sorted(negative)
    wins = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in positive) / 2
    return wins / (len(positive) * len(negative))


def tpr_at(positive: Sequence[float], negative: Sequence[float], fpr: float) -> float:
    """The share of positives above the threshold that at most `fpr` of the negatives pass; in [0, 1].

    No line is drawn between thresholds, so that with few negatives it may be 0. Its standard error at 1 % is about .01
    with 100 negatives and .0044 with 500.
    """
    allowed = int(fpr * len(negative))
    threshold = sorted(negative, reverse=True)[allowed] if allowed < len(negative) else float("-inf")
    return sum(score > threshold for score in positive) / len(positive)
