"""Numeric ranges declared in the types of fields and parameters: `beta: Positive = 0.1`.

Specs are validated when a part is built; `check_ranges` validates a part that is made in Python. `range_of` formats a
range for messages and lists of parameters.
"""

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import inf, isnan
from typing import Annotated, Any, TypeAlias

from annotated_types import Ge, Gt, Le, Lt

from arena.cache_register import memoize

Positive: TypeAlias = Annotated[float, Gt(0), Lt(inf)]
NotNegative: TypeAlias = Annotated[float, Ge(0), Lt(inf)]
Finite: TypeAlias = Annotated[float, Gt(-inf), Lt(inf)]
Share: TypeAlias = Annotated[float, Ge(0), Le(1)]  # a fraction or probability
SomeShare: TypeAlias = Annotated[float, Gt(0), Le(1)]
Count: TypeAlias = Annotated[int, Ge(1)]
Number: TypeAlias = Annotated[int, Ge(0)]  # a count that may be 0

WORDS = {Gt: "above", Ge: "at least", Lt: "below", Le: "at most"}
TESTS = {
    Gt: lambda value, bound: value > bound,
    Ge: lambda value, bound: value >= bound,
    Lt: lambda value, bound: value < bound,
    Le: lambda value, bound: value <= bound,
}  # all of them refuse NaN


def bounds_of(hint: Any) -> tuple[Any, ...]:
    """The bounds declared by a type hint (for `X | None` those of X): annotated_types' Gt, Ge, Lt and Le."""
    if typing.get_origin(hint) is Annotated:
        return tuple(one for one in hint.__metadata__ if type(one) in WORDS)
    return tuple(bound for option in typing.get_args(hint) for bound in bounds_of(option))


def range_of(hint: object) -> str:
    """The range declared by a type hint, in words ("above 0", "at least 0 and at most 1"); "" without one."""
    found = [(WORDS[type(bound)], _limit(bound)) for bound in bounds_of(hint)]
    told = " and ".join(f"{word} {limit:g}" for word, limit in found if abs(limit) != inf)
    finite = "a finite number" if any(abs(limit) == inf for _, limit in found) else ""
    return " ".join(filter(None, (finite, told)))


def outside(hint: object, value: object) -> bool:
    """Whether a number is outside of the range that its hint declares."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and not all(TESTS[type(bound)](value, _limit(bound)) for bound in bounds_of(hint))


def check_ranges(part: object) -> None:
    """Raise ValueError, naming the field and its range, if a field of a dataclass is outside of its range or not a
    number where one is required.
    """
    kind: Any = type(part)
    for name, hint in _hints(kind).items():
        value = getattr(part, name)
        if outside(hint, value) or holds_nan(value):
            raise ValueError(f"{name} has to be {range_of(hint) or 'a number'}, not {value!r}")


def holds_nan(value: object) -> bool:
    """Whether a value is NaN, or a list or table that contains one."""
    if isinstance(value, float):
        return isnan(value)
    if isinstance(value, Mapping):
        return any(map(holds_nan, value.values()))
    return isinstance(value, list | tuple) and any(map(holds_nan, value))


def _limit(bound: object) -> float:
    return float(getattr(bound, type(bound).__name__.lower()))


@memoize("code")
def _hints(kind: object) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {one.name: hints[one.name] for one in fields(kind)} if is_dataclass(kind) else {}
