"""A loopback server that speaks the OpenAI chat-completions and the Anthropic messages format, with faults on demand.

In tests: `with serving(Script(reply=…)) as server: … server.url …`. By hand: `python tests/support/fake_server.py
--port 8000 --latency 0.05 --fault 429=0.1`, then `base_url` http://127.0.0.1:8000/v1 (OpenAI) or http://127.0.0.1:8000
(Anthropic). It refuses what the real servers refuse, so that a request it takes is well formed.
"""

import argparse
import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random

from aiohttp import web
from fake_server_formats import Table, claude_body, echo, openai_body, wrong_completion, wrong_messages
from request_refusals import refused
from unusual_responses import ALL, CLAUDE_ALL, CLAUDE_OUTAGES, OUTAGES

STATUSES = {  # fault: (status, Anthropic's name for it, message)
    "400": (400, "invalid_request_error", "the request is not valid"),
    "401": (401, "authentication_error", "Incorrect API key provided: {key}"),
    "404": (404, "not_found_error", "the model does not exist"),
    "429": (429, "rate_limit_error", "too many requests"),
    "429-wait": (429, "rate_limit_error", "too many requests"),
    "quota": (429, "rate_limit_error", "You exceeded your current quota (insufficient_quota)"),
    "500": (500, "api_error", "internal error"),
    "529": (529, "overloaded_error", "overloaded"),
}
FAULTS = (*STATUSES, "malformed", "cut", "hang", "empty", "tool-cut", "filter", "length", "refusal")
ODD = "odd"  # one of all odd forms by chance; "odd/NAME" is that one
FATAL = (*STATUSES, "malformed", "cut", "hang", "empty")  # the caller has no reply after these


@dataclass(frozen=True)
class Script:
    """How the server behaves.

    `reply` maps a request to `text`, and where an action is taken `tool` and `args`; `stop` overrules why it ended.
    `latency` is in seconds; with `spread` it is the median of a lognormal of that sigma. `plan` gives the faults of
    the first requests in order ("" for none); `faults` the probability of each later on, drawn from `seed`, the
    request and how often it has come, so that it does not depend on the order of arrival. `refuses` are parameters
    that are answered by a 400. `headers` go with every answer; `retry_after` with the fault "429-wait".
    """

    reply: Callable[[Table], Table] = echo
    latency: float = 0.0
    spread: float = 0.0
    plan: tuple[str, ...] = ()
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    refuses: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: str = "0"


@dataclass
class Seen:
    """One request as it came: its JSON, its headers, what was done to it, and when (seconds, monotonic)."""

    path: str
    body: Table
    headers: dict[str, str]
    fault: str
    at: float
    at_once: int


class FakeServer:
    """The running server: what it saw, and where it is."""

    def __init__(self, script: Script) -> None:
        self.script, self.root = script, ""
        self.seen: list[Seen] = []
        self.running = 0
        self.came: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """The base_url for the OpenAI format; the one for Anthropic's is `root`."""
        return f"{self.root}/v1"

    @property
    def most_at_once(self) -> int:
        return max((one.at_once for one in self.seen), default=0)

    @property
    def bodies(self) -> list[Table]:
        return [one.body for one in self.seen]

    @property
    def asked_twice(self) -> list[Table]:
        """Requests that came again although they had been answered."""
        answered: set[str] = set()
        again = []
        for one in self.seen:
            text = json.dumps(one.body, sort_keys=True)
            if text in answered:
                again.append(one.body)
            elif one.fault not in FATAL and one.fault.removeprefix(f"{ODD}/") not in {*OUTAGES, *CLAUDE_OUTAGES}:
                answered.add(text)
        return again

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.text()
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        self.came[raw] += 1
        chance = Random(blake2b(f"{self.script.seed}/{self.came[raw]}/{raw}".encode()).digest())
        claude = request.path.endswith("/messages")
        wrong = (wrong_messages if claude else wrong_completion)(body, self.script.refuses)
        against = refused(body, self.script.servers)
        fault = "400" if wrong else "refused" if against else self._fault(chance, claude)
        self.running += 1
        self.seen.append(Seen(request.path, body, dict(request.headers), fault, time.monotonic(), self.running))
        try:
            spread = chance.lognormvariate(0.0, self.script.spread) if self.script.spread else 1.0
            await asyncio.sleep(self.script.latency * spread)
            if against:
                return web.json_response(against[1], status=against[0], headers=self.script.headers)
            if fault in STATUSES:
                return self._refusal(request, fault, wrong, claude)
            reply = {} if fault == "empty" else self.script.reply(body)
            written = claude_body(reply, body, fault) if claude else openai_body(reply, body, fault)
            if fault.startswith(ODD):
                form = (CLAUDE_ALL if claude else ALL)[fault.removeprefix(f"{ODD}/")]
                made = form(written, chance)
                return web.Response(text=made.text, status=made.status, content_type="application/json")
            return await self._deliver(request, json.dumps(written), fault)
        finally:
            self.running -= 1

    def _fault(self, chance: Random, claude: bool) -> str:
        name = self._drawn(chance)
        return f"{ODD}/{chance.choice(list(CLAUDE_ALL if claude else ALL))}" if name == ODD else name

    def _drawn(self, chance: Random) -> str:
        if len(self.seen) < len(self.script.plan):
            return self.script.plan[len(self.seen)]
        point = chance.random()
        for name, probability in self.script.faults.items():
            point -= probability
            if point < 0:
                return name
        return ""

    def _refusal(self, request: web.Request, fault: str, wrong: str, claude: bool) -> web.Response:
        status, kind, message = STATUSES[fault]
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        error = {"type": kind, "message": wrong or message.format(key=key)}
        body = {"type": "error", "error": error} if claude else {"error": {**error, "code": kind, "param": None}}
        headers = dict(self.script.headers) | ({"retry-after": self.script.retry_after} if "wait" in fault else {})
        return web.json_response(body, status=status, headers=headers)

    async def _deliver(self, request: web.Request, text: str, fault: str) -> web.StreamResponse:
        if fault == "malformed":
            text = text[: len(text) // 2]
        if fault not in ("cut", "hang"):
            return web.Response(text=text, content_type="application/json", headers=self.script.headers)
        response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(text))})
        await response.prepare(request)
        await response.write(text[: len(text) // 2].encode())
        if fault == "hang":
            await asyncio.sleep(3600)
        assert request.transport is not None
        request.transport.abort()
        return response

    async def start(self, port: int = 0) -> web.AppRunner:
        app = web.Application(client_max_size=64 * 2**20)
        for path in ("/v1/chat/completions", "/chat/completions", "/v1/messages", "/messages"):
            app.router.add_post(path, self.handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        self.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner


@contextmanager
def serving(script: Script | None = None) -> Iterator[FakeServer]:
    """A server in a thread of its own, so that it answers blocking callers too."""
    server, started, loop = FakeServer(script or Script()), threading.Event(), asyncio.new_event_loop()
    runner: list[web.AppRunner] = []

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner.append(loop.run_until_complete(server.start()))
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner[0].cleanup())
        loop.close()

    thread = threading.Thread(target=work, name="fake-server", daemon=True)
    thread.start()
    if not started.wait(10):
        raise RuntimeError("the fake server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--spread", type=float, default=0.0, help="sigma of a lognormal latency")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text", help="say this every time (default: echo, or the first tool)")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=PROBABILITY", help=", ".join(FAULTS))
    given = parser.parse_args()
    faults = {name: float(share) for name, _, share in (pair.partition("=") for pair in given.fault)}
    if wrong := {name for name in faults if name not in FAULTS and name.partition("/")[0] != ODD}:
        parser.error(f"no fault named {', '.join(wrong)}; there are: {', '.join(FAULTS)}, {ODD}, {ODD}/NAME")
    reply: Callable[[Table], Table] = (lambda _: {"text": given.text}) if given.text else echo
    server = FakeServer(Script(reply, given.latency, given.spread, faults=faults, seed=given.seed))
    await server.start(given.port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
