"""Standard streams: the only place where the command prints.

Output is plain text: no markup, no emoji codes; control characters are made visible. A stream accepts every character,
in its own encoding or escaped, and printing never raises: if a stream cannot be written (a closed pipe, a full disk)
the rest is dropped, and the command reports it at its end. So an output error cannot lose a match.
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

from arena.cache_register import memoize
from arena.console.exit_codes import FAILED, OVER
from arena.console.sanitize import TABLE, encodable, printable

EXACT = 2**53 - 1  # the largest integer that every JSON reader keeps exactly
HASHES = frozenset({"id", "parent", "prompt", "reply", "text", "thought"})  # columns of 63-bit ids


class Stream(io.TextIOWrapper):
    """A standard stream whose writes never raise. `lost` is the reason why nothing is written any more."""

    lost: OSError | None = None
    needed = True  # whether the command fails if this stream cannot be written

    @classmethod
    def over(cls, stream: TextIO) -> "Stream":
        """Wrap a standard stream in this class."""
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
        """Redirect the stream to the null device from now on, including what other libraries and processes write."""
        self.lost = self.lost or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class Screen(Console):
    """One of the two streams as a rich console for plain text."""

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    @property
    def encoding(self) -> str:
        """The encoding of the stream, by which rich chooses its line characters, too."""
        return _get_encoding(self.file)

    def on_broken_pipe(self) -> None:
        """Re-raise the error; rich would exit the program."""
        raise


def get_width(console: Console) -> int | None:
    """Columns of the terminal; None for a file or a pipe, where lines are not limited."""
    return console.width if console.is_terminal else None


def escape_text(console: Console, text: str) -> str:
    """Untrusted text as the console's stream can show it."""
    return encodable(printable(text), _get_encoding(console.file))


def show(console: Console, text: Text, end: str = "\n") -> None:
    """Print a text that is already sanitized."""
    if console.is_terminal:
        console.print(text, end=end, soft_wrap=True)
    else:  # unchanged: rich would expand tabs
        console.file.write(f"{text.plain}{end}")
        console.file.flush()


def say(text: str, console: Console | None = None, style: str = "", stderr: bool = False, end: str = "\n") -> None:
    """Print untrusted text: on stdout, on stderr, or on another console."""
    console = console or Screen(stderr)
    show(console, Text(escape_text(console, text), style), end)


def print_json(value: object) -> None:
    """Print one JSON document on stdout. Integers beyond 2^53 become texts, since most readers would round them."""
    _write(sys.stdout, to_json(value, 2, _get_encoding(sys.stdout)))


def print_event(event: str, **record: object) -> None:
    """Print a line of JSON on stderr, with the kind of event as `event`."""
    _write(sys.stderr, to_json({"event": event, **record}, None, _get_encoding(sys.stderr)))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout as CSV (RFC 4180, except for its line ends) with full values; NULL is an empty field.

    On a terminal, control characters are made visible.
    """
    visible = Screen().is_terminal
    for some in split_batches([columns, *rows]):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(some)
        _write(sys.stdout, printable(text.getvalue()) if visible else text.getvalue(), end="")


def print_objects(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout as one JSON list of objects, formatted as by `print_json`, in batches of rows."""
    if not rows:
        return print_json([])
    encode = json.JSONEncoder(ensure_ascii=not _get_encoding(sys.stdout).lower().startswith("utf"), default=str).encode
    texts = _find_text_columns(columns, rows)
    places = {name: k for k, name in enumerate(columns)}  # of two columns with the same name the last is kept
    keys = [(f"    {encode(name)}: ", k) for name, k in places.items()]

    def encode_row(row: Sequence[object]) -> str:
        values = _convert_row(row, texts)
        return _escape_controls("  {\n" + ",\n".join([f"{key}{encode(values[k])}" for key, k in keys]) + "\n  }")

    begun = "[\n"
    for some in split_batches(rows):
        _write(sys.stdout, begun + ",\n".join(map(encode_row, some)), end="")
        begun = ",\n"
    _write(sys.stdout, "\n]")


def split_batches(rows: Sequence[Sequence[object]], size: int = 1000) -> Iterable[Sequence[Sequence[Any]]]:
    """Split the rows into batches of `size`."""
    return (rows[at : at + size] for at in range(0, len(rows), size))


def to_json(value: object, indent: int | None = None, encoding: str = "utf-8") -> str:
    """Lossless JSON that is safe to print: large integers become texts, control characters are escaped, and so are
    non-ASCII characters if the encoding is not a Unicode one.
    """
    plain = not encoding.lower().startswith("utf")
    text = json.dumps(_quote_large_numbers(value), ensure_ascii=plain, indent=indent, default=str)
    return _escape_controls(text)


def _escape_controls(text: str) -> str:
    """JSON with the control characters escaped that `json.dumps` leaves as they are."""
    if text.isascii() and "\x7f" not in text:  # the search below takes a microsecond per character
        return text
    return _compile_controls().sub(lambda found: json.dumps(found[0])[1:-1], text)


@memoize("code")
def _compile_controls() -> re.Pattern[str]:
    """Finds the controls that JSON leaves as they are; compiling takes 20 ms, and most output is ASCII."""
    return re.compile(f"[{''.join(re.escape(chr(code)) for code in TABLE if code >= 0x7F)}]")


def build_objects(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[dict[str, Any]]:
    """A table as objects. A column has one type: ids are texts, and so are all numbers of a column that holds a large
    one.
    """
    texts = _find_text_columns(columns, rows)
    return [dict(zip(columns, _convert_row(row, texts), strict=True)) for row in rows]


def _find_text_columns(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[bool]:
    """For each column, whether its integers are written as texts."""
    return [name in HASHES or any(_is_large(row[k]) for row in rows) for k, name in enumerate(columns)]


def _convert_row(row: Sequence[object], texts: Sequence[bool]) -> list[Any]:
    return [str(value) if text and _is_whole(value) else value for value, text in zip(row, texts, strict=True)]


def protect_streams() -> None:
    """Replace the standard streams of this process by ones whose writes cannot fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the parent process closed it
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Stream):
            try:
                setattr(sys, name, Stream.over(stream))
            except (OSError, ValueError):  # not backed by a file descriptor
                stream.reconfigure(errors="backslashreplace")


def mark_recorded() -> None:
    """From here on the output is a copy of recorded data: losing it is not a failure of the command."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.needed = False


def finish_output(code: int) -> int:
    """Flush the streams. Returns the exit code: `code`, or FAILED if the output itself was the result and is lost.

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


def _get_encoding(stream: object) -> str:
    return str(getattr(stream, "encoding", None) or "utf-8").lower()


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    if stream is not None:
        stream.write(f"{text}{end}")
        stream.flush()


def _quote_large_numbers(value: object) -> Any:
    if isinstance(value, dict):
        return {name: _quote_large_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_quote_large_numbers(item) for item in value]
    return str(value) if _is_large(value) else value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_large(value: Any) -> bool:
    return _is_whole(value) and not -EXACT <= value <= EXACT
