"""The standard streams: the one place where the command prints.

What is printed is plain text: no markup, no codes of emoji; what a terminal would obey is made visible. A stream takes
every character, in its own encoding or written out, and printing never raises: of a stream that cannot be written (a
closed pipe, a full disk) the rest is dropped, and the command says so when it ends. So output cannot cost a match.
"""

import csv
import errno
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from arena.console.exit_codes import FAILED, OVER
from arena.console.sanitize import TABLE, encodable, printable

EXACT = 2**53 - 1  # the largest whole number that every reader of JSON keeps
HASHES = frozenset({"id", "parent", "prompt", "reply", "text", "thought"})  # columns of 63-bit ids
RAW = re.compile(f"[{''.join(re.escape(chr(code)) for code in TABLE if code >= 0x7F)}]")  # JSON escapes those below


class Stream(io.TextIOWrapper):
    """A standard stream whose writing never raises. `lost` is why nothing is written any more."""

    lost: OSError | None = None
    needed = True  # whether the command has failed where this cannot be written

    @classmethod
    def over(cls, stream: TextIO) -> "Stream":
        """The same stream, written to through this class."""
        stream.flush()
        eager = getattr(stream, "line_buffering", False) or getattr(stream, "write_through", False)
        raw = open(stream.fileno(), "wb", closefd=False)  # noqa: SIM115 (it is open as long as the process)
        return cls(raw, encoding=stream.encoding, errors="backslashreplace", line_buffering=eager)

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """From now on everything goes nowhere, also what other libraries and processes write."""
        self.lost = self.lost or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class Screen(Console):
    """One of the two streams as a console for plain text."""

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    @property
    def encoding(self) -> str:
        """That of the stream, by which rich chooses its lines, too."""
        return _get_encoding(self.file)

    def on_broken_pipe(self) -> None:
        """Raises the error again; rich would end the program."""
        raise


def get_width(console: Console) -> int | None:
    """Columns of the terminal; None for a file or a pipe, where lines are as long as they are."""
    return console.width if console.is_terminal else None


def escape_text(console: Console, text: str) -> str:
    """The text of anybody as the console's stream can show it."""
    return encodable(printable(text), _get_encoding(console.file))


def show(console: Console, text: Text, end: str = "\n") -> None:
    """Prints a text whose words are safe already."""
    if console.is_terminal:
        console.print(text, end=end, soft_wrap=True)
    else:  # as it is: rich would expand its tabs
        console.file.write(f"{text.plain}{end}")
        console.file.flush()


def say(text: str, console: Console | None = None, style: str = "", stderr: bool = False, end: str = "\n") -> None:
    """Prints a text of anybody: on stdout, on stderr, or on another console."""
    console = console or Screen(stderr)
    show(console, Text(escape_text(console, text), style), end)


def print_json(value: Any) -> None:
    """One JSON document on stdout. Whole numbers beyond 2^53 are texts, since most readers would round them."""
    _write(sys.stdout, to_json(value, 2, _get_encoding(sys.stdout)))


def print_event(event: str, **record: Any) -> None:
    """A line of JSON on stderr, with what happened as `event`."""
    _write(sys.stderr, to_json({"event": event, **record}, None, _get_encoding(sys.stderr)))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on stdout as CSV (RFC 4180, but for the ends of its lines), all values whole; NULL is an empty field.

    On a terminal, what it would obey is made visible.
    """
    visible = Screen().is_terminal
    for some in split_batches([columns, *rows]):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(some)
        _write(sys.stdout, printable(text.getvalue()) if visible else text.getvalue(), end="")


def print_objects(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on stdout as one JSON list of objects, in the form of `print_json`, some rows at a time."""
    if not rows:
        return print_json([])
    encode = json.JSONEncoder(ensure_ascii=not _get_encoding(sys.stdout).lower().startswith("utf"), default=str).encode
    texts = _find_text_columns(columns, rows)
    places = {name: k for k, name in enumerate(columns)}  # of two columns of one name the last stays
    keys = [(f"    {encode(name)}: ", k) for name, k in places.items()]

    def encode_row(row: Sequence[Any]) -> str:
        values = _convert_row(row, texts)
        return _escape_controls("  {\n" + ",\n".join([f"{key}{encode(values[k])}" for key, k in keys]) + "\n  }")

    begun = "[\n"
    for some in split_batches(rows):
        _write(sys.stdout, begun + ",\n".join(map(encode_row, some)), end="")
        begun = ",\n"
    _write(sys.stdout, "\n]")


def split_batches(rows: Sequence[Sequence[Any]], size: int = 1000) -> Iterable[Sequence[Sequence[Any]]]:
    """The rows, some at a time."""
    return (rows[at : at + size] for at in range(0, len(rows), size))


def to_json(value: Any, indent: int | None = None, encoding: str = "utf-8") -> str:
    """The value as JSON in which nothing is lost or obeyed: large numbers are texts, controls are escaped, and so is
    all but ASCII where the encoding is not one of Unicode."""
    plain = not encoding.lower().startswith("utf")
    text = json.dumps(_quote_large_numbers(value), ensure_ascii=plain, indent=indent, default=str)
    return _escape_controls(text)


def _escape_controls(text: str) -> str:
    """JSON in which the controls that it leaves as they are, are escaped, too."""
    if text.isascii() and "\x7f" not in text:  # the search below takes a microsecond a letter
        return text
    return RAW.sub(lambda found: json.dumps(found[0])[1:-1], text)


def build_objects(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """A table as objects. A column has one type: ids are texts, and so is each number of one that holds a large one."""
    texts = _find_text_columns(columns, rows)
    return [dict(zip(columns, _convert_row(row, texts), strict=True)) for row in rows]


def _find_text_columns(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Whether the whole numbers of each column are written as texts."""
    return [name in HASHES or any(_is_large(row[k]) for row in rows) for k, name in enumerate(columns)]


def _convert_row(row: Sequence[Any], texts: Sequence[bool]) -> list[Any]:
    return [str(value) if text and _is_whole(value) else value for value, text in zip(row, texts, strict=True)]


def protect_streams() -> None:
    """Makes printing safe in this process: whatever is printed by whomever, it cannot fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed by who started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Stream):
            try:
                setattr(sys, name, Stream.over(stream))
            except (OSError, ValueError):  # no file of the system behind it
                stream.reconfigure(errors="backslashreplace")


def mark_recorded() -> None:
    """From here on the output is a copy of what is recorded: the command has not failed where it is lost."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.needed = False


def finish_output(code: int) -> int:
    """Writes what waits. Returns the exit code: `code`, or FAILED where the output was what was asked for and is lost.

    A pipe that was closed is no failure: its reader has read enough.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    lost = sys.stdout.lost if isinstance(sys.stdout, Stream) else None
    if lost is None or isinstance(lost, BrokenPipeError) or (lost.errno == errno.EINVAL and os.name == "nt"):
        return code
    needed = isinstance(sys.stdout, Stream) and sys.stdout.needed
    advice = "" if needed else "; all of it is on record"
    say(f"arena: the output cannot be written: {lost.strerror}{advice}", stderr=True)
    return FAILED if needed and code == OVER else code


def _get_encoding(stream: Any) -> str:
    return str(getattr(stream, "encoding", None) or "utf-8").lower()


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    if stream is not None:
        stream.write(f"{text}{end}")
        stream.flush()


def _quote_large_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _quote_large_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_quote_large_numbers(item) for item in value]
    return str(value) if _is_large(value) else value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_large(value: Any) -> bool:
    return _is_whole(value) and not -EXACT <= value <= EXACT
