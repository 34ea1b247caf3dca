"""What a word is in any script, and which texts are the same."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.text.bm25 import Index
from arena.text.words import (
    find_word_spans,
    fold,
    fold_with_offsets,
    is_same,
    split_characters,
    split_pieces,
    split_runs,
    split_sentences,
    split_tokens,
    split_words,
)

LETTERS = st.one_of(
    st.characters(),
    st.sampled_from("éßİıǆe\u0301\u0323ｶﾞ한ᄒ\u1161\u11ab\u064e\u0640ر\u093e\u094dक王ก\u0e31\u200b\xad’٣३１"),
)
TEXTS = {
    "russian": ("Иван живёт в МОСКВЕ, дом 5.", "иван живёт в москве дом 5"),
    "german": ("Die STRASSE heißt Königs-Weg.", "die strasse heisst königs weg"),
    "chinese": ("王明住在北京。", "王 明 住 在 北 京"),
    "mixed": ("用GPT-4写的2份", "用 gpt 4 写 的 2 份"),
    "japanese": ("コーヒーを飲む人々", "コ ー ヒ ー を 飲 む 人 々"),
    "thai": ("น้ำใจ 12", "น้ ำ ใ จ 12"),
    "khmer": ("ខ្ញុំ ស្រឡាញ់", "ខ្ ញុំ ស្ រ ឡា ញ់"),
    "hindi": ("राम दिल्ली में रहता है।", "राम दिल्ली में रहता है"),
    "arabic": ("قَالَ مُحَمَّدٌ: نعم، ٢٠٢٣؟", "قال محمد نعم 2023"),
    "korean": ("김철수는 서울에 산다", "김철수는 서울에 산다"),
    "hebrew": ("שָׁלוֹם עולם", "שלום עולם"),
    "wide": ("ＡＢＣ１２　ｶﾞｷﾞ", "abc12 ガ ギ"),
    "marks": ("foo_bar don’t 3.5 m² ½ co\xadop", "foo bar don t 3 5 m coop"),
    "empty": (" \n…—", ""),
}


@pytest.mark.parametrize("name", TEXTS)
def test_words_of_a_script(name: str) -> None:
    text, wanted = TEXTS[name]
    assert split_words(text) == wanted.split() == split_words(unicodedata.normalize("NFD", text))
    assert [span.word for span in find_word_spans(text)] == wanted.split()


def test_spans_are_where_the_words_stand() -> None:
    text = "Cafe\u0301 Straße, ЁЖ: 王明！"
    assert [text[span.start : span.end] for span in find_word_spans(text)] == ["Cafe\u0301", "Straße", "ЁЖ", "王", "明"]


@given(st.text(alphabet=LETTERS))
@settings(max_examples=300, deadline=None)
def test_folding_is_one_form_with_a_way_back(text: str) -> None:
    made = fold_with_offsets(text)
    assert made.text == fold(text) == fold(fold(text)) == fold(unicodedata.normalize("NFD", text))
    if made.starts is not None:
        assert len(made.starts) == len(made.text)
    else:
        assert len(text) == len(made.text)
    for place in range(len(made.text)):
        start, end = made.span(place, place + 1)
        assert made.text[place] in fold(text[start:end])


@given(st.text(alphabet=st.characters(max_codepoint=127)))
@settings(max_examples=300, deadline=None)
def test_of_ascii_words_are_runs_of_letters_and_digits(text: str) -> None:
    bare = "".join(one if one.isalnum() else " " for one in text)
    assert split_words(text) == split_runs(text) == bare.lower().split() and split_pieces(text) == text.split()
    assert [token for token in split_tokens(text) if token.isalnum()] == bare.split() and split_characters(
        text
    ) == list(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Straße", "STRASSE"), ("İzmir", "izmir"), ("ﬁnch", "Finch"), ("O’Brien", "O'BRIEN"), ("Jose\u0301", "JOSÉ"),
     ("한", "\u1112\u1161\u11ab"), ("Ｓｏｆｉａ", "sofia"), ("a \n b", "A b"), ("Ωμέγας", "ΩΜΈΓΑΣ"), ("क़", "क\u093c")],
)  # fmt: skip
def test_the_same_text_in_two_ways(one: str, other: str) -> None:
    assert is_same(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("resume", "résumé"), ("राम", "रामा"), ("か", "が"), ("и", "й"), ("ab", "a b")]
)
def test_marks_that_make_another_word_count(one: str, other: str) -> None:
    assert not is_same(one, other)


def test_pieces_and_runs_of_scripts_without_spaces() -> None:
    assert split_pieces("I like 北京 (ไทย) much.") == ["I", "like", "北", "京", "(", "ไ", "ท", "ย", ")", "much."]
    assert split_runs("王明, 北京 12") == ["王明", "北京", "12"]
    assert split_characters("हिन्दी") == ["हि", "न्दी"]


def test_sentences_end_with_or_without_spaces() -> None:
    assert split_sentences("他好。你呢？Yes, 1.5. “No!” she said… राम है। अच्छा।") == [
        "他好。", "你呢？", "Yes, 1.5.", "“No!”", "she said…", "राम है।", "अच्छा।",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "query"),
    [(("красная лампа", "синий чайник", "зелёная палатка"), "ЧАЙНИК"),
     (("红色台灯", "蓝色水壶", "绿帐篷"), "水壶在哪里"),
     (("โคมไฟสีแดง", "กาน้ำสีฟ้า", "เต็นท์"), "กาน้ำ"), (("लाल दीपक", "नीली केतली", "हरा तंबू"), "केतली कहाँ है"),
     (("مصباح أحمر", "إبريق أزرق", "خيمة"), "إِبْرِيق")],
)  # fmt: skip
def test_search_finds_words_of_any_script(texts: tuple[str, ...], query: str) -> None:
    assert Index.of(texts).search(query, 1) == [1]
