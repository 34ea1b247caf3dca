import asyncio
from typing import Any

import pytest

pytest.importorskip("litellm")

from fake_server import FakeServer, Script, serving

from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.models.litellm import LiteLLM, check_release
from arena.errors import MissingKey, ModelUnavailable, UnknownPart, UsageError
from arena.game import Tool
from arena.spec import build, check_ready, describe

KEY = "sk-test-0123456789abcdef"
OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
HELLO = [Line("system", "be brief"), Line("user", "hello")]


def model_at(server: FakeServer, name: str = "openai/some-model", **fields: Any) -> LiteLLM:
    return LiteLLM(name, base_url=server.url, **{"timeout": 30.0, "key_variable": "MY_KEY", **fields})


def chat(model: LiteLLM, tools: tuple[Tool, ...] = (), sampling: Sampling = Sampling()) -> Reply:
    return asyncio.run(model.chat(HELLO, tools, sampling))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)


@pytest.mark.parametrize("name", ["openai/some-model", "deepseek/deepseek-chat"])
def test_text_usage_and_sampling(name: str) -> None:
    sampling = Sampling(temperature=0.3, top_p=0.9, max_tokens=77, stop=("END",), seed=5)
    with serving() as server:
        reply = chat(model_at(server, name), sampling=sampling)
        [seen] = server.seen
    assert (reply.text, reply.stop) == ("hello", "end")
    [call] = reply.usage.calls
    assert (call.model, call.outcome, call.usd) == (name, "ok", None)
    assert call.input_tokens
    assert call.output_tokens
    assert (seen.body["temperature"], seen.body["top_p"], seen.body["max_tokens"]) == (0.3, 0.9, 77)
    assert seen.body["stop"] == ["END"]
    assert KEY in seen.headers["Authorization"]


def test_tool_calls_both_ways() -> None:
    lines = [*HELLO, Line("assistant", "mine", ToolCall("offer", {"price": 9})), Line("user", "no")]
    with serving(Script(lambda _: {"tool": "offer", "args": {"price": 12.5}})) as server:
        reply = asyncio.run(model_at(server).chat(lines, (OFFER,)))
        [body] = server.bodies
    assert reply.calls == (ToolCall("offer", {"price": 12.5}, "", "call_a"),)
    assert reply.stop == "tool"
    assert [one["role"] for one in body["messages"]] == ["system", "user", "assistant", "tool", "user"]


@pytest.mark.few(4)
@pytest.mark.parametrize("name", ["openai/some-model", "deepseek/deepseek-chat"])
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("429-wait", "rate_limited"),
        ("529", "rate_limited"),
        ("500", "server"),
        ("malformed", "malformed"),
        ("empty", "malformed"),
        ("cut", "connection"),
        ("hang", "timeout"),
    ],
)
def test_a_passing_fault_is_a_row_and_the_next_attempt_answers(name: str, fault: str, outcome: str) -> None:
    with serving(Script(plan=(fault,))) as server:
        reply = chat(model_at(server, name, timeout=1.0 if fault == "hang" else 30.0))
        assert [call.outcome for call in reply.usage.calls] == [outcome, "ok"]
        assert len(server.seen) == 2


def test_a_rejected_request_is_not_repeated_and_hides_the_key() -> None:
    with serving(Script(plan=("401",))) as server:
        with pytest.raises(ModelUnavailable, match=r"\$MY_KEY") as caught:
            chat(model_at(server))
        assert len(server.seen) == 1
    assert KEY not in repr([caught.value, caught.value.usage])


def test_a_provider_that_takes_no_seed_is_asked_without() -> None:
    request = LiteLLM("anthropic/claude-sonnet-4-5").request(HELLO, (), Sampling(seed=5))
    assert "seed" not in request
    assert "seed" in LiteLLM("openai/gpt-4o").request(HELLO, (), Sampling(seed=5))


def test_providers_without_a_file_of_their_own_go_here() -> None:
    model = build("model", "groq/llama-3.1-8b-instant")
    assert model == LiteLLM("groq/llama-3.1-8b-instant")
    assert build("model", describe(model)) == model


def test_a_missing_key_is_named_by_the_providers_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    with pytest.raises(MissingKey, match="GROQ_API_KEY"):
        check_ready(build("model", "groq/llama-3.1-8b-instant"))
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    check_ready(build("model", "groq/llama-3.1-8b-instant"))
    with pytest.raises(MissingKey, match="NO_SUCH_KEY"):
        check_ready(LiteLLM("groq/llama", key_variable="NO_SUCH_KEY"))


@pytest.mark.parametrize(
    ("name", "near"), [("gorq/llama", "groq"), ("mistrall/large", "mistral"), ("groq/", "no model")]
)
def test_an_unknown_provider_is_answered_with_near_misses(name: str, near: str) -> None:
    with pytest.raises(UnknownPart, match=near):
        check_ready(build("model", name))


@pytest.mark.parametrize("release", ["1.82.7", "1.82.8"])
def test_the_stolen_releases_are_refused(release: str) -> None:
    with pytest.raises(UsageError, match=release):
        check_release(release)
    check_release("1.84.0")


def test_the_price_is_known_by_the_provider() -> None:
    body = {"model": "", "choices": [{"message": {"content": "yes"}}]}
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    model = LiteLLM("groq/llama-3.1-8b-instant")
    assert model.dollars(model.read(body | {"usage": usage})) == pytest.approx(0.05)
