import asyncio
from itertools import count
from typing import Any

import pytest

pytest.importorskip("openai")

from fake_server import FakeServer, Script, serving
from hypothesis import given
from hypothesis import strategies as st

from agents.api.chat_completions import from_body, to_request
from agents.api.http_parsing import parse_json
from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.models.openai import OpenAI
from arena.errors import ModelUnavailable
from arena.game import Tool

PRICE = {"type": "number", "minimum": 0}
OFFER = Tool("offer", "Offer a price.", {"price": PRICE, "why": {"type": "string"}}, optional=("why",))
HELLO = [Line("user", "hello")]
KEYS = (
    *("choices", "message", "content", "tool_calls", "function", "arguments"),
    *("usage", "error", "finish_reason", "refusal", "type", "text"),
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "usage",
                    "error",
                    "finish_reason",
                    "refusal",
                    "type",
                    "text",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)
FRESH = count()


def fresh(server: FakeServer, **fields: Any) -> OpenAI:
    """A model of a name not used before: what a server does not take is remembered by name."""
    return OpenAI(f"model-{next(FRESH)}", base_url=server.url, **{"timeout": 5.0, **fields})


def chat(model: OpenAI, lines: list[Line], tools: tuple[Tool, ...] = (), sampling: Sampling = Sampling()) -> Reply:
    return asyncio.run(model.chat(lines, tools, sampling))


def test_the_sampling_is_sent() -> None:
    sampling = Sampling(temperature=0.3, top_p=0.9, max_tokens=77, stop=("END",), seed=2**62)
    with serving() as server:
        chat(fresh(server), HELLO, sampling=sampling)
        [body] = server.bodies
    sent = {key: body[key] for key in ("temperature", "top_p", "max_tokens", "stop", "seed")}
    assert sent == {"temperature": 0.3, "top_p": 0.9, "max_tokens": 77, "stop": ["END"], "seed": 2**62}
    assert "stream" not in body


def test_a_tool_call_comes_back_as_one() -> None:
    with serving(Script(lambda _: {"text": "here", "tool": "offer", "args": {"price": 12.5}})) as server:
        reply = chat(fresh(server), HELLO, (OFFER,))
        [body] = server.bodies
    assert reply.calls == (ToolCall("offer", {"price": 12.5}, "", "call_a"),)
    assert (reply.text, reply.stop) == ("here", "tool")
    [call] = reply.usage.calls
    assert call.reply == 'here\n{"tool": "offer", "arguments": {"price": 12.5}}'
    assert call.prompt[0][0] == "tools"
    assert '"offer"' in call.prompt[0][1]
    assert body["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"price": PRICE, "why": {"type": "string"}},
        "required": ["price"],
        "additionalProperties": False,
    }


HISTORY = [
    Line("system", "bargain"),
    Line("user", "begin"),
    Line("assistant", "mine", ToolCall("offer", {"price": 9})),
    Line("user", "no"),
    Line("assistant", "", ToolCall("offer", {"price": 10}, id="call_x")),
    Line("assistant", "well?", ToolCall("offer", {}, broken='{"price": 1')),
    Line("user", "and?"),
]


def test_a_history_with_tool_calls_is_taken() -> None:
    with serving(Script(lambda _: {"text": "fine"})) as server:
        assert chat(fresh(server), HISTORY, (OFFER,)).text == "fine"
        messages = server.bodies[0]["messages"]
    roles = "system user assistant tool user assistant tool assistant user"
    assert [message["role"] for message in messages] == roles.split()
    assert messages[2]["tool_calls"][0]["function"] == {"name": "offer", "arguments": '{"price": 9}'}
    assert messages[3] == {"role": "tool", "tool_call_id": "call_2", "content": "ok"}
    assert messages[6]["tool_call_id"] == "call_x"
    assert messages[7]["content"] == 'well?\n{"tool": "offer", "arguments": "{\\"price\\": 1"}'


def test_without_native_tools_the_history_is_told_in_words() -> None:
    with serving(Script(lambda _: {"text": "fine"})) as server:
        chat(fresh(server, native_tools=False), HISTORY, (OFFER,))
        [body] = server.bodies
    assert "tools" not in body
    assert body["messages"][2] == {
        "role": "assistant",
        "content": 'mine\n{"tool": "offer", "arguments": {"price": 9}}',
    }


@pytest.mark.parametrize(
    ("fault", "stop", "outcome"),
    [("length", "length", "truncated"), ("filter", "filter", "filtered"), ("refusal", "refusal", "refused")],
)
def test_why_it_stopped(fault: str, stop: str, outcome: str) -> None:
    with serving(Script(plan=(fault,))) as server:
        reply = chat(fresh(server), HELLO)
    assert reply.stop == stop
    assert [call.outcome for call in reply.usage.calls] == [outcome]
    assert reply.text == ("I cannot help with that." if fault == "refusal" else "hello")


def test_a_tool_call_that_was_cut_is_broken_and_keeps_its_text() -> None:
    with serving(Script(lambda _: {"tool": "offer", "args": {"price": 12}}, plan=("tool-cut",))) as server:
        reply = chat(fresh(server), HELLO, (OFFER,))
    assert reply.stop == "length"
    assert reply.calls == (ToolCall("offer", {}, '{"pric', "call_a"),)


def test_text_ends_before_a_stop_that_the_server_did_not_obey() -> None:
    with serving(Script(lambda _: {"text": "one END two"})) as server:
        reply = chat(fresh(server), HELLO, sampling=Sampling(stop=("END", "\n")))
    assert reply.text == "one "
    assert reply.usage.calls[0].reply == "one END two"


@pytest.mark.parametrize(
    ("refused", "kept"), [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")]
)
def test_the_spelling_of_the_limit_is_learned_once(refused: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Script(refuses=(refused,))) as server:
        model = fresh(server, retries=0)
        first, second = chat(model, HELLO), chat(model, HELLO)
        limits = [sorted({"max_tokens", "max_completion_tokens"} & body.keys()) for body in server.bodies]
    learned = [["max_tokens"], [kept]] if refused == "max_tokens" else [[kept]]
    assert limits == [*learned, [kept]]
    assert [call.outcome for call in first.usage.calls] == ["rejected", "ok"][-len(learned) :]
    assert [call.outcome for call in second.usage.calls] == ["ok"]


def test_a_server_that_takes_no_seed_is_asked_without() -> None:
    with serving(Script(refuses=("seed", "max_tokens"))) as server:
        model = fresh(server, retries=0)
        for _ in range(2):
            reply = chat(model, HELLO, sampling=Sampling(seed=1))
        assert [sorted(body.keys() - {"model", "messages"}) for body in server.bodies] == [
            ["max_tokens", "seed"],
            ["max_tokens"],
            ["max_completion_tokens"],
            ["max_completion_tokens"],
        ]
    assert [call.outcome for call in reply.usage.calls] == ["ok"]


def test_a_server_that_takes_no_limit_at_all_is_not_asked_for_ever() -> None:
    with serving(Script(refuses=("max_tokens", "max_completion_tokens"))) as server:
        with pytest.raises(ModelUnavailable, match="max_completion_tokens"):
            chat(fresh(server), HELLO)
        assert len(server.seen) == 2


def test_openai_itself_is_asked_by_the_new_name() -> None:
    assert "max_completion_tokens" in OpenAI("gpt-5").request(HELLO, (), Sampling())


@pytest.mark.parametrize(
    ("arguments", "args", "broken"),
    [
        ('{"price": 3}', {"price": 3}, ""),
        ({"price": 3}, {"price": 3}, ""),
        ("", {}, ""),
        ("[1]", {}, "[1]"),
        ("12", {}, "12"),
        ('{"price": NaN}', {}, '{"price": NaN}'),
        ('{"price": 3', {}, '{"price": 3'),
        ('{"a":' * 100_000, {}, '{"a":' * 100_000),
        ('{"say": "\\ud800"}', {"say": "?"}, ""),
        (None, {}, ""),
        ("null", {}, ""),
        (" null ", {}, ""),
        ('"{\\"price\\": 3}"', {"price": 3}, ""),
        ('"\\"{\\\\\\"price\\\\\\": 3}\\""', {"price": 3}, ""),
        ('""', {}, ""),
        ('"three"', {}, '"three"'),
        ([], {}, "[]"),
        (False, {}, "false"),
    ],
)
def test_arguments_of_every_kind(arguments: object, args: object, broken: str) -> None:
    call = {"id": "a", "function": {"name": "offer", "arguments": arguments}}
    reading = from_body({"choices": [{"message": {"content": None, "tool_calls": [call]}}]})
    assert reading.calls == (ToolCall("offer", args, broken, "a"),)  # type: ignore[arg-type]


@given(ANY_JSON)
def test_any_json_is_read_or_named_wrong(body: object) -> None:
    reading = from_body(body)
    assert reading.wrong or isinstance(reading.text, str)


@given(st.text() | ANY_JSON.map(str))
def test_any_text_is_json_or_a_value_error(text: str) -> None:
    try:
        parse_json(text)
    except ValueError:
        pass


def test_parts_of_a_content_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]
    assert from_body({"choices": [{"message": {"content": parts}}]}).text == "ab"


def test_cached_tokens_are_priced_as_such() -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 1_000}}
    reading = from_body({"model": "gpt-4o-mini", "choices": [{"message": {"content": ""}}], "usage": usage})
    assert OpenAI("gpt-4o-mini").dollars(reading) == pytest.approx(1_000 * 0.075e-6)


def test_an_error_in_a_body_of_status_200_is_no_reply() -> None:
    reading = from_body({"error": {"message": "upstream is down"}})
    assert reading.wrong


def test_the_request_is_a_pure_function_of_its_parts() -> None:
    assert to_request("m", HISTORY, (OFFER,), Sampling()) == to_request("m", HISTORY, (OFFER,), Sampling())


def price(model: OpenAI, body: Any) -> float | None:
    return model.dollars(model.read(body))


def test_the_price_is_known_at_the_providers_own_address() -> None:
    completion: Any = {"model": "gpt-4o-mini-2024-07-18", "usage": {"prompt_tokens": 1_000, "completion_tokens": 100}}
    completion["choices"] = [{"message": {"content": "yes"}, "finish_reason": "stop"}]
    assert price(OpenAI("gpt-4o-mini"), completion) == pytest.approx(1_000 * 0.15e-6 + 100 * 0.60e-6)
    assert price(OpenAI("gpt-4o-mini"), completion | {"model": ""}) == pytest.approx(1_000 * 0.15e-6 + 100 * 0.60e-6)
    assert price(OpenAI("no-such"), completion | {"model": "no-such"}) is None
    assert price(OpenAI("gpt-4o-mini"), completion | {"usage": None}) is None
