"""Text of others, made safe to print."""

import pytest

from arena.console.sanitize import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü € 漢 🙂\n\ttext", "plain ü € 漢 🙂\n\ttext"),
        ("\x1b[31mred\x1b]0;title\x07", "␛[31mred␛]0;title␇"),
        ("a\r\nb\rc\x08\x7f\x00", "a\nb␍c␈␡␀"),
        ("\x9b2J\x85", "\ufffd2J\ufffd"),
        ("ab\u202edc\u2066", "ab<U+202E>dc<U+2066>"),
        ("one\u2028two\ud800", "one\ntwo\ufffd"),
    ],
)
def test_nothing_printed_is_obeyed_by_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown
