"""Read text files in any Unicode encoding."""

import codecs
from pathlib import Path

from arena.errors import UsageError

MARKS = (  # the longer ones first: that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 where it begins with a byte order mark, which is left out.

    Line ends are "\\n". Raises OSError where it cannot be read, UsageError where it is in another encoding.
    """
    return decode_text(path.read_bytes(), str(path))


def decode_text(data: bytes, name: str) -> str:
    """The same of the bytes of a file of that name."""
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name}, line {line}: this is not UTF-8 text ({error.reason}); save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise UsageError(f"{name}: this is no text in UTF-8 (it has NUL characters); save the file as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_file(path: str | Path) -> bool:
    """Whether there is a file of that name; False, too, for a name that no file can have."""
    try:
        return Path(path).is_file()
    except OSError:
        return False
