"""Benchmark of agents: all methods on all scopes and environments, with scripted or other base agents."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from agents.memory.memory import Memory
from agents.memory.note_writers import ALL
from agents.memory.subject import Mind, Subject
from arena.agent import Agent
from arena.game import Game
from arena.planning.settings import Setting
from arena.spec import build, describe, dump_canonical
from unlearning.experiments.experiment import Shared, experiment
from unlearning.experiments.suite_settings import change_probes, check_probes
from unlearning.experiments.trial_records import Case, TrialRecord
from unlearning.memory.twin import twin
from unlearning.method import Method
from unlearning.probe import build_probe
from unlearning.request import Item, Request
from unlearning.tasks.curriculum import Curriculum

ENVIRONMENTS: Mapping[str, Any] = {
    "gridworld": {"name": "gridworld", "preset": "unknown"},
    "household": {"name": "household"},
    "shopping": {"name": "shopping"},
    "wiki": {"name": "wiki"},
}
METHODS: Mapping[str, Any] = {
    "noop": "noop",
    "reset": "reset",
    "record-deletion": "record-deletion",
    "closure-deletion": "closure-deletion",
    "selective-replay": "selective-replay",
    "replay": "replay",
    "raw": {"name": "instruction", "form": "raw"},
    "template": {"name": "instruction"},
    "conduct": {"name": "instruction", "goal": "conduct"},
    "converted": "converted",
    "icul": "icul",
    "filter": "filter",
    "dragon": "dragon",
    "alu": {"name": "alu", "model": "scripted/auditor"},
    "knowledge-entry": "knowledge-entry",
    "replay-gate": {"name": "compose", "steps": ["selective-replay", "write-gate"]},
}
SCOPES = ("state", "trajectory", "environment")


@dataclass(frozen=True, slots=True)
class Bench:
    """methods, environments: specs by label. scopes: kinds of targets. budgets: questions of the adversary.

    mind: who thinks; lessons: in each environment; exam: tasks of each role; games: interrogations, each of which gives
    the guess of every budget; level and strategy: what the adversary knows, and how it asks.
    metrics: specs of what is measured besides, by label; settings: those of metrics and attacks.
    seeds: how often, each with lessons and a target of its own; two honest twins with other lessons are the null.
    """

    methods: Mapping[str, Any]
    environments: Mapping[str, Any]
    scopes: tuple[str, ...] = SCOPES
    budgets: tuple[int, ...] = (1, 5, 10, 25, 50, 100)
    mind: Any = "knower"
    lessons: int = 12
    exam: int = 10
    games: int = 40
    k: int = 20
    level: str = "A2"
    strategy: str = "mixed"
    seeds: int = 1
    twins: int = 2
    metrics: Mapping[str, Any] = field(default_factory=dict)
    settings: Sequence[Setting] = ()

    def cases(self) -> Iterator[Case]:
        """The trials of the bench, a row of its table each. Raises UsageError for a wrong name, before any is begun."""
        suites = {scope: build_suite(scope, self._asking() | {"metrics": self.metrics}) for scope in self.scopes}
        check_probes([probe for suite in suites.values() for probe in suite.values()], self.settings)
        for scope, suite in suites.items():
            for probe in {**suite, **self._find_metrics(scope)}.values():
                build_probe(probe)
        for seed in range(self.seeds):
            for place, environment in self.environments.items():
                for scope in self.scopes:
                    for label, spec in self.methods.items():
                        yield Case("agents", place, scope, label, seed, self._spec(environment, scope, spec, seed))

    def _spec(self, environment: object, scope: str, method: object, seed: int) -> dict[str, Any]:
        return {
            "environment": describe(build(Game, environment)), "scope": scope, "seed": seed,
            "method": describe(build(Method, method)), "mind": describe(build(Agent, self.mind)),
            "lessons": self.lessons, "exam": self.exam, "twins": self.twins, **self._asking(),
            **({"metrics": metrics} if (metrics := self._find_metrics(scope)) else {}),
        }  # fmt: skip

    def _find_metrics(self, scope: str) -> dict[str, Any]:
        """What is measured besides in a scope, and the probes of its suite that have other settings, by label."""
        suite = build_suite(scope, self._asking() | {"metrics": self.metrics})
        changed = change_probes(suite, self.metrics, self.settings)
        return {label: spec for label, spec in changed.items() if label in self.metrics or spec != suite[label]}

    def _asking(self) -> dict[str, Any]:
        """The adversary's strategy."""
        return {"games": self.games, "k": self.k, "budgets": list(self.budgets), "level": self.level,
                "strategy": self.strategy}  # fmt: skip


@dataclass(frozen=True, slots=True)
class School:
    """Shared between the cases of a run: taught agents by their lessons, and measurements of all roles but the
    forgetting one.

    shared: of the last environment, scope and seed alone, since the cases of one come together.
    """

    pupils: dict[str, Subject] = field(default_factory=dict)
    shared: dict[tuple[str, str, int], Shared] = field(default_factory=dict)

    def of(self, case: Case) -> Shared:
        """Data shared by the cases of the same environment, scope and seed."""
        key = (case.setting, case.scope, case.seed)
        if key not in self.shared:
            self.shared.clear()
        return self.shared.setdefault(key, Shared())


async def measure_case(case: Case, school: School) -> TrialRecord:
    """The result of a case: taught, asked, forgotten, and probed."""
    spec, pupils = case.spec, school.pupils
    course = build_course(spec, case.seed)
    knower = await _teach_pupil(course, spec["mind"], pupils)
    request = course.pick(knower.memory, spec["scope"], Random(f"target {case.seed}"))
    request = replace(request, note=f"forget {request.forget[0].name}")
    tasks = course.exam(request, spec["exam"])
    twins = [await _teach_twin(course, spec, request, n + 1, pupils) for n in range(spec["twins"])]
    probes = build_suite(request.scope, spec)
    result = await experiment(
        knower, request, spec["method"], probes, tasks=tasks, twins=twins, seed=case.seed, shared=school.of(case)
    )
    return TrialRecord(", ".join(request.targets), result.readings, result.seconds, result.trial.cost)


def build_course(spec: Mapping[str, Any], seed: int) -> Curriculum:
    """The lessons of a case. An environment is forgotten together with another world of the same game that is kept."""
    worlds: Sequence[Any] = (spec["environment"],)
    if spec["scope"] == "environment":
        worlds = (spec["environment"], {**spec["environment"], "world": spec["environment"].get("world", 0) + 1})
    return Curriculum(tuple(worlds), spec["lessons"], seed)


def build_suite(scope: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The probes of a scope by label: the two gaps, what leaks where, and the adversary at all budgets at once."""
    probes: dict[str, Any] = {
        "success_forget": {"name": "success", "role": "forget"},
        "success_retain": {"name": "success", "role": "retain"},
        "steps_forget": {"name": "steps", "role": "forget"},
        "steps_retain": {"name": "steps", "role": "retain"},
        "divergence": "divergence",
        "degeneration": "degeneration_rate",
        "residue": "residue",
    }
    if spec["budgets"]:
        asking = {name: spec[name] for name in ("games", "k", "budgets", "level", "strategy") if name in spec}
        probes["adversary"] = {"name": "adversary", "budget": max(spec["budgets"]), **asking}
    own: Mapping[str, Any] = spec.get("metrics", {})
    if scope == "trajectory":
        return {**probes, "exact_match": "trajectory", "prefix": {"name": "trajectory", "measure": "prefix"}, **own}
    probes |= {"leak": "channel_leak", "leak_answer": {"name": "channel_leak", "channel": "answer"},
               "refusal": "refusal", "extraction": "extraction"}  # fmt: skip
    return {**probes, **own}


async def _teach_pupil(course: Curriculum, mind: object, pupils: "dict[str, Subject]") -> Subject:
    """The subject after the course; taught once in a run."""
    key = dump_canonical([describe(course), mind])
    if key not in pupils:
        pupils[key] = await course.teach(Subject(build(Mind, mind), Memory(writers=ALL)))
    return pupils[key]


async def _teach_twin(
    course: Curriculum, spec: Mapping[str, object], request: Request, n: int, pupils: "dict[str, Subject]"
) -> Subject:
    """An honest twin that had other lessons: it never met the target either."""
    other = replace(course, seed=course.seed + 1000 * n)
    subject = await _teach_pupil(other, spec["mind"], pupils)
    return twin(subject, drop_episodes(request))


def drop_episodes(request: Request) -> Request:
    """The request for one that had other lessons: it went through none of the episodes that are named."""
    return request if request.scope != "trajectory" else replace(request, forget=(Item("none of its episodes"),))
