"""Probe a stored agent: against the agent before, its twin, and two further twins as the null."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import text

from agents.llm.llm import LLM
from agents.memory import agent_store
from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Subject
from arena.console.exit_codes import OVER
from arena.console.long_work import waiting
from arena.console.stdio import print_json, say
from arena.errors import UsageError
from arena.planning.settings import SettablePart, Setting, apply_settings, resolve_settings
from arena.reports.output import rows
from arena.spec import build
from arena.store.query_result import QueryResult
from arena.store.store import Store
from unlearning.experiments import agents
from unlearning.experiments.bench_order import choose_parts
from unlearning.experiments.experiment import run_probes
from unlearning.experiments.suite_settings import ANY_PROBE, build_probe_parts, set_probes
from unlearning.experiments.tables import format_spread, load_readings
from unlearning.experiments.trial_records import Case, TrialRecord, write
from unlearning.memory.request_parsing import UnclearTarget, resolve_request, split_request
from unlearning.memory.twin import twin
from unlearning.method import Method
from unlearning.probe import Task, Trial, build_probe
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum, course_of

NEED_METHOD = ("adversary", "watcher")  # attacks that run the method again
NEED_TASKS = ("success", "steps", "detour", "visits", "mentions", "degeneration_rate", "trajectory", "divergence",
              "watcher")  # fmt: skip
LEAK_ANSWER: Mapping[str, Any] = {"name": "channel_leak", "channel": "answer"}
HONEST = 2  # twins that had other lessons
ANEW = (
    "before and twin are taught anew, with the seeds of the lessons: a model that does not honour seeds learns "
    "something else each time, and these columns differ from probe to probe"
)
ASKING: Mapping[str, Any] = {"games": 20, "k": 20, "budgets": (25, 100), "strategy": "mixed"}


@dataclass(frozen=True, slots=True)
class ProbeOrder:
    """The arguments of a probe: the agent, the request it is said to have met, probes, a method if none is recorded."""

    agent: str
    words: str
    probes: str | None = None
    method: str | None = None
    json: bool = False
    settings: tuple[str, ...] = ()


def run_probe(db: str, order: ProbeOrder) -> int:
    """Probe a stored agent, store the readings and print them; the exit code."""
    with Store.open(db, create=False) as store:
        after, taught = agent_store.get_agent(store, order.agent), agent_store.load_course(store, order.agent)
        spec, other = find_method(store, order)
        spec, settings = set_method_and_probes(spec, order)
        made = (
            probe_against_knower(after, taught, order, spec, settings)
            if taught
            else probe_alone(after, order, spec, settings)
        )
        with waiting(f"probing {order.agent}"):
            case, entry, silent = asyncio.run(made)
        write(store, case, entry, "", entry.seconds)
        found = load_readings(store, [case.id])
    left = [name for name in NEED_METHOD[:1] if spec is None and order.probes is None and not silent]
    said = [f"{name} left out: {explain_unknown_method(order.agent)}" for name in left]
    for line in filter(None, (other, silent, *said, ANEW if isinstance(after.mind, LLM) else "")):
        say(line, stderr=True)
    if order.json:
        print_json(found)
        return OVER
    names = ("value", "low", "high", "twin", "knew", "lift")
    lines = [(row["probe"], *(row[name] for name in names), format_spread(row["twins"]).strip(" ()")) for row in found]
    rows(QueryResult(("probe", "value", "low", "high", "twin", "before", "lift", "honest twins"), tuple(lines)), keys=1)
    return OVER


def find_method(store: Store, order: ProbeOrder) -> tuple[Any, str]:
    """The spec of the method that made an agent forget, and a note on it; None where it is not known.

    As given, else from the agent's last recorded request.
    """
    if order.method is not None:
        return {"name": order.method}, ""
    query = "SELECT method FROM request WHERE owner = :name ORDER BY at DESC, id DESC"
    with store.engine.connect() as connection:
        found = [json.loads(row.method) for row in connection.execute(text(query), {"name": order.agent})]
    if not found:
        return None, ""
    kinds = list(dict.fromkeys(spec["name"] for spec in found))
    said = (
        f"{order.agent} forgot by {', '.join(kinds)}; the adversary takes the last, {kinds[0]} (--method names another)"
    )
    return found[0], said if len(kinds) > 1 else ""


def set_method_and_probes(spec: Any, order: ProbeOrder) -> tuple[Any, tuple[Setting, ...]]:
    """The method's spec with its settings, and the settings of the probes, which are known later. Raises UsageError."""
    named = _list_named_probes(order)
    own = [SettablePart("method", "method", spec)]
    settings = resolve_settings([*own, *ANY_PROBE, *build_probe_parts(named, named)], order.settings)
    if spec is None and any(setting.prefix == "method" for setting in settings):
        raise UsageError(explain_unknown_method(order.agent))
    (made,) = apply_settings(own, settings)
    if made is not None:
        build(Method, made)  # what it does not take is told before anything is taught
    return made, settings


def _list_named_probes(order: ProbeOrder) -> dict[str, Any]:
    """The probes that --probes names, by label; whether they can be read here is found later."""
    if order.probes is None:
        return {}
    known = {label: spec for scope in agents.SCOPES for label, spec in agents.build_suite(scope, ASKING).items()}
    return choose_parts("probe", order.probes, {**known, "leak_answer": LEAK_ANSWER})


def explain_unknown_method(name: str) -> str:
    """Why attacks that need the method cannot be run."""
    return f"no request of {name} is on record, so nobody knows by what it forgot; name the method: --method NAME"


async def probe_against_knower(
    after: Subject, taught: Mapping[str, object], order: ProbeOrder, method: object, settings: Sequence[Setting]
) -> tuple[Case, TrialRecord, str]:
    """The agent's readings, and notes on them. The agent that knew is taught again, since its memory is gone.

    Where no task of its lessons is about the target, it is asked and looked through, and no task is played.
    """
    course = course_of(taught)
    before = await teach_again(course, after)
    request = resolve_request(before.memory, order.words)
    suite = agents.build_suite(request.scope, ASKING if method is not None else {**ASKING, "budgets": ()})
    tasks, silent = build_exam(course, request)
    if silent:
        suite = {label: spec for label, spec in suite.items() if _get_name(spec) not in NEED_TASKS}
    wanted = choose_parts("probe", order.probes, {**suite, "leak_answer": LEAK_ANSWER} if order.probes else suite)
    wanted = set_probes(wanted, wanted if order.probes else (), settings)
    if silent and (played := [label for label, spec in wanted.items() if _get_name(spec) in NEED_TASKS]):
        raise UsageError(f"{silent}; {', '.join(played)} cannot be read, leave it out")
    if method is None and any(_get_name(spec) in NEED_METHOD for spec in wanted.values()):
        raise UsageError(explain_unknown_method(order.agent))
    made: Method | None = None if method is None else build(Method, method)
    others = [await teach_again(replace(course, seed=course.seed + 1000 * n), after) for n in range(1, HONEST + 1)]
    twins = tuple(twin(other, agents.drop_episodes(request)) for other in others)
    trial = Trial(
        request, before, after, twin(before, request), {"forget": request.forget}, tasks, twins, method=made,
    )  # fmt: skip
    found = await run_probes(trial, {label: build_probe(spec) for label, spec in wanted.items()})
    return (
        _make_case(order, request, taught, wanted, method),
        TrialRecord(format_target_count(request), found, 0.0),
        silent,
    )


async def probe_alone(
    after: Subject, order: ProbeOrder, method: object, settings: Sequence[Setting]
) -> tuple[Case, TrialRecord, str]:
    """The readings of an agent whose lessons are not on record: whether it answers at all, since nobody can be taught
    anew to say what the answer was; and what its memory still has of the target.

    The target is what the words name, in memory or not. Raises UsageError for a probe that compares with who knew.
    """
    silent = f"{order.agent}: what it was taught is not on record, so nobody can be taught anew to compare with"
    suite: dict[str, Any] = {"tells": "tells"}
    try:
        request = resolve_request(after.memory, order.words)
        suite |= {"leak_answer": LEAK_ANSWER, "residue": "residue"}
    except UnclearTarget:  # as it should be, after forgetting
        names, kept = split_request(order.words)
        request = Request(tuple(map(Item, names)), tuple(map(Item, kept)), "state", order.words)
    wanted = choose_parts("probe", order.probes, suite)
    if other := [label for label in wanted if label not in suite]:
        raise UsageError(f"{silent}; {', '.join(other)} cannot be read, there are: {', '.join(suite)}")
    wanted = set_probes(wanted, wanted if order.probes else (), settings)
    trial = Trial(request, after, after, twin(after, request), {"forget": request.forget})
    found = await run_probes(trial, {label: build_probe(spec) for label, spec in wanted.items()})
    readings = {label: replace(reading, before=None) for label, reading in found.items()}
    return (
        _make_case(order, request, {}, wanted, method),
        TrialRecord(format_target_count(request), readings, 0.0),
        silent,
    )


def build_exam(course: Curriculum, request: Request) -> tuple[Mapping[str, tuple[Task, ...]], str]:
    """The tasks to be played before and after; none, and why, where no task is about the target."""
    try:
        return course.exam(request, 10), ""
    except UsageError as error:
        return {}, str(error)


def _make_case(
    order: ProbeOrder, request: Request, taught: Mapping[str, Any], probes: Mapping[str, Any], method: Any
) -> Case:
    digest = blake2b(order.words.encode(), digest_size=8).hexdigest()  # the agent may have forgotten what they name
    spec = {"agent": order.agent, "request": digest, "course": dict(taught), "probes": sorted(probes),
            "method": method, **({"suite": dict(probes)} if order.settings else {})}  # fmt: skip
    label = "as it stands" if method is None else str(method["name"])
    return Case("probe", order.agent, request.scope, label, 0, spec)


def format_target_count(request: Request) -> str:
    """The number of targets: the records name none, since the agent may have forgotten them."""
    return "1 target" if len(request.forget) == 1 else f"{len(request.forget)} targets"


async def teach_again(course: Curriculum, like: Subject) -> Subject:
    """A new agent with the same base agent, after the lessons."""
    return await course.teach(Subject(like.mind, Memory(writers=like.memory.writers or ALL)))


def _get_name(spec: Any) -> str:
    return str(spec if isinstance(spec, str) else spec["name"])
