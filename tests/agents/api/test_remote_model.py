"""What all models behind an API do alike, through the real SDKs against a loopback server."""

import asyncio
import gc
import time
import warnings
from dataclasses import astuple, replace
from typing import Any

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

from fake_server import FakeServer, Script, serving

from agents.api.remote_model import Remote
from agents.chat_model import Line, Reply, Sampling
from agents.models.anthropic import Anthropic
from agents.models.openai import OpenAI
from arena.errors import BadPart, MissingKey, ModelUnavailable, UsageError
from arena.spec import build, check_ready, describe
from arena.usage import Call

KEY = "sk-test-0123456789abcdef"
HELLO = [Line("system", "be brief"), Line("user", "hello")]
FORMATS = pytest.mark.parametrize("kind", ["openai", "anthropic"])


def model_of(kind: str, server: FakeServer, name: str = "some-model", **fields: Any) -> Remote:
    url = server.url if kind == "openai" else server.root
    return (OpenAI if kind == "openai" else Anthropic)(name, **{"base_url": url, "timeout": 5.0, **fields})


def asked(model: Remote, *, times: int = 1) -> list[Reply]:
    async def work() -> list[Reply]:
        each = ([*HELLO, Line("user", f"number {at}")] if times > 1 else HELLO for at in range(times))
        return list(await asyncio.gather(*(model.chat(lines) for lines in each)))

    return asyncio.run(work())


def outcomes(calls: tuple[Call, ...]) -> list[str]:
    return [call.outcome for call in calls]


@pytest.mark.few(4)
@FORMATS
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("429", "rate_limited"),
        ("429-wait", "rate_limited"),
        ("529", "rate_limited"),
        ("500", "server"),
        ("malformed", "malformed"),
        ("empty", "malformed"),
        ("cut", "connection"),
        ("hang", "timeout"),
    ],
)
def test_a_passing_fault_is_a_row_and_the_next_attempt_answers(kind: str, fault: str, outcome: str) -> None:
    with serving(Script(plan=(fault,))) as server:
        [reply] = asked(model_of(kind, server, timeout=1.5 if fault == "hang" else 5.0))
        assert reply.text == "hello"
        assert outcomes(reply.usage.calls) == [outcome, "ok"]
        assert len(server.seen) == 2
        assert server.asked_twice == []
    first, last = reply.usage.calls
    assert first.prompt == last.prompt == (("system", "be brief"), ("user", "hello"))
    assert first.detail
    assert last.detail == ""
    assert last.reply == "hello"
    assert last.input_tokens
    assert last.output_tokens
    assert first.usd == (0.0 if outcome in ("rate_limited", "server") else None)


@pytest.mark.few(1)
@FORMATS
@pytest.mark.parametrize("fault", ["429", "500", "529", "malformed", "empty", "cut", "hang"])
def test_a_lasting_fault_ends_in_bounded_time_with_every_attempt(kind: str, fault: str) -> None:
    with serving(Script(faults={fault: 1.0})) as server:
        model, begun = model_of(kind, server, retries=1, timeout=1.5), time.monotonic()
        with pytest.raises(ModelUnavailable) as caught:
            asked(model)
        assert time.monotonic() - begun < 8.0
        assert len(server.seen) == len(caught.value.usage.calls) == 2
    assert f"{kind}/some-model" in str(caught.value)
    assert len(set(outcomes(caught.value.usage.calls))) == 1


@FORMATS
@pytest.mark.parametrize(
    ("fault", "advice"), [("400", "not valid"), ("401", "check the key in $"), ("404", "check the model's name and b")]
)
def test_a_rejected_request_is_not_repeated_and_says_what_to_check(kind: str, fault: str, advice: str) -> None:
    with serving(Script(faults={fault: 1.0})) as server:
        with pytest.raises(ModelUnavailable, match=fault) as caught:
            asked(model_of(kind, server))
        assert len(server.seen) == 1
    assert advice in str(caught.value)
    assert outcomes(caught.value.usage.calls) == ["rejected"]
    assert caught.value.usage.usd == 0.0


@FORMATS
def test_an_empty_purse_is_not_waited_for(kind: str) -> None:
    with serving(Script(faults={"quota": 1.0})) as server:
        with pytest.raises(ModelUnavailable, match="current quota"):
            asked(model_of(kind, server))
        assert len(server.seen) == 1


@FORMATS
def test_nobody_listening_is_a_lost_connection(kind: str) -> None:
    with serving() as server:
        model = model_of(kind, server, retries=0)
    with pytest.raises(ModelUnavailable, match="connection"):
        asked(model)


@FORMATS
def test_the_key_is_sent_and_stored_nowhere(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", KEY)
    monkeypatch.setenv("SOME_OTHER_TOKEN", "another-secret-value")
    lines = [Line("user", f"my key is {KEY} and another-secret-value")]
    with serving(Script(plan=("401",))) as server:
        model = model_of(kind, server)
        with pytest.raises(ModelUnavailable) as caught:  # the server's message quotes the key
            asyncio.run(model.chat(lines))
        reply = asyncio.run(model.chat(lines))  # the reply echoes it
        sent = server.seen[0].headers
    assert KEY in sent.get("Authorization", "") + sent.get("x-api-key", "")
    stored = repr([caught.value, astuple(caught.value.usage), astuple(reply), describe(model)])
    assert KEY not in stored
    assert "another-secret-value" not in stored
    assert "[key]" in stored


@FORMATS
def test_a_missing_key_is_named_before_anything_is_played(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"{kind.upper()}_API_KEY"
    with pytest.raises(MissingKey, match=variable):
        check_ready(build("model", f"{kind}/some-model"))
    monkeypatch.setenv(variable, KEY)
    check_ready(build("model", f"{kind}/some-model"))
    with pytest.raises(MissingKey, match="MY_KEY"):
        check_ready(build("model", {"name": f"{kind}/m", "base_url": "http://127.0.0.1:1", "key_variable": "MY_KEY"}))
    monkeypatch.setenv(variable, "ключ-не-ключ")
    with pytest.raises(UsageError, match=variable):
        check_ready(build("model", f"{kind}/some-model"))


@FORMATS
def test_a_server_of_ones_own_needs_no_key(kind: str) -> None:
    with serving() as server:
        model = model_of(kind, server)
        check_ready(model)
        assert asked(model)[0].text == "hello"


@FORMATS
def test_the_address_in_the_environment_is_honoured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        monkeypatch.setenv(f"{kind.upper()}_BASE_URL", server.url if kind == "openai" else server.root)
        model = build("model", f"{kind}/some-model")
        check_ready(model)
        assert asked(model)[0].text == "hello"


@FORMATS
def test_the_network_switch(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARENA_OFFLINE", "1")
    monkeypatch.setenv(f"{kind.upper()}_API_KEY", KEY)
    with pytest.raises(UsageError, match="ARENA_OFFLINE"):
        check_ready(build("model", f"{kind}/some-model"))
    with pytest.raises(UsageError, match="ARENA_OFFLINE"):
        asked(build("model", f"{kind}/some-model"))
    with serving() as server:  # this machine is no network
        assert asked(model_of(kind, server))[0].text == "hello"


@FORMATS
def test_no_more_at_once_than_allowed_over_all_seats(kind: str) -> None:
    with serving(Script(latency=0.02)) as server:
        buyer, seller = model_of(kind, server, at_once=12), model_of(kind, server, "another", at_once=6)

        async def both() -> None:
            lines = [[Line("user", f"number {at}")] for at in range(30)]
            await asyncio.gather(*(model.chat(one) for model in (buyer, seller) for one in lines))

        asyncio.run(both())
        assert len(server.seen) == 60
        assert 1 < server.most_at_once <= 6
        assert server.asked_twice == []


@pytest.mark.few(1)
@FORMATS
def test_many_calls_through_a_storm_of_faults_are_all_answered_once(kind: str) -> None:
    storm = {"429-wait": 0.1, "500": 0.1, "cut": 0.05, "malformed": 0.05}
    with serving(Script(latency=0.005, spread=0.5, faults=storm, seed=3)) as server:
        replies = asked(model_of(kind, server, retries=8), times=40)
        assert all(reply.text.endswith(f"number {at}") for at, reply in enumerate(replies))
        assert sum(len(reply.usage.calls) for reply in replies) == len(server.seen) > 40
        assert server.asked_twice == []


@FORMATS
def test_a_price_of_ones_own(kind: str) -> None:
    with serving() as server:
        [reply] = asked(model_of(kind, server, usd_per_million=(1.0, 10.0)))
    used = reply.usage
    assert used.usd == pytest.approx((used.input_tokens + 10 * used.output_tokens) / 1e6)


@FORMATS
def test_the_price_on_a_server_of_ones_own_is_unknown(kind: str) -> None:
    with serving(Script(lambda _: {"text": "yes", "model": "gpt-4o-mini"})) as server:
        [reply] = asked(model_of(kind, server))
    assert reply.usage.usd is None
    assert reply.usage.calls[0].resolved == "gpt-4o-mini"
    assert reply.usage.calls[0].model == f"{kind}/some-model"


@FORMATS
def test_a_reply_of_a_megabyte_and_one_of_noise(kind: str) -> None:
    noise = "".join(chr(at) for at in range(1, 500)) + "\ud800"
    for text, expected in (("a" * 2**20, "a" * 2**20), (noise, noise.replace("\ud800", "?"))):
        with serving(Script(lambda _, said=text: {"text": said})) as server:
            [reply] = asked(model_of(kind, server))
        assert reply.text == expected
        reply.usage.calls[0].reply.encode()


@FORMATS
def test_what_a_server_says_is_clipped_and_never_shows_a_part_of_a_key(kind: str) -> None:
    said = "Bearer abcdef0123456789 sk-proj-********wxyz key_name " + "word " * 10**5
    script = Script(lambda _: {"text": said}, faults={"malformed": 1.0})
    with serving(script) as server, pytest.raises(ModelUnavailable) as caught:
        asked(model_of(kind, server, retries=0))
    [call] = caught.value.usage.calls
    assert 1_000 < len(call.detail) <= 2_000
    assert "abcdef0123456789" not in call.detail
    assert "wxyz" not in call.detail
    assert "key_name" in call.detail


@FORMATS
def test_a_prompt_that_no_encoding_takes_is_sent_all_the_same(kind: str) -> None:
    with serving() as server:
        reply = asyncio.run(model_of(kind, server).chat([Line("user", "a \ud83d b")]))
    assert reply.text == "a ? b"


@FORMATS
def test_loops_one_after_another_leave_nothing_open(kind: str) -> None:
    with serving() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            asked(model_of(kind, server))
        gc.collect()


@FORMATS
def test_a_model_is_a_value_that_can_be_written_down(kind: str) -> None:
    with serving() as server:
        model = model_of(kind, server, usd_per_million=(1.0, 2.0), requests_per_minute=10.0)
    assert build("model", describe(model)) == model
    assert hash(model) == hash(replace(model))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "127.0.0.1:8000"),
        ("base_url", f"http://me:{KEY}@127.0.0.1:8000"),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("retries", -1),
        ("at_once", 0),
        ("requests_per_minute", 0),
        ("usd_per_million", [-1, 2]),
    ],
)
def test_parameters_that_make_no_sense_are_named(field: str, value: object) -> None:
    with pytest.raises(BadPart, match=field) as caught:
        build("model", {"name": "openai/some-model", field: value})
    assert KEY not in str(caught.value)


def test_sampling_is_an_argument_and_its_default_asks_for_little() -> None:
    with serving() as server:
        asked(model_of("openai", server))
        assert server.bodies[0].keys() == {"model", "messages", "max_tokens"}
        assert server.bodies[0]["max_tokens"] == Sampling().max_tokens
