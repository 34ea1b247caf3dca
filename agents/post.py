"""One POST of JSON over aiohttp: the quick way to a server that speaks a known format."""

from json import JSONEncoder
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from agents.kept import kept
from agents.wire import Answer, Lost
from arena.caches import memoize

NO_LIMIT = ClientTimeout(total=None)  # the caller times the whole attempt, a stall after the headers included
ENCODE = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


async def post(url: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    """The server's answer, read to its end. Raises Lost where the connection failed before that.

    All calls of an event loop share one session; how many are in flight is the limiter's business, not the session's.
    """
    session = await kept(("aiohttp",), _session, lambda made: made.close)
    origin = _origin(url)
    proxy = await kept(("proxy", origin), lambda: proxy_for(*origin))
    try:
        async with session.post(url, data=encoded(body), headers=headers, proxy=proxy) as response:
            text = (await response.read()).decode("utf-8", "replace")
            return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, text)
    except ClientError as error:
        raise Lost(f"{type(error).__name__}: {error}") from error


def encoded(body: dict[str, Any]) -> bytes:
    """JSON as it is sent."""
    try:
        return orjson.dumps(body)
    except TypeError:  # it takes neither lone surrogates nor numbers of more than 64 bits
        return ENCODE(body).encode("utf-8", "replace")


def proxy_for(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a server; aiohttp would look it up for each request, in a thread."""
    return None if proxy_bypass(host) else getproxies().get(scheme)


@memoize("endpoints", most=100)
def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or ""


def _session() -> ClientSession:
    return ClientSession(connector=TCPConnector(limit=0, keepalive_timeout=60), timeout=NO_LIMIT)
