"""Base of models behind an API: everything but the format and the transport, which each backend implements."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf
from os import environ
from random import Random
from time import perf_counter, time
from typing import Any, ClassVar, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from agents.api.error_bodies import Complaint, find_complaint, find_refused_text
from agents.api.http_parsing import (
    MOST_NAME,
    OUTCOMES,
    ConnectionLost,
    HttpResponse,
    ParsedReply,
    TooLong,
    cut_at_stops,
    explain_too_long,
    explain_unreadable,
    make_redactor,
    parse_json,
    redact_keys,
    replace_surrogates,
)
from agents.api.key_policy import Server, build_refusal, explain_unsent_key, may_send
from agents.api.loop_resources import get_resource
from agents.api.pricing import Tokens, compute_price
from agents.api.rate_limits import RateLimits, get_limiter
from agents.api.request_alternatives import Alternative, Put, get_manner
from agents.api.retries import RequestAttempt, attempt_all
from agents.api.retry_after import Hint, hint
from agents.chat_model import Line, Reply, Sampling, build_pairs, join_text_and_calls, require_network
from arena.cache_register import memoize
from arena.engine.budget import tokens
from arena.errors import MissingKey, UsageError
from arena.game import Tool
from arena.identity_cache import by_identity
from arena.redaction import NAMED, Redactor
from arena.usage import Call

Prompt: TypeAlias = tuple[tuple[str, str], ...]
HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")  # what every library reads as the same server
HERE = ("localhost", "127.0.0.1", "::1")
DUMMY = "none"  # the key sent to a server of one's own that asks for none


@dataclass(frozen=True, slots=True)
class Remote(ABC):
    """A model behind an API.

    A request that the server refuses because of its form is changed and sent again, the least change first; what helped
    is logged once, recorded with each call, and remembered for the server and the model as long as the process lives. A
    token limit that a thought used up is raised once, by 8 times and to 8192 at most.
    """

    id: str
    """Name of the model, as the provider spells it."""
    base_url: str | None = None
    """Address of a compatible server; None: the provider's, or what the environment says."""
    key_variable: str = ""
    """Environment variable with the API key, which is sent only to servers it belongs to or the user allows
    (`agents/api/key_policy.py`); "": the provider's usual variable."""
    timeout: float = 60.0
    """Seconds for one attempt of a request, the whole answer included."""
    retries: int = 5
    """Attempts after the first."""
    at_once: int = 64
    """Maximum number of concurrent requests of all seats that share server and key."""
    requests_per_minute: float | None = None
    """Rate limit of requests of all seats that share server and key; None: no limit."""
    tokens_per_minute: float | None = None
    """Rate limit of tokens of all seats that share server and key; None: no limit."""
    native_tools: bool = True
    """Whether tools are passed as native tool definitions; false: described in words."""
    usd_per_million: tuple[float, float] | None = None
    """Price in dollars of a million tokens, input and output; None: from the built-in price tables."""

    alternatives: ClassVar[tuple[Alternative, ...]] = ()  # the fallback requests after a rejection
    provider: ClassVar[str] = ""
    url_variable: ClassVar[str] = ""
    usual_key: ClassVar[str] = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url or "http://none")
        if "@" in parts.netloc or any(NAMED.search(name) for name, _ in parse_qsl(parts.query)):
            raise ValueError("base_url must not hold a key: it is recorded; export it and name it in key_variable")
        if parts.scheme not in ("http", "https") or not HOST.fullmatch(parts.netloc) or parts.netloc.endswith(":0"):
            raise ValueError("base_url is a server's address like http://127.0.0.1:8000/v1")
        if not self.id:
            raise ValueError(f"name the model: {self.provider or 'provider'}/NAME")
        for name, least in (("timeout", 0.001), ("retries", 0), ("at_once", 1)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} is at least {least}, got {getattr(self, name)}")
        for name in ("requests_per_minute", "tokens_per_minute"):
            if (cap := getattr(self, name)) is not None and not cap > 0:
                raise ValueError(f"{name} is above 0 (leave it out for no cap), got {cap}")
        if self.usd_per_million is not None and min(self.usd_per_million) < 0:
            raise ValueError(f"usd_per_million is two prices of at least 0, got {self.usd_per_million}")

    @property
    def name(self) -> str:
        """The requested model: `provider/id`."""
        return f"{self.provider}/{self.id}"

    @property
    def url(self) -> str | None:
        """The address of the server where it is not the provider's usual one."""
        return self.base_url or environ.get(self.url_variable) or None

    @property
    def priced_as(self) -> tuple[str, str]:
        """The provider's and the model's name in the price tables."""
        return self.provider, self.id

    @property
    def server(self) -> str:
        """Whom the limits are shared with, where there is no address."""
        return self.provider

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The variables whose keys belong to the provider."""
        return (self.usual_key,)

    @property
    def destination(self) -> Server:
        """The server of the calls, and whether a plan or record chose it."""
        usual = environ.get(self.url_variable) if self.url_variable else None
        return Server.at(self.url, self.server, chosen=self.base_url is not None and self.base_url != usual)

    @property
    def keeps_own(self) -> bool:
        """Whether the provider's usual key is left out, because it does not belong to the server."""
        return not self.key_variable and not any(
            may_send(one, self.destination, self.own_keys) for one in self.own_keys
        )

    def key(self) -> str | None:
        """The key that is sent; None where the environment has none, or the usual one does not belong to the server.

        Raises UsageError where `key_variable` names one that does not.
        """
        if self.keeps_own:
            return None
        if self.key_variable and not may_send(self.key_variable, self.destination, self.own_keys):
            raise build_refusal(self.name, self.key_variable, self.destination, self.own_keys)
        return environ.get(self.key_variable or self.usual_key, "").strip() or None

    def ready(self) -> None:
        """Raise MissingKey or UsageError where a call could not even be tried."""
        self.permit()
        self.check_key(needed=self.url is None or self.key_variable not in ("", self.usual_key))

    def permit(self) -> None:
        """Raise UsageError where the server is on another machine and the network is switched off."""
        if not _is_here(self.url):
            require_network(f"model {self.name!r}")

    def check_key(self, needed: bool) -> None:
        """Raise MissingKey where a key is needed and missing, UsageError where it can be none."""
        key, variable = self.key(), self.key_variable or self.usual_key
        if key is None and needed:
            raise MissingKey(f"model {self.name!r}", variable)
        if key is not None and not (key.isascii() and key.isprintable()):
            raise UsageError(f"model {self.name!r}: {variable} holds characters that no key has; export it again")

    @abstractmethod
    def request(self, messages: Sequence[Line], tools: Sequence[Tool], sampling: Sampling) -> dict[str, Any]:
        """The body of the request, as it is put where nothing is known against it; pure."""

    @abstractmethod
    async def send(self, request: dict[str, Any]) -> HttpResponse:
        """The server's answer. Raises TimeoutError, or Lost where the connection failed."""

    @abstractmethod
    def read(self, body: object) -> ParsedReply:
        """Parse a JSON response; pure, accepts any JSON."""

    async def chat(
        self, messages: Sequence[Line], tools: Sequence[Tool] = (), sampling: Sampling = Sampling()
    ) -> Reply:
        """One reply, after as many attempts as it takes. Raises ModelUnavailable, with the cost of all of them."""
        self.permit()
        key = self.key()
        hidden = await get_resource(("secrets", key), lambda: make_redactor(key))
        offered = tuple(tools) if self.native_tools else ()
        told = [_redact_line(line, hidden) for line in messages]
        lines = [line for line, _ in told]
        prompt = (*_redact_tools(offered, hidden), *[pair for _, pair in told])
        most = sum([len(text) for _, text in prompt]) // 4 + sampling.max_tokens  # about four characters a token
        server = (_redact_url(self.url) if self.url else self.server, _hash_key(key or DUMMY))
        limits = RateLimits(self.at_once, self.requests_per_minute or inf, self.tokens_per_minute or inf)
        put = Put(self.alternatives, get_manner(server[0], self.id), self.name, sampling.max_tokens)

        async def attempt() -> RequestAttempt:
            request = put.body(self.request(lines, offered, replace(sampling, max_tokens=put.limit)))
            return put.after(await self._try(request, prompt, hidden, sampling.stop), request)

        turns = await get_limiter(server, limits)
        return await attempt_all(
            turns, attempt, self.name, self.retries, lambda: Random(f"{self.name}/{sampling.seed}/{prompt}"), most,
            lambda: self.price(tokens(*(text for _, text in prompt)), put.limit),
        )  # fmt: skip

    async def _try(
        self, request: dict[str, Any], prompt: Prompt, hidden: Redactor, stops: Sequence[str]
    ) -> RequestAttempt:
        began, failure = perf_counter(), ("", "")
        try:
            async with asyncio.timeout(self.timeout):
                answer = await self.send(request)
        except TimeoutError:
            failure = "timeout", f"no complete answer within {self.timeout:g} s"
        except ConnectionLost as error:
            failure = "malformed" if isinstance(error, TooLong) else "connection", redact_keys(hidden(str(error)))
        call = Call(self.name, seconds=perf_counter() - began, prompt=prompt)
        if failure[0]:
            return RequestAttempt(replace(call, outcome=failure[0], detail=failure[1]))
        return self._judge(HttpResponse(answer.status, answer.headers, hidden(answer.body)), call, stops)

    def _judge(self, answer: HttpResponse, call: Call, stops: Sequence[str]) -> RequestAttempt:
        """Classify a response. A rejected request costs nothing; an unreadable reply may have a cost."""
        said = hint(answer.headers, time())
        try:
            body, wrong = parse_json(answer.body), ""
        except ValueError as error:
            body, wrong = None, explain_unreadable(answer.body, error)
        written = find_refused_text(body)
        complaint = None if written else find_complaint(answer, body)
        if complaint is not None:
            return self._record_refusal(complaint, call, said)
        reading = ParsedReply(written) if written else ParsedReply(wrong=wrong) if wrong else self.read(body)
        if long := explain_too_long(reading):
            reading = ParsedReply(resolved=reading.resolved, tokens=reading.tokens, wrong=long)
        reading = replace(reading, resolved=reading.resolved[:MOST_NAME])
        tokens = reading.tokens
        call = replace(
            call,
            resolved=reading.resolved,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            usd=self.dollars(reading),
            reply=join_text_and_calls(reading.text, reading.calls),
            outcome=reading.outcome if reading.wrong else OUTCOMES[reading.stop],
        )
        if reading.wrong:
            return RequestAttempt(replace(call, detail=redact_keys(f"{reading.wrong}: {answer.body}")), hint=said)
        return RequestAttempt(
            call, Reply(cut_at_stops(reading.text, stops), reading.calls, reading.stop, thought=reading.thought), said
        )

    def _record_refusal(self, complaint: Complaint, call: Call, said: Hint) -> RequestAttempt:
        """An attempt to which the server answered with an error, whatever its status was."""
        offered = any(role == "tools" for role, _ in call.prompt)
        check = complaint.advice(self.key_variable or self.usual_key, self.url and _redact_url(self.url), offered)
        if complaint.status in (401, 403) and self.keeps_own and self.usual_key in environ:
            check = explain_unsent_key(self.usual_key, self.destination)
        why = f"{complaint.status}: {redact_keys(complaint.text)}"
        call = replace(call, outcome=complaint.outcome, usd=complaint.usd, detail=f"{why}; {check}" if check else why)
        return RequestAttempt(call, hint=said, complaint=complaint)

    def price(self, input_tokens: int, output_tokens: int) -> float | None:
        """Dollars for a call of that many tokens; None where the price is unknown."""
        provider, asked = self.priced_as
        used = Tokens(input_tokens, output_tokens)
        return compute_price(asked, used, provider=provider, url=self.url, usd_per_million=self.usd_per_million)

    def dollars(self, reading: ParsedReply) -> float | None:
        """The price of a reply by the model that answered, or by the requested name; None where unknown."""
        provider, asked = self.priced_as
        prices = (
            compute_price(name, reading.tokens, provider=provider, url=self.url, usd_per_million=self.usd_per_million)
            for name in (reading.resolved, asked)
        )
        return next((price for price in prices if price is not None), None)


@by_identity
def _redact_line(line: Line, hidden: Redactor) -> tuple[Line, tuple[str, str]]:
    """A line as sent, and as recorded: without secrets."""
    text = replace_surrogates(line.text)
    sent = line if text == line.text else replace(line, text=text)
    [(role, text)] = build_pairs([sent])
    return sent, (role, hidden(text))


@by_identity
def _redact_tools(tools: tuple[Tool, ...], hidden: Redactor) -> list[tuple[str, str]]:
    """The tools as they are recorded, before the lines."""
    return [(role, hidden(text)) for role, text in build_pairs((), tools)]


@memoize("endpoints", most=100)
def _is_here(url: str | None) -> bool:
    return url is not None and urlsplit(url).hostname in HERE


@memoize("endpoints", most=100)
def _redact_url(url: str) -> str:
    """An address as it may be printed: one from the environment may hold a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


@memoize("endpoints", most=100)
def _hash_key(key: str) -> str:
    return blake2b(key.encode()).hexdigest()
