"""Tables of agents' memories, of requests to forget, and of forgetting experiments.

Rows of `event` and `note` are deleted for good when an agent forgets: see `agents/memory/agent_store.py`.
"""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from arena.store.columns import CLUSTERED, number, string


class SubjectRow(SQLModel, table=True):
    """An agent that remembers. `spec` is JSON: its mind, steering, guards, writers, budget, user.

    `course` is JSON, its curriculum, "" if unknown. `epoch` counts how often it forgot. `scrub` is 1
    after a deletion until no byte of the deleted rows is left in the files.
    """

    __tablename__: ClassVar[Any] = "subject"
    name: str = string(primary_key=True)
    spec: str = string()
    course: str = string()
    gate: str = string()
    epoch: int
    scrub: int
    made: str = string()
    changed: str = string()


class Remembered(SQLModel):
    """Columns that the memory tables share: `owner` is the agent, `n` the position in its log or among its notes."""

    __table_args__ = CLUSTERED
    owner: str = string(primary_key=True)
    n: int = Field(primary_key=True)
    id: str = string()
    text: str = string()
    kind: str = string()


class EventRow(Remembered, table=True):
    """Something an agent experienced: `subject` is what it is about.

    `whose` is the user it belongs to, "" for everybody's. `data` is JSON, what `text` says, by `kind` as in
    `arena/lessons.py`; "" where words are all there is.
    """

    __tablename__: ClassVar[Any] = "event"
    subject: str = string()
    episode: str = string()
    step: int
    environment: str = string()
    world: str = string()
    task_type: str = string()
    whose: str = string()
    data: str = string()


class NoteRow(Remembered, table=True):
    """Something an agent remembers. `parents` is JSON, ids of events and notes; `exact` 0 for a model's words."""

    __tablename__: ClassVar[Any] = "note"
    parents: str = string()
    writer: str = string()
    subject: str = string()
    environment: str = string()
    world: str = string()
    task_type: str = string()
    whose: str = string()
    grouped: str = string()
    exact: int


class RequestRow(SQLModel, table=True):
    """A request to forget that was carried out. It does not name its target: `digest` is a keyed hash of the names.

    `targets` counts them. `method` and `receipt` are JSON; `epoch` is that of the agent afterwards.
    """

    __tablename__: ClassVar[Any] = "request"
    id: str = string(primary_key=True)
    owner: str = string(index=True)
    scope: str = string()
    targets: int
    digest: str = string()
    method: str = string()
    receipt: str = string()
    epoch: int
    seconds: float
    at: str = string()


class TrialRow(SQLModel, table=True):
    """One experiment: a method, a request, the never-exposed twin. `id` hashes `spec`, all that it follows from.

    `bench` is the table it belongs to, `setting` the environment or the split. `status`: over, or error (with the
    traceback in `error`). `cost` is JSON: calls, tokens, passes, where they are known.
    """

    __tablename__: ClassVar[Any] = "trial"
    id: str = string(primary_key=True)
    bench: str = string(index=True)
    setting: str = string()
    scope: str = string()
    target: str = string()
    method: str = string()
    seed: int = number()
    spec: str = string()
    status: str = string()
    error: str = string()
    seconds: float
    cost: str = string()
    at: str = string()


class ReadingRow(SQLModel, table=True):
    """What a probe measured in a trial. NULL is no value, never 0.

    `twin` is the value for the never-exposed twin, `knew` for the agent that knew; `low` and `high` bound `value` at
    `level`. `better`: lower, higher, or twin. `items` (values by item) and `detail` are JSON.
    """

    __tablename__: ClassVar[Any] = "reading"
    trial: str = string(primary_key=True)
    probe: str = string(primary_key=True)
    value: float | None
    low: float | None
    high: float | None
    twin: float | None
    knew: float | None
    better: str = string()
    level: float
    items: str = string()
    detail: str = string()


ALL: tuple[Any, ...] = (SubjectRow, EventRow, NoteRow, RequestRow, TrialRow, ReadingRow)
