"""Rows of JSON files: one object per line, a list, a list within an object, or columns; each with its line number."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from arena.errors import UsageError

GAP = re.compile(r"[\s,]*")
SPACE = re.compile(r"\s*")
COLON = re.compile(r"\s*:\s*")
LINES = (".jsonl", ".ndjson")  # how files are called that hold an object a line
USUAL = ("data", "train", "rows", "examples", "items")  # what a list of rows is called within an object
AROUND = {"row", "row_idx", "truncated_cells"}  # what the hub's viewer puts around each row


def read_json(file: Path, text: str, names: Sequence[str] = ()) -> Iterator[tuple[int, Any]]:
    """The rows with their lines. names: which list is meant, where an object holds several. Raises UsageError."""
    start = _find_end(SPACE, text, 0)
    if text[start : start + 1] == "[":
        yield from _read_list(file, text, start)
    elif text[start : start + 1] != "{" or file.suffix in LINES or _is_a_row_of_many(text):
        yield from _read_lines(file, text)
    else:
        yield from _read_object(file, text, start, names)


def _is_a_row_of_many(text: str) -> bool:
    """Whether the first line that is not empty is JSON by itself, and others follow it."""
    first = next(line for line in text.split("\n") if line.strip())
    try:
        json.loads(first)
    except json.JSONDecodeError:
        return False
    return first.strip() != text.strip()


def _read_object(file: Path, text: str, start: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
    """The rows within one object: those of a list that it holds, its columns, or the object itself."""
    try:
        members = _parse_members(text, start)
    except json.JSONDecodeError as error:
        raise _make_error(file, error.lineno, error) from None
    lists = {key: at for key, at, value in members if _is_row_list(value) or (value == [] and key in USUAL)}
    if lists:
        yield from _read_list(file, text, lists[_choose_list(file, lists, names)])
        return
    values, line = {key: value for key, _, value in members}, text.count("\n", 0, start) + 1
    if _has_columns(values):
        yield from ((line, dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True))
    else:
        yield line, values


def _parse_members(text: str, start: int) -> list[tuple[str, int, Any]]:
    """The members of the object that the text is: key, where its value begins, value. Raises JSONDecodeError."""
    decoder, found, at = json.JSONDecoder(), list[tuple[str, int, Any]](), start + 1
    json.loads(text)  # so that the members need not be searched for the error
    while text[at := _find_end(GAP, text, at)] != "}":
        key, at = decoder.raw_decode(text, at)
        begun = _find_end(COLON, text, at)
        value, at = decoder.raw_decode(text, begun)
        found.append((key, begun, value))
    return found


def _find_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    assert found is not None  # it is on that line
    return found.end()


def _is_row_list(value: object) -> bool:
    """Whether a value is a list of rows: one that begins with an object."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _has_columns(values: dict[str, Any]) -> bool:
    """Whether the members are columns: several lists of one length."""
    lists = list(values.values())
    return len(lists) > 1 and all(isinstance(one, list) for one in lists) and len({len(one) for one in lists}) == 1


def _choose_list(file: Path, lists: dict[str, int], names: Sequence[str]) -> str:
    """The key of the list that is meant. Raises UsageError where it could be several."""
    known = [name for name in (*names, *USUAL) if name in lists]
    if len(lists) == 1 or known:
        return known[0] if known else next(iter(lists))
    raise UsageError(
        f"{file}: there are several lists of rows in it ({', '.join(lists)}); keep one, or call the one that is meant "
        f"{USUAL[0]!r}"
    )


def _read_lines(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except json.JSONDecodeError as error:
                raise _make_error(file, line, error) from None


def _read_list(file: Path, text: str, start: int) -> Iterator[tuple[int, Any]]:
    """The elements of the JSON list that begins there, each with the line on which it begins."""
    decoder, at = json.JSONDecoder(), start + 1
    line, counted = text.count("\n", 0, start) + 1, start
    while True:
        at = _find_end(GAP, text, at)
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _make_error(file, error.lineno, error) from None
        inner = value.get("row") if isinstance(value, dict) and value.keys() <= AROUND else None
        yield line, inner if isinstance(inner, dict) else value


def _make_error(file: Path, line: int, error: json.JSONDecodeError) -> UsageError:
    return UsageError(f"{file}, line {line}: not JSON: {error.msg} at character {error.colno}")
