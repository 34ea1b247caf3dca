"""Every cache of the four packages stands in the register of `arena/cache_register.py`: one that does not fails here.

Looked for are functions with a cache of functools, module-level tables that a function changes, and tables in closures.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from live_objects import FLOORS, modules

from arena.cache_register import DROPPED, KEPT, clear, list_caches, memoize, register

CHANGES = {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "move_to_end", "pop", "popitem",
           "popleft", "remove", "setdefault", "update"}  # fmt: skip
TABLES = (dict, list, set, bytearray)
ITSELF = "arena.cache_register"  # its list is the register
OPTIONAL = {"ray"}  # extras without which their one file cannot be imported


def loaded_all() -> dict[str, ModuleType]:
    """All modules of the four packages."""
    for floor in FLOORS:
        package = importlib.import_module(floor)
        for found in pkgutil.walk_packages(package.__path__, f"{floor}."):
            if not found.name.endswith("__main__"):
                try:
                    importlib.import_module(found.name)
                except ModuleNotFoundError as error:
                    assert error.name and error.name.partition(".")[0] not in FLOORS
    return modules()


def unregistered(name: str, module: ModuleType) -> Iterator[str]:
    """The caches of a module that do not stand in the register."""
    known = {id(cache.holder) for cache in list_caches()}
    tables, attributes = changed(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for path, value in values_of(name, module):
        if id(value) in known:
            continue
        if hasattr(value, "cache_clear") and hasattr(value, "cache_info") and not isinstance(value, type):
            yield f"{path} remembers its results; decorate it with @memoize(what) of arena/cache_register.py"
        if isinstance(value, FunctionType):
            yield from (
                f"{path} holds a table {key!r} of its own" for key, held in held_by(value) if type(held) in TABLES
            )
        if (
            isinstance(value, TABLES)
            and path.rpartition(".")[2] in attributes
            and path.count(".") > name.count(".") + 1
        ):
            yield f"{path} is changed while the program runs, for all objects of its class"
    for table in sorted(tables):
        value = vars(module).get(table)
        if value is not None and id(value) not in known and name != ITSELF:
            yield f"{name}.{table} is changed while the program runs; use arena.cache_register.register(what, …)"


def held_by(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function keeps between calls: in its closure, its defaults, its attributes."""
    yield from inspect.getclosurevars(function).nonlocals.items() if function.__closure__ else ()
    yield from (("default", value) for value in function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).items()
    yield from vars(function).items()


def values_of(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    """What a module and its classes define, by name."""
    for key, value in list(vars(module).items()):
        if getattr(value, "__module__", name) == name:
            yield f"{name}.{key}", value
            if isinstance(value, type):
                own = {k: v for k, v in vars(value).items() if not k.startswith("__")}  # dataclasses make their own
                yield from ((f"{name}.{key}.{k}", getattr(v, "__func__", v)) for k, v in own.items())


def changed(source: str) -> tuple[set[str], set[str]]:
    """The names that a file gives to values at its top and whose values its functions change or replace; and the names
    of attributes that they change in place."""
    tree = ast.parse(source)
    pairs = [(node.targets if isinstance(node, ast.Assign) else [node.target]) for node in tree.body
             if isinstance(node, ast.Assign | ast.AnnAssign)]  # fmt: skip
    top = {target.id for targets in pairs for target in targets if isinstance(target, ast.Name)}
    tables, attributes = set[str](), set[str]()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        for node in ast.walk(function):
            holder: ast.expr | None = None
            if isinstance(node, ast.Global):
                tables |= set(node.names)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
                holder = node.func.value
            elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                holder = node.value
            if isinstance(holder, ast.Name) and holder.id not in own:
                tables.add(holder.id)
            elif isinstance(holder, ast.Attribute):
                attributes.add(holder.attr)
    return tables & top, attributes


@pytest.mark.slow
def test_every_cache_stands_in_the_register() -> None:
    found = [why for name, module in sorted(loaded_all().items()) for why in unregistered(name, module)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("from functools import cache\n@cache\ndef heard(text): return text", "heard remembers its results"),
        ("from functools import lru_cache\n@lru_cache(8)\nasync def f(a): return a", "f remembers its results"),
        ("from functools import cache\nclass Reader:\n    @staticmethod\n    @cache\n    def read(t): return t",
         "Reader.read remembers"),
        ("_SAID = {}\ndef say(a):\n    _SAID[a] = a\n    return a", "_SAID is changed"),
        ("from collections import deque\n_LAST: deque = deque()\ndef say(a): _LAST.append(a)", "_LAST is changed"),
        ("_ONE = ['']\ndef say(a):\n    global _ONE\n    _ONE = [a]", "_ONE is changed"),
        ("class State: pass\n_STATE = State()\ndef say(a): _STATE.last = a", "_STATE is changed"),
        ("class A:\n    known = {}\n    def see(self, a): self.known[a] = a", "A.known is changed"),
        ("def see(a, known={}): return known.setdefault(a, a)", "see holds a table 'default'"),
        ("def see(a, *, known=[]): known.append(a)", "see holds a table 'known'"),
        ("def see(a): see.known[a] = a\nsee.known = {}", "see holds a table 'known'"),
        ("_SEEN = set()\nclass A:\n    def see(self, a): _SEEN.add(a)", "_SEEN is changed"),
        ("def remembering(f):\n    known = {}\n    def find(a): return known.setdefault(a, f(a))\n    return find\n"
         "@remembering\ndef read(a): return a", "read holds a table 'known' of its own"),
    ],
)  # fmt: skip
def test_a_cache_that_is_not_registered_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    (tmp_path / "planted.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("planted")
    try:
        assert any(says in why for why in unregistered("planted", module)), list(unregistered("planted", module))
    finally:
        del sys.modules["planted"]


@pytest.mark.parametrize(
    "source",
    [
        "TABLE = {1: 2}\ndef read(a): return TABLE[a]",
        "NAMES = ['a']\ndef own():\n    NAMES = []\n    NAMES.append(1)\n    return NAMES",
        "from arena.cache_register import memoize\n@memoize('texts', most=4)\ndef read(a): return a",
        "from arena.cache_register import register\n_SAID = register('answers', {})\ndef say(a): _SAID[a] = a",
        "from arena.identity_cache import by_identity\n@by_identity\ndef read(a): return a",
    ],
)
def test_what_is_registered_or_never_changed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    (tmp_path / "planted.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("planted")
    try:
        assert not list(unregistered("planted", module))
    finally:
        del sys.modules["planted"]


def test_what_holds_words_is_dropped_and_counted_by_kind_and_the_rest_stays() -> None:
    clear()
    for what in (*DROPPED, *KEPT):
        table = register(what, {1: "a", 2: "b"})
        assert clear() == ({what: 2} if what in DROPPED else {})
        assert len(table) == (0 if what in DROPPED else 2)

    @memoize("texts", most=1)
    def shout(words: str) -> str:
        return words.upper()

    assert [shout("a"), shout("b"), shout("b")] == ["A", "B", "B"] and shout.cache_info().hits == 1
    assert clear() == {"texts": 1} and clear() == {}
    with pytest.raises(ValueError, match="no kind of cache 'words'"):
        memoize("words")  # type: ignore[arg-type]
