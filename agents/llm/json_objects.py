"""Find JSON objects within a text."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from arena.game import JSON
from arena.text.message_escaping import unify_line_ends

STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
SPEAKS = re.compile(r"""["']?\b(?:say|action|tool|move|arguments)\b["']?\s*+:""", re.IGNORECASE)  # a key of a move
MEANT = re.compile(rf"""{SPEAKS.pattern}|\{{\s*+["'][\w ]{{1,40}}["']\s*+:""", re.IGNORECASE)  # or any quoted key
OPEN, MARK = re.compile(r"\{"), re.compile(r'[{}"]')
NOISE: dict[int, int | None] = {
    **{code: None for code in (*range(0x20), 0x7F) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}
DEEPEST = 30  # levels of nesting that an argument may have


class Garbled(ValueError):
    """A reply that means to be a move and is none; says why."""


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object in a text: its value, its source text, and the text before it."""

    value: dict[str, JSON]
    raw: str
    before: str


def find_objects(text: str) -> tuple[list[JsonObject], str]:
    """The outermost JSON objects of `text` and the text after the last, in linear time.

    Braces that mean no object stay in the text. Nothing is repaired: single quotes or a trailing comma raise Garbled
    with the position, as does an object that does not end, or one that gives the same key twice with different values.
    """
    spans, opened = _spans(text)
    found, end = [], 0
    for start, stop in spans:
        value = load(text[start:stop]) if stop - start > 2 else None
        if value:
            found.append(JsonObject(value, text[start:stop], text[end:start]))
            end = stop
    inner = [span for span in spans if opened is not None and span[0] > opened]
    if opened is not None and MEANT.search(text, opened) and not any(SPEAKS.search(text, *span) for span in inner):
        raise Garbled("the JSON object does not end")
    return found, text[end:]


def load(text: str) -> dict[str, JSON] | None:
    """The object that `text` spells; None where braces are only braces. Raises Garbled where a move was meant."""
    try:
        value = scrub_json(json.loads(text, object_pairs_hook=_once, strict=False))
        return value if isinstance(value, dict) else None
    except Garbled:
        raise
    except json.JSONDecodeError as error:
        why = f"the JSON is broken: {error.msg} at line {error.lineno} column {error.colno}"
    except (ValueError, RecursionError):  # a number of thousands of digits; thousands of levels
        why = "the JSON holds an endless number or is nested without end"
    if MEANT.search(text):
        raise Garbled(why)
    return None


def decode(text: str, at: int) -> tuple[JSON, int]:
    """The JSON value that begins at `at`, and the position after it. Raises Garbled for a broken one."""
    try:
        value, stop = DECODER.raw_decode(text, at)
        return scrub_json(value), stop
    except Garbled:
        raise
    except json.JSONDecodeError as error:
        raise Garbled(f"the JSON is broken: {error.msg} at line {error.lineno} column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Garbled("the JSON holds an endless number or is nested without end") from None


def is_object(text: str) -> bool:
    """Whether a text is one JSON object and nothing else."""
    text = text.strip()
    if not text.startswith("{") or not text.endswith("}"):
        return False
    try:
        return decode(text, 0)[1] == len(text)
    except Garbled:
        return False


def scrub(text: str) -> str:
    """The text without what no person types: C0 controls but newline and tab; lone surrogates become U+FFFD.

    Every kind of line end becomes a newline.
    """
    return unify_line_ends(text).translate(NOISE)


def scrub_json(value: JSON, depth: int = 0) -> JSON:
    """A JSON value with its texts scrubbed. Raises Garbled beyond thirty levels."""
    if depth > DEEPEST:
        raise Garbled(f"the arguments are nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {scrub(str(key)): scrub_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_json(item, depth + 1) for item in value]
    return value


def _spans(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """The outermost closed braces as (start, stop), and the position of the first brace that is never closed."""
    spans: list[tuple[int, int]] = []
    stack: list[int] = []
    quoted = True
    at = text.find("{")
    while at >= 0:
        if text[at] == '"':
            string = STRING.match(text, at) if quoted else None
            quoted = string is not None  # one string that never ends: later ones cannot be distinguished from it
            at = string.end() - 1 if string else at
        elif text[at] == "{":
            stack.append(at)
        elif stack:
            start = stack.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, at + 1))
        mark = MARK.search(text, at + 1) if stack else OPEN.search(text, at + 1)
        at = mark.start() if mark else -1
    return spans, stack[0] if stack else None


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """A table of the pairs; a key with two values is two answers in one."""
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table and table[key] != value:
            raise Garbled(f"the JSON object gives {key[:60]!r} twice, with different values; give one")
        table[key] = value
    return table


DECODER = json.JSONDecoder(object_pairs_hook=_once, strict=False)
