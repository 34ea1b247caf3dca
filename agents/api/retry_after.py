"""Parse how long to wait from a server's headers; pure functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite

SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
ALLOWANCES = tuple(  # (what remains, when it is filled up again), as OpenAI, Anthropic and most others name them
    (f"{head}-{left}", f"{head}-{reset}")
    for head, left, reset in (
        ("x-ratelimit", "remaining-requests", "reset-requests"),
        ("x-ratelimit", "remaining-tokens", "reset-tokens"),
        ("x-ratelimit", "remaining", "reset"),
        ("anthropic-ratelimit-requests", "remaining", "reset"),
        ("anthropic-ratelimit-tokens", "remaining", "reset"),
        ("anthropic-ratelimit-input-tokens", "remaining", "reset"),
        ("anthropic-ratelimit-output-tokens", "remaining", "reset"),
    )
)


@dataclass(frozen=True, slots=True)
class Hint:
    """Seconds. `wait`: what the server asks for before the next try, None where it asks for nothing; `refill`: until
    an allowance that is used up is filled again, 0 where none is."""

    wait: float | None = None
    refill: float = 0.0


NO_HINT = Hint()


def hint(headers: Mapping[str, str], now: float) -> Hint:
    """The hint in the headers of an answer that came at `now` (seconds since 1970). What cannot be read is no hint."""
    table = {name.lower(): value.strip() for name, value in headers.items()}
    refills = [
        seconds
        for left, reset in ALLOWANCES
        if table.get(left) == "0" and (seconds := span(table.get(reset, ""), now)) is not None
    ]
    milliseconds = span(table.get("retry-after-ms", ""), 0.0)
    wait = milliseconds / 1000 if milliseconds is not None else span(table.get("retry-after", ""), now)
    return Hint(wait, max(refills, default=0.0))


def span(text: str, now: float) -> float | None:
    """Seconds from `now` in any of the forms in use: "1.5", "6m0s", "20ms", a time since 1970, ISO 8601, HTTP date."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return _from_words(text, now)
    if not isfinite(number) or number < 0:
        return None
    if number > 1e11:  # milliseconds since 1970
        number /= 1000
    return max(0.0, number - now) if number > 1e9 else number


def _from_words(text: str, now: float) -> float | None:
    if not SPAN.sub("", text):
        return sum(float(number) * SECONDS[unit] for number, unit in SPAN.findall(text))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(text)
            return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
        except (ValueError, OverflowError):
            continue
    return None
