"""JSON messages between this process and a worker: answers, the end of an episode, errors.

Texts are cleaned as for the database, so that what is received equals what will be read back.
"""

import json
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from arena.cache_register import memoize
from arena.episode import Episode, Match, Turn
from arena.errors import ArenaError, BudgetSpent, Halted, ModelUnavailable, Stopped, UsageError
from arena.store.rows import dump
from arena.usage import FREE, Usage

Key: TypeAlias = tuple[int, str, int]  # step, seat, attempt
KINDS: dict[str, type[ArenaError]] = {"budget": BudgetSpent, "halted": Halted, "usage": UsageError}


class Crashed(Exception):
    """An episode failed in a worker; the message names the error, its cause holds the traceback of that process."""


class Far(Exception):
    """A traceback of another process."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def key(turn: Turn) -> Key:
    return turn.step, turn.seat, turn.attempt


def pack(turns: Sequence[Turn]) -> str:
    """Serialise answers to JSON."""
    return dump(_adapter(tuple[Turn, ...]).dump_python(tuple(turns), mode="json"))


def unpack(text: str) -> tuple[Turn, ...]:
    """Parse answers from JSON."""
    turns: tuple[Turn, ...] = _adapter(tuple[Turn, ...]).validate_python(json.loads(text))
    return turns


def pack_end(episode: Episode) -> str:
    """Serialise the end of an episode to JSON: everything but its answers, of which only the order is kept."""
    bare = _adapter(Episode).dump_python(replace(episode, turns=()), mode="json", exclude={"match", "turns", "id"})
    return dump({**bare, "order": [key(turn) for turn in episode.turns]})


def unpack_end(text: str, match: Match, turns: Mapping[Key, Turn]) -> Episode:
    """The finished episode, with the recorded answers."""
    data = json.loads(text)
    order = [turns[step, seat, attempt] for step, seat, attempt in data.pop("order")]
    episode: Episode = _adapter(Episode).validate_python({**data, "match": match, "turns": ()})
    return replace(episode, match=match, turns=tuple(order))


def pack_error(error: BaseException) -> str:
    """Serialise an exception to JSON, with the attributes of arena's own ones."""
    kind = next((kind for kind, type_ in KINDS.items() if isinstance(error, type_)), "crash")
    data: dict[str, Any] = {"kind": kind, "text": str(error)}
    if isinstance(error, ModelUnavailable):
        data |= {"kind": "model", "model": error.model, "why": error.why}
    if isinstance(error, ModelUnavailable | Stopped):
        usage = _adapter(Usage).dump_python(error.usage or FREE, mode="json")
        data |= {"seat": error.seat, "step": error.step, "usage": usage}
    if data["kind"] == "crash":
        data |= {"text": f"{type(error).__name__}: {error}", "trace": "".join(traceback.format_exception(error))}
    return dump(data)


def unpack_error(text: str) -> Exception:
    """The exception, to be raised in this process."""
    data = json.loads(text)
    if data["kind"] == "crash":
        crashed = Crashed(data["text"])
        crashed.__cause__ = Far(data["trace"])
        return crashed
    usage: Usage = _adapter(Usage).validate_python(data.get("usage", {}))
    if data["kind"] == "model":
        error: ArenaError = ModelUnavailable(data["model"], data["why"], usage)
    else:
        error = KINDS[data["kind"]](data["text"])
    if isinstance(error, ModelUnavailable | Stopped):
        error.usage, error.seat, error.step = usage, data["seat"], data["step"]
    return error


@memoize("code")
def _adapter(type_: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(type_)
