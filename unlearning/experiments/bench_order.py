"""A bench as it was typed, and the parts, probes and counts that its words name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arena.errors import UsageError, unknown
from arena.spec import build, describe
from arena.spec_syntax import format_spec, parse_specs, split
from unlearning.method import Method
from unlearning.probe import build_probe


@dataclass(frozen=True, slots=True)
class BenchOrder:
    """What every bench is told: which methods, how often, what is measured besides, and where the readings go.

    metrics, settings: as typed.
    """

    methods: str | None = None
    seeds: int = 1
    settings: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    out: Path | None = None
    csv: Path | None = None
    again: bool = False
    json: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AgentBenchOrder(BenchOrder):
    """A bench of agents that remember, as it was typed. games: interrogations by the adversary."""

    environments: str | None = None
    scopes: str | None = None
    budgets: str = "1,5,10,25,50,100"
    mind: str = "knower"
    games: int = 40


@dataclass(frozen=True, slots=True)
class WeightBenchOrder(BenchOrder):
    """A bench of models that are trained here, as it was typed."""

    benchmark: str = "tofu"
    split: str = "forget10"


def choose_parts(kind: str, names: str | None, known: Mapping[str, object]) -> dict[str, Any]:
    """Those of the known that are named, or all; of methods and probes any that is registered or in a file.

    names: with commas between, each alone or with settings as tournaments have them: `npo(lr=1e-3), npo(lr=0.1|0.3)`.
    What is known keeps its other settings. Raises UsageError.
    """
    if names is None:
        return dict(known)
    found: dict[str, Any] = {}
    for spec in (spec for text in split(names, ",") if text.strip() for spec in parse_specs(text)):
        table = {"name": spec} if isinstance(spec, str) else dict(spec)
        name = table.pop("name")
        if name in known:
            found[format_spec(spec)] = known[name] if not table else _change_settings(kind, name, known[name], table)
        elif kind not in ("method", "probe"):
            raise UsageError(unknown(kind, name, known))
        else:
            found[format_spec(spec)] = spec
        if kind in ("method", "probe") and found[format_spec(spec)] is not None and (table or name not in known):
            made = found[format_spec(spec)]
            found[format_spec(spec)] = describe(build(Method, made) if kind == "method" else build_probe(made))
    return found


def parse_probes(typed: Sequence[str]) -> dict[str, Any]:
    """The specs of metrics and attacks as they were typed: by name, with settings, or in a file. Raises UsageError."""
    return {label: spec for text in typed for label, spec in choose_parts("probe", text, {}).items()}


def _change_settings(kind: str, name: str, spec: Any, settings: Mapping[str, Any]) -> Any:
    """A known spec with other settings. Raises UsageError for one that has none."""
    if not spec:
        raise UsageError(f"the {kind} {name!r} takes no settings; got {', '.join(settings)}")
    return {**({"name": spec} if isinstance(spec, str) else spec), **settings}


def parse_counts(option: str, words: str) -> tuple[int, ...]:
    """Counts with commas between. Raises UsageError."""
    try:
        found = tuple(int(word) for word in words.split(",") if word.strip())
    except ValueError:
        found = (0,)
    if any(number < 1 for number in found):
        raise UsageError(f"{option} takes counts with commas between, such as 25,100; got {words!r}")
    return found
