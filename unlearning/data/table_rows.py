"""Rows of text tables, CSV and TSV with any delimiter; each with its line number."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from arena.errors import UsageError

SIGNS = (",", ";", "\t", "|")  # what separates cells; of two that part a header into as many, the first
LONGEST = 2**31 - 1  # characters of a cell: passages are longer than the 131,072 that the csv module allows


def read_table(file: Path, text: str, sign: str = "") -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by column, each with its first line. sign: what separates cells; "" finds it out by the header.

    Cells may be quoted, and hold line ends and separators then. Raises UsageError for a row with more or fewer cells
    than the header, for quotes that do not close, and for a header with a name that is empty or occurs twice.
    """
    before = csv.field_size_limit(LONGEST)  # of the whole process: put back below
    try:
        rows = list(_parse_rows(file, text, sign or _find_separator(text)))
    finally:
        csv.field_size_limit(before)
    if not rows:
        return
    (first, header), *others = rows
    names = [name.strip() for name in header]
    for name in names:
        if not name or names.count(name) > 1:
            what = f"{name!r} stands twice" if name else "one is empty"
            raise UsageError(f"{file}, line {first}: the first row names the columns, and {what}: {', '.join(names)}")
    for line, cells in others:
        if len(cells) != len(names):
            raise UsageError(
                f"{file}, line {line}: {len(cells)} cells where the first row names {len(names)} columns "
                f"({', '.join(names)}); a cell that holds the separator or a line end has to be quoted"
            )
        yield line, dict(zip(names, cells, strict=True))


def _parse_rows(file: Path, text: str, sign: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with their first lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{file}, line {line}: cannot be read as a table: {error}") from None


def _find_separator(text: str) -> str:
    """The delimiter that splits the header into the most cells."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    counts = {sign: len(next(csv.reader([header], delimiter=sign), [])) for sign in SIGNS}
    return max(SIGNS, key=lambda sign: counts[sign])
