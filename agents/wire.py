"""What goes over a wire to a model server and what comes back, before and after any one format; pure functions."""

import json
import os
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.model import Stop, ToolCall
from agents.prices import UNKNOWN, Tokens

CLIP = 1_700  # characters of a server's words that are kept; with the advice a detail stays under 2,000
SECRET = re.compile(r"(_KEY|_TOKEN|_SECRET|_PASSWORD)$")  # of the names of environment variables
LOOKS_SECRET = re.compile(r"\b((?:sk|pk|key)[-_]|bearer )(?=\S*[\d*])[\w*.-]{8,}", re.IGNORECASE)
OUTCOMES: dict[Stop, str] = {
    "end": "ok",
    "tool": "ok",
    "length": "truncated",
    "filter": "filtered",
    "refusal": "refused",
}
ADVICE = {
    401: "check the key in {key}",
    403: "check what the key in {key} may do",
    404: "check the model's name{url}",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: str


class Lost(Exception):
    """The connection failed before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says. `wrong`: why it is not a reply; the tokens are billed all the same."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    resolved: str = ""
    tokens: Tokens = UNKNOWN
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """The exception classes by which an SDK reports a bad status, a timeout, and a lost connection."""

    status: type[Exception]
    timeout: type[Exception]
    connection: type[Exception]


async def answered(call: Awaitable[Any], failures: Failures) -> Answer:
    """The HTTP answer behind an SDK's raw response or error. Raises TimeoutError or Lost where there is none."""
    try:
        response = (await call).http_response
    except failures.status as error:
        response = error.response  # type: ignore[attr-defined]
    except failures.timeout as error:
        raise TimeoutError from error
    except failures.connection as error:
        raise Lost(f"{error} {error.__cause__ or ''}".strip()) from error
    return Answer(response.status_code, dict(response.headers), response.text)


def loads(text: str) -> Any:
    """The JSON value of `text`, without NaN and without lone surrogates. Raises ValueError for anything else."""
    try:
        value = _decode(text)
        if "\\ud" in text.lower():
            value = json.loads(clean(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("nested without end") from None
    return value


def clean(text: str) -> str:
    """The text with lone surrogates, which no encoding takes, turned into question marks."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def arguments(raw: Any) -> tuple[Mapping[str, Any], str]:
    """A tool call's arguments as a table, and "", or no arguments and the raw text where it is not an object."""
    if isinstance(raw, dict):
        return raw, ""
    text = raw if isinstance(raw, str) else json.dumps(raw)
    try:
        value = loads(text) if text.strip() else {}
    except ValueError:
        return {}, text
    return (value, "") if isinstance(value, dict) else ({}, text)


def table(value: Any) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Any]:
    """`value` where it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Any) -> str:
    """A content as text: a string, or the text parts of a list joined."""
    if isinstance(value, list):
        return "".join(words(table(part).get("text")) for part in value)
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A count of tokens; None for anything that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def complaint(body: str) -> str:
    """A server's own words about what went wrong: its error message, or the start of whatever it sent."""
    try:
        value = table(loads(body))
    except ValueError:
        return body.strip()[:CLIP]
    error = value.get("error") or value.get("detail") or value.get("message") or ""
    if isinstance(error, dict):
        named = [words(error.get(key)) for key in ("message", "code", "param")]
        error = "; ".join(filter(None, named[:1] + [f"({part})" for part in named[1:] if part]))
    return (error if isinstance(error, str) and error else body.strip())[:CLIP]


def outcome(answer: Answer) -> str:
    """The name of the failure behind a status other than 2xx."""
    if answer.status == 429 and "insufficient_quota" in answer.body:
        return "rejected"  # no money left: waiting does not help
    if answer.status in (429, 529):
        return "rate_limited"
    if answer.status == 408:
        return "timeout"
    return "server" if answer.status >= 500 or answer.status in (409, 425) else "rejected"


def advice(status: int, key: str, url: str | None) -> str:
    """What to check after a refusal; "" where the server's words must do."""
    where = f" and base_url {url}" if url else ""
    return ADVICE.get(status, "").format(key=f"${key}" if key else "the environment", url=where)


def unbilled(status: int) -> float | None:
    """0.0 dollars where a status says that no reply was made; None where one may have been made and lost."""
    return None if status in (0, 408, 502, 504) else 0.0


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first of `stops`, for servers that take few of them or none."""
    return text[: min((at for stop in stops if stop and (at := text.find(stop)) >= 0), default=len(text))]


def secrets(key: str | None) -> tuple[str, ...]:
    """What must never be recorded, longest first: `key`, and the environment's values that are named like keys."""
    values = {key or "", *(value for name, value in os.environ.items() if SECRET.search(name))}
    return tuple(sorted((value for value in values if len(value) >= 8), key=len, reverse=True))


def redact(text: str, hidden: tuple[str, ...]) -> str:
    """The text without the given secrets."""
    for secret in hidden:
        text = text.replace(secret, "[key]")
    return text


def blur(text: str) -> str:
    """A server's words without anything that looks like a key, clipped."""
    return LOOKS_SECRET.sub(r"\1[key]", text)[:CLIP]


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


_decode = json.JSONDecoder(parse_constant=_no_number).decode
