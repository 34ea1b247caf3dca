"""Remove keys from texts before they are stored or printed, in plain form and as servers and libraries encode them.

A key is found in plain form; with any of its characters escaped (JSON, percent, HTML entities, also escaped again); and
in hexadecimal or base64, at any offset within the encoded text.
"""

import os
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from arena.cache_register import memoize

LEAST = 8  # least characters of a secret; shorter ones occur in too many texts
INSTEAD = "[key]"
NAMED = re.compile(r"(?i)(?:^|_)(?:api_?key|key|token|secret|password|passwd|pat)(?:_?(?:\d+|id))?$|password$")
SLASHES = r"\\{1,16}"  # backslashes before an escape, which may be escaped again; bounded, so that the search is linear
ESCAPE = re.compile(
    rf"{SLASHES}u([0-9a-fA-F]{{4}})|{SLASHES}x([0-9a-fA-F]{{2}})|%(?:25){{0,4}}([0-9a-fA-F]{{2}})"
    rf"|&\#[xX]0{{0,4}}([0-9a-fA-F]{{1,5}});|&\#0{{0,4}}([0-9]{{1,5}});|{SLASHES}([/\"'\\])"
)
ESCAPING = re.compile(r"\\|%|&#")


class Redactor:
    """Removes given secrets from texts. Equal secrets share one instance, see `get_redactor`."""

    __slots__ = ("_needles", "_patterns")

    def __init__(self, secrets: frozenset[str]) -> None:
        longest_first = sorted(secrets, key=len, reverse=True)
        codes = dict.fromkeys(code for secret in longest_first for code in list_encodings(secret))
        self._needles = [(secret, False) for secret in longest_first] + [(code, True) for code in codes]
        self._patterns: dict[str, re.Pattern[str]] = {}

    def __call__(self, text: str) -> str:
        """The text with the secrets masked."""
        for needle, coded in self._needles:
            if needle in text:
                text = self._pattern(needle, coded).sub(INSTEAD, text) if coded else text.replace(needle, INSTEAD)
        if ESCAPING.search(text):
            plain = unescape_text(text)
            for needle, coded in self._needles:
                if needle in plain:
                    text = self._pattern(needle, coded).sub(INSTEAD, text)
        return text

    def _pattern(self, needle: str, coded: bool) -> re.Pattern[str]:
        """A regex for a secret with any characters escaped; for an encoded one including the characters it shares with
        the text before and after it.
        """
        found = self._patterns.get(needle)
        if found is None:
            edge = r"[A-Za-z0-9+/_=-]{0,2}" if coded else ""
            found = self._patterns[needle] = re.compile(f"{edge}{''.join(map(_make_escape_pattern, needle))}{edge}")
        return found


@memoize("endpoints", most=50)
def get_redactor(secrets: frozenset[str]) -> Redactor:
    """The redactor of these secrets."""
    return Redactor(secrets)


def find_secrets() -> frozenset[str]:
    """Values of environment variables that are named like keys, and the passwords in URLs in the environment."""
    return frozenset(value for value in _find_secrets(os.environ) if len(value) >= LEAST)


def redact(text: str) -> str:
    """The text without the secrets of the environment."""
    return get_redactor(find_secrets())(text) if text else text


def list_encodings(secret: str) -> Iterator[str]:
    """The secret in hexadecimal, and in base64 after 0, 1 or 2 other bytes: the part that depends on it alone."""
    data = secret.encode()
    yield data.hex()
    yield data.hex().upper()
    for before in range(3):
        whole = bytes(before) + data
        first, last = -(-8 * before // 6), 8 * len(whole) // 6
        yield b64encode(whole).decode()[first:last]
        yield urlsafe_b64encode(whole).decode()[first:last]


def unescape_text(text: str) -> str:
    """The text with escape sequences decoded."""
    return ESCAPE.sub(_decode_escape, text)


def _find_secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if NAMED.search(name) and not value.startswith("/"):  # the path of a key file is no secret
            yield value.strip()
        elif "://" in value:
            yield from _find_passwords(value.strip())


def _find_passwords(url: str) -> Iterator[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


def _decode_escape(found: re.Match[str]) -> str:
    *codes, decimal, sign = found.groups()
    return sign or chr(int(decimal) if decimal else int(next(filter(None, codes)), 16))


def _make_escape_pattern(letter: str) -> str:
    """A regex for a character in all its escaped forms."""
    code = ord(letter)
    four, two = (_make_hex_pattern(code, width) for width in (4, 2))
    ways = [re.escape(letter), f"{SLASHES}u{four}", f"{SLASHES}x{two}", f"%(?:25){{0,4}}{two}"]
    ways += [f"&#[xX]0{{0,4}}{two};", f"&#0{{0,4}}{code};"]
    ways += [f"{SLASHES}{re.escape(letter)}"] if letter in "/\"'\\" else []
    return f"(?:{'|'.join(ways)})"


def _make_hex_pattern(code: int, width: int) -> str:
    """A regex for a number in hexadecimal digits of either case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:0{width}x}")
