"""Store trial results; skip trials already stored."""

import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeAlias

from sqlalchemy import text

from arena.console.long_work import waiting
from arena.errors import ArenaError
from arena.redaction import redact
from arena.spec import dump_canonical
from arena.store.database import writing
from arena.store.store import Store
from unlearning.probe import Reading

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Case:
    """One trial of a bench. `spec` is all that its outcome follows from; equal specs are one trial.

    bench: the table it belongs to. setting: the environment, or the benchmark and its split. method: its label.
    """

    bench: str
    setting: str
    scope: str
    method: str
    seed: int
    spec: Mapping[str, Any]

    @cached_property
    def id(self) -> str:
        """The hash of the spec, 16 hex digits."""
        return blake2b(dump_canonical([self.bench, self.spec]).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """The result of a case: its target in words, its readings by label, and what it cost."""

    target: str
    readings: Mapping[str, Reading]
    seconds: float
    cost: Mapping[str, Any] = field(default_factory=dict)


Measure: TypeAlias = Callable[[Case], Awaitable[TrialRecord]]
Told: TypeAlias = Callable[[Case, "TrialRecord | None", str], None]


async def measure_cases(store: Store, cases: Sequence[Case], measure: Measure, told: Told, again: bool = False) -> int:
    """Measures the cases that are not in the book, one after the other; returns how many failed.

    Each is written down in one transaction when it is done, so that a process that dies loses the one it was at. One
    that fails is written down with its error, never as 0, and the next is taken; a later call takes it up again.
    `told` is called for each, with its entry or the reason of its failure.
    """
    known = set() if again else find_finished(store, [case.id for case in cases])
    failed = 0
    left = [case for case in cases if case.id not in known]
    if known:
        LOGGER.info("%d of %d cases are on record and are skipped", len(cases) - len(left), len(cases))
    for number, case in enumerate(left, 1):
        begun = time.perf_counter()
        try:
            with waiting(f"{number}/{len(left)} {case.setting} {case.scope} {case.method} seed {case.seed}"):
                entry = await measure(case)
        except ArenaError as error:
            entry, why, trace = None, str(error), str(error)
        except Exception as error:  # a defect of one method must not end a night's run
            entry, why, trace = None, redact(repr(error)), redact(traceback.format_exc())
            LOGGER.info("case %s failed, the next is taken", case.id, exc_info=True)
        else:
            why = trace = ""
        failed += entry is None
        write(store, case, entry, trace, time.perf_counter() - begun)
        told(case, entry, why)
    return failed


def find_finished(store: Store, ids: Iterable[str]) -> set[str]:
    """Those of the trials that are in the book, and did not fail."""
    wanted = set(ids)
    with store.engine.connect() as connection:
        found = connection.execute(text("SELECT id FROM trial WHERE status = 'over'"))
        return {row.id for row in found if row.id in wanted}


def write(store: Store, case: Case, entry: TrialRecord | None, error: str, seconds: float) -> None:
    """Writes a trial down with its readings, in place of an earlier one of the same spec."""
    row = {
        "id": case.id, "bench": case.bench, "setting": case.setting, "scope": case.scope,
        "target": entry.target if entry else "", "method": case.method, "seed": case.seed,
        "spec": dump_canonical(case.spec), "status": "over" if entry else "error", "error": error,
        "seconds": entry.seconds if entry else seconds, "cost": dump_canonical(dict(entry.cost) if entry else {}),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    readings = [_make_row(case.id, label, reading) for label, reading in (entry.readings if entry else {}).items()]
    with writing(store.engine) as connection:
        connection.execute(text("DELETE FROM reading WHERE trial = :id"), {"id": case.id})
        connection.execute(text("DELETE FROM trial WHERE id = :id"), {"id": case.id})
        connection.execute(text(_build_insert("trial", row)), row)
        if readings:
            connection.execute(text(_build_insert("reading", readings[0])), readings)


def _make_row(trial: str, label: str, reading: Reading) -> dict[str, Any]:
    return {
        "trial": trial, "probe": label, "value": reading.value, "low": reading.low, "high": reading.high,
        "twin": reading.null, "knew": reading.before, "better": reading.better, "level": reading.level,
        "items": json.dumps([round(item, 6) for item in reading.items]),
        "detail": json.dumps(dict(reading.detail), default=str, ensure_ascii=False),
    }  # fmt: skip


def _build_insert(table: str, row: Mapping[str, object]) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"
