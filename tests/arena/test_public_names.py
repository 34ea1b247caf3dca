"""What `import arena` gives: the public names, each loaded when it is used, and the modules under their own names."""

import subprocess
import sys
from types import ModuleType

import pytest

import arena


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_every_public_name_is_the_thing_of_its_module() -> None:
    assert sorted(arena.__all__) == arena.__all__ and set(arena.__all__) <= set(dir(arena))
    for name in arena.__all__:
        thing = getattr(arena, name)
        assert thing.__name__ == name and thing is getattr(sys.modules[thing.__module__], name)


def test_importing_it_loads_nothing_of_it() -> None:
    loaded = set(run_python("import sys, arena; print(*sys.modules)").split())
    assert {name for name in loaded if name.startswith("arena")} == {"arena", "arena.version"}
    assert not loaded & {"asyncio", "dataclasses", "inspect", "rich", "typer"}


@pytest.mark.parametrize("name", ["game", "agent", "episode", "errors", "usage", "spec", "registry"])
def test_a_module_has_its_own_name_whatever_was_loaded_before(name: str) -> None:
    code = f"import arena\nfor one in arena.__all__: getattr(arena, one)\nimport arena.{name} as it; print(type(it))"
    assert run_python(code).strip() == str(ModuleType)
    assert run_python(f"from arena import {name}; print(type({name}))").strip() == str(ModuleType)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Gaem"):
        getattr(arena, "Gaem")  # noqa: B009
    with pytest.raises(ImportError, match="Gaem"):
        exec("from arena import Gaem")


def test_a_star_import_brings_the_public_names_alone() -> None:
    said = run_python("from arena import *; print(*sorted(name for name in dir() if name[0] != '_'))")
    assert said.split() == sorted(arena.__all__)


def test_one_name_loads_its_own_module_alone() -> None:
    loaded = run_python("import sys, arena; arena.Move; print('arena.game' in sys.modules, 'asyncio' in sys.modules)")
    assert loaded.split() == ["True", "False"]
