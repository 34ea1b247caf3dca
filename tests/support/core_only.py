"""The README, typed where only the core of the package can be imported. Run: python tests/support/core_only.py FOLDER.

Prints a JSON line for each command and each block of Python: what was typed, the exit code, both streams. What an
environment without extras lacks cannot be found here either, however much is installed: not torch, not matplotlib, and
not by those who only look whether it is there.
"""

import json
import re
import sys
import tomllib
from collections.abc import Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from traceback import format_exception_only
from types import ModuleType
from typing import Any

from readme_blocks import Command, blocks, commands, write_files
from repository import ROOT

OWN = {"arena", "agents", "games", "unlearning"}  # under whatever name an older environment has installed them
SHORTER = {"arena run runs/feedback_study.toml": ("-n", "1")}  # the whole study takes a minute
MORE = (
    ("arena", "play", "--plan", "plan.toml", "-q"),
    (
        "arena",
        "bench",
        "agents",
        "--methods",
        "record-deletion",
        "--environments",
        "wiki",
        "--seeds",
        "2",
        "--games",
        "2",
    ),
    ("arena", "bench", "agents", "--methods", "record-deletion", "--out", "bench.png"),
    ("arena", "sequence", "walker", "--request", "forget Jeivime Tower", "--json"),
)  # what the README names in its text


def required(names: Sequence[str]) -> set[str]:
    """The distributions that these require, themselves included, without any extra."""
    found: set[str] = set()
    waiting = [plain(name) for name in names]
    while waiting:
        if (name := waiting.pop()) in found:
            continue
        found.add(name)
        try:
            waiting += [plain(one) for one in requires(name) or () if "extra ==" not in one]
        except PackageNotFoundError:  # for another platform
            continue
    return found


def plain(requirement: str) -> str:
    """The name of a distribution, as they are compared."""
    return re.split(r"[\[<>=!~;() ]", requirement)[0].lower().replace("_", "-").replace(".", "-")


class CoreFinder(PathFinder):
    """Finds modules as Python does, but for those that only an extra brings."""

    hidden: frozenset[str] = frozenset()

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return None if fullname.partition(".")[0] in cls.hidden else super().find_spec(fullname, path, target)


def hide_extras() -> None:
    """From here on only the standard library, this package and what its core requires can be imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = required(project["dependencies"]) | {plain(project["name"])}
    core |= {"pip", "setuptools", "wheel"}  # what makes environments, which the interpreter loads hooks of
    CoreFinder.hidden = frozenset(
        module
        for module, owners in packages_distributions().items()
        if module not in OWN and not core & set(map(plain, owners))
    )
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, CoreFinder]
    late = {name for name in sys.modules if name.partition(".")[0] in CoreFinder.hidden}
    assert not late, f"loaded before it was hidden: {sorted(late)}"


def type_all(folder: Path) -> None:
    """Types every command of the README, then runs its Python."""
    from cli_runner import typed

    write_files(folder)
    (folder / "runs").symlink_to(ROOT / "runs")
    for command in (*commands("console", "sh"), *map(Command, MORE)):
        variables = dict(one.split("=", 1) for one in command.variables)
        words = (*command.words[1:], *SHORTER.get(str(command), ()))
        done = typed(folder, *words, columns=80, env=variables)
        print(json.dumps([str(command), done.code, done.stdout, done.stderr]), flush=True)
    for body in blocks("python"):
        code, said = 0, ""
        try:
            block = sys.modules["readme_block"] = ModuleType("readme_block")
            exec(compile(body, "README.md", "exec"), vars(block))
        except Exception as error:
            code, said = 1, "".join(format_exception_only(error))
        print(json.dumps([body, code, "", said]), flush=True)


if __name__ == "__main__":
    hide_extras()
    type_all(Path(sys.argv[1]))
