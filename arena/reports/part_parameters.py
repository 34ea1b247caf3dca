"""Describe the parameters of a part: type, default, range and meaning, from its fields, checks and docstring."""

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

DEFINED = re.compile(r"`?((?:[A-Za-z]\w*`?(?:, `?| and `?))*[A-Za-z]\w*)`?: ")
REQUIRED: str = "required"
COMMON = {  # meanings of common parameter names without documentation of their own
    "base_url": "the address of the server, where it is not the provider's own",
    "batch": "rows in a step",
    "id": "what stands behind the slash in the name",
    "memory": "notes that it has before it in each view",
    "members": "the role of the items that were taught",
    "native_tools": "whether the model is handed tools as such; none asks what is known of it",
    "new": "tokens of an answer at most",
    "notes": "what is remembered, before it in each view",
    "optimiser": "what takes the steps: AdamW, or plain gradient descent",
    "positions": "which tokens of an item count",
    "role": "which items of the trial are asked: those to forget, to retain, …",
    "seed": "what is drawn follows from it",
    "steering": "words put before it",
    "strangers": "the role of like items that were never taught",
    "temperature": "of sampling; 0 is greedy",
    "usd_per_million": "dollars per million tokens read and written, where the price is not known",
    "world": "the number of the world: equal numbers, equal worlds",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `range` is "" if all values of the type are accepted, `about` if it is not documented."""

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
    told = {**find_meanings(collect_docs(thing), [key for key, _ in taken]), **read_field_docs(thing)}
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
    """What is written of single parameters: below a field of a class or of its bases, or in `Doc()` of a function's."""
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


def collect_docs(thing: object) -> list[str]:
    """The docstrings that may document parameters: of the class or function, then of its bases."""
    if not inspect.isclass(thing):
        return [inspect.getdoc(thing) or ""]
    owners = [one for one in inspect.getmro(thing) if one is not object]
    return [inspect.cleandoc(vars(owner).get("__doc__") or "") for owner in owners]


def find_meanings(docs: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The documentation of parameters by name: the text after `name:`, else the first sentence that names it."""
    found: dict[str, str] = {}
    paragraphs = [" ".join(part.split()) for doc in docs for part in re.split(r"\n\s*\n", doc)]
    for paragraph in paragraphs:
        for told, text in _find_definitions(paragraph, names):
            for name in told:
                found.setdefault(name, text)
    for name in names:
        if name in COMMON:
            found.setdefault(name, COMMON[name])
        word = re.compile(rf"`{name}\b|\b{name}\b")
        sentences = (one for paragraph in paragraphs for one in re.split(r"(?<=\.) ", paragraph) if word.search(one))
        if name not in found and (sentence := next(sentences, "")):
            found[name] = sentence
    return found


def _find_definitions(paragraph: str, names: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """The names defined in a paragraph, each with the text after it up to the end of its sentence."""
    marks = []
    for match in DEFINED.finditer(paragraph):
        told = re.findall(r"[A-Za-z]\w*", match[1].replace(" and ", " "))
        if all(name in names for name in told):
            marks.append((match, told))
    for number, (match, told) in enumerate(marks):
        end = marks[number + 1][0].start() if number + 1 < len(marks) else len(paragraph)
        text = paragraph[match.end() : end].strip()
        yield told, text.rstrip(";,. ") if text else ""


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
