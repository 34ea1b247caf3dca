"""Parts that installed packages bring: entry points of the groups `arena.games`, `arena.agents`, `arena.methods`, ….

A package says in its pyproject.toml what it brings, and once it is installed the part is found by that name:

    [project.entry-points."arena.games"]
    nim = "my_games.nim:Nim"

For that the metadata of all installed packages are read, which takes longer than a command's start (some 0.1 s): only
for lists of parts, and for names that arena itself does not have. Packages whose metadata lie in the current folder
itself are not installed, and are left out. Nothing is imported before a part is built.
"""

import ast
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from arena.cache_register import memoize
from arena.external_parts import Outside, find_folder

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledPart:
    """A part as a package declares it. `package` is the name under which that was installed, `about` the first line of
    the part's docstring, "" where its source cannot be read."""

    name: str
    module: str
    attribute: str
    package: str
    about: str


def get_group(kind: str) -> str:
    """The group of entry points for parts of that kind: `arena.games`."""
    return f"arena.{kind}s"


@memoize("code")
def list_installed(kind: str) -> tuple[InstalledPart, ...]:
    """The parts of `kind` that installed packages bring, by name and package; a name may stand there twice."""
    from importlib.metadata import distributions  # takes as long as all else that `--help` loads

    found: dict[tuple[str, str], InstalledPart] = {}
    for distribution in distributions(path=_list_search_path()):
        package = distribution.metadata["Name"] or "?"
        for point in distribution.entry_points.select(group=get_group(kind)):
            about = _read_about(point.module, point.attr)
            part = InstalledPart(point.name, point.module, point.attr, package, about)
            found.setdefault((point.name, package), part)  # of a package that is there twice the first is imported
    return tuple(found[key] for key in sorted(found))


def _list_search_path() -> list[str]:
    """Where packages are installed: Python's search path without the current folder."""
    here = os.path.realpath(find_folder())
    return [entry for entry in sys.path if os.path.realpath(entry or os.curdir) != here]


def _read_about(module: str, attribute: str) -> str:
    """The first line of the docstring of a class or function at the top of a module, without importing that."""
    files = Outside(module, attribute).files
    try:
        body = ast.parse(Path(files[-1]).read_text(encoding="utf-8-sig")).body if files else []
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        LOGGER.info("the source of %s:%s cannot be read: %s", module, attribute, error)
        return ""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == attribute:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
