"""Text encodings that a name filter does not read, and answers written in them."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arena.text.words import PART, compile_pattern, split_characters

RUN = rf"{PART}+"
SPELT = rf"(?<!{PART}){PART}\p{{M}}*(?:-{PART}\p{{M}}*)+(?!{PART})"
LONG = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")


@dataclass(frozen=True, slots=True)
class Code:
    """A reversible text encoding that hides the words. `written`: how the encoding is described to the agent."""

    written: str
    encode: Callable[[str], str]
    decode: Callable[[str], str]


def reverse_words(text: str) -> str:
    """The text with each word written from its end; the same again gives the text."""
    return str(compile_pattern(RUN).sub(lambda run: "".join(reversed(split_characters(run.group()))), text))


def spell_words(text: str) -> str:
    """The text with each word letter by letter: "m-i-l-l"."""
    return str(compile_pattern(RUN).sub(lambda run: "-".join(split_characters(run.group())), text))


def join_spelt_words(text: str) -> str:
    """The text with words that are spelt put together."""
    return str(compile_pattern(SPELT).sub(lambda run: run.group().replace("-", ""), text))


def encode_base64(text: str) -> str:
    """The text in base64 (RFC 4648)."""
    return b64encode(text.encode()).decode()


def decode_base64(text: str) -> str:
    """The text with its base64 parts decoded; the rest is unchanged."""

    def read(match: re.Match[str]) -> str:
        try:
            return b64decode(match.group(), validate=True).decode()
        except (Error, UnicodeDecodeError):
            return match.group()

    return LONG.sub(read, text)


CODES: Mapping[str, Code] = {
    "backwards": Code("with each word backwards", reverse_words, reverse_words),
    "spelt": Code("spelt letter by letter", spell_words, join_spelt_words),
    "base64": Code("in base64", encode_base64, decode_base64),
}
