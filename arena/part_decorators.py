"""Decorators that register a class or function as a part: `@game`, `@agent`, `@method`, …

The decorator of each kind is created once by `part`, where the contract of the kind is defined.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar, overload

from arena.cache_register import register

T = TypeVar("T", bound=Callable[..., Any])
# the Protocol or base class of each kind; filled once, where the contract is defined
CONTRACTS: dict[type, str] = register("code", {})
WRAPPERS: dict[str, Callable[[Any], Any]] = register("code", {})  # how a plain function becomes a part of that kind


class PartDecorator:
    """The decorator of one kind of part: `@game`, `@agent`, or `@model("name")` where the class name will not do."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @overload
    def __call__(self, thing: str) -> Callable[[T], T]: ...
    @overload
    def __call__(self, thing: T) -> T: ...
    def __call__(self, thing: Any) -> Any:
        if isinstance(thing, str):
            return lambda part: self._mark(part, thing)
        return self._mark(thing, convert_to_kebab(thing.__name__))

    def _mark(self, thing: T, name: str) -> T:
        setattr(thing, "__part__", (self.kind, name))  # noqa: B010 (mypy does not know the attribute)
        return thing


def part(kind: str, contract: type, wrapper: Callable[[Any], Any] | None = None) -> PartDecorator:
    """The decorator that marks parts of `kind`; fields typed as `contract` are then built by name."""
    CONTRACTS[contract] = kind
    if wrapper is not None:
        WRAPPERS[kind] = wrapper
    return PartDecorator(kind)


def convert_to_kebab(name: str) -> str:
    """`TitForTat` as `tit-for-tat`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
