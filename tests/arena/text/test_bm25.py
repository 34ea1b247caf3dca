"""BM25 on a corpus small enough for pencil and paper."""

from math import log

import pytest

from arena.text.bm25 import Index, split_words

TEXTS = ("red lamp", "red red kettle of iron", "blue lamp", "a green tent")
# word counts 2, 5, 2, 3: mean length 3


def term(containing: int, count: int, length: int) -> float:
    """One word's part of a score, by the formula: N = 4, k1 = 0.9, b = 0.4, mean length 3."""
    idf = log(1 + (4 - containing + 0.5) / (containing + 0.5))
    return idf * count / (count + 0.9 * (0.6 + 0.4 * length / 3))


def test_scores_are_those_worked_out_by_hand() -> None:
    scores = Index.of(TEXTS).scores("red lamp")
    assert scores == pytest.approx({
        0: term(2, 1, 2) + term(2, 1, 2),  # red and lamp, each in two texts
        1: term(2, 2, 5),  # red twice
        2: term(2, 1, 2),  # lamp
    })  # fmt: skip
    assert scores[0] == pytest.approx(2 * log(2) / 1.78)  # 0.9 (0.6 + 0.8 / 3) = 0.78
    assert scores[1] == pytest.approx(log(2) * 2 / (2 + 1.14))
    assert scores[2] == pytest.approx(log(2) / 1.78)


def test_the_ranking_follows_and_equal_texts_keep_their_order() -> None:
    index = Index.of(TEXTS)
    assert index.search("red lamp", 10) == [0, 1, 2]
    assert index.search("lamp", 10) == [0, 2] and index.search("lamp", 1) == [0]
    assert index.search("sofa", 10) == []


def test_rare_words_weigh_more_and_repeated_ones_count_again() -> None:
    index = Index.of(TEXTS)
    assert index.search("red tent", 1) == [3]
    assert index.scores("tent tent")[3] == pytest.approx(2 * index.scores("tent")[3])


def test_words_are_letters_and_digits_in_lower_case() -> None:
    assert split_words("Non-stick, 2 litre (RED)") == ["non", "stick", "2", "litre", "red"]
