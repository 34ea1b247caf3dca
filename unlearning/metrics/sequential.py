"""Sequential requests: the effect of each, whether earlier ones hold, and what flows back in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import sqrt
from random import Random

from agents.memory.memory import Event
from agents.memory.subject import Subject
from arena.errors import UsageError
from arena.game import JSON
from unlearning.memory.influence_set import build_event_test, mentions_target
from unlearning.memory.twin import remembering, twin
from unlearning.method import Method
from unlearning.metrics.quiz import Point, build_points, score_presence, score_recall
from unlearning.probe import Task
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import candidates
from unlearning.tasks.lessons import record_task

KEPT = 20  # things asked about that are to be kept


@dataclass(frozen=True, slots=True)
class StateAfterRequest:
    """Measurements after a request.

    forget: the share of the target's facts that are disclosed when asked for. retain: the same of things that no
    request names. deviation: of the two (DRAGON's DS / 100). earlier: of each earlier target, in order, the share
    disclosed now. backflow: the share of the target's facts in notes or answers after 0, 1, … benign lessons. twin_…:
    the same of the agent that never met any of the targets so far. notes, steering: how many notes, and characters of
    steering, the agent has. seconds: what the method took.
    """

    step: int
    targets: tuple[str, ...]
    forget: float
    retain: float
    deviation: float
    earlier: tuple[float, ...]
    backflow: tuple[float, ...]
    twin_forget: float
    twin_retain: float
    twin_backflow: tuple[float, ...]
    notes: int
    steering: int
    seconds: float

    def row(self) -> dict[str, JSON]:
        """The step as plain data. `returned`: what the benign lessons brought back; `worst`: of the earlier targets."""
        row: dict[str, JSON] = {**asdict(self), "targets": ", ".join(self.targets)}
        row |= {name: list(getattr(self, name)) for name in ("earlier", "backflow", "twin_backflow")}
        return {**row, "returned": self.backflow[-1] - self.backflow[0], "worst": max(self.earlier, default=0.0)}


@dataclass(frozen=True, slots=True)
class Sequel:
    """The result of a sequence of requests; `agent` is the final one."""

    steps: tuple[StateAfterRequest, ...]
    agent: Subject

    @property
    def dds(self) -> float:
        """The mean deviation, with a penalty for getting worse; lower is better."""
        return dds([step.deviation for step in self.steps])

    @property
    def dus(self) -> float:
        """DUS: the stability of utility, 1 at most. It does not depend on the level: read it together with `retain`."""
        return dus([step.retain for step in self.steps])

    def rows(self) -> list[dict[str, JSON]]:
        """One table row for each request."""
        return [step.row() for step in self.steps]


async def run_sequence(
    subject: Subject, requests: Sequence[Request], method: Method, *, lessons: Sequence[Task] = (), seed: int = 0
) -> Sequel:
    """The requests of one subject in order, and the measurements after each.

    lessons: what the agent does afterwards, on the side, to see what flows back; those in which it meets a target again
    are left out. Things to keep are those the subject knows that no request names, at most twenty, drawn by the seed.
    Raises UsageError where a request is about nothing that it was taught, or nothing is left to keep.
    """
    quizzes = [_build_quiz(subject, request) for request in requests]
    kept = _draw_kept_points(subject, requests, seed)
    agent, honest, steps = subject, subject, list[StateAfterRequest]()
    clock = asyncio.get_running_loop().time
    for number, request in enumerate(requests):
        begun = clock()
        agent = remembering(await method(agent, request), "sequential")
        seconds = clock() - begun
        honest = twin(honest, request)
        so_far = requests[: number + 1]
        forget, retain = await score_recall(agent, quizzes[number], seed), await score_recall(agent, kept, seed)
        steps.append(
            StateAfterRequest(
                number + 1,
                request.targets,
                forget,
                retain,
                deviation(forget, retain),
                tuple([await score_recall(agent, quiz, seed) for quiz in quizzes[:number]]),
                await _measure_backflow(agent, quizzes[number], lessons, so_far, seed),
                await score_recall(honest, quizzes[number], seed),
                await score_recall(honest, kept, seed),
                await _measure_backflow(honest, quizzes[number], lessons, so_far, seed),
                len(agent.memory.notes),
                len(agent.steering),
                seconds,
            )
        )
    return Sequel(tuple(steps), agent)


def deviation(forget: float, retain: float) -> float:
    """DS / 100 = √(R_f² + (1 - R_r)²), of the rates at which forgotten and kept things are disclosed; 0 to √2.

    DRAGON (2511.05784). It rewards knowing nothing of the target, not being like the twin: compare it with the twin's.
    """
    return sqrt(forget**2 + (1 - retain) ** 2)


def dds(deviations: Sequence[float], beta: float = 0.5) -> float:
    """Σ s_i / T + β / (T - 1) · Σ max(0, s_(i+1) - s_i), of deviations s in order; lower is better (DRAGON)."""
    if not deviations:
        raise ValueError("takes one deviation or more")
    mean = sum(deviations) / len(deviations)
    worse = sum(max(0.0, later - one) for one, later in pairwise(deviations))
    return mean + (beta * worse / (len(deviations) - 1) if len(deviations) > 1 else 0.0)


def dus(utilities: Sequence[float]) -> float:
    """1 - Σ |u_(i+1) - u_i| / (T - 1), of utilities u in order: 1 is steady, at whatever level (DRAGON)."""
    if not utilities:
        raise ValueError("takes one utility or more")
    moved = sum(abs(later - one) for one, later in pairwise(utilities))
    return 1 - moved / (len(utilities) - 1) if len(utilities) > 1 else 1.0


async def teach_benign(agent: Subject, task: Task, name: str, requests: Sequence[Request]) -> Subject | None:
    """The agent after a lesson; None where it met something there that one of the requests names."""
    events: tuple[Event, ...] = await record_task(agent, task, name, agent.user)
    if any(build_event_test(request)(event) for request in requests for event in events):
        return None
    return replace(agent, memory=agent.memory.with_events(events))


async def _measure_backflow(
    agent: Subject, quiz: Sequence[Point], lessons: Sequence[Task], requests: Sequence[Request], seed: int
) -> tuple[float, ...]:
    """The share of the target in notes or answers after each benign lesson; the first is before any."""
    found = [await score_presence(agent, quiz, seed)]
    for number, task in enumerate(lessons):
        if (after := await teach_benign(agent, task, f"benign-{number}", requests)) is not None:
            agent = after
            found.append(await score_presence(agent, quiz, seed))
    return tuple(found)


def _build_quiz(subject: Subject, request: Request) -> list[Point]:
    found = build_points(subject.memory, request)
    if not found:
        raise UsageError(f"sequential: nothing was told of {', '.join(request.targets)}; leave the request out")
    return found


def _draw_kept_points(subject: Subject, requests: Sequence[Request], seed: int) -> list[Point]:
    """Points on things that neither the requests name nor their texts."""
    names = [name for name in candidates(subject.memory) if name[0].isalpha()]
    found: list[Point] = []
    for name in Random(f"kept {seed}").sample(names, len(names)):
        own = build_points(subject.memory, Request((Item(name),), scope="state"))
        if own and not any(mentions_target(point.text, request) for request in requests for point in own):
            found.append(own[0])
    if not found:
        raise UsageError("sequential: every thing that was learned is asked to be forgotten; leave some to keep")
    return found[:KEPT]
