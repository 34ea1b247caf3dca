"""Keys are found in whatever encoding a server or a library gives them back, before anything is stored or printed."""

import asyncio
import json
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cli_runner import typed

from arena.redaction import find_secrets, get_redactor, redact, unescape_text
from arena.store.location import DatabaseLocation, explain_failure

KEYS = ("sk-proj-0123456789/abcdef+GHIJ==", "ghp_A1b2C3d4E5f6G7h8I9j0", 'odd"key\\with/signs&100%', "12345678")


def hexed(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda key: json.dumps(key)[1:-1],
    "json with slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "all of json": hexed,
    "upper case": lambda key: hexed(key).upper().replace("\\U", "\\u"),
    "json in json": lambda key: json.dumps(json.dumps(hexed(key))),
    "mixed": lambda key: "".join(hexed(c) if n % 3 else c for n, c in enumerate(json.dumps(key)[1:-1]) if c != "\\"),
    "repr": lambda key: repr(key.encode()),
    "python": lambda key: "".join(f"\\x{ord(letter):02x}" for letter in key),
    "percent": lambda key: quote(key, safe=""),
    "percent, lower case": lambda key: "".join(f"%{ord(letter):02x}" for letter in key),
    "percent twice": lambda key: quote(quote(key, safe=""), safe=""),
    "entities": lambda key: "".join(f"&#{ord(letter)};" for letter in key),
    "entities in hexadecimal": lambda key: "".join(f"&#x{ord(letter):04X};" for letter in key),
    "base64": lambda key: b64encode(key.encode()).decode(),
    "base64 behind one": lambda key: b64encode(b"u:" + key.encode()).decode(),
    "base64 behind two": lambda key: b64encode(b"Bearer " + key.encode() + b"\n").decode(),
    "base64 for addresses": lambda key: urlsafe_b64encode(b"me:" + key.encode() + b" and more").decode(),
    "base64 in json": lambda key: b64encode(b"\xff\xfe" + key.encode() + b"\xff").decode().replace("/", "\\/"),
    "base64 in an address": lambda key: quote(b64encode(key.encode()).decode(), safe=""),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal in upper case": lambda key: key.encode().hex().upper(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", KEYS)
def test_no_way_of_writing_a_key_gets_through(key: str, way: str) -> None:
    written = WAYS[way](key)
    if way == "mixed" and ("\\" in key or '"' in key):
        written = "".join(hexed(c) if n % 3 else c for n, c in enumerate(key) if True)
    said = get_redactor(frozenset([key, "another-secret"]))(f"before {written} after, no key")
    assert written[2:-2] not in said
    assert "[key]" in said
    assert said.startswith("before ")
    assert said.endswith(" after, no key")


def test_what_is_no_key_stays() -> None:
    text = 'a "quoted" C:\\new\\u0041 100% &#65; YWJjZGVmZ2hpamts \\/ ghp_A1b2C3d4E5f6'
    assert get_redactor(frozenset(KEYS))(text) == text
    assert unescape_text("\\u0041\\/%41&#65;&#x41;\\\\u0041") == "A/AAAA"


@pytest.mark.parametrize("text", ["\\" * 300_000, "%25" * 200_000, "&#0" * 200_000, "\\u00" * 200_000, "A" * 10**6])
def test_long_texts_take_linear_time(text: str) -> None:
    began = time.process_time()
    get_redactor(frozenset(KEYS))(text + "12345678")
    assert time.process_time() - began < 10  # quadratic time would be hours


def test_which_variables_hold_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("MY_API_KEY", "GITHUB_TOKEN", "github_token", "PGPASSWORD", "GITHUB_PAT", "AWS_ACCESS_KEY_ID", "KEY_2")
    secret = {name: f"aaaaaaaa-{n}" for n, name in enumerate((*names, "APIKEY"))}
    other = {"MONKEY": "bbbbbbbb-1", "SSH_KEY": "/home/me/.ssh/id", "TOKENS_PARALLEL": "false", "X_TOKEN": "short"}
    for name, value in {**secret, **other}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:p%40ssword-9@host/db")
    found = find_secrets()
    assert {*secret.values(), "p%40ssword-9", "p@ssword-9"} <= found
    assert not {*other.values()} & found


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://me:hunter22word@127.0.0.1/db", "hunter22word"),
        ("postgresql://127.0.0.1/db?user=me&password=hunter22word", "hunter22word"),
        ("postgresql+psycopg://me:p%40ss%2Fword@host:5433/db?sslpassword=hunter22", "hunter22"),
        ("postgresql+psycopg://me:p%40ss%2Fword@host:5433/db", "p%40ss%2Fword"),
        ("mysql://me:hunter22word@host/db", "hunter22word"),
    ],
)
def test_passwords_of_databases_are_not_printed(url: str, secret: str, tmp_path: Path) -> None:
    for command in (["db", "path"], ["list", "runs"], ["show"]):
        done = typed(tmp_path, *command, "--db", url)
        assert secret not in done.stdout + done.stderr
    if not url.startswith("mysql"):
        told = str(explain_failure(DatabaseLocation.of(url), ValueError(f"cannot connect with {secret}")))
        assert secret not in told


def test_paths_are_printed_whole(tmp_path: Path) -> None:
    assert typed(tmp_path, "db", "path").stdout.strip() == str((tmp_path / "arena.db").resolve())
    assert typed(tmp_path, "db", "path", "--db", "sqlite:///x.db").stdout.strip() == str((tmp_path / "x.db").resolve())


RAISING = """
import base64, os
from arena.game import Move
def tell(view):
    key = os.environ["MY_SERVICE_KEY"]
    raise RuntimeError("cannot log in with " + {how})
"""


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "how", ["key", "base64.b64encode(key.encode()).decode()", "repr({'h': key})", "key.encode().hex()"]
)
def test_errors_of_the_users_own_agents_hold_no_key(how: str, tmp_path: Path) -> None:
    key = "Sv_live_A1b2C3d4E5f6"
    forms = (key, b64encode(key.encode()).decode()[:-4], key.encode().hex())
    (tmp_path / "mine.py").write_text(RAISING.replace("{how}", how))
    for more in ([], ["--json", "--again"]):
        done = typed(tmp_path, "play", "--buyer", "mine.py:tell", *more, env={"MY_SERVICE_KEY": key})
        assert "cannot log in" in done.stderr + done.stdout
        assert not [form for form in forms if form in done.stdout + done.stderr]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("arena.db*"))
    assert not [form for form in forms if form.encode() in kept]
    assert b"cannot log in" in kept


def test_a_fault_of_ours_tells_no_key_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_KEY", "Sv_live_A1b2C3d4E5f6")
    (tmp_path / "mine.py").write_text("import os\nraise RuntimeError(os.environ['MY_SERVICE_KEY'])\n")
    done = typed(tmp_path, "play", "--buyer", "mine.py:tell")
    assert done.code
    assert "Sv_live" not in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["openai", "sdk", "anthropic"])
@pytest.mark.parametrize(
    "way", ["all of json", "json with slashes", "json in json", "base64 behind two", "percent", "hexadecimal"]
)
def test_servers_that_quote_the_key(kind: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    pytest.importorskip("anthropic")
    from raw_server import Raw, raw_server

    from agents.chat_model import Line
    from arena.errors import ModelUnavailable
    from arena.spec import build

    key = KEYS[0]
    monkeypatch.setenv("ANTHROPIC_API_KEY" if kind == "anthropic" else "OPENAI_API_KEY", key)
    written = WAYS[way](key)
    quoted = written.replace('"', "") if way == "json in json" else written
    body = b'{"error": {"message": "no entry with KEY", "code": "KEY", "param": "KEY"}}'.replace(
        b"KEY", quoted.encode()
    )
    with raw_server(lambda: Raw(401, body=body)) as server:
        name = "anthropic/m" if kind == "anthropic" else "openai/m"
        model = build("model", {"name": name, "base_url": server.root, "retries": 0, "timeout": 30.0,
                                **({"transport": "sdk"} if kind == "sdk" else {})})  # fmt: skip
        with pytest.raises(ModelUnavailable) as caught:
            asyncio.run(model.chat([Line("user", "hi")]))
        assert "no entry with" in str(caught.value)
    said = repr(caught.value.usage) + str(caught.value)
    assert written[3:-3] not in said
    assert key not in unescape_text(said)


def test_a_redactor_is_made_once() -> None:
    assert get_redactor(frozenset(KEYS)) is get_redactor(frozenset(KEYS))
    assert redact("") == ""
    assert sys.getsizeof(redact("nothing")) < 100
