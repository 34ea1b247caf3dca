"""Format-independent HTTP helpers for model servers: addresses, headers, status, JSON; pure functions."""

import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.api.pricing import UNKNOWN, Tokens
from agents.chat_model import Stop, ToolCall
from arena.redaction import LEAST, Redactor, find_secrets, get_redactor
from arena.usage import token_count

DIGITS = 10  # of a count of tokens that is written as a text
MOST_TEXT = 2_000_000  # characters of a reply, its thought and its calls; 128,000 tokens of English are 500,000
MOST_NAME = 200  # characters of a name that a server gives: of a model, of a reason
ENCODED = 4  # how often arguments may have been encoded as JSON, one within the other
CLIP = 1_700  # characters of a server's words that are kept; with the advice a detail stays under 2,000
LOOKS_SECRET = re.compile(r"\b((?:sk|pk|key)[-_]|bearer )(?=\S*[\d*])[\w*.-]{8,}", re.IGNORECASE)
OUTCOMES: dict[Stop, str] = {
    "end": "ok",
    "tool": "ok",
    "length": "truncated",
    "filter": "filtered",
    "refusal": "refused",
}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: str


class ConnectionLost(Exception):
    """The connection failed before the answer was complete."""


class TooLong(ConnectionLost):
    """The answer is beyond the bounds that are kept, or is encoded so that it cannot be held to them."""


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A parsed response body. `thought` is what the server returned apart from the text. `wrong`: why it is not a
    reply; then `outcome` is the failure's name; the tokens are billed anyway."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    resolved: str = ""
    tokens: Tokens = UNKNOWN
    thought: str = ""
    wrong: str = ""
    outcome: str = "malformed"


@dataclass(frozen=True, slots=True)
class Failures:
    """The exception classes by which an SDK reports a bad status, a timeout, and a lost connection."""

    status: type[Exception]
    timeout: type[Exception]
    connection: type[Exception]


async def unwrap_response(call: Awaitable[Any], failures: Failures) -> HttpResponse:
    """The HTTP response of an SDK's raw response or error. Raises TimeoutError or Lost where there is none."""
    try:
        response = (await call).http_response
    except failures.status as error:
        response = error.response  # type: ignore[attr-defined]
    except failures.timeout as error:
        raise TimeoutError from error
    except failures.connection as error:
        if isinstance(error.__cause__, ConnectionLost):
            raise error.__cause__ from None
        raise ConnectionLost(f"{error} {error.__cause__ or ''}".strip()) from error
    return HttpResponse(response.status_code, dict(response.headers), response.content.decode("utf-8", "replace"))


def parse_json(text: str) -> Any:
    """The JSON value of `text`, without NaN and without lone surrogates. Raises ValueError for anything else."""
    try:
        value = _decode(text.removeprefix("\ufeff"))
        if "\\ud" in text.lower():
            value = json.loads(replace_surrogates(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("nested without end") from None
    return value


def explain_unreadable(body: str, error: ValueError) -> str:
    """Why a body is no JSON, judged by its first characters."""
    head = body.lstrip()[:100].lower()
    if head.startswith(("data:", "event:", ": ")):
        return "the server streams its reply, and was not asked to"
    if head.startswith(("<!doctype", "<html", "<head", "<?xml")):
        return "a page came instead of a reply; check base_url"
    return f"the body is not JSON: {error}" if head else "the body is empty"


def replace_surrogates(text: str) -> str:
    """The text with lone surrogates, which no encoding takes, turned into question marks."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def parse_arguments(raw: object) -> tuple[Mapping[str, Any], str]:
    """A tool call's arguments as a table, and "", or no arguments and the raw text where it is not an object.

    JSON within JSON, however often it was encoded, is decoded; nothing, or null, is no arguments.
    """
    if isinstance(raw, dict):
        return raw, ""
    value, text = raw, raw if isinstance(raw, str) else json.dumps(raw)
    try:
        for _ in range(ENCODED):
            if not isinstance(value, str):
                break
            value = parse_json(value) if value.strip() else {}
    except ValueError:
        return {}, text
    return (value or {}, "") if isinstance(value, dict) or value is None else ({}, text)


def parse_count(value: object) -> int | None:
    """A count of tokens: a whole number up to 2^31 - 1, also written as a text or with a point; None, unknown, for
    anything else, so that no server's number is too large for a database or a sum."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= DIGITS else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return token_count(value)


def explain_too_long(reading: ParsedReply) -> str:
    """Why a reply is longer than any that is kept; "" where it is not."""
    calls = sum(len(call.name) + len(call.id) + len(call.broken or repr(call.args)) for call in reading.calls)
    size = len(reading.text) + len(reading.thought) + calls
    return f"the reply has {size:,} characters, more than {MOST_TEXT:,}" if size > MOST_TEXT else ""


def cut_at_stops(text: str, stops: Sequence[str]) -> str:
    """The text before the first of `stops`, for servers that take few of them or none."""
    return text[: min((at for stop in stops if stop and (at := text.find(stop)) >= 0), default=len(text))]


def make_redactor(key: str | None) -> Redactor:
    """A function that removes `key`, and environment values that are named like keys, from all recorded text."""
    return get_redactor(find_secrets() | ({key} if key and len(key) >= LEAST else set()))


def redact_keys(text: str) -> str:
    """A server's words without anything that looks like a key, clipped."""
    return LOOKS_SECRET.sub(r"\1[key]", text[: 3 * CLIP])[:CLIP]  # the search takes quadratic time


def _refuse_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


_decode = json.JSONDecoder(parse_constant=_refuse_number).decode
