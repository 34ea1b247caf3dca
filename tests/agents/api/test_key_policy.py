"""Keys of the environment go only to servers they belong to, whatever a plan or a record pairs them with."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("anthropic")

from cli_runner import arena, typed
from fake_server import FakeServer, serving
from raw_server import Raw, raw_server

from agents.api.key_policy import Server, belongs
from agents.chat_model import Line
from arena.errors import ModelUnavailable, UsageError
from arena.key_permission import parse_pair, restrict_keys
from arena.spec import build, check_ready

TOKEN, USUAL = "ghp_0123456789abcdefghij", "sk-usual-0123456789abcdef"
KINDS = ("openai", "sdk", "anthropic")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("OPENAI_API_KEY", USUAL)
    monkeypatch.setenv("ANTHROPIC_API_KEY", USUAL)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gateway: gateway-secret-1")


def plan(folder: Path, server: FakeServer, kind: str = "openai", key: str = 'key_variable = "GITHUB_TOKEN"') -> str:
    address = server.root if kind == "anthropic" else server.url
    (folder / "plan.toml").write_text(
        f'game = "bargaining"\n[seats]\nseller = "linear"\n'
        f'[seats.buyer]\nname = "{kind}/m"\nbase_url = "{address}"\n{key}\n'
    )
    return "plan.toml"


def was_sent(server: FakeServer) -> str:
    return repr([one.headers for one in server.seen])


def model_at(kind: str, root: str, **fields: Any) -> Any:
    own = {"transport": "sdk"} if kind == "sdk" else {}
    name = "anthropic/m" if kind == "anthropic" else "openai/m"
    return build("model", {"name": name, "base_url": root, "retries": 0, "timeout": 20.0, **own, **fields})


def chat(model: Any) -> str:
    return str(asyncio.run(model.chat([Line("user", "hi")])).text)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_plans_pairing_is_refused_until_the_user_says_so(kind: str, tmp_path: Path) -> None:
    with serving() as server:
        file = plan(tmp_path, server, kind)
        host = server.root.removeprefix("http://")
        told = arena(tmp_path, "run", file, code=2)
        assert server.seen == []
        assert f"--allow-key GITHUB_TOKEN@{host}" in told
        assert TOKEN not in told
        arena(tmp_path, "run", file, "--allow-key", "GITHUB_TOKEN@127.0.0.1:9", code=2)  # another port
        arena(tmp_path, "run", file, "--allow-key", f"OPENAI_API_KEY@{host}", code=2)  # another variable
        assert server.seen == []
        arena(tmp_path, "run", file, "--allow-key", f"GITHUB_TOKEN@{host}")
        assert TOKEN in was_sent(server)


def test_a_record_is_held_to_the_same(tmp_path: Path) -> None:
    with serving() as server:
        arena(tmp_path, "run", plan(tmp_path, server), "--allow-key", "GITHUB_TOKEN@127.0.0.1")
        [episode] = [one["id"] for one in json.loads(arena(tmp_path, "sql", "select id from episodes", "--json"))]
        asked = len(server.seen)
        told = arena(tmp_path, "fork", episode, "--at", "1", code=2)
        assert "--allow-key GITHUB_TOKEN@" in told
        assert len(server.seen) == asked
        arena(tmp_path, "fork", episode, "--at", "1", "--allow-key", "GITHUB_TOKEN@127.0.0.1")
        assert len(server.seen) > asked


def test_the_users_own_configuration_counts(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    settings.mkdir()
    env = {"ARENA_CONFIG": str(settings)}
    with serving() as server:
        file = plan(tmp_path, server)
        for text in ('["GITHUB_TOKEN"]', '{"GITHUB_TOKEN": "127.0.0.1"}', '{"GITHUB_TOKEN": ["a b"]}'):
            (settings / "keys.json").write_text(text)
            assert typed(tmp_path, "run", file, env=env).code == 2
        (settings / "keys.json").write_text('{"GITHUB_TOKEN": ["127.0.0.1"]}')
        arena(tmp_path, "run", file, env=env)
        assert TOKEN in was_sent(server)


def test_a_pairing_that_is_typed_whole_is_the_users_word(tmp_path: Path) -> None:
    with serving() as server, serving() as other:
        seat = ["play", "--buyer", "openai/m", "--seller", "linear"]
        address, key = f"buyer.base_url={server.url}", "buyer.key_variable=GITHUB_TOKEN"
        arena(tmp_path, *seat, "--set", address, "--set", key)
        assert TOKEN in was_sent(server)
        file = plan(tmp_path, other)  # only half of it is typed here
        arena(tmp_path, "run", file, "--again", "--set", key, code=2)
        arena(tmp_path, "run", file, "--again", "--set", f"seller.base_url={server.url}", code=2)
        assert other.seen == []


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_the_usual_key_is_left_out_where_it_does_not_belong(kind: str, tmp_path: Path) -> None:
    with serving() as server:
        file = plan(tmp_path, server, kind, key="")
        arena(tmp_path, "run", file)
        assert server.seen
        for secret in (USUAL, "org-mine", "gateway-secret-1"):
            assert secret not in was_sent(server)
        plan(tmp_path, server, kind, key=f'key_variable = "{kind.upper()}_API_KEY"')
        arena(tmp_path, "run", file, "--again", code=2)
        assert USUAL not in was_sent(server)
        plan(tmp_path, server, kind, key="")
        arena(tmp_path, "run", file, "--again", "--allow-key", f"{kind.upper()}_API_KEY@127.0.0.1")
        assert USUAL in was_sent(server)


def test_the_address_in_the_environment_is_the_users_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        arena(tmp_path, "play", "--buyer", "openai/m", "--seller", "linear")
        assert USUAL in was_sent(server)
        asked = len(server.seen)
        (tmp_path / "p.toml").write_text('[seats.buyer]\nname = "openai/m"\nkey_variable = "GITHUB_TOKEN"\n')
        arena(tmp_path, "run", "p.toml", code=2)
        assert len(server.seen) == asked


def test_a_server_that_wants_the_key_that_was_left_out_is_told_of(tmp_path: Path) -> None:
    refusing = Raw(401, body=b'{"error": {"message": "who are you?"}}')
    with raw_server(lambda: refusing) as server, restrict_keys([]), pytest.raises(ModelUnavailable) as caught:
        chat(model_at("openai", server.root))
    assert f"--allow-key OPENAI_API_KEY@{server.root.removeprefix('http://')}" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "url", "allowed"),
    [
        ("OPENAI_API_KEY", "https://api.openai.com/v1", True),
        ("OPENAI_API_KEY", "https://API.OpenAI.com/v1", True),
        ("GROQ_API_KEY", "https://api.groq.com/openai/v1", True),
        ("OPENAI_API_KEY", "http://api.openai.com/v1", False),  # in plain text
        ("OPENAI_API_KEY", "https://api.openai.com.evil.example/v1", False),
        ("OPENAI_API_KEY", "https://evil.example/api.openai.com", False),
        ("OPENAI_API_KEY", "https://notapi.openai.com/v1", False),
        ("OPENAI_API_KEY", "https://api.groq.com/openai/v1", False),
        ("GITHUB_TOKEN", "https://api.openai.com/v1", False),
        ("OPENAI_API_KEY", "http://localhost:8000/v1", False),
        ("AWS_SECRET_ACCESS_KEY", "http://[::1]:8000/v1", False),
    ],
)
def test_where_a_key_belongs(variable: str, url: str, allowed: bool) -> None:
    assert belongs(variable, Server.at(url, "openai", chosen=True), ("OPENAI_API_KEY",)) is allowed


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com@evil.example/v1",
        "https://api.openai.com\\@evil.example/v1",
        "https://api.openai.com:443@evil.example",
        "https://evil.example\\.api.openai.com/v1",
        "https://api.openai.com%2eevil.example/v1",
        "https://api。openai。com/v1",
        "https://user:word@evil.example/v1",
        "ftp://api.openai.com/v1",
        "https://:443/v1",
        "https://api.openai.com:99999999/v1",
    ],
)
def test_addresses_that_libraries_read_differently_are_none(url: str) -> None:
    with pytest.raises(UsageError, match="base_url"):
        build("model", {"name": "openai/m", "base_url": url})


@pytest.mark.parametrize("text", ["", "MY_KEY", "@host", "MY_KEY@", "MY-KEY@host", "MY_KEY@a@b", "sk-live-0123456789"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="VAR@HOST") as caught:
        parse_pair(text)
    assert "0123456789" not in str(caught.value)


def test_pairs_may_be_written_as_addresses() -> None:
    assert parse_pair("MY_KEY@http://Box.local:8000/v1") == ("MY_KEY", "box.local:8000")
    assert parse_pair("MY_KEY@[::1]:8000") == ("MY_KEY", "[::1]:8000")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_to_another_server_drops_the_key(kind: str, status: int) -> None:
    with serving() as stranger:
        where = {
            "Location": f"{stranger.url}/chat/completions" if kind != "anthropic" else f"{stranger.root}/v1/messages"
        }
        with raw_server(lambda: Raw(status, where)) as server:
            try:
                chat(model_at(kind, server.root))
            except ModelUnavailable:
                assert status in (301, 302)  # these ask for another request than the one that was made
        assert USUAL in repr(server.seen)
        for secret in (USUAL, "org-mine", "gateway-secret-1"):
            assert secret not in was_sent(stranger)
        assert status < 307 or len(stranger.seen) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_within_the_server_keeps_the_key(kind: str) -> None:
    moved = iter([307, 308])

    def answer() -> Raw:
        status = next(moved, 0)
        return Raw(status, {"Location": "/elsewhere"}) if status else Raw(401, body=b'{"error": {"message": "no"}}')

    with raw_server(answer) as server, pytest.raises(ModelUnavailable):
        chat(model_at(kind, server.root))
    assert [USUAL in repr(one) for one in server.seen] == [True] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_end(kind: str) -> None:
    again = Raw(307, {"Location": "/again"})
    with raw_server(lambda: again) as server, pytest.raises(ModelUnavailable, match=r"(?i)redirects"):
        chat(model_at(kind, server.root))
    assert len(server.seen) < 30


def test_what_litellm_finds_in_the_environment_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("litellm")
    names = ("openai", "groq", "deepseek", "mistral", "anthropic", "gemini", "huggingface", "together_ai")
    for variable in ("GROQ", "DEEPSEEK", "MISTRAL", "GEMINI", "HUGGINGFACE", "TOGETHER_AI", "TOGETHERAI"):
        monkeypatch.setenv(f"{variable}_API_KEY", USUAL)
    monkeypatch.setenv("HF_TOKEN", USUAL)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", USUAL)
    with raw_server(lambda: Raw(401, body=b'{"error": {"message": "no"}}')) as server, restrict_keys([]):
        for name in names:
            model = build("model", {"name": f"litellm/{name}/m", "base_url": server.root, "retries": 0})
            check_ready(model)
            with pytest.raises(ModelUnavailable):
                chat(model)
        assert len(server.seen) == len(names)
        assert USUAL not in repr(server.seen)
        for name in ("vertex_ai", "sagemaker", "github_copilot", "bedrock"):
            with pytest.raises(UsageError, match="signs in"):
                check_ready(build("model", {"name": f"litellm/{name}/m", "base_url": server.root}))
        with pytest.raises(UsageError, match="--allow-key GITHUB_TOKEN@groq"):
            check_ready(build("model", {"name": "litellm/groq/m", "key_variable": "GITHUB_TOKEN"}))
        check_ready(build("model", {"name": "litellm/groq/m", "key_variable": "GROQ_API_KEY"}))
        with pytest.raises(UsageError, match="base_url"):
            build("model", {"name": f"litellm/huggingface/{server.root}/m"})
