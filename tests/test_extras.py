"""The extras of the package, and what is said where one is missing."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from cli_runner import typed
from repository import ROOT

from arena.distribution import install_line
from arena.errors import BadPart, MissingExtra
from arena.extras import EXTRA_OF, missing, require
from arena.registry import find

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OWN = {"arena", "agents", "games", "unlearning"}
WITHIN = {
    "transformers": {"tokenizers", "safetensors", "huggingface_hub"},
    "openai": set(),
    "pettingzoo": {"gymnasium"},
}


def named(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def brought(extra: str) -> set[str]:
    """The distributions that an extra names, those of the extras in it included."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        if named(requirement) == PROJECT["name"]:
            found |= {one for name in re.findall(r"[\w-]+", requirement.partition("[")[2]) for one in brought(name)}
        else:
            found.add(named(requirement))
    return found


@pytest.mark.few(1)
@pytest.mark.parametrize("module", EXTRA_OF)
def test_the_extra_of_a_module_brings_it(module: str) -> None:
    assert EXTRA_OF[module] in EXTRAS, "there is such an extra"
    distributions = {name.lower().replace("_", "-") for name in packages_distributions().get(module, [module])}
    with_it = {name for name in brought(EXTRA_OF[module]) if module in WITHIN.get(name, set())}
    assert distributions & brought(EXTRA_OF[module]) or with_it, f"{module} comes with {EXTRA_OF[module]}"


def test_every_module_that_is_imported_comes_with_the_core_or_an_extra() -> None:
    core = {named(one).replace("-", "_") for one in PROJECT["dependencies"]}
    core |= {module for module, names in packages_distributions().items() if {n.lower() for n in names} & {
        named(one) for one in PROJECT["dependencies"]} or module in core}  # fmt: skip
    for path in (path for package in OWN for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [])  # fmt: skip
            for top in {name.partition(".")[0] for name in names} - OWN - sys.stdlib_module_names - core:
                assert top in EXTRA_OF or top in {"msvcrt", "sqlalchemy"}, f"{path.name} imports {top}"


def hints(text: str) -> set[str]:
    return {extra for found in re.findall(r"(?:arena|\'\.)\[([\w, -]+)\]", text) for extra in re.split(", *", found)}


def test_every_extra_that_is_named_anywhere_exists() -> None:
    texts = [path.read_text() for package in OWN for path in (ROOT / package).rglob("*.py")]
    texts += [(ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml")]
    given = {node.args[1].value for text in texts[:-3] for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MissingExtra" and len(node.args) > 1
             and isinstance(node.args[1], ast.Constant)}  # fmt: skip
    assert given | set().union(*map(hints, texts)) <= EXTRAS.keys()


@pytest.mark.parametrize(
    ("kind", "name", "module", "extra"),
    [("method", "npo", "torch", "local"), ("metric", "probability", "torch", "local"),
     ("model", "local/x", "torch", "local"), ("benchmark", "tofu", "transformers", "local"),
     ("model", "openai/x", "openai", "openai")],
)  # fmt: skip
def test_a_part_whose_library_is_missing_names_the_extra_that_exists(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str, module: str, extra: str
) -> None:
    def gone(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named '{module}.deep'", name=f"{module}.deep")

    monkeypatch.setattr("importlib.import_module", gone)
    with pytest.raises(MissingExtra, match=re.escape(install_line(extra))) as refused:
        find(kind, name)
    assert name in str(refused.value) and module in str(refused.value)


def test_a_module_that_no_extra_brings_is_named_as_it_is() -> None:
    for error in (
        ModuleNotFoundError("No module named 'nowhere'", name="nowhere"),
        ImportError("cannot import name 'x'"),
    ):
        assert isinstance(missing("arena thing", error), BadPart) and str(error) in str(missing("arena thing", error))


def test_what_a_work_will_need_is_asked_for_before_it_begins() -> None:
    require("it", ("json", "pytest"), "dev")
    with pytest.raises(MissingExtra, match=re.escape("it (no_such_module, nor_this)")) as refused:
        require("it", ("json", "no_such_module", "nor_this"), "evaluation")
    assert install_line("evaluation") in str(refused.value)


def test_the_extras_of_a_whole_work_are_named_at_once() -> None:
    error = ModuleNotFoundError("No module named 'scipy'", name="scipy")
    assert install_line("plots") in str(missing("arena figure", error, "plots"))
    assert install_line("stats") in str(missing("a test", error))


def test_a_module_that_a_command_lacks_is_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("arena.store.store.Store.open", lacking)
    done = typed(tmp_path, "teach", "walker")
    assert done.code == 2 and install_line("local") in done.stderr and "Traceback" not in done.stderr, done
