"""Hooks for the HTTP client of an SDK: keys are sent to the allowed server only, response bodies are bounded.

`DefaultAsyncHttpxClient(event_hooks=hooks(…))` of an SDK is such a client.
"""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from agents.api.bounded_body import ENCODINGS, decode_pieces
from arena.cache_register import memoize

HARMLESS = frozenset(  # headers that hold nothing of the user's
    ("accept", "accept-encoding", "anthropic-version", "connection", "content-length", "content-type", "host",
     "transfer-encoding", "user-agent")
)  # fmt: skip
COUNTS = "x-stainless-"  # prefixes of the SDKs' own headers with their version
Hook = Callable[[Any], Awaitable[None]]


def make_hooks(home: str, key: str, only_key: bool) -> Mapping[str, list[Hook]]:
    """The hooks of a client for the server at `home`.

    Anywhere else, where a redirect may lead, no header goes that may hold something of the user's. With `only_key` the
    server itself gets nothing but the key: what else the SDK takes from the environment belongs to its provider.
    """

    async def keep_headers(request: Any) -> None:
        request.headers["Accept-Encoding"] = ENCODINGS
        same = is_same_server(home, str(request.url))
        for name, value in list(request.headers.items()):
            mine = same and (not only_key or key in value)
            if not mine and name.lower() not in HARMLESS and not name.lower().startswith(COUNTS):
                del request.headers[name]

    async def bound_body(response: Any) -> None:
        coded = response.headers.pop("content-encoding", "")
        response.stream = _bound_stream(response.stream, coded)
        response.encoding = "utf-8"  # a server may name any codec of Python's, bz2 among them

    return {"request": [keep_headers], "response": [bound_body]}


def is_same_server(home: str, url: str) -> bool:
    """Whether what may be sent to `home` may be sent to `url`: the same origin, or its host by https for http."""
    one, other = urlsplit(home), urlsplit(url)
    if (one.scheme, one.hostname, _get_port(home)) == (other.scheme, other.hostname, _get_port(url)):
        return True
    upgraded = (one.scheme, other.scheme) == ("http", "https") and (_get_port(home), _get_port(url)) == (80, 443)
    return upgraded and one.hostname == other.hostname


def _get_port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _bound_stream(stream: Any, coded: str) -> Any:
    """A stream of the HTTP library's own kind that ends at the bound."""
    return _make_stream_class(type(stream).__module__.partition(".")[0])(stream, coded)


@memoize("code")
def _make_stream_class(library: str) -> Any:
    """The class of such streams: SDKs come with one HTTP library or another, which take only streams of their own."""

    class Bounded(importlib.import_module(library).AsyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any, coded: str) -> None:
            self.stream, self.coded = stream, coded

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in decode_pieces(self.stream.__aiter__(), self.coded):
                yield piece

        async def aclose(self) -> None:
            await self.stream.aclose()

    return Bounded
