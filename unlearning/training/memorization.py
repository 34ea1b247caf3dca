"""How well a model still has answers memorised: the readings by which ICU drops items and stops."""

from collections.abc import Sequence

from torch import Tensor

from unlearning.modeling.forward_view import ForwardView
from unlearning.modeling.generation import generate_greedy
from unlearning.modeling.item_tokenization import Encoded
from unlearning.scoring.text_overlap import bleu, f1, grams
from unlearning.training.training_state import Lens


def accuracy(lens: Lens, role: str) -> float:
    """Memorisation accuracy: the share of answer tokens that are the model's first choice, given all before
    (Tirumala et al. 2022); the mean over the pool."""

    def hits(view: ForwardView) -> Tensor:
        right = (view.logits.argmax(-1) == view.rows.targets) & view.rows.mask
        return right.sum(1) / view.n

    return float(lens.over(role, hits).mean())


def extraction(lens: Lens, role: str, n: int = 10) -> float:
    """Extraction likelihood: the share of n-grams of the rest of an answer that the greedy continuation has, mean over
    all beginnings (Jang et al. 2023); of shorter runs where an answer has fewer tokens."""
    pool = [sample.encoded for sample in lens.pools[role]]
    return sum(_extraction(lens, one, n) for one in pool) / len(pool)


def _extraction(lens: Lens, one: Encoded, n: int) -> float:
    size = max(1, min(n, (one.words - one.start) // 2))
    cuts = range(one.start, max(one.start + 1, one.words - size + 1))
    begun = [Encoded(one.ids, cut, one.words, (cut, one.words)) for cut in cuts]
    shares = []
    for part, made in zip(begun, generate_greedy(lens.module, lens.tokenizer, begun), strict=True):
        true = grams(part.ids[part.start : part.words], size)
        shares.append(sum((grams(made, size) & true).values()) / max(1, true.total()))
    return sum(shares) / len(shares)


def unsaid(lens: Lens, role: str, least_f1: float, least_bleu: float) -> list[bool]:
    """For each sample, whether its greedy continuation is no longer like the answer: token F1 or BLEU below a limit."""
    pool = [sample.encoded for sample in lens.pools[role]]
    made = generate_greedy(lens.module, lens.tokenizer, pool)
    return [unlike(one, text, least_f1, least_bleu) for one, text in zip(pool, made, strict=True)]


def unlike(one: Encoded, made: Sequence[int], least_f1: float, least_bleu: float) -> bool:
    true = one.ids[one.start : one.words]
    return f1(made, true) < least_f1 or bleu(made, true) < least_bleu
