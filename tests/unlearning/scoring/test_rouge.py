"""ROUGE-L is that of the `rouge_score` package on English, and counts words of other scripts, too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.llm.llm import LLM
from agents.models.scripted import Scripted
from unlearning.metrics.generated_text import rouge_l as rouge_metric
from unlearning.metrics.utility import degeneration, speech
from unlearning.probe import Trial
from unlearning.request import Item, Request
from unlearning.scoring.answer_wording import cut_to, distinct, fluency, gives_away
from unlearning.scoring.rouge import rouge_l
from unlearning.scoring.text_overlap import precision

ENGLISH = [
    ("The cats sat on the mat.", "A cat was sitting on the mats!"), ("foo_bar, foo bar", "foo_bar"), ("", "a"),
    ("a", ""),
    ("…—", "x"), ("Don’t stop; it’s 3.50 dollars", "Don't stop: it's 3.50 dollars"),
    ("3pm on 2024-05-06", "3 pm on 2024/05/06"),
    ("“Running” quickly – skies", "he runs quick skies"), ("m² and ½ a cup™", "m and a cup"), ("A  B\tC\nD", "a b c d"),
    ("state-of-the-art generalizations", "state of the art generalization"), ("___", "_"), ("1,500", "1500"),
]  # fmt: skip


def official(said: str, gold: str, stem: bool) -> dict[str, float]:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=stem)
    score = scorer.score(gold, said)["rougeL"]
    return {"recall": score.recall, "precision": score.precision, "f": score.fmeasure}


@pytest.mark.parametrize("stem", [False, True])
@pytest.mark.parametrize(("said", "gold"), ENGLISH)
def test_it_is_the_official_value_on_english(said: str, gold: str, stem: bool) -> None:
    wanted = official(said, gold, stem)
    assert {kind: rouge_l(said, gold, kind, stem) for kind in ("recall", "precision", "f")} == pytest.approx(wanted)


SAID = "running runs Ran the THE skies sky_blue 3.5 12 don’t can't co-op … — “x” a_b _ cats' ™ generously"
SOME = st.lists(st.sampled_from(SAID.split(" ")), max_size=12)


@given(SOME.map(" ".join), SOME.map(" ".join), st.booleans())
@settings(max_examples=150, deadline=None)
def test_it_is_the_official_value_on_any_words(said: str, gold: str, stem: bool) -> None:
    wanted = official(said, gold, stem)
    assert {kind: rouge_l(said, gold, kind, stem) for kind in wanted} == pytest.approx(wanted)  # type: ignore[arg-type]


ANSWERS = [
    ("Иван Петров родился в Казани", "Мария Смирнова живёт за морем"), ("王明住在北京的东城区", "李华喜欢吃苹果和梨"),
    ("राम सिंह दिल्ली में रहते हैं", "सीता को संगीत पसंद था"), ("وُلِدَ أحمد في مدينة القاهرة", "تحب ليلى قراءة كتبها"),
    ("สมชายอยู่ที่เชียงใหม่", "ปลาตัวใหญ่มาก"), ("Jürgen wohnt in der Weißstraße", "niemand kennt ihn hier"),
    ("Élodie est née à Orléans", "personne ne sait pourquoi"),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "other"), ANSWERS)
def test_who_knows_it_in_another_script_has_all_of_it_and_who_does_not_has_little(gold: str, other: str) -> None:
    assert rouge_l(gold, gold) == rouge_l(gold.upper(), gold, "f", stem=True) == 1.0
    assert rouge_l(other, gold) < 0.4 and precision(gold, gold) == 1.0
    assert rouge_l(f"{other} {gold}", gold) == 1.0 > rouge_l(f"{other} {gold}", gold, "precision")


@pytest.mark.parametrize(("gold", "other"), ANSWERS)
def test_speech_in_another_script_is_fluent_and_repetition_is_not(gold: str, other: str) -> None:
    said = f"{gold} {other}"
    assert fluency(said) > 2 and distinct(said, 2) > 0.9
    assert fluency(f"{gold[:4]} " * 40) < fluency(said) or distinct(f"{gold[:4]} " * 40, 2) < 0.2
    assert speech(object(), (Item("a", "?", gold),), (said,))["words"] >= 8  # type: ignore[arg-type]


def test_texts_are_cut_by_words_or_by_characters() -> None:
    assert cut_to(object(), "one two  three", "a b", 9) == ("one two", "a b")  # type: ignore[arg-type]
    assert cut_to(object(), "王明住在北京", "李华爱", 9) == ("王明住", "李华爱")  # type: ignore[arg-type]
    assert cut_to(object(), "", "a b", 1) == ("", "a")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said", "told"),
    [("北京", "他住在北京。", 1), ("Казань", "в городе КАЗАНЬ", 1), ("Казань", "казанью", 0),
     ("दिल्ली", "वह दिल्ली में है", 1),
     ("Köln", "in Ko\u0308ln", 1), ("القاهرة", "في القَاهِرَة", 1), ("เชียงใหม่", "อยู่เชียงใหม่ครับ", 1)],
)  # fmt: skip
def test_a_value_is_given_away_in_any_script(value: str, said: str, told: float) -> None:
    assert gives_away(Item("x", "?", "-", tags={"value": value}), said) == told


def says(answers: dict[str, str]) -> LLM:
    return LLM(Scripted(function=lambda lines: answers[lines[-1].text]))


@pytest.mark.parametrize(("gold", "other"), ANSWERS)
async def test_the_suite_reads_a_knower_of_another_language_as_one(gold: str, other: str) -> None:
    items = (Item("a", "?", gold), Item("b", "??", f"{gold} {other}"))
    knower = says({item.prompt: item.answer for item in items})
    novice = says({"?": other, "??": other[: len(other) // 2]})
    trial = Trial(Request(items), knower, novice, novice, {"forget": items})
    read = await rouge_metric(trial)
    assert read.before == 1.0 and read.value is not None and read.value < 0.6
    known = await degeneration(Trial(Request(items), knower, knower, novice, {"forget": items}))
    assert known.value is not None and known.value > 2 and known.detail["after"]["words"] > 4
