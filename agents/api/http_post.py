"""POST JSON over aiohttp: the fast transport for servers of a known format."""

from functools import partial
from json import JSONEncoder
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector

from agents.api.bounded_body import ENCODINGS, decode_pieces
from agents.api.http_parsing import ConnectionLost, HttpResponse
from agents.api.loop_resources import get_resource
from agents.api.sdk_client import is_same_server
from arena.cache_register import memoize

NO_LIMIT = ClientTimeout(total=None)  # the caller times the whole attempt, a stall after the headers included
ASKED = {"Accept-Encoding": ENCODINGS}
REDIRECTS = 5  # addresses tried in a row
ENCODE = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


async def post(url: str, headers: dict[str, str], body: dict[str, Any]) -> HttpResponse:
    """The server's answer, read to its end. Raises Lost where the connection failed before that, or it has no end.

    A redirect that asks for the same request elsewhere is followed; to another server, without the key.

    All calls of an event loop share one session; how many are in flight is the limiter's business, not the session's.
    """
    session, data, sent = (
        await get_resource(("aiohttp",), _open_session, lambda made: made.close),
        encode_json(body),
        {**ASKED, **headers},
    )
    try:
        for _ in range(REDIRECTS):
            origin = _get_origin(url)
            proxy = await get_resource(("proxy", origin), partial(find_proxy, *origin))
            async with session.post(url, data=data, headers=sent, proxy=proxy, allow_redirects=False) as response:
                where = response.headers.get("Location")
                if response.status not in (307, 308) or not where:
                    return await _read_answer(response)
                url, before = urljoin(url, where), url
            if not is_same_server(before, url):
                sent = {**ASKED, "Content-Type": headers.get("Content-Type", "")}  # the key is for the server named
    except (ClientError, ValueError) as error:
        raise ConnectionLost(f"{type(error).__name__}: {error}") from error
    raise ConnectionLost(f"more than {REDIRECTS - 1} redirects, the last to {url[:200]}")


async def _read_answer(response: ClientResponse) -> HttpResponse:
    """The answer, whose body is read to its end. Raises TooLong."""
    pieces = decode_pieces(response.content.iter_any(), response.headers.get("Content-Encoding", ""))
    text = b"".join([piece async for piece in pieces]).decode("utf-8", "replace")
    return HttpResponse(response.status, {name.lower(): value for name, value in response.headers.items()}, text)


def encode_json(body: dict[str, Any]) -> bytes:
    """JSON as it is sent."""
    try:
        return orjson.dumps(body)
    except TypeError:  # it takes neither lone surrogates nor numbers of more than 64 bits
        return ENCODE(body).encode("utf-8", "replace")


def find_proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a server; aiohttp would look it up for each request, in a thread."""
    return None if proxy_bypass(host) else getproxies().get(scheme)


@memoize("endpoints", most=100)
def _get_origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or ""


def _open_session() -> ClientSession:
    return ClientSession(connector=TCPConnector(limit=0, keepalive_timeout=60), timeout=NO_LIMIT, auto_decompress=False)
