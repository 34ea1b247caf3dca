"""Store of runs: open, create and resume runs, record and load episodes."""

import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import DBAPIError

from arena.episode import Episode, Match, Status, Turn
from arena.errors import BadRecord
from arena.store.database import connect
from arena.store.location import DatabaseLocation, explain_failure
from arena.store.rows import (
    COUNTED,
    Chain,
    RowBuffer,
    drop_infinite,
    dump,
    load_facts,
    load_turns,
    mask_command,
    mask_match,
    scrub,
)
from arena.store.run_lock import RunLock
from arena.store.writer import DatabaseWriter
from arena.text.storable import clean
from arena.usage import FREE, Usage
from arena.version import __version__

LOGGER = logging.getLogger(__name__)

T = TypeVar("T")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A match of a run that is to be played: from its start, or from `history`, the recorded answers."""

    n: int
    id: str
    match: Match
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its pending matches in the order of the plan, with the number of finished ones."""

    id: str
    resumed: bool
    pending: tuple[Pending, ...]
    done: int


@dataclass(slots=True, eq=False)
class Store:
    """The records at one location. Reads are concurrent; writes go through one thread.

    A committed answer survives a crash of the process; a power failure may lose the last commits.
    """

    place: DatabaseLocation
    engine: Engine
    writer: DatabaseWriter
    claims: dict[str, RunLock] = field(default_factory=dict)
    chains: dict[str, dict[str, Chain]] = field(default_factory=dict)  # last prompts of open episodes, by seat

    @classmethod
    def open(cls, where: str | Path, create: bool = True, wait: float = 30.0) -> "Store":
        """Open the records at a path or an SQLAlchemy URL; creates them if needed.

        Without `create` the database must exist, and read access is sufficient. `wait` is the number of seconds to wait
        for a lock. Raises BadRecord, saying what is wrong and what to do.
        """
        place = DatabaseLocation.of(where)
        engine = connect(place, create, wait)
        return cls(place, engine, DatabaseWriter(engine, place))

    @property
    def where(self) -> str:
        """The path, or the URL without its password."""
        return str(self.place)

    def begin(
        self, matches: Sequence[Match], command: str = "", retry_errors: bool = False, again: bool = False,
        origin: str = "",
    ) -> Run:  # fmt: skip
        """The unfinished run of the same plan, or a new one (`again`: in any case a new one). Raises UsageError where
        a match cannot be built.

        What ended (over, forfeit, and error unless `retry_errors`) is not pending. A run that another process is
        playing right now is left to it. `origin` tells plans of equal matches apart: the episode that is forked.
        """
        for match in matches:
            if not -LARGEST <= match.seed <= LARGEST:
                raise BadRecord(f"a seed has to fit into 63 bits, got {match.seed}")
        plan = hash_plan(matches, origin)
        try:
            for run in () if again else self._read(_find_unfinished, plan, retry_errors):
                if not self._claim(run):
                    continue
                if run not in self._read(
                    _find_unfinished, plan, retry_errors
                ):  # the process that played it has just ended it
                    self.claims.pop(run).release()
                    continue
                pending = self._read(_load_pending, run, matches, retry_errors)
                self.end(run, "running")
                done, left = len(matches) - len(pending), len(pending)
                LOGGER.info("run %s resumes: %d episodes are done and skipped, %d are left", run, done, left)
                return Run(run, True, pending, done)
        except DBAPIError as error:
            raise explain_failure(self.place, error) from error
        run = _make_id()
        self._claim(run)
        rows = RowBuffer()
        listed = dump(group_matches(matches))
        rows.add("run", run, plan, listed, mask_command(clean(command)), "running", _format_now(), None, __version__)
        self.writer.commit_now(rows)
        return Run(run, False, tuple(Pending(n, f"{run}.{n}", match) for n, match in enumerate(matches, 1)), 0)

    async def record_start(self, pending: Pending) -> None:
        """Records that an episode is being played, and who sits where; again when it goes on."""
        match, rows = pending.match, RowBuffer()
        spec = mask_match(match.resolved)
        run, game = pending.id.rpartition(".")[0], spec["game"]
        rows.add(
            *("episode", pending.id, run, pending.n, match.id, game["name"], spec["rules_version"], match.seed),
            *(match.patience, dump(spec), "running", "", "", _format_now(), None),
        )
        for seat, agent in spec["seats"].items():
            rows.add("seat", pending.id, seat, agent["name"], _find_model(agent), dump(agent))
        await self.writer.commit(rows)

    async def turn(self, episode_id: str, turn: Turn) -> None:
        """Record an answer with its calls; a later version replaces an earlier one. Committed on return."""
        chains = self.chains.setdefault(episode_id, {})
        rows = RowBuffer(chains)
        rows.turn(episode_id, turn, time.time())
        await self.writer.commit(rows)
        chains.update(rows.longer)

    async def record_end(self, episode_id: str, episode: Episode) -> None:
        """Records how an episode ended: its status, facts, and scores, which are NULL where it was not played out."""
        rows, version = RowBuffer(), episode.match.resolved["rules_version"]
        rows.add("unscore", episode_id)
        rows.add("unfact", episode_id)
        finished = episode.status in ("over", "forfeit")
        for seat, value in episode.scores.items():
            rows.add("score", episode_id, seat, "game", version, drop_infinite(value) if finished else None)
        rows.facts(episode_id, episode.facts)
        rows.add("close", episode.status, clean(episode.blame), scrub(clean(episode.error)), _format_now(), episode_id)
        await self.writer.commit(rows)
        self.chains.pop(episode_id, None)

    async def record_cost(self, episode_id: str, usage: Usage, seat: str = "", step: int = 0) -> None:
        """Records what calls cost that led to no answer."""
        rows = RowBuffer()
        rows.calls(episode_id, step, seat, None, usage.calls, salt=secrets.token_hex(8))
        await self.writer.commit(rows)

    async def record_failure(
        self, episode_id: str, error: str, usage: Usage = FREE, seat: str = "", step: int = 0
    ) -> None:
        """Records that an episode died: its traceback and what the last calls cost; no scores, but the answers stay."""
        rows = RowBuffer()
        rows.calls(episode_id, step, seat, None, usage.calls, salt=secrets.token_hex(8))
        rows.add("unscore", episode_id)
        rows.add("unfact", episode_id)
        rows.add("close", "error", "", scrub(clean(error)), _format_now(), episode_id)
        await self.writer.commit(rows)
        self.chains.pop(episode_id, None)

    def end(self, run_id: str, status: str) -> None:
        """Records how a run ended: over, cut, enough, interrupted or failed; "running" opens it again."""
        rows = RowBuffer()
        rows.add("end", status, None if status == "running" else _format_now(), run_id)
        self.writer.commit_now(rows)
        if status != "running" and run_id in self.claims:
            self.claims.pop(run_id).release()

    def episode(self, id: str) -> Episode:
        """The episode of that id, or of the only id that begins so, or the "last". Raises BadRecord with near ids."""
        try:
            with self.engine.connect() as connection:
                row = _find(connection, id, self.where)
                spec, name = json.loads(row.spec), row.id
                query = text(f"SELECT s.seat, s.value FROM {COUNTED} AND s.episode = :id")
                found = {seat: value for seat, value in connection.execute(query, {"id": name})}
                scores = {seat: found[seat] for seat in spec["seats"] if seat in found}
                turns, facts = load_turns(connection, name), load_facts(connection, name)
        except DBAPIError as error:
            raise explain_failure(self.place, error) from error
        match = Match(spec["game"], spec["seats"], row.seed, row.patience, spec.get("branch", 0))
        status: Status = "cut" if row.status == "running" else row.status
        return Episode(match, turns, scores, facts, status, row.blame, row.error, name)

    def close(self) -> None:
        """Write pending rows and close the database; unfinished runs stay open."""
        self.writer.close()
        for claim in self.claims.values():
            claim.release()
        self.claims.clear()
        self.engine.dispose()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def is_played(self, run: str) -> bool:
        """Whether another process plays that run right now."""
        claim = None if run in self.claims else RunLock.take(self.place, self.engine, run)
        if claim is not None:
            claim.release()
        return claim is None and run not in self.claims

    def _read(self, question: Callable[..., T], *given: object) -> T:
        """The result of a query on current data: what was read before a lock may be outdated."""
        with self.engine.connect() as connection:
            return question(connection, *given)

    def _claim(self, run: str) -> bool:
        if run in self.claims:
            return True
        claim = RunLock.take(self.place, self.engine, run)
        if claim is not None:
            self.claims[run] = claim
        return claim is not None


def _find_unfinished(connection: Connection, plan_hash: str, retry_errors: bool) -> list[str]:
    """The runs of that plan that can be resumed, latest first."""
    died = "OR EXISTS (SELECT 1 FROM episode e WHERE e.run = r.id AND e.status = 'error')" if retry_errors else ""
    query = text(
        "SELECT r.id FROM run r WHERE r.plan_hash = :plan AND "
        f"(r.status IN ('running', 'cut', 'interrupted', 'enough') {died}) ORDER BY r.id DESC"
    )
    return list(connection.execute(query, {"plan": plan_hash}).scalars())


def _load_pending(
    connection: Connection, run: str, matches: Sequence[Match], retry_errors: bool
) -> tuple[Pending, ...]:
    query = text("SELECT n, status FROM episode WHERE run = :run")
    status = {n: value for n, value in connection.execute(query, {"run": run})}
    ended = {"over", "forfeit"} if retry_errors else {"over", "forfeit", "error"}
    return tuple(
        Pending(n, f"{run}.{n}", match, load_turns(connection, f"{run}.{n}") if n in status else ())
        for n, match in enumerate(matches, 1)
        if status.get(n) not in ended
    )


def _find(connection: Connection, id: str, where: str) -> Row[Any]:
    columns = "SELECT id, spec, seed, patience, status, blame, error FROM episode"
    if id == "last":
        query, given = f"{columns} ORDER BY started DESC, n DESC LIMIT 1", {}
    else:
        query, given = (
            f"{columns} WHERE substr(id, 1, :size) = :id ORDER BY length(id), id LIMIT 9",
            {"id": id, "size": len(id)},
        )
    rows = connection.execute(text(query), given).all()
    exact = [row for row in rows if row.id == id]
    if len(rows) == 1 or exact:
        return (exact or list(rows))[0]
    if rows:
        raise BadRecord(f"{id!r} may be any of: {', '.join(row.id for row in rows[:8])}; write more of it")
    ids = list(connection.execute(text("SELECT id FROM episode ORDER BY started DESC LIMIT 500")).scalars())
    if not ids:
        raise BadRecord(f"{where} holds no episode yet; type: arena play")
    near = get_close_matches(id, ids, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(near)}?" if near else f"; the latest is {ids[0]}"
    raise BadRecord(f"no episode {id!r} in {where}{meant} (all: arena list episodes)")


def hash_plan(matches: Sequence[Match], origin: str = "") -> str:
    """The hash of the resolved matches in their order: equal plans have equal hashes."""
    told = [match.id for match in matches] + [origin] * bool(origin)
    return blake2b(" ".join(told).encode(), digest_size=16).hexdigest()


def group_matches(matches: Sequence[Match]) -> dict[str, Any]:
    """The plan as data: consecutive matches that differ in nothing but seed and branch stand together."""
    specs = [mask_match(match.resolved) for match in matches]
    groups = []
    for rest, several in groupby(
        specs, key=lambda spec: {k: v for k, v in spec.items() if k not in ("seed", "branch")}
    ):
        members = list(several)
        branches = [spec["branch"] for spec in members if "branch" in spec]
        forked = {"branches": branches} if branches else {}
        groups.append({**rest, "seeds": [spec["seed"] for spec in members], **forked})
    return {"matches": len(matches), "groups": groups}


def _find_model(agent: Any) -> str | None:
    """The name of the model an agent's spec plays with, below whatever wraps it."""
    name = None
    while isinstance(agent := agent.get("model"), dict):
        name = agent.get("name", name)
    return name


def _make_id() -> str:
    """An id that sorts by time: milliseconds and four random characters, in base 36."""
    left, digits = time.time_ns() // 1_000_000, ""
    while left:
        left, digit = divmod(left, 36)
        digits = DIGITS[digit] + digits
    return digits + "".join(secrets.choice(DIGITS) for _ in range(4))


def _format_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
