"""Known answers: each formula on numbers that can be checked by hand."""

import math

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("scipy")

import numpy as np
import torch

from unlearning.attacks.weight_rounding import compute_codes, compute_step, round_weights
from unlearning.metrics.membership_scores import average_lowest, standardize_logprobs
from unlearning.request import Item
from unlearning.scoring.answer_logprobs import Scored
from unlearning.scoring.answer_wording import distinct, entropy, fluency, gives_away, until_next
from unlearning.scoring.extraction_strength import hits_of, strength
from unlearning.scoring.rouge import longest_common, rouge_l
from unlearning.scoring.statistics import auc, best_of, clopper_pearson, harmonic, kolmogorov
from unlearning.scoring.truth_ratio import closeness, margin, preference, ratio, share


def scored(lp: list[float], mean: float = 0.0, std: float = 1.0, hit: list[bool] | None = None) -> Scored:
    n = len(lp)
    return Scored(np.array(lp), np.array(hit or [True] * n), np.full(n, mean), np.full(n, std), n, (0, n))


def test_probability_is_the_geometric_mean_of_the_tokens() -> None:
    assert scored([math.log(0.5), math.log(0.25)]).probability == pytest.approx(0.35355, abs=1e-5)
    losses = [[-math.log(p) for p in (0.1, 0.1, 0.05, 0.05)]]
    assert preference([-math.log(0.2)], losses) == pytest.approx(0.4)


def test_rouge() -> None:
    said, gold = "the cat sat", "the cat sat on the mat"
    values = [rouge_l(said, gold, kind) for kind in ("recall", "precision", "f")]  # type: ignore[arg-type]
    assert values == pytest.approx([0.5, 1.0, 2 / 3])
    assert rouge_l("", gold) == rouge_l(said, "") == 0.0 and rouge_l(gold, gold, "f") == 1.0
    assert longest_common("abcbdab", "bdcaba") == 4
    assert rouge_l("The CAT, sat!", "the cat sat") == 1.0


def test_rouge_with_stems() -> None:
    pytest.importorskip("nltk")
    assert rouge_l("she was running", "she runs", stem=True) == 1.0 and rouge_l("running", "runs") == 0.0


def test_truth_ratio() -> None:
    assert ratio(1, [1, 2, 3]) == pytest.approx(0.3679, abs=1e-4)
    assert ratio(1, [1, 2, 3], "arithmetic") == pytest.approx(0.5011, abs=1e-4)
    found = np.array([ratio(1, [1, 2, 3])])
    assert closeness(found) == pytest.approx(0.3679, abs=1e-4) and closeness(1 / found) == pytest.approx(
        closeness(found)
    )
    assert margin(found) == pytest.approx(0.6321, abs=1e-4) and margin(1 / found) == 0.0
    assert share(found) == pytest.approx(0.7311, abs=1e-4)


def test_model_utility_is_a_harmonic_mean() -> None:
    assert harmonic([1.0] * 8 + [0.5]) == pytest.approx(0.9) and harmonic([1.0] * 8 + [0.0]) == 0.0
    assert harmonic([0.92, 0.79]) == pytest.approx(0.850, abs=1e-3)


def test_forget_quality() -> None:
    rng = np.random.default_rng(0)
    same = rng.random(20)
    assert kolmogorov(same, same) == (0.0, 1.0)
    assert kolmogorov(same, same + 2)[1] == pytest.approx(1.4509e-11, rel=1e-3)
    assert kolmogorov(np.arange(1.0, 5.0), np.arange(3.5, 7.0)) == pytest.approx((0.75, 0.2286), abs=1e-4)
    assert kolmogorov(rng.random(400), rng.random(400) + 2)[1] == pytest.approx(1.1e-239, rel=0.1)
    assert kolmogorov(1 / same, 1 / (same + 0.1)) == pytest.approx(kolmogorov(same, same + 0.1)), "any monotone scale"


def test_extraction_strength() -> None:
    assert strength([False, True, True, True]) == 0.75
    assert strength([True, True, True, False]) == 0.0 and strength([True, True, True, False], official=True) == 0.25
    assert strength([True] * 4) == 1.0 and strength([]) == strength([], official=True) == 0.0
    assert np.mean([False, True, True, True]) == 0.75
    one = Scored(np.zeros(5), np.array([True, False, True, True, False]), np.zeros(5), np.ones(5), 4, (2, 4))
    assert hits_of(one) == [True, False, True, True] and hits_of(one, "value") == [True, True], "no end token in either"


def test_membership_scores() -> None:
    assert average_lowest(np.array([-1.0, -2.0, -3.0, -4.0, -5.0]), 0.4) == -4.5
    assert average_lowest(np.array([-1.0, -2.0]), 0.1) == -2.0, "one token at least"
    p = np.array([0.9, 0.1])
    mean = float((p * np.log(p)).sum())
    std = math.sqrt(float((p * np.log(p) ** 2).sum()) - mean**2)
    assert standardize_logprobs(scored(np.log(p).tolist(), mean, std)) == pytest.approx([1 / 3, -3.0])
    assert standardize_logprobs(scored([math.log(0.5)] * 2, math.log(0.5), 0.0)).tolist() == [0.0, 0.0]


def test_auc() -> None:
    assert auc(np.array([0.9, 0.8]), np.array([0.1, 0.85])) == 0.75
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5
    rng = np.random.default_rng(1)
    mine, theirs = rng.integers(0, 9, 50).astype(float), rng.integers(0, 9, 40).astype(float)
    slow = np.mean([(a > b) + 0.5 * (a == b) for a in mine for b in theirs])
    assert auc(mine, theirs) == pytest.approx(slow) == pytest.approx(1 - auc(theirs, mine))


def test_error_of_an_auc_of_a_hundred_and_a_hundred() -> None:
    rng = np.random.default_rng(2)
    values = [auc(rng.random(100), rng.random(100)) for _ in range(400)]
    assert np.std(values) == pytest.approx(0.041, abs=0.005)


def test_leak_at_k() -> None:
    scores = np.array([0.0, 0.0, 1.0])
    assert best_of(scores, 2) == pytest.approx(2 / 3) and best_of(scores, 1) == pytest.approx(scores.mean())
    assert best_of(scores, 3) == 1.0
    drawn = np.random.default_rng(3).random(9)
    for k in range(1, 10):
        n = len(drawn)
        exact = sum(math.comb(i, k - 1) / math.comb(n, k) * s for i, s in enumerate(np.sort(drawn)))
        assert best_of(drawn, k) == pytest.approx(exact)
    with pytest.raises(ValueError, match="1 to the 3"):
        best_of(scores, 4)


def test_no_hit_in_a_hundred() -> None:
    assert clopper_pearson(0, 100) == pytest.approx((0.0, 0.0295), abs=1e-4)
    assert clopper_pearson(100, 100)[1] == 1.0


def test_rounding_to_four_bits() -> None:
    weight = torch.tensor([[0.7, 0.26, 0.30, -0.7], [0.0, 0.0, 0.0, 0.0]])
    assert compute_step(weight, 4)[:, 0].tolist() == pytest.approx([0.1, 1.0])
    assert compute_codes(weight, 4)[0].tolist() == [7, 3, 3, -7]
    assert round_weights(weight, 4)[0].tolist() == pytest.approx([0.7, 0.3, 0.3, -0.7])
    assert torch.equal(round_weights(round_weights(weight, 4), 4), round_weights(weight, 4))


def test_fluency_of_a_text_that_repeats_itself() -> None:
    words = ["a", "b", "a", "b", "a", "b"]
    assert entropy(words, 2) == pytest.approx(0.971, abs=1e-3) and entropy(words, 3) == 1.0
    assert fluency("a b a b a b") == pytest.approx(0.990, abs=1e-3)
    assert fluency("") == fluency("a") == 0.0
    assert distinct("a b a b a b", 2) == 0.4 and distinct("a", 2) == 1.0


def test_what_gives_a_value_away() -> None:
    item = Item("x", "Where?", "In Bex.", tags={"value": "Bex"})
    assert gives_away(item, "it is BEX!") == 1.0 and gives_away(item, "Bexley") == 0.0
    assert gives_away(Item("x", "Where?", "In Bex by night"), "in Bex") == 0.5


def test_an_answer_among_several_ends_at_the_next_question() -> None:
    assert until_next(" Bex\nQuestion: Who?") == until_next(" Bex\n\nMore") == until_next("Bex ") == "Bex"
