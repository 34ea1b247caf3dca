"""The experiment as one function: a trained agent, a request, a method; then the twin, and the probes of all."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.memory.subject import Subject
from arena.agent import Agent
from arena.console.long_work import doing
from arena.spec import build, describe
from unlearning.memory.call_accounting import open_account
from unlearning.memory.twin import twin
from unlearning.method import Method
from unlearning.probe import Probe, Reading, Task, Trial, build_probe, check_reading
from unlearning.request import Item, Request


@dataclass(frozen=True, slots=True)
class Result:
    """A trial with the method's spec, the seconds it took, and the readings by the names of the probes."""

    trial: Trial
    method: Mapping[str, object]
    seconds: float
    readings: Mapping[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shared:
    """Results that do not depend on the method: tasks played, and by probe what it measured, of agents that many trials
    have.

    The trials have all but the method and the agent after in common.
    """

    played: list[tuple[Agent, tuple[str, tuple[object, ...]]]] = field(default_factory=list)
    memos: dict[str, dict[str, list[tuple[Agent, Any]]]] = field(default_factory=dict)


async def apply_method(agent: Agent, request: Request, method: Method) -> tuple[Agent, float]:
    """The agent after the method, and the seconds it took. The agent itself stays as it was."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    after = await method(agent, request)
    return after, clock() - begun


async def run_trial(
    subject: Subject,
    request: Request,
    method: Method,
    *,
    tasks: Mapping[str, tuple[Task, ...]] | None = None,
    data: Mapping[str, tuple[Item, ...]] | None = None,
    twins: Sequence[Agent] = (),
    seed: int = 0,
    shared: Shared | None = None,
) -> tuple[Trial, float]:
    """The trial of a method on a subject that was taught already, with its never-exposed twin; and the seconds.

    shared: what trials of other methods on the same subject measured of it, of its twin and of the further twins.
    """
    with open_account() as account:
        after, seconds = await apply_method(subject, request, method)
    cost = {"seconds": seconds, "calls": account.calls, "tokens": account.tokens}
    known = {"forget": request.forget, **(data or {})}
    oracle = twin(subject, request)
    trial = Trial(request, subject, after, oracle, known, tasks or {}, tuple(twins), seed, cost, method=method)
    return (trial if shared is None else replace(trial, played=shared.played)), seconds


async def run_probes(trial: Trial, probes: Mapping[str, Probe], shared: Shared | None = None) -> dict[str, Reading]:
    """The reading of each probe, by its name, one after the other."""
    found: dict[str, Reading] = {}
    for name, probe in probes.items():
        doing("probe", name)
        own = trial if shared is None else replace(trial, memo=shared.memos.setdefault(name, {}))
        found[name] = check_reading(name, await probe(own))
    return found


async def experiment(
    subject: Subject,
    request: Request,
    method: object,
    probes: Mapping[str, object],
    *,
    tasks: Mapping[str, tuple[Task, ...]] | None = None,
    data: Mapping[str, tuple[Item, ...]] | None = None,
    twins: Sequence[Agent] = (),
    seed: int = 0,
    shared: Shared | None = None,
) -> Result:
    """Method and probes, by label, as names or specs: forget, rebuild the twin, probe. All are built first."""
    made = build(Method, method)
    ready = {label: build_probe(spec) for label, spec in probes.items()}
    trial, seconds = await run_trial(
        subject, request, made, tasks=tasks, data=data, twins=twins, seed=seed, shared=shared
    )
    return Result(trial, describe(made), seconds, await run_probes(trial, ready, shared))
