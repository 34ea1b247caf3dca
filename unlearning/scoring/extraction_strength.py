"""Extraction strength: the share of an answer a model completes by itself, from its argmax tokens."""

from collections.abc import Sequence

from unlearning.scoring.answer_logprobs import Scored


def strength(hits: Sequence[bool], official: bool = False) -> float:
    """1 − k*/T, where all tokens from k* on are the argmax: how small a prefix yields the rest.

    0 where the last token is not the argmax. The code in open-unlearning gives 1/T there (`official`), since its
    search ends one short; 0 for no tokens.
    """
    whole = len(hits)
    right = 0
    for hit in reversed(hits):
        if not hit:
            break
        right += 1
    if official and whole and not right:
        return 1 / whole
    return right / whole if whole else 0.0


def hits_of(one: Scored, span: str = "answer") -> list[bool]:
    """Whether each token is the argmax: of the answer without its end tokens, of the `value` in it, or `inner`: of all
    tokens but the last, as open-unlearning counts them."""
    first, behind = one.value if span == "value" else (0, len(one.hit) - 1 if span == "inner" else one.words)
    return [bool(hit) for hit in one.hit[first : max(first, behind)]]
