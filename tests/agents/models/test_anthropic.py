import asyncio
from typing import Any

import pytest

pytest.importorskip("anthropic")

from fake_server import FakeServer, Script, serving
from hypothesis import given
from hypothesis import strategies as st

from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.models.anthropic import Anthropic, from_body, to_request
from arena.game import Tool

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
HELLO = [Line("user", "hello")]
KEYS = ("content", "type", "text", "input", "name", "usage", "stop_reason")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def model_at(server: FakeServer, **fields: Any) -> Anthropic:
    return Anthropic("some-model", base_url=server.root, **{"timeout": 5.0, **fields})


def chat(model: Anthropic, lines: list[Line], tools: tuple[Tool, ...] = (), sampling: Sampling = Sampling()) -> Reply:
    return asyncio.run(model.chat(lines, tools, sampling))


def roles(lines: list[Line], tools: tuple[Tool, ...] = ()) -> list[str]:
    messages = to_request("m", lines, tools, Sampling())["messages"]
    return [f"{one['role']}: {' '.join(block['type'] for block in one['content'])}" for one in messages]


def test_the_sampling_is_sent_and_the_system_stands_apart() -> None:
    sampling = Sampling(temperature=0.3, top_p=0.9, max_tokens=77, stop=("END", "\n"), seed=5)
    with serving() as server:
        chat(model_at(server), [Line("system", "one"), Line("system", "two"), *HELLO], sampling=sampling)
        [body] = server.bodies
    assert body == {
        "model": "some-model",
        "max_tokens": 77,
        "system": "one\n\ntwo",
        "temperature": 0.3,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
    }


def test_what_is_not_set_is_not_sent() -> None:
    with serving() as server:
        chat(model_at(server), HELLO)
        assert server.bodies[0].keys() == {"model", "max_tokens", "messages"}


def test_a_stop_that_the_format_forbids_is_obeyed_here() -> None:
    with serving(Script(lambda _: {"text": "one\ntwo"})) as server:
        assert chat(model_at(server), HELLO, sampling=Sampling(stop=("\n",))).text == "one"


def test_a_tool_call_comes_back_as_one() -> None:
    with serving(Script(lambda _: {"text": "here", "tool": "offer", "args": {"price": 12.5}})) as server:
        reply = chat(model_at(server), HELLO, (OFFER,))
        [body] = server.bodies
    assert reply.calls == (ToolCall("offer", {"price": 12.5}, "", "toolu_a"),)
    assert (reply.text, reply.stop) == ("here", "tool")
    assert reply.usage.calls[0].reply == 'here\n{"tool": "offer", "arguments": {"price": 12.5}}'
    assert body["tools"][0]["name"] == "offer"
    assert body["tools"][0]["input_schema"]["required"] == ["price"]


HISTORY = [
    Line("system", "bargain"),
    Line("user", "begin"),
    Line("user", "now"),
    Line("assistant", "mine", ToolCall("offer", {"price": 9})),
    Line("user", "no"),
    Line("system", "a hint"),
    Line("assistant", "", ToolCall("offer", {"price": 10}, id="call_x")),
    Line("user", "and?"),
]


def test_a_history_with_tool_calls_is_taken() -> None:
    with serving(Script(lambda _: {"text": "fine"})) as server:
        assert chat(model_at(server), HISTORY, (OFFER,)).text == "fine"
        assert chat(model_at(server, native_tools=False), HISTORY, (OFFER,)).text == "fine"
    assert roles(HISTORY, (OFFER,)) == [
        "user: text text",
        "assistant: text tool_use",
        "user: tool_result text text",
        "assistant: tool_use",
        "user: tool_result text",
    ]
    assert roles(HISTORY) == ["user: text text", "assistant: text", "user: text text", "assistant: text", "user: text"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [Line("system", "only rules")],
        [Line("assistant", "I begin")],
        [Line("user", ""), Line("assistant", "I begin"), Line("user", "  ")],
        [Line("user", "a"), Line("assistant", ""), Line("user", "b")],
    ],
)
def test_every_history_becomes_one_that_the_server_takes(lines: list[Line]) -> None:
    with serving(Script(lambda _: {"text": "fine"})) as server:
        assert chat(model_at(server), lines).text == "fine"


@pytest.mark.parametrize(
    ("fault", "stop", "outcome"),
    [("length", "length", "truncated"), ("filter", "refusal", "refused")],
)
def test_why_it_stopped(fault: str, stop: str, outcome: str) -> None:
    with serving(Script(plan=(fault,))) as server:
        reply = chat(model_at(server), HELLO)
    assert reply.stop == stop
    assert [call.outcome for call in reply.usage.calls] == [outcome]


def test_tokens_of_the_cache_are_counted_and_priced() -> None:
    with serving(Script(lambda _: {"text": "yes", "cache_read": 100, "cache_write": 10})) as server:
        [call] = chat(model_at(server), HELLO).usage.calls
    assert call.input_tokens is not None
    assert call.input_tokens > 110
    usage = {"input_tokens": 0, "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 0, "output_tokens": 0}
    reading = from_body({"model": "claude-sonnet-4-5", "content": [], "usage": usage})
    assert Anthropic("claude-sonnet-4-5").dollars(reading) == pytest.approx(1_000 * 0.30e-6)


@given(ANY_JSON)
def test_any_json_is_read_or_named_wrong(body: object) -> None:
    reading = from_body(body)
    assert reading.wrong or isinstance(reading.text, str)


@given(st.lists(st.builds(Line, st.sampled_from(["system", "user", "assistant"]), st.sampled_from(["", " ", "a"]))))
def test_turns_alternate_and_begin_with_the_user(lines: list[Line]) -> None:
    messages = to_request("m", lines, (), Sampling())["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant"] * (len(messages) // 2) + ["user"] * (
        len(messages) % 2
    )
    assert messages
