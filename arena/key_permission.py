"""Permission to send API keys to other servers than their own: `--allow-key VAR@HOST`, and the user's `keys.json`.

A command permits what its command line says. Used as a library nothing is restricted: the program that builds a model
names its server and its key. Which keys belong where is known to `agents/api/key_policy.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from arena.cache_register import register
from arena.errors import UsageError
from arena.user_settings import config_folder, read_json

ALLOWED = "keys.json"  # {"VARIABLE": ["host", "host:port"]}, written by the user
PAIR = re.compile(r"(?P<variable>[A-Za-z_]\w*)@(?:https?://)?(?P<host>[^/\s@]+)(?:/\S*)?", re.ASCII)
VARIABLE = re.compile(r"""\bkey_variable["']?\s*[=:]\s*["']?(\w+)""")  # a setting on the command line
ADDRESS = re.compile(r"""\bbase_url["']?\s*[=:]\s*["']?([^\s"',(){}\[\]|]+|[^\s"',]*\[[^\]]*\][^\s"',(){}|]*)""")
Pair: TypeAlias = tuple[str, str]  # the environment variable, and host or host:port


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """What the user allowed. pairs: allowed (variable, server) pairs. variables: those typed as a `key_variable`."""

    pairs: frozenset[Pair] = frozenset()
    variables: frozenset[str] = frozenset()

    def allows(self, variable: str, host: str, port: int | None) -> bool:
        """Whether the pair was allowed, for that port or for any."""
        return (variable, host) in self.pairs or (variable, f"{host}:{port}") in self.pairs


@dataclass(slots=True)
class _State:
    given: KeyPermission | None = None


_STATE = register("endpoints", _State())  # process-wide, like the environment


def get_permission() -> KeyPermission | None:
    """The permission of this command; None if nothing is restricted."""
    return _STATE.given


def restrict(given: KeyPermission | None) -> None:
    """Apply the permission of another process for the rest of this one."""
    _STATE.given = given


@contextmanager
def restrict_keys(words: Sequence[str]) -> Iterator[None]:
    """Context manager: keys go only to their own servers, to pairs typed in `words`, and to pairs of the user's
    configuration.
    """
    before, _STATE.given = _STATE.given, KeyPermission(_find_pairs(words) | _load_pairs(), _find_variables(words))
    try:
        yield
    finally:
        _STATE.given = before


def allow_keys(pairs: Sequence[str]) -> None:
    """Add `VAR@HOST` texts to what is allowed. Raises UsageError."""
    parsed = frozenset(map(parse_pair, pairs))
    if _STATE.given is not None:
        _STATE.given = KeyPermission(_STATE.given.pairs | parsed, _STATE.given.variables)


def parse_pair(text: str) -> Pair:
    """The variable and the server of `VAR@HOST` or `VAR@HOST:PORT`. Raises UsageError."""
    found = PAIR.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--allow-key takes VAR@HOST, for example --allow-key MY_KEY@127.0.0.1:8000: the name of the environment "
            f"variable, not the key; got {text[: text.find('@') + 1 or 3]}…"
        )
    return found["variable"], found["host"].lower()


def _find_variables(words: Sequence[str]) -> frozenset[str]:
    return frozenset(name for word in words for name in VARIABLE.findall(word))


def _find_pairs(words: Sequence[str]) -> frozenset[Pair]:
    """Each typed key_variable with each typed base_url: typing both permits the pair."""
    servers = []
    for word in words:
        for url in ADDRESS.findall(word):
            try:
                servers.append(urlsplit(url).netloc.lower())
            except ValueError:
                continue
    return frozenset((name, server) for name in _find_variables(words) for server in servers if server)


def _load_pairs() -> frozenset[Pair]:
    """The pairs in the user's configuration. Raises UsageError if the file exists and is not valid."""
    table = read_json(ALLOWED)
    if table is None:
        return frozenset()
    if not isinstance(table, Mapping) or not all(isinstance(hosts, list) for hosts in table.values()):
        raise UsageError(f'{config_folder() / ALLOWED} is to hold {{"VARIABLE": ["host"]}}; got {str(table)[:60]}')
    return frozenset(parse_pair(f"{name}@{host}") for name, hosts in table.items() for host in hosts)
