"""One POST of JSON over aiohttp: the quick way to a server that speaks a known format."""

import json
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from agents.kept import kept
from agents.wire import Answer, Lost

NO_LIMIT = ClientTimeout(total=None)  # the caller times the whole attempt, a stall after the headers included


async def post(url: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    """The server's answer, read to its end. Raises Lost where the connection failed before that.

    All calls of an event loop share one session; how many are in flight is the limiter's business, not the session's.
    """
    session = await kept(("aiohttp",), _session, lambda made: made.close)
    sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    try:
        async with session.post(url, data=sent, headers=headers) as response:
            text = (await response.read()).decode("utf-8", "replace")
            return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, text)
    except ClientError as error:
        raise Lost(f"{type(error).__name__}: {error}") from error


def _session() -> ClientSession:
    return ClientSession(connector=TCPConnector(limit=0, keepalive_timeout=60), timeout=NO_LIMIT, trust_env=True)
