"""What comes with status 200 and is no answer: never a reply, retried where the provider is at fault, else said why."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("aiohttp")

import unusual_responses
from fake_server import FakeServer, Script, serving
from unusual_responses import LOST, SECRET

from agents.api.chat_completions import from_body
from agents.api.finish_reasons import meaning
from agents.api.remote_model import Remote
from agents.chat_model import Line, Reply, Sampling
from agents.llm.llm import LLM
from agents.models.anthropic import Anthropic
from agents.models.openai import OpenAI
from agents.models.scripted import Scripted
from arena.console.notices import NOTICE
from arena.engine.budget import Asking
from arena.errors import BadReply, ModelUnavailable
from arena.game import Tool, View

OFFER = Tool("offer", "Offer a price.", {"price": {"type": "number"}})
HELLO = [Line("system", "be brief"), Line("user", "hello")]
FRESH = count()
GIVES = {"text": "Twelve.", "tool": "offer", "args": {"price": 12}}


@pytest.fixture(autouse=True)
def notices() -> Iterator[list[str]]:
    """What is said while the test runs."""
    heard: list[str] = []
    token = NOTICE.set(heard.append)
    yield heard
    NOTICE.reset(token)


@pytest.fixture(autouse=True)
def brief_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.api.retries.FIRST_WAIT", 0.01)


def model_of(kind: str, server: FakeServer, **fields: Any) -> Remote:
    url = server.url if kind == "openai" else server.root
    name = f"end-{next(FRESH)}"
    return (OpenAI if kind == "openai" else Anthropic)(name, **{"base_url": url, "timeout": 10.0, **fields})


def asked(kind: str, form: str, *, lasting: bool = False, sampling: Sampling = Sampling(), **fields: Any) -> Any:
    """The reply of a server that answers in an odd form once, or for ever; or the error."""
    odd = f"odd/{form}"
    with serving(
        Script(lambda _: GIVES, plan=() if lasting else (odd,), faults={odd: 1.0} if lasting else {})
    ) as server:
        try:
            return asyncio.run(model_of(kind, server, **fields).chat(HELLO, (OFFER,), sampling))
        except ModelUnavailable as error:
            return error


def forms(group: str) -> list[tuple[str, str]]:
    """The forms of both formats in a group."""
    tables = (
        ("openai", getattr(unusual_responses, group)),
        ("anthropic", getattr(unusual_responses, f"CLAUDE_{group}")),
    )
    return [(kind, name) for kind, table in tables for name in table]


@pytest.mark.parametrize(("kind", "form"), forms("FAULTS"))
def test_a_fault_of_the_provider_is_asked_again_like_a_502(kind: str, form: str) -> None:
    reply = asked(kind, form)
    assert isinstance(reply, Reply)
    first, last = reply.usage.calls
    assert first.outcome in ("server", "malformed", "rate_limited", "connection") and last.outcome == "ok"
    assert first.detail and first.reply == "" and LOST not in reply.text and reply.calls


@pytest.mark.parametrize(("kind", "form"), forms("FAULTS"))
def test_where_it_lasts_there_is_an_error_that_says_why(kind: str, form: str) -> None:
    error = asked(kind, form, lasting=True, retries=0)
    assert isinstance(error, ModelUnavailable) and "no reply after 1 attempt" in str(error)


@pytest.mark.parametrize(("kind", "form"), forms("FILTERS"))
def test_what_a_filter_withholds_is_a_failed_call_of_its_own(kind: str, form: str) -> None:
    error = asked(kind, form)
    if form == "filter-cut-json":  # some words came; whether they are a move is for the agent to say
        assert isinstance(error, Reply) and error.stop == "filter"
        return
    assert isinstance(error, ModelUnavailable)
    [call] = error.usage.calls
    assert call.outcome == "filtered" and call.reply == "" and "content filter" in str(error)


@pytest.mark.parametrize(("kind", "form"), forms("LIMITS"))
def test_a_limit_that_a_thought_used_up_is_raised_once_and_that_is_said_and_remembered(
    kind: str, form: str, notices: list[str]
) -> None:
    with serving(Script(lambda _: GIVES, plan=(f"odd/{form}",))) as server:
        model = model_of(kind, server, retries=0)
        first, second = (asyncio.run(model.chat(HELLO, (OFFER,), Sampling(max_tokens=100))) for _ in range(2))
        assert [body["max_tokens"] for body in server.bodies] == [100, 800, 800]
    assert first.calls and [call.outcome for call in first.usage.calls] == ["truncated", "ok"]
    assert "the limit was 100 tokens, asked again with 800" in first.usage.calls[0].detail
    assert second.usage.calls[0].detail == "asked with 800 tokens"
    assert len(notices) == 1 and "800" in notices[0] and SECRET not in notices[0]


@pytest.mark.parametrize(("kind", "form"), forms("LIMITS"))
def test_where_more_does_not_help_the_reason_is_the_limit_and_the_switch_is_named(kind: str, form: str) -> None:
    with Asking("buyer"):
        error = asked(kind, form, lasting=True, sampling=Sampling(max_tokens=100))
    assert isinstance(error, ModelUnavailable)
    assert [call.outcome for call in error.usage.calls] == ["truncated", "truncated"]
    assert "the limit was 800 tokens" in str(error) and "--set buyer.sampling.max_tokens=" in str(error)


@pytest.mark.parametrize(("most", "limits"), [(8192, [8192]), (5000, [5000, 8192]), (20_000, [20_000])])
def test_the_limit_is_raised_within_a_bound(most: int, limits: list[int]) -> None:
    with serving(Script(faults={"odd/limit-thought": 1.0})) as server:
        with pytest.raises(ModelUnavailable):
            asyncio.run(model_of("openai", server).chat(HELLO, (), Sampling(max_tokens=most)))
        assert [body["max_tokens"] for body in server.bodies] == limits


def test_a_budget_holds_what_the_raised_limit_may_cost() -> None:
    from arena.engine.budget import GATE, Budget, CallGate, Halt
    from arena.errors import BudgetSpent

    GATE.set(CallGate(Halt(), Budget.of(0.001, {})))  # enough for 100 tokens at $5 a million, not for 800
    try:
        with serving(Script(faults={"odd/limit-thought": 1.0})) as server:
            model = model_of("openai", server, usd_per_million=(0.0, 5.0))
            with pytest.raises(BudgetSpent):
                asyncio.run(model.chat(HELLO, (), Sampling(max_tokens=100)))
            assert len(server.seen) == 1
    finally:
        GATE.set(None)


@pytest.mark.parametrize(("kind", "form"), forms("FINE"))
def test_an_answer_that_is_oddly_put_is_one(kind: str, form: str) -> None:
    reply = asked(kind, form)
    assert isinstance(reply, Reply) and [call.outcome for call in reply.usage.calls] == ["ok"]
    assert [(call.name, call.args, call.broken) for call in reply.calls] == [("offer", {"price": 12}, "")]
    assert "Twelve." in reply.text


@pytest.mark.parametrize(
    ("kind", "form", "counts"),
    [
        ("openai", "no-usage", (None, None)),
        ("openai", "null-usage", (None, None)),
        ("openai", "zero-usage", (None, None)),
        ("openai", "half-usage", (None, 7)),
        ("openai", "text-usage", (None, 7)),
        ("openai", "negative-usage", (None, None)),
        ("openai", "huge-usage", (None, None)),
        ("openai", "list-usage", (None, None)),
        ("anthropic", "no-usage", (None, None)),
        ("anthropic", "half-usage", (None, 7)),
        ("anthropic", "zero-usage", (None, None)),
    ],
)
def test_what_was_not_counted_is_unknown_and_so_is_its_price(kind: str, form: str, counts: tuple[Any, Any]) -> None:
    [call] = asked(kind, form, usd_per_million=(1.0, 1.0)).usage.calls
    assert (call.input_tokens, call.output_tokens) == counts and call.usd is None


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 5, "total_tokens": 12}, (5, 7)),
        ({"completion_tokens": 5, "total_tokens": 12}, (7, 5)),
        ({"prompt_tokens": "5", "completion_tokens": 7.0}, (5, 7)),
        ({"prompt_tokens": 5.5, "completion_tokens": True}, (None, None)),
        ({"prompt_tokens": "٥", "completion_tokens": "-7"}, (None, None)),
        ({"prompt_tokens": float("inf"), "completion_tokens": 7}, (None, 7)),
        ({"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 0}, (5, None)),
        ({"total_tokens": 12}, (None, None)),
        ({"prompt_tokens": 9, "total_tokens": 3}, (9, None)),
    ],
)
def test_usage_that_tells_a_part(usage: Any, counts: tuple[Any, Any]) -> None:
    tokens = from_body({"choices": [{"message": {"content": "yes"}}], "usage": usage}).tokens
    assert (tokens.input, tokens.output) == counts


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        *((word, "end") for word in ("stop", "STOP", "eos_token", "end_turn", "tool_calls", "COMPLETE", "<eos>", "x")),
        *((word, "length") for word in ("length", "MAX_TOKENS", "model_length", "max_output_tokens", "incomplete")),
        *((word, "filter") for word in ("content_filter", "SPII", "BLOCKLIST", "ERROR_TOXIC", "content-filtered",
                                        "IMAGE_SAFETY", "guardrail_intervened")),
        *((word, "fault") for word in ("error", "network_error", "abort", "ABORTED", "USER_CANCEL", "engine_overloaded",
                                       "timeout", "timed out", "insufficient_system_resource", "OTHER",
                                       "MALFORMED_FUNCTION_CALL", "server_shutdown", "rate_limited_quota")),
    ],
)  # fmt: skip
def test_what_servers_mean_by_their_words(reason: str, meant: str) -> None:
    assert meaning(reason) == meant


def test_a_model_that_chose_to_say_nothing_is_told_from_an_outage() -> None:
    def body(content: Any, tokens: int, thought: int = 0) -> Any:
        usage = {"prompt_tokens": 9, "completion_tokens": tokens}
        usage |= {"completion_tokens_details": {"reasoning_tokens": thought}} if thought else {}
        return {"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": usage}

    assert from_body(body("", 1)).wrong == "" and from_body(body("", 30, 29)).wrong == ""
    assert from_body(body("", 0)).wrong and from_body(body(None, 1)).wrong and from_body(body("", 30, 30)).wrong


def test_words_that_a_filter_left_are_a_move_only_where_they_can_be_read() -> None:
    view = View("buyer", "", tools=(OFFER,), seats=("buyer", "seller"))

    def agent(text: str, stop: Any) -> LLM:
        return LLM(Scripted(replies=(Reply(text, stop=stop),)))

    whole, part = '{"say": "Well.", "action": "offer", "price": 3}', '{"say": "Well.", "action": "off'
    assert asyncio.run(agent(whole, "filter").act(view)).args == {"price": 3}
    with pytest.raises(ModelUnavailable, match="filter"):
        asyncio.run(agent(part, "filter").act(view))
    with pytest.raises(BadReply):
        asyncio.run(agent(part, "length").act(view))


def test_many_calls_at_once_whose_limit_is_used_up_say_it_once_and_raise_it_once(notices: list[str]) -> None:
    with serving(Script(lambda _: GIVES, latency=0.03, plan=("odd/limit-thought",) * 4)) as server:
        model = model_of("openai", server, retries=0)

        async def work() -> list[Reply]:
            asked = (model.chat([*HELLO, Line("user", str(n))], (OFFER,), Sampling(max_tokens=100)) for n in range(8))
            return list(await asyncio.gather(*asked))

        assert all(reply.calls for reply in asyncio.run(work()))
        assert {body["max_tokens"] for body in server.bodies} == {100, 800}
    assert len(notices) == 1


def test_words_that_a_provider_took_for_no_tool_call_are_the_models_own() -> None:
    view = View("buyer", "", tools=(OFFER,), seats=("buyer", "seller"))
    with serving(Script(lambda _: GIVES, faults={"odd/sent-back": 1.0})) as server:
        move = asyncio.run(LLM(model_of("openai", server)).act(view))
        assert len(server.seen) == 1
    assert (move.text, move.tool, move.args) == ("Twelve.", "offer", {"price": 12})
    assert move.usage.tokens is None and move.usage.calls[0].outcome == "ok"
