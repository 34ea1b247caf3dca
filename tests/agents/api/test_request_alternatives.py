"""What real servers refuse is put otherwise once, said once, and remembered for the server and the model."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

pytest.importorskip("aiohttp")

from fake_server import FakeServer, Script, serving
from request_refusals import SERVERS

from agents.chat_model import Line, Reply, Sampling, ToolCall
from agents.models.openai import OpenAI
from arena.console.notices import NOTICE
from arena.engine.budget import Asking
from arena.errors import ModelUnavailable
from arena.game import Tool

PRICE = {"type": "number", "minimum": 0}
OFFER = Tool("offer", "Offer a price.", {"price": PRICE, "why": {"type": "string"}}, optional=("why",))
HISTORY = [
    Line("system", "bargain"),
    Line("user", "begin"),
    Line("assistant", "mine", ToolCall("offer", {"price": 9})),
    Line("user", "no"),
    Line("assistant", "", ToolCall("offer", {"price": 10})),
    Line("user", "and?"),
]
TALK = [Line("system", "talk"), Line("user", "a"), Line("user", "b"), Line("assistant", ""), Line("assistant", "d"),
        Line("system", "hint"), Line("user", "e")]  # fmt: skip
SAMPLING = Sampling(temperature=0.5, top_p=0.9, stop=("END",), seed=2**62)
LIMITS = ("new-limit", "old-limit")  # those of which one is refused by every server here
FRESH = count()


@pytest.fixture
def notices() -> Iterator[list[str]]:
    """What is said while the test runs."""
    heard: list[str] = []
    token = NOTICE.set(heard.append)
    yield heard
    NOTICE.reset(token)


def fresh(server: FakeServer, **fields: Any) -> OpenAI:
    """A model of a name not used before: how it wants to be asked is remembered by name."""
    return OpenAI(f"put-{next(FRESH)}", base_url=server.url, retries=0, **{"timeout": 10.0, **fields})


def chat(model: OpenAI, lines: list[Line], tools: tuple[Tool, ...] = (), sampling: Sampling = SAMPLING) -> Reply:
    return asyncio.run(model.chat(lines, tools, sampling))


def fine(_: Any) -> dict[str, Any]:
    return {"text": "fine"}


def outcomes(reply: Reply) -> list[str]:
    return [call.outcome for call in reply.usage.calls]


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "no-parallel"])
def test_what_a_server_refuses_is_put_otherwise_said_once_and_remembered(name: str, notices: list[str]) -> None:
    cold = {"tgi-temperature": {"temperature": 0.0}, "tgi-top-p": {"top_p": 1.0}, "old-limit": {}}
    sampling = Sampling(**{"temperature": 0.5, "top_p": 0.9, "stop": ("END",), "seed": 2**62, **cold.get(name, {})})
    servers = ("new-limit",) if name == "old-limit" else (name,)
    with serving(Script(fine, servers=servers)) as server:
        model = fresh(server)
        for lines, tools in ((HISTORY, (OFFER,)), (TALK, ())):
            replies = [chat(model, lines, tools, sampling) for _ in range(2)]
            assert [reply.text for reply in replies] == ["fine", "fine"]
            assert outcomes(replies[0])[-1] == "ok" and len(replies[0].usage.calls) <= 9
            assert outcomes(replies[1]) == ["ok"], "the second time nothing is refused"
    assert notices and len(set(notices)) == len(notices) <= 2
    assert all(f"{model.name} is asked with" in said for said in notices)
    told = replies[1].usage.calls[0].detail
    assert told.startswith("asked with") or name in ("mistral-order", "vllm-order")


def body_after(name: str, lines: list[Line] = HISTORY, tools: tuple[Tool, ...] = (OFFER,), **sampling: Any) -> Any:
    """The request that such a server takes in the end."""
    with serving(Script(fine, servers=(name,))) as server:
        chat(fresh(server), lines, tools, Sampling(**sampling))
        return server.bodies[-1]


def roles(body: Any) -> str:
    return " ".join(message["role"] for message in body["messages"])


def test_what_the_user_says_after_a_tool_stands_in_its_result() -> None:
    body = body_after("mistral-order")
    assert roles(body) == "system user assistant tool assistant tool"
    assert [message["content"] for message in body["messages"] if message["role"] == "tool"] == [
        "ok\n\nno",
        "ok\n\nand?",
    ]
    assert body["tools"]


@pytest.mark.parametrize("name", ["gemma-system", "gemini-system", "o1-system", "router-system"])
def test_the_systems_words_stand_in_the_users_first_message(name: str) -> None:
    body = body_after(name)
    assert roles(body).startswith("user assistant") and body["messages"][0]["content"] == "bargain\n\nbegin"
    assert body["tools"]


def test_a_role_that_is_named_is_used() -> None:
    assert roles(body_after("developer")) == "developer user assistant tool user assistant tool user"


def test_turns_that_have_to_alternate_do() -> None:
    body = body_after("studio-template", TALK, ())
    said = [(one["role"], one["content"]) for one in body["messages"]]
    assert said[:3] == [("system", "talk"), ("user", "a\n\nb"), ("assistant", "d")] and said[-1][0] == "user"


@pytest.mark.parametrize("name", [name for name in SERVERS if name.endswith("-tools")])
def test_tools_that_are_not_taken_are_told_in_words_and_answers_in_words_are_read(name: str) -> None:
    body = body_after(name)
    assert "tools" not in body and roles(body) == "system user assistant user assistant user"
    system, *_ = (message["content"] for message in body["messages"])
    assert system.startswith("bargain") and '"action": "offer"' in system and "Offer a price." in system
    assert [message["content"] for message in body["messages"] if message["role"] == "assistant"] == [
        '{"say": "mine", "action": "offer", "price": 9}', '{"say": "", "action": "offer", "price": 10}',
    ]  # fmt: skip


def test_a_parameter_that_is_refused_is_left_out_and_the_others_stay() -> None:
    everything = {"temperature": 0.5, "top_p": 0.9, "stop": ("END",), "seed": 7}
    for name, gone in (("o1-temperature", "temperature"), ("o1-top-p", "top_p"), ("grok-stop", "stop"),
                       ("o3-stop", "stop"), ("no-seed", "seed"), ("claude-both", "top_p")):  # fmt: skip
        body = body_after(name, **everything)
        assert {"temperature", "top_p", "stop", "seed"} - body.keys() == {gone}, name
        assert body["tools"] and roles(body) == "system user assistant tool user assistant tool user"


def test_a_stop_that_is_not_taken_is_obeyed_here() -> None:
    with serving(Script(lambda _: {"text": "one END two"}, servers=("o3-stop",))) as server:
        assert chat(fresh(server), HISTORY, (), Sampling(stop=("END",))).text == "one "


@pytest.mark.parametrize("name", ["short-seed", "seed-int32"])
def test_a_long_seed_becomes_one_of_31_bits_that_depends_on_it(name: str) -> None:
    one, other, again = (body_after(name, seed=seed)["seed"] for seed in (2**62 + 5, 2**62 + 6, 2**62 + 5))
    assert one == again != other and 0 <= one < 2**31
    assert body_after(name, seed=2**31 - 1)["seed"] == 2**31 - 1


@pytest.mark.parametrize(
    ("name", "given", "sent"), [("tgi-temperature", {"temperature": 0.0}, 0.01), ("tgi-top-p", {"top_p": 1.0}, None)]
)
def test_a_value_at_the_edge_is_put_as_nearly_as_may_be(name: str, given: dict[str, float], sent: float | None) -> None:
    assert body_after(name, **given).get(*given) == sent


def test_a_value_that_is_out_of_range_is_an_error_that_names_the_setting() -> None:
    def cold(body: Any) -> Any:
        return (400, {"error": {"message": "temperature must be between 0 and 2"}}) if "temperature" in body else None

    with (
        serving_one(cold) as server,
        pytest.raises(ModelUnavailable, match=r"--set buyer\.sampling\.temperature=") as no,
        Asking("buyer"),
    ):
        chat(fresh(server), HISTORY, (), Sampling(temperature=5.0))
    assert len(no.value.usage.calls) == 1


def serving_one(check: Callable[[Any], Any]) -> Any:
    """A server that refuses what `check` says."""
    import request_refusals

    name = f"made-{next(FRESH)}"
    request_refusals.SERVERS[name] = check  # type: ignore[index]
    return serving(Script(fine, servers=(name,)))


def test_schemas_lose_only_what_is_refused() -> None:
    [one] = body_after("gemini-schema")["tools"]
    shape = one["function"]["parameters"]
    assert "additionalProperties" not in shape and shape["properties"]["price"] == PRICE
    [one] = body_after("plain-schema")["tools"]
    shape = one["function"]["parameters"]
    assert shape["properties"] == {"price": {"type": "number"}, "why": {"type": "string"}}
    assert shape["required"] == ["price"]


@pytest.mark.parametrize("name", ["no-null", "bedrock-blank"])
def test_contents_that_may_not_be_empty_are_not(name: str) -> None:
    body = body_after(name)
    assert roles(body) == "system user assistant tool user assistant tool user"
    assert body["messages"][5]["content"] == ("" if name == "no-null" else "…") and body["messages"][5]["tool_calls"]


def test_several_things_at_once_are_mended_one_after_the_other(notices: list[str]) -> None:
    several = ("new-limit", "no-seed", "o1-temperature", "gemma-template", "vllm-tools", "o3-stop", "o1-top-p")
    with serving(Script(fine, servers=several)) as server:
        model = fresh(server)
        first, second = (chat(model, HISTORY, (OFFER,)) for _ in range(2))
        body = server.bodies[-1]
    assert first.text == "fine" and outcomes(second) == ["ok"]
    assert body.keys() == {"model", "messages", "max_completion_tokens"}
    assert roles(body) == "user assistant user assistant user"
    assert len(notices) == 7


def test_many_calls_at_once_say_it_once(notices: list[str]) -> None:
    with serving(Script(fine, latency=0.05, servers=("vllm-tools",))) as server:
        model = fresh(server)

        async def work() -> list[Reply]:
            asked = (model.chat([*HISTORY, Line("user", str(n))], (OFFER,)) for n in range(4))
            return list(await asyncio.gather(*asked))

        assert {reply.text for reply in asyncio.run(work())} == {"fine"}
    assert len(notices) == 1 and "--enable-auto-tool-choice" in notices[0] and "native_tools=false" in notices[0]


def test_a_model_of_another_name_or_server_is_asked_as_usual() -> None:
    with serving(Script(fine, servers=("vllm-tools",))) as refusing, serving(Script(fine)) as taking:
        model = fresh(refusing)
        chat(model, HISTORY, (OFFER,))
        chat(OpenAI(model.id, base_url=taking.url), HISTORY, (OFFER,))
        chat(fresh(taking), HISTORY, (OFFER,))
        assert all(body["tools"] for body in taking.bodies)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 in the messages, "
        "200 in the functions, and 800 in the completion). Please reduce the length of the messages or completion.",
        "the request exceeds the available context size (4096 tokens)",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_a_prompt_that_does_not_fit_is_not_put_otherwise(message: str) -> None:
    with serving_one(lambda body: (400, {"error": {"message": message}})) as server:
        with pytest.raises(ModelUnavailable, match="shorten the prompt"):
            chat(fresh(server), HISTORY, (OFFER,))
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Incorrect API key; tools and system role are not supported"),
        (404, "The model `toolbench-7b` does not exist"),
        (400, "the request is not valid"),
        (500, "An unexpected error occurred; please include the request id in your message"),
        (500, 'error parsing tool call: raw="{\\"price\\": must}", err=invalid character'),
    ],
)
def test_other_errors_are_not_mended(status: int, message: str) -> None:
    with serving_one(lambda body: (status, {"error": {"message": message}})) as server:
        with pytest.raises(ModelUnavailable):
            chat(fresh(server), HISTORY, (OFFER,))
        assert len(server.seen) == 1


def test_a_server_that_refuses_everything_is_asked_a_few_times_and_nothing_is_remembered(notices: list[str]) -> None:
    with serving_one(lambda _: (400, {"error": {"message": "bad messages, bad tools, bad roles"}})) as server:
        model = fresh(server)
        for _ in range(2):
            before = len(server.seen)
            with pytest.raises(ModelUnavailable, match="bad messages"):
                chat(model, HISTORY, (OFFER,))
            assert 3 < len(server.seen) - before < 15
        assert server.bodies[0] == server.bodies[len(server.seen) // 2]
    assert notices == []


def test_one_call_at_a_time_is_asked_for_where_that_is_known_to_be_taken() -> None:
    def sent(url: str | None, tools: tuple[Tool, ...] = (OFFER,)) -> Any:
        return OpenAI("m", base_url=url).request(HISTORY, tools, Sampling()).get("parallel_tool_calls")

    known = (
        None,
        "https://api.groq.com/openai/v1",
        "https://me.openai.azure.com/openai/v1",
        "https://openrouter.ai/api/v1",
    )
    assert [sent(url) for url in known] == [False] * 4
    unknown = ("http://127.0.0.1:8000/v1", "https://api.deepseek.com", "https://evil-openrouter.ai/v1")
    assert [sent(url) for url in unknown] == [None] * 3
    assert sent(None, ()) is None


def test_where_it_is_refused_after_all_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Script(fine, servers=("no-parallel",))) as server:
        monkeypatch.setattr("agents.models.openai.ONE_CALL", ("127.0.0.1",))
        assert chat(fresh(server), HISTORY, (OFFER,)).text == "fine"
        assert ["parallel_tool_calls" in body for body in server.bodies] == [True, False]
