"""Registry: find parts by name. The folder is the registry: decorated classes and functions are found by parsing its
files.

The files are read as syntax trees, so a part is listed without importing what it needs; it is imported when built.
Names that no folder has are looked for among the parts of installed packages (`arena/installed_parts.py`).
"""

import ast
import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from arena.cache_register import memoize
from arena.errors import BadPart, UnknownPart, unknown
from arena.external_parts import SOURCE_PATH, Outside, format_part_name
from arena.extras import missing
from arena.installed_parts import InstalledPart, get_group, list_installed
from arena.part_decorators import convert_to_kebab
from arena.renamed_parts import current_name
from arena.suggestions import suggestion
from arena.trust import check_trust

FOLDERS = {
    "game": "games",
    "agent": "agents",
    "model": "agents.models",
    "embedding": "agents",
    "writer": "agents",
    "guard": "agents",
    "method": "unlearning.methods",
    "metric": "unlearning.metrics",
    "attack": "unlearning.attacks",
    "benchmark": "unlearning.benchmarks",
}
LONGEST = 1_000  # most characters of a name
NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")  # what an entry point's name looks like, without a slash or a colon
FALLBACK = {"model": "litellm"}  # handles `provider/model` for providers without a file of their own
TAUGHT = "taught"  # the agent that loads taught ones: `walker` is `taught/walker`


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """Location of a part: its module, its name there, and the first line of its docstring."""

    name: str
    module: str
    attribute: str
    about: str


@memoize("code")
def list_entries(kind: str) -> dict[str, RegistryEntry]:
    """The parts of `kind` by name, read from the files without importing them."""
    found: dict[str, RegistryEntry] = {}
    for path, tree in _parse_files(kind)[0].items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _find_marked_names(node, kind):
                    about = (ast.get_docstring(node) or "").partition("\n")[0]
                    found[name] = RegistryEntry(name, _make_module_name(kind, path), node.name, about)
    return dict(sorted(found.items()))


def list_all_entries(kind: str) -> dict[str, RegistryEntry]:
    """The parts of `kind` by name, with those that installed packages bring; a name of the folder is the folder's."""
    installed = {part.name: RegistryEntry(part.name, part.module, part.attribute, part.about)
                 for part in list_installed(kind)}  # fmt: skip
    return dict(sorted({**installed, **list_entries(kind)}.items()))


def is_registered(kind: str, name: str) -> bool:
    """Whether the folder of `kind` has a part of that name, or an installed package brings one."""
    return name in list_entries(kind) or _find_installed(kind, name) is not None


def list_broken_files(kind: str) -> dict[str, str]:
    """Files in the folder of `kind` that cannot be read, with the reason."""
    return _parse_files(kind)[1]


def find(kind: str, name: str) -> tuple[Any, str | None]:
    """The class or function called `name`, and the text after its first slash.

    A name is registered (`linear`), registered with an id (`openai/gpt-5`), or `module:Thing` or `file.py:Thing` from
    outside; what the folder does not have may be an entry point of an installed package. A former name, as in old
    rows, finds the part under its current one. Raises UnknownPart with near misses, MissingExtra, or BadPart where the
    file cannot be imported.
    """
    if len(name) > LONGEST:
        raise UnknownPart(f"no {kind} has a name of {len(name):,} characters: {name[:40]}…")
    name = current_name(kind, name)
    if (outside := Outside.parse(name)) is not None:
        return _load(kind, outside), None
    known = list_entries(kind)
    head, slash, tail = name.partition("/")
    entry = known.get(name) or (known.get(head) if slash else None)
    entry = entry or _find_installed(kind, name) or (_find_installed(kind, head) if slash else None)
    misspelt = bool(slash and entry is None and get_close_matches(head, known, cutoff=0.75))
    if slash and entry is None and kind in FALLBACK and not misspelt:
        head, tail = FALLBACK[kind], name
        entry = known.get(head)
    if entry is None and name in _list_taught_names(kind):
        head, slash, tail, entry = TAUGHT, "/", name, known[TAUGHT]
    if entry is None:
        unreadable = "".join(f"\n  cannot be read: {path}: {why}" for path, why in list_broken_files(kind).items())
        if (not misspelt or name.endswith(".py")) and (meant := suggestion(kind, name)):
            raise UnknownPart(f"no {kind} named {name!r}{meant}{unreadable} (all: arena list {kind}s)")
        names = [*known, *_list_taught_names(kind), *(part.name for part in list_installed(kind))]
        raise UnknownPart(unknown(kind, name, names, f"; or write module:Thing{unreadable}"))
    return _import_part(kind, name, entry), tail if slash and name != entry.name else None


def find_name(thing: object) -> str:
    """The name by which a class or function can be found."""
    kind, name = getattr(thing, "__part__", ("", ""))
    if kind and name in list_entries(kind) and thing.__module__ == list_entries(kind)[name].module:
        return str(name)
    outside = hasattr(sys.modules.get(thing.__module__), SOURCE_PATH)  # loaded from a file by its path
    kinds = () if outside else (kind,) if kind else FOLDERS
    place = (thing.__module__, getattr(thing, "__qualname__", ""))
    installed = (
        part.name
        for one in kinds
        for part in list_installed(one)
        if (part.module, part.attribute) == place and _leads_to(one, part)
    )
    return next(installed, None) or format_part_name(thing)


def _leads_to(kind: str, part: InstalledPart) -> bool:
    """Whether the name of an installed part finds it: the folder has none of that name, and no other package."""
    others = [one for one in list_installed(kind) if one.name == part.name]
    return part.name not in list_entries(kind) and len(others) == 1


def _find_installed(kind: str, name: str) -> RegistryEntry | None:
    """The part of that name of an installed package, None without one. Raises BadPart where two packages bring one."""
    if not NAME.fullmatch(name):
        return None
    found = [part for part in list_installed(kind) if part.name == name]
    if len(found) > 1:
        ways = " or ".join(f"{part.module}:{part.attribute} (of {part.package})" for part in found)
        raise BadPart(f"several installed packages bring a {kind} named {name!r}; write which one you mean: {ways}")
    return RegistryEntry(name, found[0].module, found[0].attribute, found[0].about) if found else None


def _import_part(kind: str, name: str, entry: RegistryEntry) -> Any:
    """The class or function of an entry. Raises MissingExtra, or BadPart where its module cannot be imported."""
    own = entry.module.startswith(f"{FOLDERS[kind]}.")
    try:
        return getattr(importlib.import_module(entry.module), entry.attribute)
    except ImportError as error:
        raise missing(f"{kind} {name!r}", error) from error
    except Exception as error:
        if own:
            raise
        why = f"{type(error).__name__}: {error}"
        raise BadPart(
            f"{kind} {name!r} is {entry.module}:{entry.attribute} of an installed package (group {get_group(kind)}), "
            f"which cannot be imported: {why}"
        ) from error


def _list_taught_names(kind: str) -> tuple[str, ...]:
    """The names of agents that no folder holds, as the agent TAUGHT lists them; none of another kind."""
    entry = list_entries(kind).get(TAUGHT) if kind == "agent" else None
    return getattr(importlib.import_module(entry.module), entry.attribute).names() if entry else ()


def _make_module_name(kind: str, path: Path) -> str:
    """The dotted module name of a file in the folder of `kind`, at any depth."""
    folder = FOLDERS[kind].replace(".", "/")
    inside = path.with_suffix("").as_posix().rpartition(f"/{folder}/")[2]
    return f"{FOLDERS[kind]}.{inside.replace('/', '.')}"


def _list_files(kind: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(FOLDERS[kind])
    except ModuleNotFoundError:
        return []
    folders = spec.submodule_search_locations if spec else None
    return sorted(path for folder in folders or () for path in Path(folder).rglob("[!_]*.py"))


@memoize("code")
def _parse_files(kind: str) -> tuple[dict[Path, ast.Module], dict[str, str]]:
    """The syntax trees of the files of `kind` that contain its decorator, and the reasons for unreadable files."""
    trees, reasons = {}, {}
    for path in _list_files(kind):
        try:
            text = path.read_text(encoding="utf-8-sig")
            if f"@{kind}" in text:  # most files have none, and parsing is slow
                trees[path] = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError) as error:
            reasons[str(path)] = str(error)
    return trees, reasons


def _find_marked_names(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str) -> list[str]:
    names = []
    for mark in node.decorator_list:
        if isinstance(mark, ast.Name) and mark.id == kind:
            names.append(convert_to_kebab(node.name))
        elif isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == kind:
            names += [arg.value for arg in mark.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return names


def _load(kind: str, outside: Outside) -> Any:
    check_trust(kind, outside)
    place, attribute = outside.place, outside.attribute
    try:
        module = outside.load()
    except (ImportError, OSError, SyntaxError) as error:
        raise UnknownPart(f"{kind} '{place}:{attribute}': {place} cannot be imported: {error}") from error
    if not hasattr(module, attribute):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise UnknownPart(f"{kind} '{place}:{attribute}': {unknown('thing in ' + place, attribute, public)}")
    return getattr(module, attribute)
