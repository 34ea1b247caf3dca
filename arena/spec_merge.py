"""Merge settings into a spec, keeping all others."""

from collections.abc import Mapping
from typing import Any

from arena.registry import is_registered
from arena.spec import OVER_MODEL


def merge_spec(before: object, value: object) -> Any:
    """`before` updated with `value`; a name, or a table, keeps the other settings.

    A model's name, `provider/model`, replaces the model's name if an agent has its model in a table.
    """
    if isinstance(value, str):
        return set_name(before, value) if isinstance(before, Mapping) else value
    if not isinstance(value, Mapping):
        return value
    if isinstance(before, str):
        return {"name": before, **value}
    if not isinstance(before, Mapping):
        return value
    kept = set_name(before, value["name"]) if "name" in value else before
    return {**kept, **{key: merge_spec(kept.get(key), item) for key, item in value.items() if key != "name"}}


def set_agents(tables: Mapping[str, object], agents: Mapping[str, str]) -> dict[str, Any]:
    """The seats of a plan with some agents replaced: a model that replaces a model keeps the settings, including its
    endpoint; any other agent replaces the whole table.
    """
    kept = {seat: merge_spec(tables[seat], name) for seat, name in agents.items()
            if is_model(name) and is_model(tables.get(seat))}  # fmt: skip
    return {**tables, **agents, **kept}


def get_at(tables: Mapping[str, object], path: str) -> Any:
    """The value at `a.b.c` in nested tables; None if there is none."""
    found: Any = tables
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def set_name(table: Mapping[str, object], name: object) -> dict[str, Any]:
    """The table with another name and all its other settings."""
    model = table.get("model")
    if isinstance(model, Mapping | str) and is_model(name):
        return {**table, "name": OVER_MODEL, "model": {**model, "name": name} if isinstance(model, Mapping) else name}
    return {**table, "name": name}


def is_model(spec: object) -> bool:
    """Whether an agent's spec is a model's name or a table with one: `openai/gpt-4o`."""
    name = spec.get("name") if isinstance(spec, Mapping) else spec
    if isinstance(spec, Mapping) and name == OVER_MODEL:
        return True
    if not isinstance(name, str) or ".py:" in name:
        return False
    head = name.partition("/")[0] if "/" in name else name.partition(":")[0]
    if name == head:
        return False
    return is_registered("model", head) or ("/" in name and not is_registered("agent", head))
