"""The one grammar of `--set`, for every command: which part a setting belongs to, and the specs with the settings made.

    PART.a.b=VALUE    of that part of the command: game, a seat's name, mind, method, benchmark, model, metric, attack
    a.b=VALUE         of the part that alone has a parameter `a`

VALUE is read as TOML (a number, true, a list, quoted text), else it is the text itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from arena.errors import UsageError
from arena.planning.plan_limits import check_values
from arena.spec import assign, explain_unknown, list_setting_names
from arena.spec_merge import get_at, merge_spec
from arena.spec_syntax import parse_value

NEAR = 0.6  # how alike a misspelt name and a suggestion are, from 0 to 1


@dataclass(frozen=True, slots=True)
class SettablePart:
    """A part of a command, to which settings go that are typed with its prefix.

    Several parts may have one prefix, as the methods of a bench: a setting goes to each that has the parameter.
    prefix: as typed. kind: of the registry; "" for a plain table. spec: None for a part whose spec is found later, or
    that takes none. names: parameters besides those of the kind. bare: whether a name without prefix can mean it.
    """

    prefix: str
    kind: str
    spec: Any
    names: tuple[str, ...] = ()
    bare: bool = True

    def parameters(self) -> tuple[str, ...]:
        """The parameters as they are typed behind the prefix; those of a value that it holds as `sampling.top_p`."""
        return (*self.names, *(list_setting_names(self.kind, self.spec) if self.kind and self.spec is not None else ()))

    def has(self, path: str) -> bool:
        """Whether the path begins with one of the parameters."""
        head = path.partition(".")[0]
        return head == "name" or any(name.partition(".")[0] == head for name in self.parameters())


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting whose part is known. path: behind the prefix. bare: whether it was typed without the prefix."""

    prefix: str
    path: str
    value: Any
    typed: str
    bare: bool = False


def parse_setting(text: str) -> tuple[str, Any]:
    """The path and the value of a setting as it is typed. Raises UsageError for one that is none."""
    path, sign, value = text.partition("=")
    path = path.strip()
    if not sign or not all(key.strip() for key in path.split(".")):
        raise UsageError(
            "--set takes a.b=c, for example game.cost=10, seller.exponent=4 or method.epochs=3, or b=c where one part "
            f"of the command alone has a parameter b; got {text!r}"
        )
    found = parse_value(value)
    check_values(found, f"--set {path}")
    return path, found


def find_part(path: str, parts: Sequence[SettablePart], typed: str) -> tuple[str, str, bool]:
    """The prefix that a path means, the path behind it, and whether it was typed without one.

    Raises UsageError for a path of no part, and for a bare name that several parts have, with what can be meant.
    """
    head, _, rest = path.partition(".")
    prefixes = dict.fromkeys(part.prefix for part in parts)
    if head in prefixes and rest:
        return head, rest, False
    meant = dict.fromkeys(part.prefix for part in parts if part.bare and part.has(path) and head != "name")
    if len(meant) == 1:
        return next(iter(meant)), path, True
    if meant:
        choices = " or ".join(f"--set {prefix}.{typed}" for prefix in meant)
        raise UsageError(f"--set {typed}: {' and '.join(meant)} have a parameter {head!r} each; type {choices}")
    if head in prefixes:
        return head, "", False
    raise UsageError(f"--set {typed}: {_explain_path(path, parts)}")


def resolve_settings(parts: Sequence[SettablePart], settings: Iterable[str]) -> tuple[Setting, ...]:
    """The settings as they were typed, each with its part. Raises UsageError where one has none, or names a part."""
    found = []
    for typed in settings:
        path, value = parse_setting(typed)
        prefix, rest, bare = find_part(path, parts, typed)
        if not rest:
            raise UsageError(f"--set {typed}: {prefix} is a part of the command; a parameter of it is {prefix}.NAME=…")
        found.append(Setting(prefix, rest, value, typed, bare))
    return tuple(found)


def apply_settings(parts: Sequence[SettablePart], settings: Sequence[Setting], strict: bool = True) -> tuple[Any, ...]:
    """The parts' specs, in their order, with the settings that are theirs; settings of other prefixes are passed over.

    strict: raises UsageError for a setting that no part of its prefix has. A part that is alone is left to `build`,
    which explains what it does not take.
    """
    specs = [part.spec for part in parts]
    for setting in settings:
        own = [place for place, part in enumerate(parts) if part.prefix == setting.prefix and part.spec is not None]
        meant = [place for place in own if parts[place].bare or not setting.bare]
        fitting = [place for place in meant if len(own) == 1 or parts[place].has(setting.path)]
        if strict and not fitting and any(part.prefix == setting.prefix for part in parts):
            why = _explain_parameter(setting.path, [parts[place] for place in own])
            raise UsageError(f"--set {setting.typed}: {why}")
        for place in fitting:
            specs[place] = set_path(specs[place], setting.path, setting.value)
    return tuple(specs)


def set_path(spec: Any, path: str, value: Any) -> Any:
    """A spec with another value at `a.b`; a table or a name keeps the other settings that stand there."""
    table: dict[str, Any] = {"": spec}
    assign(table, f".{path}", merge_spec(get_at(table, f".{path}"), value))
    return table[""]


def set_parts(parts: Sequence[SettablePart], settings: Iterable[str]) -> dict[str, Any]:
    """The specs by prefix, of which each part has its own, with the settings as they were typed. Raises UsageError."""
    found = apply_settings(parts, resolve_settings(parts, settings))
    return {part.prefix: spec for part, spec in zip(parts, found, strict=True)}


def _explain_parameter(path: str, parts: Sequence[SettablePart]) -> str:
    """Why a setting fits none of several parts with one prefix."""
    names = dict.fromkeys(name for part in parts for name in part.parameters())
    return explain_unknown(path.partition(".")[0], names, None)


def _explain_path(path: str, parts: Sequence[SettablePart]) -> str:
    """Why a path means no part: near misses among the parts and their parameters, and what parts there are."""
    head, dot, _ = path.partition(".")
    prefixes = list(dict.fromkeys(part.prefix for part in parts))
    known: dict[str, dict[str, None]] = {prefix: {prefix: None} for prefix in prefixes} if dot else {}
    for part in parts:
        for name in part.parameters() if part.bare else ():
            for key in (name.partition(".")[0], name.rpartition(".")[2]):
                whole = name if key == name.rpartition(".")[2] or not dot else key
                known.setdefault(key, {})[f"{part.prefix}.{whole}"] = None
    near = [head] if head in known else get_close_matches(head, known, n=3, cutoff=NEAR)
    meant = list(dict.fromkeys(one for key in near for one in known[key]))[:4]
    what = "part or parameter" if dot else "part with a parameter"
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    return f"no {what} named {head!r}{hint} (the parts here: {', '.join(prefixes)})"
