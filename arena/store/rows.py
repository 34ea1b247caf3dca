"""Convert moves, calls and matches to database rows, and rows back to turns.

Texts are cleaned on the way in: NUL and lone surrogates, which databases refuse, become U+FFFD; numbers that JSON does
not know (infinity, NaN) become null. Values under names like `api_key` are masked.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from arena.episode import Turn
from arena.game import Move
from arena.identity_cache import by_identity
from arena.redaction import redact
from arena.store.schema import (
    CallRow,
    EpisodeRow,
    FactRow,
    ForkRow,
    MessageRow,
    RunRow,
    ScoreRow,
    SeatRow,
    TextRow,
    TurnRow,
)
from arena.text.storable import clean
from arena.usage import Call, Usage, token_count

SECRET = re.compile(r"(?i)(^|[-_])(api_?key|key|token|headers?|authorization|password|secret)$")
MASK = "***"
ASSIGNED = re.compile(r"([\w.-]+)=(\S+)")
LEAKS = (
    (
        re.compile(r"(?i)\b(api[-_]?key|authorization|password|secret)(['\"]?\s*[=:]\s*)(?:bearer\s+)?\S+"),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\bbearer\s+\S+"), f"Bearer {MASK}"),
    (re.compile(r"\bsk-[\w-]{8,}"), MASK),
    (re.compile(r"(?<=://)[^/@\s]+(?=@)"), MASK),
)


def build_insert(row: Any, update: Sequence[str] = ()) -> str:
    """INSERT for a table, all columns in order; on an existing key, `update` is set, or nothing happens."""
    table = row.__table__
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    change = ", ".join(f'"{name}" = excluded."{name}"' for name in update)
    return (
        f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(table.columns))}) "
        f"ON CONFLICT ({keys}) DO {f'UPDATE SET {change}' if change else 'NOTHING'}"
    )


STATEMENTS = {  # executed in this order within a transaction; ? stands for a value
    "text": build_insert(TextRow),
    "message": build_insert(MessageRow),
    "run": build_insert(RunRow, ("status", "ended")),
    "episode": build_insert(EpisodeRow, ("status", "blame", "error", "ended")),
    "seat": build_insert(SeatRow),
    "turn": build_insert(TurnRow, ("text", "tool", "args", "thought", "refused")),
    "call": build_insert(CallRow),
    "unscore": "DELETE FROM score WHERE episode = ? AND scorer = 'game'",
    "unfact": "DELETE FROM fact WHERE episode = ?",
    "score": build_insert(ScoreRow, ("value",)),
    "rescore": build_insert(ScoreRow),
    "fork": build_insert(ForkRow),
    "fact": build_insert(FactRow, ("value",)),
    "close": "UPDATE episode SET status = ?, blame = ?, error = ?, ended = ? WHERE id = ?",
    "end": "UPDATE run SET status = ?, ended = ? WHERE id = ?",
}
COUNTED = (  # the scores that count: the game's own, at the version of the rules under which an episode was played
    "score s JOIN episode e ON e.id = s.episode AND e.rules_version = s.version WHERE s.scorer = 'game'"
)
Chain: TypeAlias = tuple[Sequence[tuple[str, str]], Sequence[int]]  # messages of a prompt, and their row ids
NONE: Chain = ((), ())
ONCE = ("text", "message")  # immutable rows: known ones are not sent again


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class RowBuffer:
    """Rows to be inserted, grouped by statement.

    `chains` are the last written prompts of an episode, by seat: for a prompt with a common prefix only the rest is
    added. The prompts of these rows are in `longer`, and become `chains` once the rows are written.
    """

    __slots__ = ("chains", "longer", "of")

    def __init__(self, chains: Mapping[str, Chain] | None = None) -> None:
        self.of: dict[str, list[tuple[Any, ...]]] = {}
        self.chains, self.longer = chains or {}, dict[str, Chain]()

    def add(self, statement: str, *values: object) -> None:
        self.of.setdefault(statement, []).append(values)

    def text(self, body: str) -> int:
        """Add a text; returns its id."""
        body = clean(body)
        number = _hash(body.encode())
        self.add("text", number, body)
        return number

    def prompt(self, lines: Sequence[tuple[str, str]], begun: Chain = NONE) -> Chain:
        """Add a chain of messages without the prefix that it shares with `begun`; returns it with all its ids."""
        same = 0
        for line, known in zip(lines, begun[0], strict=False):
            if line is not known and line != known:
                break
            same += 1
        ids: list[int] = list(begun[1][:same])
        for role, body in lines[same:]:
            last = ids[-1] if ids else None
            role, said = clean(role), self.text(body)
            ids.append(_hash(f"{last}/{role}/{said}".encode()))
            self.add("message", ids[-1], last, role, said)
        return lines, ids

    def turn(self, episode: str, turn: Turn, at: float) -> None:
        """Add an answer and its calls; `at` is Unix time in seconds."""
        move = turn.move
        said = self.text(move.text) if move.text else None
        thought = self.text(move.thought) if move.thought else None
        args = dump(move.args) if move.args else None
        refused = clean(turn.refused) or None
        self.add(
            "turn", episode, turn.step, turn.attempt, turn.seat, said, clean(move.tool), args, thought, refused, at
        )
        self.calls(episode, turn.step, turn.seat, turn.attempt, move.usage.calls)

    def calls(
        self, episode: str, step: int, seat: str, attempt: int | None, calls: Iterable[Call], salt: str = ""
    ) -> None:
        """Add model calls; calls that are equal in all fields, including `salt`, are one row."""
        for k, call in enumerate(calls):
            chain = self.longer[seat] = self.prompt(call.prompt, self.longer.get(seat) or self.chains.get(seat, NONE))
            sent, reply = chain[1][-1] if chain[1] else None, self.text(call.reply) if call.reply else None
            values = (
                *(seat, attempt, k, clean(call.model), clean(call.resolved), clean(call.outcome)),
                *(token_count(call.input_tokens), token_count(call.output_tokens)),
                *(drop_infinite(call.usd), drop_infinite(call.seconds) or 0.0),
                *(sent, reply, scrub(clean(call.detail))),
            )
            self.add("call", episode, step, _hash(repr((episode, step, values, salt)).encode()), *values)

    def facts(self, episode: str, facts: Mapping[str, Any]) -> None:
        """Add facts: a list of objects as one row each, numbered from 1; anything else as one row, numbered 0."""
        for name, value in facts.items():
            table = isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value)
            for n, item in enumerate(value, 1) if table else ((0, value),):
                self.add("fact", clean(name), episode, n, dump(item))


def drop_infinite(value: float | None) -> float | None:
    """The number, or None if it is not finite."""
    return float(value) if value is not None and isfinite(value) else None


def dump(value: object) -> str:
    """JSON that every database accepts, with keys in their order."""
    return _encode(_clean_value(value))


def mask(value: object) -> Any:
    """A spec without its secrets: texts under a name like `api_key`, and passwords in URLs."""
    if isinstance(value, Mapping):
        return {name: _mask_texts(item) if SECRET.search(str(name)) else mask(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item) for item in value]
    return scrub(value) if isinstance(value, str) and "://" in value else value


_mask_once = by_identity(mask)


def scrub(text: str) -> str:
    """A text without keys: those of the environment, and texts that look like keys."""
    if not text:
        return text
    text = redact(text)
    for pattern, instead in LEAKS:
        text = pattern.sub(instead, text)
    return text


def mask_match(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved match with its secrets masked; matches of a plan share the specs of their game and seats."""
    seats = {seat: _mask_once(agent) for seat, agent in resolved["seats"].items()}
    return {**resolved, "game": _mask_once(resolved["game"]), "seats": seats}


def mask_command(command: str) -> str:
    """A command line without its secrets: `--set buyer.api_key=…`."""
    return scrub(ASSIGNED.sub(lambda m: f"{m[1]}={MASK}" if SECRET.search(m[1].rpartition(".")[2]) else m[0], command))


def load_turns(connection: Connection, episode: str) -> tuple[Turn, ...]:
    """The answers of an episode in the order they were given, with their calls and prompts."""
    calls = _load_calls(connection, episode)
    rows = connection.execute(
        text(
            "SELECT t.step, t.seat, t.attempt, t.tool, t.args, t.refused, said.body AS said, thought.body AS thought "
            "FROM turn t LEFT JOIN text said ON said.id = t.text LEFT JOIN text thought ON thought.id = t.thought "
            "WHERE t.episode = :episode ORDER BY t.step, t.attempt, t.at, t.seat"
        ),
        {"episode": episode},
    )
    turns = []
    for row in rows:
        usage = Usage(tuple(calls.get((row.step, row.seat, row.attempt), ())))
        args = json.loads(row.args) if row.args else {}
        move = Move(row.said or "", row.tool, args, row.thought or "", usage)
        turns.append(Turn(row.step, row.seat, move, row.attempt, row.refused or ""))
    return tuple(turns)


def load_facts(connection: Connection, episode: str) -> dict[str, Any]:
    """The facts of an episode, tables as lists again."""
    query = text("SELECT name, n, value FROM fact WHERE episode = :episode ORDER BY name, n")
    facts: dict[str, Any] = {}
    for name, n, value in connection.execute(query, {"episode": episode}):
        if n:
            facts.setdefault(name, []).append(json.loads(value))
        else:
            facts[name] = json.loads(value)
    return facts


def _load_calls(connection: Connection, episode: str) -> dict[tuple[int, str, int], list[Call]]:
    prompts = _load_prompts(connection, episode)
    rows = connection.execute(
        text(
            "SELECT c.*, text.body AS answer FROM call c LEFT JOIN text ON text.id = c.reply "
            "WHERE c.episode = :episode AND c.attempt IS NOT NULL ORDER BY c.step, c.attempt, c.seat, c.k"
        ),
        {"episode": episode},
    )
    calls = defaultdict(list)
    for row in rows:
        tokens = token_count(row.input_tokens), token_count(row.output_tokens)
        call = Call(
            *(row.model, row.resolved, row.outcome, *tokens, row.usd, row.seconds),
            *(prompts.get(row.prompt, ()), row.answer or "", row.detail),
        )
        calls[row.step, row.seat, row.attempt].append(call)
    return calls


def _load_prompts(connection: Connection, episode: str) -> dict[int | None, tuple[tuple[str, str], ...]]:
    """The messages of each prompt of an episode, by the id of its last message."""
    rows = connection.execute(
        text(
            "WITH RECURSIVE chain(id) AS (SELECT prompt FROM call WHERE episode = :episode "
            "UNION SELECT m.parent FROM message m JOIN chain ON m.id = chain.id) "
            "SELECT m.id, m.parent, m.role, text.body FROM chain JOIN message m ON m.id = chain.id "
            "JOIN text ON text.id = m.text"
        ),
        {"episode": episode},
    )
    links = {id: (parent, (role, body)) for id, parent, role, body in rows}
    prompts: dict[int | None, tuple[tuple[str, str], ...]] = {}
    ends = text("SELECT DISTINCT prompt FROM call WHERE episode = :episode AND prompt IS NOT NULL")
    for end in connection.execute(ends, {"episode": episode}).scalars():
        lines, at = [], end
        while at is not None:
            at, line = links[at]
            lines.append(line)
        prompts[end] = tuple(reversed(lines))
    return prompts


def _hash(data: bytes) -> int:
    """63 bits of blake2b: among ten million texts, the probability of a collision is 5 in a million."""
    return int.from_bytes(blake2b(data, digest_size=8).digest()) >> 1


def _clean_value(value: object) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): _clean_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_value(item) for item in value]
    return value if not isinstance(value, float) or isfinite(value) else None


def _mask_texts(value: object) -> Any:
    """The same shape with every text masked."""
    if isinstance(value, Mapping):
        return {name: _mask_texts(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_texts(item) for item in value]
    return MASK if isinstance(value, str) and value else value
