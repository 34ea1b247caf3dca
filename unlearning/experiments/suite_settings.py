"""Settings of metrics and attacks, as `--set metric.k=8` and `--set attack.games=20` make them in a suite."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from arena.errors import UsageError
from arena.planning.settings import SettablePart, Setting, apply_settings
from arena.registry import list_entries

KINDS = ("metric", "attack")
ANY_PROBE = tuple(SettablePart(kind, kind, None) for kind in KINDS)  # where the suite is known only later


def build_probe_parts(specs: Mapping[str, Any], named: Collection[str]) -> list[SettablePart]:
    """The probes of a suite as parts to which settings go. named: labels of those that the user named, which alone a
    setting without prefix can mean; `metric.x` and `attack.x` are of every probe that has an x."""
    kinds = {label: _find_kind(spec) for label, spec in specs.items()}
    return [SettablePart(kinds[label], kinds[label], spec, bare=label in named) for label, spec in specs.items()]


def set_probes(specs: Mapping[str, Any], named: Collection[str], settings: Sequence[Setting]) -> dict[str, Any]:
    """The suite with the settings of its probes. Raises UsageError for a setting that no probe has."""
    check_probes(specs.values(), settings)
    return change_probes(specs, named, settings)


def change_probes(specs: Mapping[str, Any], named: Collection[str], settings: Sequence[Setting]) -> dict[str, Any]:
    """The same where another suite of the command may have the settings that this one has not."""
    found = apply_settings(build_probe_parts(specs, named), settings, strict=False)
    return dict(zip(specs, found, strict=True))


def check_probes(specs: Iterable[Any], settings: Sequence[Setting]) -> None:
    """Raises UsageError for a setting of a metric or attack that none of these probes has."""
    parts = build_probe_parts({str(place): spec for place, spec in enumerate(specs)}, ())
    for setting in settings:
        if setting.prefix in KINDS and all(part.prefix != setting.prefix for part in parts):
            raise UsageError(f"--set {setting.typed}: no {setting.prefix} takes part here")
    apply_settings(parts, [setting for setting in settings if not setting.bare])


def _find_kind(spec: Any) -> str:
    name = spec if isinstance(spec, str) else spec["name"]
    return "attack" if name in list_entries("attack") else "metric"
