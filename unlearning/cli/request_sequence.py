"""Run a sequence of requests on a copy of a stored agent: which earlier requests hold, what flows back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.memory import agent_store
from agents.memory.subject import Subject
from arena.console.stdio import print_json, say
from arena.engine.play import run_blocking
from arena.errors import UsageError
from arena.reports.output import rows
from arena.spec import build, describe
from arena.store.query_result import QueryResult
from arena.store.store import Store
from unlearning.cli.agent_settings import set_method
from unlearning.experiments.trial_records import Case, TrialRecord, write
from unlearning.memory.request_parsing import resolve_request
from unlearning.method import Method
from unlearning.metrics.sequential import Sequel, dds, deviation, dus, run_sequence
from unlearning.probe import Reading, Task
from unlearning.request import Request
from unlearning.tasks.curriculum import course_of

COLUMNS = ("request", "told", "twin", "kept", "twin", "ds", "earlier", "came_back", "notes", "steering", "seconds")


@dataclass(frozen=True, slots=True)
class Series:
    """A sequence as it was typed: the agent's name, the requests in order, the method with its settings.

    benign: how many lessons on other things follow each request. seed: what is asked follows from it.
    """

    agent: str
    words: tuple[str, ...]
    method: str = "selective-replay"
    settings: tuple[str, ...] = ()
    benign: int = 4
    seed: int = 0


def measure_sequence(store: Store, series: Series) -> Sequel:
    """The state of a copy of a stored agent after each of the requests; the agent itself is not changed.

    The readings go to the records as a trial, which names no target. Raises UnclearTarget, UsageError.
    """
    if not series.words:
        raise UsageError("name one request or more: --request “forget the clinic” --request “forget the mill”")
    if series.benign < 0:
        raise UsageError(f"--benign counts lessons, 0 or more; got {series.benign}")
    method = build(Method, set_method(series.method, series.settings))
    subject = agent_store.get_agent(store, series.agent)
    requests = [resolve_request(subject.memory, words) for words in series.words]
    lessons = make_benign_lessons(agent_store.load_course(store, series.agent), subject, requests, series.benign)
    found = run_blocking(lambda: run_sequence(subject, requests, method, lessons=lessons, seed=series.seed))
    scopes = {request.scope for request in requests}
    made = {"agent": series.agent, "method": describe(method), "requests": len(requests), "benign": len(lessons),
            "at": datetime.now(UTC).isoformat()}  # fmt: skip
    scope = scopes.pop() if len(scopes) == 1 else "mixed"
    case = Case("sequence", series.agent, scope, series.method, series.seed, made)
    entry = TrialRecord(f"{len(requests)} requests", build_readings(found), sum(step.seconds for step in found.steps))
    write(store, case, entry, "", entry.seconds)
    return found


def make_benign_lessons(
    taught: Mapping[str, object], subject: Subject, requests: Sequence[Request], count: int
) -> tuple[Task, ...]:
    """Lessons that none of the requests is about, as far as they can be had from what the agent was taught in."""
    if not taught or not count:
        return ()
    return course_of(taught).benign(requests, count)


def build_readings(found: Sequel) -> dict[str, Reading]:
    """The sequence as readings by name: DDS and DUS of the whole, and of each step what is disclosed, kept and came
    back."""
    steps = found.steps
    apart = [deviation(step.twin_forget, step.twin_retain) for step in steps]
    made = {
        "dds": Reading(found.dds, tuple(step.deviation for step in steps), null=dds(apart)),
        "dus": Reading(found.dus, null=dus([step.twin_retain for step in steps])),
        "utility": Reading(
            sum(step.retain for step in steps) / len(steps),
            tuple(step.retain for step in steps),
            null=sum(step.twin_retain for step in steps) / len(steps),
        ),
    }
    for step in steps:
        made[f"told_{step.step}"] = Reading(step.forget, null=step.twin_forget)
        made[f"kept_{step.step}"] = Reading(step.retain, null=step.twin_retain)
        made[f"ds_{step.step}"] = Reading(step.deviation, null=deviation(step.twin_forget, step.twin_retain))
        made[f"backflow_{step.step}"] = Reading(step.backflow[-1], step.backflow, null=step.twin_backflow[-1])
        if step.earlier:
            made[f"earlier_{step.step}"] = Reading(max(step.earlier), step.earlier)
    return made


def tell_sequence(found: Sequel, as_json: bool) -> None:
    """A row for each request, then the two overall numbers, each next to the twin's."""
    if as_json:
        print_json({"dds": found.dds, "dus": found.dus, "steps": found.rows()})
        return
    lines = []
    for step in found.steps:
        row = step.row()
        lines.append((step.step, step.forget, step.twin_forget, step.retain, step.twin_retain, step.deviation,
                      row["worst"], row["returned"], step.notes, step.steering, round(step.seconds, 4)))  # fmt: skip
    rows(QueryResult(COLUMNS, tuple(lines)), keys=1)
    read = build_readings(found)
    told = " · ".join(f"{name.upper()} {read[name].value:.3f} (twin {read[name].null:.3f})" for name in ("dds", "dus"))
    say(f"{told} · kept on average {read['utility'].value:.3f} (twin {read['utility'].null:.3f})")
