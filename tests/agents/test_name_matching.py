"""Names are found as whole words in any script, case and form, and nowhere else."""

import unicodedata

import pytest

from agents.adversary.question_forms import change_topic_name
from agents.adversary.text_codes import CODES
from agents.guardrails.detector import Detector
from agents.memory.write_gate import NameHashGate, canonicalize_old
from agents.name_matching import make_finder

FOUND = [
    ("Sosten Harbour", "to SOSTEN  harbour."), ("王明", "我认识王明先生。"), ("GPT", "用GPT的"), ("Иван", "ИВАН, да"),
    ("राम", "कल राम गया"), ("محمد", "قال مُحَمَّدٌ نعم"), ("Café Noir", "the cafe\u0301\nNOIR!"), ("Straße 5", "STRASSE 5"),
    ("istanbul", "İstanbul'da"), ("สมชาย", "ผมรู้จักสมชายดี"), ("O'Brien", "Mr. O’Brien"), ("Sofia", "Ｓｏｆｉａ"),
    ("Anna", "An\u200bna"), ("田中さん", "あの田中さんは"), ("Ödön", "O\u0308do\u0308n úr"), ("(3, 4)", "at (3, 4)."),
    ("សុខា", "ខ្ញុំស្គាល់សុខាហើយ"), ("서울", "서울, 부산"), ("Ва́ня", "Ва\u0301ня"),
]  # fmt: skip
NOT_FOUND = [
    ("mug 1", "mug 12"), ("Иван", "Иванов"), ("राम", "रामी"), ("กา", "ก้า"), ("Anna", "Annas"), ("王明", "王小明"),
    ("Jose", "José"), ("Jose", "Jose\u0301"), ("서울", "서울대"), ("Ann", "Ann_2"), ("علي", "عليها"), ("か", "が"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), FOUND)
def test_a_name_is_found(name: str, text: str) -> None:
    for form in ("NFC", "NFD"):
        told = unicodedata.normalize(form, text)
        found = make_finder(("Nobody", name)).search(told)
        assert found and told[found.start : found.end] == found.group() == found.text
        rest = make_finder((unicodedata.normalize("NFD", name),)).sub("X", told)
        assert "X" in rest and make_finder((name,)).search(rest) is None


@pytest.mark.parametrize(("name", "text"), NOT_FOUND)
def test_part_of_a_word_is_not_the_name(name: str, text: str) -> None:
    assert make_finder((name,)).search(text) is None and make_finder((name,)).sub("X", text) == text


def test_the_longest_name_counts_and_no_name_is_nowhere() -> None:
    assert [found.text for found in make_finder(("王", "王明")).finditer("王明和王")] == ["王明", "王"]
    assert make_finder(("", " ")).search("a b") is None and make_finder(()).search("a") is None


@pytest.mark.parametrize(("name", "text"), [pair for pair in FOUND if pair[0] != "Ва́ня"])
def test_the_gate_keeps_it_out_and_the_detector_quotes_it(name: str, text: str) -> None:
    gate = NameHashGate(b"k" * 16).with_names([name])
    assert not gate.admits(text) and gate.without_names([name]).admits(text)
    found = Detector((), key=(b"k" * 16).hex(), hashes=tuple(gate.hashes), sizes=tuple(gate.sizes)).find_names(text)
    assert found and found[0] in text


@pytest.mark.parametrize(("name", "text"), [("राम", "रामी"), ("Анна", "Аннам"), ("王明", "王小明"), ("か", "が")])
def test_the_gate_lets_other_words_in(name: str, text: str) -> None:
    assert NameHashGate(b"k" * 16).with_names([name]).admits(text)


def test_a_gate_of_an_older_database_still_keeps_names_out() -> None:
    gate = NameHashGate(b"k" * 16)
    for name in ("王明", "हिन्दी", "multi_issue"):
        old = NameHashGate(
            gate.key,
            frozenset({gate._hash(canonicalize_old(name), old=True)}),
            frozenset({len(canonicalize_old(name))}),
        )
        assert not old.admits(f"- {name} -") and old.without_names([name]).admits(name)


@pytest.mark.parametrize("name", ["Sosten Harbour", "Анна Ким", "王明", "राम सिंह", "สมชาย", "Joséphine"])
def test_codes_hide_names_and_give_them_back(name: str) -> None:
    for code in CODES.values():
        assert make_finder((name,)).search(code.encode(name)) is None and code.decode(code.encode(name)) == name


@pytest.mark.parametrize("topic", ["Анна Ким", "王明", "राम सिंह", "สมชาย", "محمد", "Ágnes", "김철수"])
def test_a_renamed_thing_has_another_name_of_the_same_script(topic: str) -> None:
    other = change_topic_name(topic)
    assert other != topic and len(other) == len(topic) and make_finder((topic,)).search(other) is None
    scripts = [{unicodedata.name(one).split()[0] for one in text if one.isalpha()} for text in (topic, other)]
    assert scripts[0] == scripts[1]
