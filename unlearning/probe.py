"""The contract of metrics and attacks: a trial in, a reading with its null out.

A metric or an attack is an async function of a Trial; its keyword-only parameters are its configuration:

    @metric
    async def extraction_strength(trial: Trial, *, span: str = "value") -> Reading: ...
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from arena.agent import Agent
from arena.errors import UsageError
from arena.game import JSON
from arena.part_decorators import part
from arena.registry import is_registered, list_entries
from arena.spec import build
from unlearning.method import Method
from unlearning.request import Item, Request

Role: TypeAlias = Literal["before", "after", "oracle"]
Direction: TypeAlias = Literal["lower", "higher", "twin"]


class NoTwin(UsageError):
    """A probe compares with the never-exposed twin, and the trial has none. reason: the same of any probe."""

    reason = "it compares with the never-exposed twin, and there is none"

    def __init__(self, who: str) -> None:
        super().__init__(f"{who} cannot be read: {self.reason} (name one: --twin local/TWIN)")


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do: a game as a spec, the seat that is taken, who sits at the others, the seed of the match."""

    game: Any
    seat: str = "agent"
    seats: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One experiment: who knew (`before`), who is said to have forgotten (`after`), the never-exposed twin (`oracle`).

    oracle: None where there is no twin of the same base: then readings have no null, and nothing can be concluded.
    data: items by what they are to the request: `forget`, `retain`, `holdout` (like the forgotten ones, never taught),
    `paraphrase`, `neighbor`, `general`, … tasks: games to play by the same roles. twins: further honest twins (other
    seeds), whose readings against the oracle are the null of every distance to it. method: what made `after`, for
    attacks that run the method again. cost: what it took, as far as recorded: `seconds`, `tokens`, `flops`,
    `memory` (bytes at the peak). played: what was played already, by agent and role, so that probes share it.
    memo: what one probe measured of `before`, `oracle` and `twins`, for trials that differ in `after` alone.
    """

    request: Request
    before: Agent
    after: Agent
    oracle: Agent | None
    data: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    tasks: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    twins: tuple[Agent, ...] = ()
    seed: int = 0
    cost: Mapping[str, JSON] = field(default_factory=dict)
    method: Method | None = None
    played: list[tuple[Agent, tuple[str, tuple[object, ...]]]] = field(default_factory=list, compare=False, repr=False)
    memo: dict[str, list[tuple[Agent, Any]]] | None = field(default=None, compare=False, repr=False)

    def agent(self, role: Role) -> Agent:
        """The agent in that role. Raises NoTwin for a twin that there is not."""
        return self.twin(role) if role == "oracle" else {"before": self.before, "after": self.after}[role]

    def twin(self, who: str) -> Agent:
        """The never-exposed twin. Raises NoTwin, naming the probe `who`, where the trial has none."""
        if self.oracle is None:
            raise NoTwin(who)
        return self.oracle


@dataclass(frozen=True, slots=True)
class Reading:
    """A measured value with its interval, its parts, and its null: the same probe on the twin.

    value: None where it could not be taken (never 0 for a failure). items: the value by item, in the order asked.
    low, high: the interval at `level`. null: the value for the twin; `lift` is what counts. before: the value for
    the agent that knew. better: which way is better, or "twin" where nearer to the null is better.
    detail: what a reader needs besides: counts, by channel, by budget.
    """

    value: float | None
    items: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    null: float | None = None
    before: float | None = None
    better: Direction = "twin"
    level: float = 0.95
    detail: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def lift(self) -> float | None:
        """The value over that of the twin; None where one of them is missing."""
        return None if self.value is None or self.null is None else self.value - self.null

    @property
    def recovered(self) -> float | None:
        """The value scaled between the twin (0) and the agent before (1); None where these are equal."""
        if self.value is None or self.null is None or self.before is None or self.before == self.null:
            return None
        share = (self.value - self.null) / (self.before - self.null)
        return share if isfinite(share) else None


@runtime_checkable
class Probe(Protocol):
    """Every metric and every attack: measures a trial. Raises ClosedModel where it needs weights and has none."""

    def __call__(self, trial: Trial) -> Awaitable[Reading]: ...


@runtime_checkable
class Attack(Probe, Protocol):
    """A probe that tries to recover what was forgotten, or to detect that something was."""


metric = part("metric", Probe)
attack = part("attack", Attack)


def build_probe(spec: Any) -> Probe:
    """The metric or attack that a name or a spec describes. Raises UnknownPart where there is neither."""
    name = spec if isinstance(spec, str) else spec["name"]
    attack = name not in list_entries("metric") and is_registered("attack", name)
    made: Probe = build("attack" if attack else "metric", spec)
    return made


def check_reading(label: str, reading: object) -> Reading:
    """The probe's result, if it is a Reading. Raises UsageError."""
    if isinstance(reading, Reading):
        return reading
    raise UsageError(
        f"{label or 'the probe'} gave {reading!r}; a metric gives a Reading, for example Reading(0.5, null=0.1, "
        'better="lower")'
    )
