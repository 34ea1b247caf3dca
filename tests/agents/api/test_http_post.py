"""The quick transport on the wire: proxies, cookies, and what JSON can hold."""

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("orjson")

from fake_server import serving

from agents.api.http_post import encode_json
from agents.chat_model import Line
from agents.models.openai import OpenAI

PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


def asked(url: str) -> str:
    return asyncio.run(OpenAI("some-model", base_url=url, retries=0, timeout=5.0).chat([Line("user", "hi")])).text


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        monkeypatch.setenv("http_proxy", server.root.replace("//", "//me:secret@"))
        assert asked("http://nowhere.invalid/v1") == "hi"
        [one] = server.seen
    assert one.headers["Host"] == "nowhere.invalid"
    assert one.headers["Proxy-Authorization"].startswith("Basic ")


def test_a_server_that_is_to_be_reached_directly_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert asked(server.url) == "hi"
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"text": "größer ✓ 😀 \u2028 \0", "number": -1.5e-7, "nested": [{"a": None}, True]},
        {"large": 2**80},
        {"deep": [[[[[["x"]]]]]]},
    ],
)
def test_what_is_sent_is_what_was_meant(value: dict[str, Any]) -> None:
    assert json.loads(encode_json(value)) == value
    assert b"\\u" not in encode_json({"text": "größer"})


def test_lone_surrogates_become_question_marks() -> None:
    assert json.loads(encode_json({"text": "a\ud800b"})) == {"text": "a?b"}
