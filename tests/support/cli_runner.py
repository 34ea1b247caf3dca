"""The command `arena` as it is typed in a folder, within this process: what a process of its own loads anew is dropped.

What only a process can show (signals, kills, what is imported) is shown by tests that start one.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from traceback import print_exc
from typing import Any

from arena.cli.main import main

STYLE = re.compile(r"\x1b\[[\d;]*m")  # bold, dim and colours


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


class Terminal(StringIO):
    """A stream that says it is a terminal; how wide that is, says COLUMNS."""

    def isatty(self) -> bool:
        return True


class Encoded(TextIOWrapper):
    """A stream to a file in an encoding, strict as Python's own."""

    def __init__(self, encoding: str) -> None:
        super().__init__(BytesIO(), encoding=encoding, newline="\n")

    def getvalue(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


def typed(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    columns: int = 0,
    encoding: str = "",
) -> Typed:
    """Types `arena ARGUMENTS` in `folder`, with `env` over the environment.

    stdout and stderr are files in UTF-8; with `columns` terminals of that width, whose escapes for colours are left
    out; with `encoding` files in that encoding.
    """
    made: Any = Terminal if columns else partial(Encoded, encoding) if encoding else StringIO
    out, err, code = made(), made(), 0
    env = {**(env or {}), **({"COLUMNS": str(columns), "TERM": "xterm"} if columns else {})}
    with _alone(folder, arguments, env or {}), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        except Exception:
            print_exc()
            code = 1
    return Typed(code, *(STYLE.sub("", stream.getvalue()) if columns else stream.getvalue() for stream in (out, err)))


def arena(folder: Path, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
    """What the command prints on stdout, and where it is refused on stderr; its exit code must be `code`."""
    done = typed(folder, *arguments, env=env)
    assert done.code == code, f"exit {done.code}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + (done.stderr if code == 2 else "")


@contextmanager
def _alone(folder: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> Iterator[None]:
    """Folder, arguments, environment, search path and loaded modules as a new process has them; then as they were."""
    argv, path, modules, environment = sys.argv, list(sys.path), dict(sys.modules), dict(os.environ)
    importlib.invalidate_caches()
    sys.argv = ["arena", *arguments]
    sys.dont_write_bytecode, written = True, sys.dont_write_bytecode  # a file is edited faster than its time tells
    os.environ.update(env)
    own = _modules_of(folder)
    for name in own:
        del sys.modules[name]
    try:
        with chdir(folder):
            yield
    finally:
        sys.argv, sys.path[:], sys.dont_write_bytecode = argv, path, written
        os.environ.clear()
        os.environ.update(environment)
        for name in _modules_of(folder):
            del sys.modules[name]
        sys.modules.update({name: modules[name] for name in own})


def _modules_of(folder: Path) -> list[str]:
    """The loaded modules whose files lie in the folder itself, or that are named for a file there."""
    here, stems = folder.resolve(), {file.stem for file in folder.glob("*.py")}
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return [name for name, file in files.items() if name in stems or (file and Path(file).parent == here)]
