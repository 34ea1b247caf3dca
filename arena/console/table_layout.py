"""Lay out a table as lines that fit a terminal: columns side by side, or stacked if they do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len as rich_cell_len
from rich.cells import chop_cells

GAP = "  "
LONG = 30  # terminal columns; a longer value may be wrapped
LEAST = 16  # least terminal columns of a wrapped value
WORD = 40  # terminal columns; a longer word may be broken: an id stays whole
NAMES = " _-/"  # a column name may be wrapped after one of these


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of a table; `head`: it holds column names."""

    text: str
    head: bool = False


def render_lines(
    names: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None, keys: int = 0
) -> list[TableLine]:
    """A table as lines. No value is truncated.

    A table that is wider than `width` columns of a terminal (None: a file, where lines have any length) breaks long
    values and column names over lines. If that is not enough, it is split into several tables, one below the other,
    each with the first `keys` columns, which identify the rows; without `keys`, or if these do not fit either, each row
    is a paragraph with a line for each column.
    """
    if width is None or compute_width(names, rows) <= width:
        widths = _measure_columns(names, rows)
        return _render_table([[name] for name in names], [[one.split("\n") for one in row] for row in rows], widths)
    if (columns := _fit_columns(names, rows, width)) is not None:
        heads = [_wrap_text(name, size, NAMES) for name, size in zip(names, columns, strict=True)]
        cells = [[_wrap_text(one, size) for one, size in zip(row, columns, strict=True)] for row in rows]
        return _render_table(heads, cells, columns)
    groups = _group_columns(names, rows, width, keys) if keys else None
    if groups is None:
        return _render_paragraphs(names, rows, width)
    made: list[TableLine] = []
    for group in groups:
        part = render_lines([names[k] for k in group], [[row[k] for k in group] for row in rows], width)
        made += [TableLine("")] * bool(made) + part
    return made


def cell_len(text: str) -> int:
    """Terminal columns of a text without control characters."""
    return len(text) if text.isascii() else rich_cell_len(text)


def compute_width(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Terminal columns of a table without wrapped values."""
    return sum(_measure_columns(names, rows)) + len(GAP) * (len(names) - 1)


def _measure_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_measure_widest, (name, *(row[k] for row in rows)))) for k, name in enumerate(names)]


def _measure_widest(text: str) -> int:
    """Terminal columns of the longest line of a text."""
    return max(map(cell_len, text.split("\n")))


def _render_table(
    heads: Sequence[Sequence[str]], rows: Sequence[Sequence[Sequence[str]]], widths: Sequence[int]
) -> list[TableLine]:
    head = [TableLine(line, head=True) for line in _join_cells(heads, widths)]
    return head + [TableLine(line) for cells in rows for line in _join_cells(cells, widths)]


def _group_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], width: int, keys: int
) -> list[list[int]] | None:
    """Groups of columns that fit, each starting with the first `keys`; None if one cannot fit."""
    first = list(range(keys))
    groups = [first]
    for k in range(keys, len(names)):
        for group in ([*groups[-1], k], [*first, k]):
            if _fit_columns([names[n] for n in group], [[row[n] for n in group] for row in rows], width) is not None:
                break
        else:
            return None
        groups = [*groups[:-1], group] if len(group) > len(groups[-1]) else [*groups, group]
    return groups


def _fit_columns(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """The width of each column of a table that fits; None if it cannot fit."""
    wanted = _measure_columns(names, rows)
    bodies = [max((_measure_widest(row[k]) for row in rows), default=0) for k in range(len(names))]
    heads = [max(map(cell_len, _split_pieces(name, NAMES))) for name in names]
    words = [max([size for row in rows for word in row[k].split() if (size := cell_len(word)) <= WORD], default=0)
             for k in range(len(names))]  # fmt: skip
    least = [max(head, body if body <= LONG else max(LEAST, word))
             for head, body, word in zip(heads, bodies, words, strict=True)]  # fmt: skip
    spare = width - sum(least) - len(GAP) * (len(names) - 1)
    if spare < 0:
        return None
    found = list(least)
    for k in sorted(
        range(len(names)), key=lambda k: wanted[k] - least[k]
    ):  # columns that need little get their full width
        if bodies[k] <= LONG and wanted[k] - found[k] <= spare:
            spare -= wanted[k] - found[k]
            found[k] = wanted[k]
    long = sorted((k for k in range(len(names)) if bodies[k] > LONG), key=lambda k: wanted[k])
    for place, k in enumerate(long):
        more = min(wanted[k] - found[k], spare // (len(long) - place))
        spare, found[k] = spare - more, found[k] + more
    return found


def _render_paragraphs(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[TableLine]:
    """Each row as lines of name and value, an empty line between rows."""
    left = min(max(map(cell_len, names)), width // 3)
    sizes = [left, max(width - left - len(GAP), LEAST)]
    made: list[TableLine] = []
    for row in rows:
        made += [TableLine("")] * bool(made)
        for name, value in zip(names, row, strict=True):
            made += map(TableLine, _join_cells([_wrap_text(name, left, NAMES), _wrap_text(value, sizes[1])], sizes))
    return made


def _join_cells(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Join values of several lines each, side by side."""
    return [
        GAP.join(part + " " * (width - cell_len(part)) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    ]


def _wrap_text(text: str, width: int, after: str = " ") -> list[str]:
    """The text in lines of at most `width` columns, broken after one of the characters, or within a longer word."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _split_pieces(paragraph, after):
            if line and cell_len(line + piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece
            if cell_len(line.rstrip()) > width:  # a word that is longer than a line
                *whole, line = chop_cells(line, width)
                lines += whole
        lines.append(line.rstrip())
    return lines


def _split_pieces(text: str, after: str) -> list[str]:
    """The text cut after each run of these characters."""
    found = [""]
    for character, following in zip_longest(text, text[1:]):
        found[-1] += character
        if character in after and following is not None and following not in after:
            found.append("")
    return found
