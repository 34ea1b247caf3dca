"""The command `arena` as it is typed in a folder, within this process: what a process of its own loads anew is dropped.

What only a process can show (signals, kills, what is imported) is shown by tests that start one.
"""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from traceback import print_exc

from arena.cli import main


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


def typed(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Typed:
    """Types `arena ARGUMENTS` in `folder`, with `env` over the environment."""
    out, err, code = StringIO(), StringIO(), 0
    with _alone(folder, arguments, env or {}), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        except Exception:
            print_exc()
            code = 1
    return Typed(code, out.getvalue(), err.getvalue())


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
    sys.argv, sys.path[:0] = ["arena", *arguments], [""]
    sys.dont_write_bytecode, written = True, sys.dont_write_bytecode  # a file is edited faster than its time tells
    os.environ.update(env)
    own = {file.stem for file in folder.glob("*.py")}
    for name in own & modules.keys():
        del sys.modules[name]
    try:
        with chdir(folder):
            yield
    finally:
        sys.argv, sys.path[:], sys.dont_write_bytecode = argv, path, written
        os.environ.clear()
        os.environ.update(environment)
        for name in own:
            sys.modules.pop(name, None)
            if name in modules:
                sys.modules[name] = modules[name]
