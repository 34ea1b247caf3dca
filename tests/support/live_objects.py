"""What the modules of this project hold alive: a walk from their globals through tables, closures and caches."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from arena.text.words import fold

FLOORS = ("arena", "agents", "games", "unlearning")


def ours(name: object) -> bool:
    return str(name).partition(".")[0] in FLOORS


def modules() -> dict[str, ModuleType]:
    """The modules of the four packages that are loaded."""
    return {name: module for name, module in list(sys.modules.items()) if ours(name) and module is not None}


def holders(found: Callable[[Any], bool]) -> list[str]:
    """Where an object stands for which `found` is true: the path to it, from a module on."""
    return [path for path, value in reachable() if found(value)]


def reachable() -> Iterator[tuple[str, Any]]:
    """Everything that is reached from the globals of our modules, each object once, with a path to it.

    Modules, frames, and classes and functions of other packages are not looked into.
    """
    gc.collect()
    queue: list[tuple[str, Any]] = [(name, vars(module)) for name, module in modules().items()]
    seen = {id(value) for _, value in queue} | {id(queue)}
    while queue:
        path, value = queue.pop()
        yield path, value
        for inner in gc.get_referents(value):
            if id(inner) not in seen and not foreign(inner):
                seen.add(id(inner))
                queue.append((f"{path} > {label(inner)}", inner))


def foreign(value: Any) -> bool:
    """Whether a value leads out of our modules, into the interpreter, its environment or other packages."""
    if value is os.environ or isinstance(value, ModuleType | FrameType | BuiltinFunctionType):
        return True
    return isinstance(value, type | FunctionType) and not ours(getattr(value, "__module__", ""))


def label(value: Any) -> str:
    kind = type(value)
    name = getattr(value, "__qualname__", "") if isinstance(value, type | FunctionType) else ""
    return f"{kind.__module__}.{kind.__qualname__}{f' {name}' if name else ''}"


def names(word: str) -> Callable[[Any], bool]:
    """Whether a value is a text, bytes or pattern in which a word stands, in any case and spelling."""
    wanted = fold(word)

    def found(value: Any) -> bool:
        if type(value).__name__ == "Pattern":  # of re or regex
            value = value.pattern.replace("\\", "")
        if isinstance(value, bytes | bytearray):
            value = bytes(value).decode(errors="ignore")
        return isinstance(value, str) and wanted in fold(value)

    return found


def spells(ids: Sequence[int]) -> Callable[[Any], bool]:
    """Whether a value is a row of numbers, or a tensor of whole ones, in which these tokens follow each other."""
    return partial(_follow, f" {' '.join(map(str, ids))} ")


def _follow(wanted: str, value: Any) -> bool:
    if isinstance(value, list | tuple) and value and all(type(one) is int for one in value):
        return wanted in f" {' '.join(map(str, value))} "
    if type(value).__name__ == "Tensor" and not value.is_floating_point() and value.numel() > 1:
        return wanted in f" {' '.join(map(str, value.flatten().tolist()))} "
    return False
