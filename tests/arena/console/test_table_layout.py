"""Tables on terminals of any width: nothing is cut, columns stand below their names, no line is too long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from arena.console.table_layout import render_lines

WORDS = st.text('abc 漢é-_/.{}"1', max_size=60).map(str.strip)
TABLES = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.text("abc_ ", min_size=1, max_size=16).map(lambda t: t.strip() or "x"), min_size=n, max_size=n),
        st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=0, max_size=4),
    )
)


def letters(text: str) -> list[str]:
    return sorted(re.sub(r"\s", "", text))


@settings(max_examples=150, deadline=None)
@given(TABLES, st.integers(44, 130), st.integers(0, 2))
def test_no_line_is_too_long_and_nothing_is_lost(
    table: tuple[list[str], list[list[str]]], width: int, keys: int
) -> None:
    names, rows = table
    lines = render_lines(names, rows, width, keys)
    assert all(cell_len(line.text) <= width for line in lines)
    values = letters("".join(value for row in rows for value in row))
    body = letters("".join(line.text for line in lines if not line.head))
    missing = [value for value in set(values) if body.count(value) < values.count(value)]
    assert not missing, "each value stands somewhere, whole"


@given(TABLES)
def test_a_file_has_one_line_for_each_row(table: tuple[list[str], list[list[str]]]) -> None:
    names, rows = table
    lines = render_lines(names, rows)
    assert len(lines) == 1 + len(rows) and [line.head for line in lines] == [True] + [False] * len(rows)


IDS = ["mwpwd6wndyo4.1234", "9223372036854775807", "0123456789abcdef0123456789abcdef", "openai/gpt-4o-mini-2024-07-18"]


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("id", IDS)
def test_ids_stay_whole(id: str, width: int) -> None:
    names = ["id", *(f"a_column_{n}" for n in range(12)), "text"]
    rows = [[id, *("1234",) * 12, "some words that go on " * 9]] * 2
    for keys in (0, 1):
        shown = [line.text for line in render_lines(names, rows, width, keys)]
        assert sum(id in line for line in shown) >= 2, shown


def test_wide_letters_take_two_columns() -> None:
    lines = [line.text for line in render_lines(["a", "b"], [["漢字", "x"], ["ab", "y"]], 80)]
    assert lines == ["a     b", "漢字  x", "ab    y"]


def test_several_tables_begin_with_the_same_column_and_rows_without_one_are_paragraphs() -> None:
    names = ["agent", *(f"measure{n}" for n in range(9))]
    rows = [[f"agent-{k}", *(f"{k}{n}" for n in range(9))] for k in range(3)]
    groups = render_lines(names, rows, 40, keys=1)
    assert [line.text.split()[0] for line in groups if line.head] == ["agent"] * 3
    paragraphs = [line.text for line in render_lines(names, rows, 40)]
    assert paragraphs[:2] == ["agent     agent-0", "measure0  00"] and paragraphs.count("") == 2
