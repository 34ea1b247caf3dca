"""Specs: parts as data, `{"name": "boulware", "exponent": 4}`. Build a part from its spec, and describe a part as a
spec.

A spec is a name, or a table with `name`, optionally `preset`, and the part's own fields; a field that holds another
part is a spec in turn. The same table is the Python call, the TOML, the `--set` override and the stored row.
"""

import json
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import Parameter, isclass, isfunction, signature
from typing import Any, TypeAlias, TypeVar, overload

from arena.cache_register import memoize
from arena.errors import BadPart, UnknownPart, unknown
from arena.parameter_ranges import holds_nan, range_of
from arena.part_decorators import CONTRACTS, WRAPPERS
from arena.registry import find, find_name, is_registered, list_entries
from arena.renamed_parts import current_name

Spec: TypeAlias = str | Mapping[str, Any] | Any  # the last: a part that is built already
# the metadata of a field whose content the value's other fields say, too: specs and ids are made without it
UNDESCRIBED: Mapping[str, bool] = {"described": False}
Part = TypeVar("Part")
OUTSIDE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")  # how pydantic calls it
OVER_MODEL = "llm"  # the agent that `provider/model` stands for, where an agent is asked for


@overload
def build(kind: type[Part], spec: object, where: str = "") -> Part: ...
@overload
def build(kind: str, spec: object, where: str = "") -> Any: ...
def build(kind: type | str, spec: object, where: str = "") -> Any:
    """The part that `spec` describes; a part that is already built is returned as it is.

    kind: its contract, such as `Game` or `Method`, which types the result; or the name of a kind that is known only
    while the program runs. Raises UnknownPart or BadPart, naming `where` (for example "seats.buyer"), the field and
    what it takes.
    """
    return _build_part(kind if isinstance(kind, str) else CONTRACTS[kind], spec, where)


def _build_part(kind: str, spec: Any, where: str) -> Any:
    if isclass(spec):
        spec = spec()
    if isfunction(spec) and kind in WRAPPERS:
        return WRAPPERS[kind](spec)
    if isinstance(spec, bool | int | float | bytes | list | tuple | set | frozenset):
        raise BadPart(
            f"{where or kind}: {spec!r} is no {kind}; give a name in quotes, or a table with one: "
            f'name = "…" (all names: arena list {kind}s)'
        )
    if not isinstance(spec, str | Mapping):
        if kind == "agent" and not callable(getattr(spec, "act", None)):
            raise BadPart(f"{where or kind}: {spec!r:.80} is no agent: an agent has a method act(view)")
        return spec
    table = _expand(kind, {"name": spec} if isinstance(spec, str) else dict(spec), where)
    name = str(table.pop("name"))
    thing: Any
    thing, tail = find(kind, name)
    if isfunction(thing):
        return _bind_settings(kind, thing, table, where or f"{kind} {name!r}")
    if not isclass(thing):
        return thing
    arguments = {**_find_preset(thing, table.pop("preset", None), where), **table}
    if tail is not None:
        first, *_ = _list_fields(typing.cast(Any, thing))
        arguments[first] = tail
    return _construct(thing, arguments, where or f"{kind} {name!r}")


def describe(part: object) -> Any:
    """The resolved spec of a built part: its name and every field, defaults included; plain data."""
    if isinstance(part, partial):
        return {"name": find_name(part.func), **_list_settings(part.func), **_convert_value(part.keywords)}
    function = part if isfunction(part) else getattr(part, "function", None)
    if isfunction(function):
        return {"name": find_name(function), **_list_settings(function)}
    thing: Any = type(part)
    name = find_name(thing)
    values = {key: _convert_value(getattr(part, key)) for key in _list_fields(thing)}
    if "id" in values:
        name = f"{name}/{values.pop('id')}"
    return {"name": name, **values}


def check_ready(part: object) -> None:
    """Check that a part, and the parts it holds, have all they need. Raises MissingExtra or MissingKey."""
    if hasattr(part, "ready"):
        part.ready()
    thing: Any = type(part)
    for name in _list_fields(thing):
        if _find_kind(_find_hints(thing)[name]):
            check_ready(getattr(part, name))
        elif _find_item_kind(_find_hints(thing)[name]):
            for inner in getattr(part, name):
                check_ready(inner)


def find_parts(part: object, kind: str) -> dict[str, Any]:
    """The parts of `kind` that a part's fields hold, by field."""
    thing: Any = type(part)
    found = {name: getattr(part, name) for name in _list_fields(thing) if _find_kind(_find_hints(thing)[name]) == kind}
    return {name: inner for name, inner in found.items() if inner is not None}


def is_stateless(value: object) -> bool:
    """Whether several matches may share a part: a frozen dataclass of immutable values.

    Tables among its parameters count as such values; a table or an object that it made for itself may be its state.
    """
    if value is None or isinstance(value, bool | int | float | str | bytes | type | types.FunctionType | re.Pattern):
        return True
    if isinstance(value, tuple | frozenset):
        return all(map(is_stateless, value))
    if not is_dataclass(value) or not getattr(type(value), "__dataclass_params__").frozen:  # noqa: B009
        return False
    held = ((field, getattr(value, field.name, None)) for field in fields(value))
    return all((field.init and isinstance(inner, Mapping)) or is_stateless(inner) for field, inner in held)


def assign(table: dict[str, Any], path: str, value: object) -> None:
    """Set `a.b.c` in nested tables; a name standing where a table is needed becomes `{"name": …}`."""
    *parents, last = path.split(".")
    for key in parents:
        inner = table.get(key)
        table[key] = {"name": inner} if isinstance(inner, str) else dict(inner or {})
        table = table[key]
    table[last] = value


def dump_canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _expand(kind: str, table: dict[str, Any], where: str) -> dict[str, Any]:
    name = table.get("name")
    if not isinstance(name, str) or not name:
        raise BadPart(f"{where or kind}: a spec needs a name, got {name!r} in {table!r}")
    name = table["name"] = current_name(kind, name)
    if kind not in ("agent", "model"):
        return table
    if ":" in name and is_registered("model", name.partition(":")[0]):
        name = table["name"] = name.replace(":", "/", 1)
    if (
        kind == "agent"
        and "/" in name
        and ".py:" not in name
        and not name.endswith(".py")
        and not _is_agent(name.partition("/")[0])
    ):
        return _expand_model(table, name, where)
    return table


def _is_agent(head: str) -> bool:
    """Whether what stands before a slash is an agent's name, and no provider's of models."""
    return head in list_entries("agent") or (head not in list_entries("model") and is_registered("agent", head))


def _expand_model(table: Mapping[str, object], name: str, where: str) -> dict[str, Any]:
    """The agent spec for `provider/model`: settings of the agent are set on it, others on the model."""
    llm, _ = find("agent", OVER_MODEL)
    own = _list_fields(llm)
    agent, model = {k: v for k, v in table.items() if k in own}, {k: v for k, v in table.items() if k not in own}
    thing: Any = find("model", name)[0]
    for key in model if isclass(thing) else ():
        if key not in ("name", "preset", *_list_fields(thing)):
            known = [one for one in (*list_settable(llm), *list_settable(thing)) if one not in ("model", "id")]
            raise BadPart(f"{where}: {explain_unknown(key, known, llm)}")
    inner = agent.pop("model", {})
    model |= inner if isinstance(inner, Mapping) else {"name": inner}  # `model.name` over the name and its settings
    return {**agent, "name": OVER_MODEL, "model": model}


def list_settable(thing: object) -> list[str]:
    """The parameters of a part as they are typed in --set; nested ones as `sampling.temperature`."""
    found = []
    for name in _list_fields(thing):
        hint = _find_hints(thing)[name]
        inner = next((one for one in (hint, *typing.get_args(hint)) if isclass(one) and is_dataclass(one)), None)
        found += [f"{name}.{key}" for key in _list_fields(inner)] if inner is not None else [name]
    return found


def list_setting_names(kind: str, spec: Any) -> list[str]:
    """The parameters that a spec of `kind` takes, as `list_settable` names them, and `preset` where the part has some;
    of an agent over a model those of both. Raises UnknownPart where the spec's name is unknown."""
    if not isinstance(spec, str | Mapping):
        return list_settable(type(spec))
    given = {"name": spec} if isinstance(spec, str) else {key: spec[key] for key in ("name", "model") if key in spec}
    table = _expand(kind, given, "")
    thing, tail = find(kind, table["name"])
    if not isclass(thing):
        return list(_list_settings(thing))
    names = list_settable(thing)[tail is not None :]  # the first is the one behind the name's slash
    if kind == "agent" and "model" in table:
        names += list_setting_names("model", table["model"])
    return [*names, *(("preset",) if getattr(thing, "presets", None) else ())]


def explain_unknown(key: str, names: Iterable[str], thing: object) -> str:
    """The message for an unknown parameter; a nested one is found by the last part of its path."""
    known = list(names)
    kind, name = getattr(thing, "__part__", ("", ""))
    explained = f"; arena list {kind} {name} tells what each is" if kind else ""
    if meant := [one for one in known if one.rpartition(".")[2] == key]:
        listed = f"(there are: {', '.join(sorted(known))})"
        return f"no parameter named {key!r}; did you mean {' or '.join(meant)}? {listed}{explained}"
    return unknown("parameter", key, known, explained)


def _find_preset(thing: Any, name: Any, where: str) -> Mapping[str, Any]:
    presets: Mapping[str, Mapping[str, Any]] = getattr(thing, "presets", {})
    if name is None or name == "default":
        return {}
    if name not in presets:
        raise UnknownPart(f"{where}: {unknown('preset', str(name), ['default', *presets])}")
    return presets[name]


def _bind_settings(kind: str, function: Any, arguments: Mapping[str, Any], where: str) -> Any:
    """Bind settings to a function: its keyword-only parameters are its configuration."""
    from pydantic import TypeAdapter, ValidationError

    names, hints = _list_settings(function), typing.get_type_hints(function, include_extras=True)
    for key, value in arguments.items():
        if key not in names:
            told = explain_unknown(key, names, function) if names else f"it takes no parameters, got {key!r}"
            raise BadPart(f"{where}: {told}")
        try:
            names[key] = _refuse_nan(TypeAdapter(hints.get(key, Any)).validate_python(value), f"{where}.{key}")
        except ValidationError as error:
            raise BadPart(f"{where}.{key} = {value!r}: {_explain_error(error, hints[key])}") from None
    if names:
        return partial(function, **{key: value for key, value in names.items() if value is not Parameter.empty})
    return WRAPPERS[kind](function) if kind in WRAPPERS else function


def _list_settings(function: Any) -> dict[str, Any]:
    """The keyword-only parameters of a function with their defaults."""
    parameters = signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is Parameter.KEYWORD_ONLY}


def _construct(thing: Any, arguments: Mapping[str, Any], where: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    hints, names = _find_hints(thing), _list_fields(thing)
    values = {}
    for key, value in arguments.items():
        if key not in names:
            raise BadPart(f"{where}: {explain_unknown(key, list_settable(thing), thing)}")
        kind = _find_kind(hints[key])
        if kind and (value is not None or type(None) in typing.get_args(hints[key])):
            values[key] = None if value is None else _build_part(kind, value, f"{where}.{key}")
            continue
        if is_dataclass(hints[key]) and isinstance(value, Mapping):
            values[key] = _construct(hints[key], value, f"{where}.{key}")
            continue
        if (each := _find_item_kind(hints[key])) and isinstance(value, list | tuple):
            values[key] = tuple(_build_part(each, item, f"{where}.{key}.{number}") for number, item in enumerate(value))
            continue
        if hints[key] is bytes and isinstance(value, str):
            value = _parse_bytes(value, f"{where}.{key}")
        try:
            values[key] = _refuse_nan(_make_adapter(TypeAdapter, thing, key).validate_python(value), f"{where}.{key}")
        except ValidationError as error:
            raise BadPart(f"{where}.{key} = {value!r}: {_explain_error(error, hints[key])}") from None
    try:
        return thing(**values)
    except (TypeError, ValueError) as error:
        raise BadPart(f"{where}: {error}") from None


def _explain_error(error: Any, hint: Any) -> str:
    """What is wrong with a value, in words: its range, or the message of the validation."""
    problem = error.errors(include_url=False)[0]
    told = range_of(hint)
    within = ".".join(str(step) for step in problem["loc"] if isinstance(step, str) and step.isidentifier())
    if not told or problem["type"] not in OUTSIDE:
        return f"{within}: {problem['msg']}" if within else str(problem["msg"])
    return f"it has to be {told}"


def _refuse_nan(value: object, where: str) -> Any:
    """The value. Raises BadPart for NaN."""
    if holds_nan(value):
        raise BadPart(f"{where} = {value!r}: it has to be a number, and NaN is none")
    return value


@memoize("code")
def _make_adapter(maker: Any, thing: Any, key: str) -> Any:
    return maker(_find_hints(thing)[key])


@memoize("code")
def _find_hints(thing: object) -> dict[str, Any]:
    return typing.get_type_hints(thing, include_extras=True)


@memoize("code")
def _list_fields(thing: object) -> tuple[str, ...]:
    return tuple(f.name for f in fields(thing) if f.init) if is_dataclass(thing) else ()


def _find_kind(hint: object) -> str | None:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((CONTRACTS[option] for option in options if option in CONTRACTS), None)


def _find_item_kind(hint: object) -> str | None:
    """The kind of the parts in a hint such as `tuple[Guard, ...]`; None for other hints."""
    inner = typing.get_args(hint)
    return _find_kind(inner[0]) if typing.get_origin(hint) is tuple and inner[1:] == (...,) else None


def _parse_bytes(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadPart(f"{where} = {text!r}: bytes are written in hexadecimal digits, two each") from None


def _convert_value(value: object) -> Any:
    if is_dataclass(value) and not isclass(value):
        if getattr(type(value), "__part__", None) or not _is_value(value):
            return describe(value)
        described = (f for f in fields(value) if f.metadata.get("described", True))
        return {f.name: _convert_value(getattr(value, f.name)) for f in described}
    if isinstance(value, Mapping):
        return {str(key): _convert_value(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        items = [_convert_value(item) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else describe(value)


def _is_value(part: object) -> bool:
    """Whether a dataclass is a plain value (a sampling, a note) and not a part."""
    return not any(isinstance(part, contract) for contract in CONTRACTS if not typing.is_typeddict(contract))
