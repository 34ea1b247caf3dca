"""A table as lines of text that fit a terminal: columns side by side, or one below the other where they do not."""

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

GAP = "  "
LONG = 30  # columns; a longer value may go on in the next line
LEAST = 16  # columns that a value keeps which goes on in the next line
WORD = 40  # columns; a longer word may be broken, too: an id stays whole
NAMES = " _-/"  # a column's name may go on in the next line after one of these


def in_lines(names: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> tuple[list[str], int]:
    """The lines of a table, and how many of them are its head. No value is cut.

    A table that is wider than `width` columns of a terminal (None: a file, where lines have any length) breaks long
    values and names of columns over lines; where that is not enough there is no head, and each row is a paragraph with
    a line for each column.
    """
    wanted = _wanted(names, rows)
    if width is None or needed(names, rows) <= width:
        return [line for row in (names, *rows) for line in _beside([one.split("\n") for one in row], wanted)], 1
    if (columns := _fitted(names, rows, wanted, width)) is None:
        return _paragraphs(names, rows, width), 0
    head = _beside([_folded(name, size, NAMES) for name, size in zip(names, columns, strict=True)], columns)
    body = [[_folded(one, size) for one, size in zip(row, columns, strict=True)] for row in rows]
    return head + [line for cells in body for line in _beside(cells, columns)], len(head)


def needed(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Columns of a terminal that a table takes whose values are not broken over lines."""
    return sum(_wanted(names, rows)) + len(GAP) * (len(names) - 1)


def _wanted(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_widest, (name, *(row[k] for row in rows)))) for k, name in enumerate(names)]


def _widest(text: str) -> int:
    """Columns of the longest line of a text."""
    return max(map(cell_len, text.split("\n")))


def _fitted(names: Sequence[str], rows: Sequence[Sequence[str]], wanted: Sequence[int], width: int) -> list[int] | None:
    """The width of each column of a table that fits; None where it cannot."""
    bodies = [max((_widest(row[k]) for row in rows), default=0) for k in range(len(names))]
    heads = [max(map(cell_len, _pieces(name, NAMES))) for name in names]
    words = [max([size for row in rows for word in row[k].split() if (size := cell_len(word)) <= WORD], default=0)
             for k in range(len(names))]  # fmt: skip
    least = [max(head, body if body <= LONG else max(LEAST, word))
             for head, body, word in zip(heads, bodies, words, strict=True)]  # fmt: skip
    spare = width - sum(least) - len(GAP) * (len(names) - 1)
    if spare < 0:
        return None
    found = list(least)
    for k in sorted(range(len(names)), key=lambda k: wanted[k] - least[k]):  # those that need little are made whole
        if bodies[k] <= LONG and wanted[k] - found[k] <= spare:
            spare -= wanted[k] - found[k]
            found[k] = wanted[k]
    long = sorted((k for k in range(len(names)) if bodies[k] > LONG), key=lambda k: wanted[k])
    for place, k in enumerate(long):
        more = min(wanted[k] - found[k], spare // (len(long) - place))
        spare, found[k] = spare - more, found[k] + more
    return found


def _paragraphs(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each row as lines of name and value, an empty line between rows."""
    left = min(max(map(cell_len, names)), width // 3)
    sizes = [left, max(width - left - len(GAP), LEAST)]
    made: list[str] = []
    for row in rows:
        made += [""] * bool(made)
        for name, value in zip(names, row, strict=True):
            made += _beside([_folded(name, left, NAMES), _folded(value, sizes[1])], sizes)
    return made


def _beside(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Values of some lines each, side by side."""
    return [
        GAP.join(part + " " * (width - cell_len(part)) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    ]


def _folded(text: str, width: int, after: str = " ") -> list[str]:
    """The text in lines of at most `width` columns, broken after one of the characters, or within a longer word."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph, after):
            if line and cell_len(line + piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece
            if cell_len(line.rstrip()) > width:  # a word that is longer than a line
                *whole, line = chop_cells(line, width)
                lines += whole
        lines.append(line.rstrip())
    return lines


def _pieces(text: str, after: str) -> list[str]:
    """The text cut after each run of these characters."""
    found = [""]
    for character, following in zip_longest(text, text[1:]):
        found[-1] += character
        if character in after and following is not None and following not in after:
            found.append("")
    return found
