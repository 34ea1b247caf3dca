"""The quick transport and the official SDK ask and understand alike."""

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("openai")

from fake_server import FAULTS, Script, serving

from agents.api.openai_sdk import create  # imported here, so that no test pays for the import in its seconds
from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.models.openai import OpenAI
from arena.errors import ModelUnavailable
from arena.game import Tool
from arena.usage import Call

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}, "note": {"type": "string"}}, ("note",))
LINES = [
    Line("system", "be brief — très bref"),
    Line("user", "hello 😀 ✓"),
    Line("assistant", "I offer", ToolCall("offer", {"price": 3.5})),
    Line("user", "no"),
]
SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=77, stop=("END",), seed=11)
assert create
REPLIES: list[dict[str, Any]] = [
    {"text": "fine"},
    {"text": ""},
    {"text": "größer ✓ \u0000 end"},
    {"text": "I say", "tool": "offer", "args": {"price": 12, "note": "für dich"}},
    {"tool": "offer", "args": {}},
    {"text": "x" * 1_000_000},
]


def both(script: Script, seconds: float = 10.0, **fields: Any) -> list[tuple[Any, ...]]:
    """What each transport sent (body, path, key), and what it made of the answers."""
    results = []
    for transport in ("fast", "sdk"):
        with serving(script) as server:
            model = OpenAI("some-model", base_url=server.url, transport=transport, timeout=seconds, **fields)
            try:
                reply: Reply | None = asyncio.run(model.chat(LINES, (OFFER,), SAMPLING))
                calls = reply.usage.calls if reply else ()
            except ModelUnavailable as error:
                reply, calls = None, error.usage.calls
            sent = [(one.path, one.body, one.headers.get("Authorization")) for one in server.seen]
            said = (reply.text, reply.calls, reply.stop) if reply else None
            results.append((sent, said, [told(call, server.url) for call in calls]))
    return results


def told(call: Call, url: str) -> tuple[Any, ...]:
    """A call without what may differ: how long it took, and how a lost connection was put."""
    detail = call.detail.replace(url, "URL") if call.outcome != "connection" else ""
    return (
        call.outcome,
        call.resolved,
        call.input_tokens,
        call.output_tokens,
        call.usd,
        call.prompt,
        call.reply,
        detail,
    )


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: json.dumps(reply)[:40])
def test_equal_requests_and_equal_replies(reply: dict[str, Any]) -> None:
    fast, sdk = both(Script(reply=lambda _: reply))
    assert fast == sdk
    assert fast[1] is not None


@pytest.mark.few(4)
@pytest.mark.parametrize("fault", FAULTS)
def test_equal_outcomes_of_every_fault(fault: str) -> None:
    fast, sdk = both(Script(plan=(fault,)), 1.0 if fault == "hang" else 10.0, retries=1)
    assert fast == sdk
    assert len(fast[2]) >= 1


def test_a_server_that_is_not_there_is_a_lost_connection_for_both() -> None:
    for transport in ("fast", "sdk"):
        model = OpenAI("some-model", base_url="http://127.0.0.1:9", transport=transport, retries=0)
        with pytest.raises(ModelUnavailable) as raised:
            asyncio.run(model.chat(LINES))
        assert [call.outcome for call in raised.value.usage.calls] == ["connection"]


def test_lines_that_are_sent_again_are_still_the_same() -> None:
    for transport in ("fast", "sdk"):
        with serving() as server:
            model = OpenAI("some-model", base_url=server.url, transport=transport)

            async def work(model: OpenAI = model) -> None:
                for _ in range(3):
                    await model.chat(LINES, (OFFER,), SAMPLING)

            asyncio.run(work())
            first, *later = server.bodies
        assert later == [first, first]
