from email.utils import formatdate

import pytest

from agents.api.retry_after import Hint, hint, span

NOW = 1_800_000_000.0  # seconds since 1970


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("20ms", 0.02),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        (str(int(NOW) + 30), 30.0),
        (str(int(NOW + 30) * 1000), 30.0),
        ("2027-01-15T08:00:09Z", 9.0),
        ("2027-01-15T08:00:00Z", 0.0),
        (formatdate(NOW + 45, usegmt=True), 45.0),
        (formatdate(NOW - 45, usegmt=True), 0.0),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
    ],
)
def test_every_way_to_say_how_long_to_wait(text: str, seconds: float | None) -> None:
    assert span(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Hint()),
        ({"Retry-After": "3"}, Hint(3.0)),
        ({"retry-after-ms": "250", "retry-after": "1"}, Hint(0.25)),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, Hint(None, 360.0)),
        ({"x-ratelimit-remaining-tokens": "7", "x-ratelimit-reset-tokens": "6m0s"}, Hint()),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 12)}, Hint(None, 12.0)),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:05Z",
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2027-01-15T08:00:08Z",
            },
            Hint(None, 8.0),
        ),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "whenever"}, Hint()),
    ],
)
def test_headers_become_hints(headers: dict[str, str], expected: Hint) -> None:
    assert hint(headers, NOW) == expected
