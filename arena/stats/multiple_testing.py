"""Corrections for multiple testing; each returns adjusted p in the given order, at most 1."""

from collections.abc import Callable, Mapping, Sequence


def bonferroni(ps: Sequence[float]) -> tuple[float, ...]:
    """Each p times their number: controls the probability of any false positive under any dependence."""
    _check(ps)
    return tuple(min(1.0, p * len(ps)) for p in ps)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Holm's (1979) step-down procedure: controls the same error as Bonferroni, with p never larger."""
    _check(ps)
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, k in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[k]))
        adjusted[k] = highest
    return tuple(adjusted)


def benjamini_hochberg(ps: Sequence[float]) -> tuple[float, ...]:
    """Benjamini & Hochberg's (1995) step-up procedure: controls the expected share of false discoveries.

    Holds for independent or positively dependent p.
    """
    _check(ps)
    adjusted, lowest = [0.0] * len(ps), 1.0
    for rank, k in reversed(list(enumerate(sorted(range(len(ps)), key=ps.__getitem__), 1))):
        lowest = min(lowest, ps[k] * len(ps) / rank)
        adjusted[k] = lowest
    return tuple(adjusted)


def _check(ps: Sequence[float]) -> None:
    for p in ps:
        if not 0 <= p <= 1:
            raise ValueError(f"p is between 0 and 1, got {p}")


CORRECTIONS: Mapping[str, Callable[[Sequence[float]], tuple[float, ...]]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "bonferroni": bonferroni,
    "none": tuple,
}
