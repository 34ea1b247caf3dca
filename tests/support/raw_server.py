"""Loopback servers that answer with whatever bytes a test wants, and keep what they were sent."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Raw:
    """An answer as bytes; `more` writes a body of its own, for example one without an end."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    more: Callable[[Write], None] | None = None


@dataclass
class RawServer:
    """The running server: where it is, and the headers of each request."""

    root: str
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def raw_server(answer: Callable[[], Raw]) -> Iterator[RawServer]:
    """A server at 127.0.0.1 that gives `answer()` to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.seen.append({name.lower(): value for name, value in self.headers.items()})
            given = answer()
            self.send_response(given.status)
            for name, value in {"Content-Type": "application/json", **given.headers}.items():
                self.send_header(name, value)
            if given.more is None:
                self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            try:
                self.wfile.write(given.body)
                if given.more is not None:
                    given.more(self.wfile.write)
            except OSError:  # the caller hung up
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = RawServer(f"http://127.0.0.1:{httpd.server_port}")
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
