"""Tables of recorded runs. Timestamps for people are ISO 8601 in UTC; `turn.at` is Unix time in seconds.

Ids are short texts, or 63-bit hashes of the content, so that equal content is stored once. There are no foreign key
constraints: every id resolves once a transaction is committed.
"""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from arena.store import schema_memory
from arena.store.columns import CLUSTERED, Hash, number, string


class RunRow(SQLModel, table=True):
    """One invocation that plays a plan; resuming it keeps the row.

    `id` sorts by time. `plan` is JSON: `matches`, how many, and `groups` of equal matches with their seeds, in order.
    `status`: running, over, cut (budget), enough (stopped by its rule `until`), interrupted, failed (some episodes
    ended as error).
    """

    __tablename__: ClassVar[Any] = "run"
    id: str = string(primary_key=True)
    plan_hash: str = string(index=True)
    plan: str = string()
    command: str = string()
    status: str = string()
    started: str = string()
    ended: str | None = string(nullable=True)
    arena_version: str = string()


class EpisodeRow(SQLModel, table=True):
    """One match played. `id` is "<run>.<n>", `n` its place in the plan from 1, `match` the hash of the resolved match.

    `spec` is the resolved match as JSON. `status`: running, over, forfeit, cut, error (then `error` is a traceback).
    """

    __tablename__: ClassVar[Any] = "episode"
    id: str = string(primary_key=True)
    run: str = string(index=True)
    n: int
    match: str = string(index=True)
    game: str = string()
    rules_version: int
    seed: int = Field(sa_column=Column(Hash, nullable=False))
    patience: int
    spec: str = string()
    status: str = string()
    blame: str = string()
    error: str = string()
    started: str = string()
    ended: str | None = string(nullable=True)


class SeatRow(SQLModel, table=True):
    """Agent of a seat. `model` is the name of the agent's model, where it plays with one; `spec` is JSON."""

    __tablename__: ClassVar[Any] = "seat"
    episode: str = string(primary_key=True)
    seat: str = string(primary_key=True)
    agent: str = string()
    model: str | None = string(nullable=True)
    spec: str = string()


class TurnRow(SQLModel, table=True):
    """One answer of one seat. `text` and `thought` are ids of texts, NULL for none; `args` is JSON.

    `refused` says why the rules refused it, NULL if they did not. Resuming an episode reads these rows.
    """

    __tablename__: ClassVar[Any] = "turn"
    __table_args__ = CLUSTERED
    episode: str = string(primary_key=True)
    step: int = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    seat: str = string(primary_key=True)
    text: int | None = number(nullable=True)
    tool: str = string()
    args: str | None = string(nullable=True)
    thought: int | None = number(nullable=True)
    refused: str | None = string(nullable=True)
    at: float


class TextRow(SQLModel, table=True):
    """A text, once: `id` is the 63-bit blake2b hash of its UTF-8 bytes.

    Its key is an index beside the table, so that texts are appended: hashes in order of place leave a third empty.
    """

    __tablename__: ClassVar[Any] = "text"
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    body: str = string()


class MessageRow(SQLModel, table=True):
    """A message of a prompt, linked to the one before it: `id` hashes `parent`, `role` and `text`.

    A prompt is the chain that ends in its last message, so that a growing chat adds only its new messages.
    """

    __tablename__: ClassVar[Any] = "message"
    id: int = number(primary_key=True)
    parent: int | None = number(nullable=True)
    role: str = string()
    text: int = number()


class CallRow(SQLModel, table=True):
    """One attempt to get an answer from a model; `k` numbers the calls of one answer from 0.

    `attempt` is NULL if no answer resulted. `usd` is dollars, NULL if the price is unknown; `seconds` is wall
    clock. `prompt` is the id of the last message sent, `reply` of the text that came back. `id` hashes the row, so
    that recording an answer twice bills it once.
    """

    __tablename__: ClassVar[Any] = "call"
    __table_args__ = CLUSTERED
    episode: str = string(primary_key=True)
    step: int = Field(primary_key=True)
    id: int = number(primary_key=True)
    seat: str = string()
    attempt: int | None
    k: int
    model: str = string()
    resolved: str = string()
    outcome: str = string()
    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    seconds: float
    prompt: int | None = number(nullable=True)
    reply: int | None = number(nullable=True)
    detail: str = string()


class ScoreRow(SQLModel, table=True):
    """A payoff; NULL where there is none. `scorer` "game" is the game's own, `version` that of its rules.

    The row that counts is the game's at the episode's `rules_version`; the others were added by later scorings.
    """

    __tablename__: ClassVar[Any] = "score"
    __table_args__ = CLUSTERED
    episode: str = string(primary_key=True)
    seat: str = string(primary_key=True)
    scorer: str = string(primary_key=True)
    version: int = Field(primary_key=True)
    value: float | None


class ForkRow(SQLModel, table=True):
    """Where a forked episode comes from: the first `at` transitions of the episode `parent` are its own.

    `seed` distinguishes forks of the same place: it changes the seeds of the agents, not that of the game.
    """

    __tablename__: ClassVar[Any] = "fork"
    episode: str = string(primary_key=True)
    parent: str = string(index=True)
    at: int
    seed: int = Field(sa_column=Column(Hash, nullable=False))


class FactRow(SQLModel, table=True):
    """A fact that the game reports about an episode. `value` is JSON; `n` is 0, or counts the objects of a list from
    1."""

    __tablename__: ClassVar[Any] = "fact"
    name: str = string(primary_key=True)
    episode: str = string(primary_key=True, index=True)
    n: int = Field(primary_key=True)
    value: str = string()


ALL: tuple[Any, ...] = (RunRow, EpisodeRow, SeatRow, TurnRow, TextRow, MessageRow, CallRow, ScoreRow, FactRow, ForkRow,
                        *schema_memory.ALL)  # fmt: skip
