"""Whatever a server sends, an answer takes bounded memory and time, and what it counts fits into every database."""

import asyncio
import bz2
import json
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("anthropic")
pytest.importorskip("openai")

from cli_runner import arena
from raw_server import Raw, Write, raw_server

from agents.api.bounded_body import MOST_BYTES, Decoder
from agents.api.chat_completions import from_body
from agents.api.http_parsing import MOST_TEXT, TooLong, parse_count, redact_keys
from agents.chat_model import Line
from agents.models.anthropic import from_body as from_message
from arena.errors import ModelUnavailable
from arena.spec import build
from arena.usage import MOST_TOKENS

KINDS = ("openai", "sdk", "anthropic")
BIG = 150 * 2**20


def body_of(kind: str, text: Any = "hello", usage: Any = None, **more: Any) -> bytes:
    if kind == "anthropic":
        blocks = [{"type": "text", "text": text}]
        used = {"input_tokens": 5, "output_tokens": 2} if usage is None else usage
        return json.dumps({"content": blocks, "stop_reason": "end_turn", "usage": used, "model": "m", **more}).encode()
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    used = {"prompt_tokens": 5, "completion_tokens": 2} if usage is None else usage
    return json.dumps({"choices": [choice], "usage": used, "model": "m", **more}).encode()


def bomb(format: int) -> bytes:
    """150 MiB of spaces, compressed to some 150 KB."""
    press = zlib.compressobj(9, zlib.DEFLATED, format)
    return b"".join([press.compress(b" " * 2**20) for _ in range(BIG // 2**20)]) + press.flush()


def endless(write: Write) -> None:
    while True:
        write(b" " * 2**16)


def chat(kind: str, root: str, seconds: float = 60.0) -> Any:
    own = {"transport": "sdk"} if kind == "sdk" else {}
    name = "anthropic/m" if kind == "anthropic" else "openai/m"
    model = build("model", {"name": name, "base_url": root, "retries": 0, "timeout": seconds, **own})
    return asyncio.run(model.chat([Line("user", "hi")]))


def failure_of(kind: str, answer: Raw, outcome: str = "malformed") -> str:
    """The words of the failed call, which took at most 120 MB."""
    with raw_server(lambda: answer) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ModelUnavailable) as caught:
                chat(kind, server.root)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    [call] = caught.value.usage.calls
    assert call.outcome == outcome
    assert len(call.detail) < 2_000
    assert peak < 120e6
    return call.detail


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    return {"gzip": bomb(31), "deflate": bomb(15), "bz2": bz2.compress(b" " * BIG, 1)}


@pytest.mark.few(1)
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kind", KINDS)
def test_bodies_that_unpack_without_end(kind: str, encoding: str, status: int, bombs: dict[str, bytes]) -> None:
    packed = Raw(status, {"Content-Encoding": encoding}, bombs[encoding])
    assert "longer than 12 MiB" in failure_of(kind, packed)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "bz2", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_encodings_that_were_not_asked_for(kind: str, encoding: str) -> None:
    assert "encoded as" in failure_of(kind, Raw(200, {"Content-Encoding": encoding}, b"\x28\xb5\x2f\xfd" * 100))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_gzip(kind: str) -> None:
    assert "is no gzip" in failure_of(kind, Raw(200, {"Content-Encoding": "gzip"}, body_of(kind)))


@pytest.mark.parametrize("status", [200, 429, 503])
@pytest.mark.parametrize("kind", KINDS)
def test_bodies_without_an_end(kind: str, status: int) -> None:
    assert "longer than 12 MiB" in failure_of(kind, Raw(status, more=endless))


@pytest.mark.parametrize("kind", ["sdk", "anthropic"])
def test_codecs_of_python_are_no_charsets(kind: str, bombs: dict[str, bytes]) -> None:
    failure_of(kind, Raw(400, {"Content-Type": "text/plain; charset=bz2"}, bombs["bz2"]), "rejected")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_bodies_that_are_packed_are_read(kind: str, encoding: str) -> None:
    plain = body_of(kind)
    press = zlib.compressobj(9, zlib.DEFLATED, 15 if encoding == "deflate" else 31)
    packed = press.compress(plain) + press.flush() if encoding else plain
    with raw_server(lambda: Raw(200, {"Content-Encoding": encoding} if encoding else {}, packed)) as server:
        assert chat(kind, server.root).text == "hello"


def test_a_decoder_makes_no_more_than_it_is_asked_for() -> None:
    members = zlib.compressobj(9, zlib.DEFLATED, 31)
    one = members.compress(b"abc" * 1000) + members.flush()
    assert Decoder("gzip").feed(one * 3, 10**6) == b"abc" * 3000
    assert len(Decoder("gzip").feed(one * 3, 1234)) == 1234
    with pytest.raises(TooLong):
        Decoder("snappy")


@pytest.mark.parametrize("kind", KINDS)
def test_texts_beyond_the_bound(kind: str) -> None:
    assert "2,000,001 characters" in failure_of(kind, Raw(200, body=body_of(kind, "x" * (MOST_TEXT + 1))))
    with raw_server(lambda: Raw(200, body=body_of(kind, "y" * MOST_TEXT, model="m" * 10**5))) as server:
        reply = chat(kind, server.root)
    assert len(reply.text) == MOST_TEXT
    assert len(reply.usage.calls[0].resolved) == 200


@pytest.mark.parametrize(
    "error",
    [
        {"message": "sk-" * 10**6},
        {"message": "no", "code": "x" * 4 * 10**6},
        {"message": "no", "param": "key-1" * 10**6},
        {"message": "no", "type": "sk-a1" * 10**6, "metadata": {"raw": "bearer " * 10**5}},
        [{"msg": "no", "loc": ["a" * 1000] * 1000}] * 3,
    ],
)
def test_errors_beyond_all_bounds(error: Any) -> None:
    for kind in ("openai", "anthropic"):
        failure_of(kind, Raw(400, body=json.dumps({"error": error}).encode()), "rejected")


def test_a_reason_and_a_call_beyond_all_bounds() -> None:
    reason = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop" * 10**6}]}
    with raw_server(lambda: Raw(200, body=json.dumps(reason).encode())) as server:
        assert chat("openai", server.root).text == "hi"
    call = {"function": {"name": "offer", "arguments": json.dumps({"price": "9" * (MOST_TEXT + 9)})}}
    calls = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    assert "characters" in failure_of("openai", Raw(200, body=json.dumps(calls).encode()))


def test_nothing_that_is_blurred_takes_long() -> None:
    assert len(redact_keys("sk-" * 10**7)) < 2_000
    assert "0123456789" not in redact_keys("x" * 1650 + " sk-0123456789abcdef0123456789abcdef0123456789")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, 0),
        (MOST_TOKENS, MOST_TOKENS),
        (MOST_TOKENS + 1, None),
        (2**62, None),
        (2**63, None),
        (2**64, None),
        (10**4000, None),
        (-1, None),
        (-(2**63), None),
        (1e300, None),
        (float("inf"), None),
        (12.0, 12),
        ("17", 17),
        ("9" * 4000, None),
        ("²", None),
        (True, None),
        ([1], None),
    ],
)
def test_counts(given: Any, expected: int | None) -> None:
    assert parse_count(given) == expected


@pytest.mark.parametrize("number", [2**31, 2**62, 2**63, 10**30, -5, MOST_TOKENS])
def test_sums_of_counts_fit_too(number: int) -> None:
    usage = {"input_tokens": number, "cache_read_input_tokens": number, "output_tokens": number}
    tokens = from_message({"content": [{"type": "text", "text": "a"}], "usage": usage}).tokens
    assert tokens.input is None
    usage = {"prompt_tokens": 5, "total_tokens": number}
    tokens = from_body({"choices": [{"message": {"content": "a"}}], "usage": usage}).tokens
    assert tokens.output is None or 0 <= tokens.output <= MOST_TOKENS


def test_a_run_lives_through_counts_without_bounds(tmp_path: Path) -> None:
    counts = iter([2**62, 2**63, -1, 10**40, *[7] * 1000])

    def answer() -> Raw:
        number = next(counts)
        return Raw(200, body=body_of("openai", usage={"prompt_tokens": number, "completion_tokens": number}))

    with raw_server(answer) as server:
        arena(tmp_path, "play", "--buyer", "openai/m", "--set", f"buyer.base_url={server.root}", "--seller", "linear")
    for command in (["list", "runs"], ["list", "episodes"], ["show"], ["sql", "select * from spend"]):
        arena(tmp_path, *command)


def test_files_that_hold_such_counts_already_are_read(tmp_path: Path, change: Callable[[Path, str], None]) -> None:
    arena(tmp_path, "play", "--buyer", "linear", "--seller", "linear")
    episode = json.loads(arena(tmp_path, "sql", "select id from episodes", "--json"))[0]["id"]
    for step, number in enumerate((2**62, 2**62, 2**63 - 1, -(2**63), 5)):
        change(
            tmp_path / "arena.db",
            f"insert into call values ('{episode}', {step}, {step}, 'buyer', 0, 0, 'm', 'm', 'ok', {number}, {number}, "
            "0.1, 1.0, null, null, '')",
        )
    for command in (["list", "runs"], ["list", "episodes"], ["show"], ["show", "--json"], ["verify"]):
        arena(tmp_path, *command)
    [spent] = json.loads(arena(tmp_path, "sql", "select input_tokens, unknown_token_calls from spend", "--json"))
    assert spent == {"input_tokens": None, "unknown_token_calls": 4}


@pytest.fixture
def change() -> Callable[[Path, str], None]:
    import sqlite3

    def run(file: Path, statement: str) -> None:
        with sqlite3.connect(file) as connection:
            connection.execute(statement)
        connection.close()

    return run


def test_the_bound_leaves_room_for_long_answers() -> None:
    assert MOST_BYTES > 6 * MOST_TEXT  # as JSON writes text with escapes
