"""The parameters of a part: type, default, range and meaning, read from its fields and what is written below them."""

import ast
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Any

from annotated_doc import Doc

from arena.parameter_ranges import range_of
from arena.part_decorators import CONTRACTS
from arena.registry import find
from arena.spec import describe

REQUIRED: str = "required"
LABELLED = re.compile(r"^[ \t]*`?(\w+)`?: (.+?)(?=\n[ \t]*`?\w+`?: |\n[ \t]*\n|\Z)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `range` is "" where the part takes all values of the type, `about` where it is not documented."""

    name: str
    type: str
    default: str
    range: str
    about: str


def list_parameters(kind: str, name: str) -> tuple[Parameter, ...]:
    """The parameters of a registered or external part, in order. Raises UnknownPart, MissingExtra."""
    thing, _ = find(kind, name)
    hints = typing.get_type_hints(thing, include_extras=True)
    taken = tuple(_list_defaults(thing))
    told = {**read_labelled_lines(thing), **read_field_docs(thing)}
    return tuple(
        Parameter(
            key,
            format_type(hints.get(key, Any)),
            _format_default(default),
            range_of(hints.get(key, Any)),
            told.get(key, ""),
        )
        for key, default in taken
    )


def read_field_docs(thing: object) -> dict[str, str]:
    """What is written of each parameter: in the string below a field of a class or of its bases, or in the annotation
    `Doc()` of a function's parameter."""
    if not inspect.isclass(thing):
        hints = typing.get_type_hints(thing, include_extras=True).items()
        return {name: one.documentation for name, hint in hints for one in _extras_of(hint) if isinstance(one, Doc)}
    found: dict[str, str] = {}
    for owner in inspect.getmro(thing):
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        except (OSError, TypeError, SyntaxError):  # written in C, or typed into a prompt
            continue
        lines = body.body if isinstance(body, ast.ClassDef) else []
        for field, below in pairwise(lines):
            if (
                isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
            ):  # fmt: skip
                found.setdefault(field.target.id, " ".join(below.value.value.split()))
    return found


def _extras_of(hint: object) -> tuple[Any, ...]:
    return getattr(hint, "__metadata__", ()) if typing.get_origin(hint) is typing.Annotated else ()


def read_labelled_lines(thing: object) -> dict[str, str]:
    """What the docstring of a part outside of this project says of its parameters, in lines `name: meaning`."""
    found: Iterator[re.Match[str]] = LABELLED.finditer(inspect.getdoc(thing) or "")
    return {line[1]: " ".join(line[2].split()) for line in found}


def format_type(hint: Any) -> str:
    """A readable type: "number", "one of ask, bid", "list of text", "agent"."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return format_type(inner[0])
    if isinstance(hint, type) and hint in CONTRACTS:
        return CONTRACTS[hint]
    if origin is typing.Literal:
        return "one of " + ", ".join(map(str, inner))
    if origin in (typing.Union, types.UnionType):
        return " or ".join("none" if one is type(None) else format_type(one) for one in inner)
    if origin in (tuple, list, frozenset, set) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        return _format_list_type(inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table of {format_type(inner[1])}"
    if is_dataclass(hint) and isinstance(hint, type):
        return f"table with {', '.join(one.name for one in fields(hint))}"
    plain = {str: "text", float: "number", int: "whole number", bool: "true or false", bytes: "hexadecimal text"}
    return plain.get(hint) or ("any" if hint is Any else str(getattr(hint, "__name__", hint)))


def _format_list_type(inner: tuple[object, ...]) -> str:
    if (len(inner) == 2 and inner[1] is Ellipsis) or len(inner) == 1:
        return f"list of {format_type(inner[0])}"
    return "list: " + ", ".join(map(format_type, inner)) if inner else "list"


def _list_defaults(thing: object) -> Iterator[tuple[str, Any]]:
    """Parameters with their defaults; REQUIRED if there is none."""
    if is_dataclass(thing):
        for one in fields(thing):
            if one.init and not one.name.startswith("_"):
                yield one.name, _find_default(one)
    elif inspect.isfunction(thing):
        for parameter in inspect.signature(thing).parameters.values():
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                missing = parameter.default is inspect.Parameter.empty
                yield parameter.name, REQUIRED if missing else parameter.default


def _find_default(one: "Field[Any]") -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else REQUIRED


def _format_default(default: object) -> str:
    """A default as it is typed in --set or a plan."""
    if default is REQUIRED:
        return str(REQUIRED)
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, int | float | str):
        return str(default) if default != "" else '""'
    if isinstance(default, bytes):
        return default.hex() or '""'
    if isinstance(default, Sequence | Mapping) and not default:
        return "{}" if isinstance(default, Mapping) else "[]"
    return _format_value(default)


def _format_value(value: object) -> str:
    def plain(one: object) -> Any:
        if is_dataclass(one) and not isinstance(one, type):
            return {key: entry for key, entry in describe(one).items() if key != "name" or ":" not in str(entry)}
        return sorted(one) if isinstance(one, frozenset | set) else dict(one) if isinstance(one, Mapping) else str(one)

    return json.dumps(value, default=plain, ensure_ascii=False)
