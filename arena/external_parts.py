"""Parts outside of the registry, `file.py:Thing` and `module:Thing`: locate and import their code.

Modules are searched where Python searches, and only then in the current folder, so that a file there never takes the
place of an installed module. Whether a part may be imported at all is decided by `arena/trust.py`.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from arena.cache_register import register
from arena.text_files import is_file

SOURCE_PATH = "__arena_path__"  # marks a module that was loaded by its path


@dataclass(frozen=True)
class Outside:
    """A part outside of the registry: `place` is a dotted module or a path ending in .py, `attribute` a name in it."""

    place: str
    attribute: str

    @staticmethod
    def parse(name: str) -> "Outside | None":
        """Parse a part name; None for a registered part or a model."""
        if ".py:" in name or "/" not in name.partition(":")[0] != name:
            place, _, attribute = name.rpartition(":")
            return Outside(place, attribute)
        return None

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files that importing runs, packages first; none where there is no source file. Nothing is imported."""
        if self.place.endswith(".py"):
            return (_resolve_path(self.place),)
        return tuple(_list_source_files(self.place))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the contents of `files`, 64 hex digits; "" where there are none or one cannot be read."""
        from hashlib import sha256  # each command loads this file, few of them ask for hashes

        whole = sha256()
        try:
            for file in self.files:
                whole.update(sha256(file.read_bytes()).digest())
        except OSError:
            return ""
        return whole.hexdigest() if self.files else ""

    def same(self, other: "Outside") -> bool:
        """Whether both names refer to the same object, however the path is written."""
        if self.attribute != other.attribute:
            return False
        return self.place == other.place or (bool(self.files) and self.files[-1:] == other.files[-1:])

    def load(self) -> ModuleType:
        """The imported module. Raises ImportError, OSError or SyntaxError."""
        if self.place.endswith(".py"):
            return _load_file(_resolve_path(self.place))
        _search_folder_last(find_folder())
        return importlib.import_module(self.place)


def find_folder() -> Path:
    """The folder that is searched for parts that are not installed."""
    return _FinderOfFolders.start or Path.cwd()


def set_folder(start: Path) -> None:
    """Use `start` in place of the current folder, in a process that was started elsewhere."""
    _FinderOfFolders.start = start


def format_part_name(thing: Any) -> str:
    """The name by which a class or function outside of the registry can be loaded again from the same folder."""
    path = getattr(sys.modules.get(thing.__module__), SOURCE_PATH, "")
    if not path:
        return f"{thing.__module__}:{thing.__qualname__}"
    file = Path(path)
    shown = file.relative_to(find_folder()).as_posix() if file.is_relative_to(find_folder()) else file.as_posix()
    return f"{shown}:{thing.__qualname__}"


class _FinderOfFolders:
    """Finds top-level modules in some folders; last in `sys.meta_path`, after everything installed."""

    start: Path | None = None
    folders: tuple[str, ...] = ()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, list(self.folders)) if path is None else None


_FINDER = register("code", _FinderOfFolders())


def _search_folder_last(place: Path) -> None:
    if str(place) not in _FINDER.folders:
        _FINDER.folders = (str(place), *_FINDER.folders)
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def _resolve_path(place: str) -> Path:
    """The absolute path, with links resolved."""
    return Path(os.path.realpath(find_folder() / Path(place).expanduser()))


def _list_source_files(module: str) -> Iterator[Path]:
    """The files of a dotted module and of the packages above it, without importing any."""
    head, *rest = module.split(".")
    spec = _find_top_level(head)
    name = head
    for inner in [*rest, None]:
        if spec is None:
            return
        if spec.has_location and spec.origin:
            yield Path(os.path.realpath(spec.origin))
        if inner is not None:
            name = f"{name}.{inner}"
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or ()))


def _find_top_level(name: str) -> ModuleSpec | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ValueError, ImportError):
        return None  # for example `__main__`, which has no spec
    return spec or PathFinder.find_spec(name, [str(find_folder())])


def _load_file(path: Path) -> ModuleType:
    """The module of a file, imported once; named for the file unless another module has that name."""
    from hashlib import blake2b

    if not is_file(path):
        raise ImportError(f"there is no file {path}")
    _search_folder_last(path.parent)
    own = _list_source_files(path.stem)
    plain = path.parent == find_folder() and next(own, None) == path
    name = path.stem if plain else f"{path.stem}_{blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    loaded = sys.modules.get(name)
    if loaded is not None and Path(os.path.realpath(getattr(loaded, "__file__", "") or "")) == path:
        return loaded
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    if not plain:
        setattr(module, SOURCE_PATH, str(path))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
