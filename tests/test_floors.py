"""The house: who may import whom, what stays light, what is held empty."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from imports import build_import_graph, find_circles, find_imports, find_upward_imports, parse_packages
from repository import ROOT

ABOVE = {"arena": {"arena"}, "games": {"arena", "games"}, "agents": {"arena", "agents"},
         "unlearning": {"arena", "agents", "unlearning"}}  # fmt: skip
HEAVY = {"torch", "transformers", "litellm", "ray", "pandas", "altair", "openai", "anthropic", "scipy", "numpy",
         "pettingzoo", "gymnasium", "textarena"}  # fmt: skip
RICH = {"Console", "Text"}  # no call makes a Console but in stdio; a Text is what it is, unless made from markup
DRAWN = {
    "arena/cli/progress.py": {"Group", "Live", "ProgressBar"},
    "arena/console/table_layout.py": {"cell_len", "chop_cells"},
}
# Folders of each package from low to high: a folder imports what is on lower levels, and itself. "." are the contracts,
# which lie in the package's own folder; its `__init__` and `__main__`, by which users come in, may stand above all.
LEVELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "arena": (
        (".",),
        ("stats", "text", "theory"),
        ("console", "engine", "store"),
        ("adapters", "analysis", "ratings", "runner"),
        ("planning",),
        ("replay",),
        ("reports",),
        ("cli",),
        ("__init__", "__main__"),
    ),
    "games": (
        (".",),
        ("adapters",),
        ("classic", "environments", "negotiation"),
        ("language",),
    ),
    "agents": (
        (".",),
        ("llm", "negotiation"),
        ("api", "inference", "memory", "players"),
        ("note_policy",),
        ("adversary", "guardrails", "learned_policy"),
        ("models",),
    ),
    "unlearning": (
        (".",),
        ("data", "modeling"),
        ("losses", "memory", "scoring"),
        ("methods.prompting", "tasks", "training"),
        ("benchmarks", "conversion", "methods.weights", "metrics"),
        ("experiments", "methods.memory", "policy"),
        ("attacks",),
        ("cli",),
    ),
}
# Files that import a module by its name, and what: users' parts, parts when they are built, libraries of extras.
BY_NAME = {
    "arena/__init__.py": "the public names of arena, each when it is first used",
    "arena/cli/main.py": "the commands of unlearning: the command is one, and arena must not know what stands on it",
    "arena/registry.py": "parts of all packages, which are found by their folder when they are built",
    "arena/external_parts.py": "parts of users",
    "agents/api/sdk_client.py": "the HTTP library that the provider's own client uses",
    "agents/models/litellm.py": "litellm, and the errors of openai that it raises",
}
FILES = sorted(path for package in ABOVE for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    return set(find_imports(ast.parse(path.read_text())))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_floors_are_kept(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = {name.partition(".")[0] for name in imports(path)} & set(ABOVE)
    assert ours <= ABOVE[package]
    assert not [name for name in imports(path) if name.startswith(".")], "imports are absolute"


@pytest.mark.few(229)
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_have_a_length_that_can_be_read(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 400
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [one.name for one in functions if (one.end_lineno or 0) - one.body[0].lineno >= 45] == []


def test_only_the_files_that_need_them_import_heavy_libraries() -> None:
    allowed = (
        *(
            "agents/models/",
            "agents/inference/",
            "agents/api/openai_sdk",
            "agents/learned_policy/policy_model",
            "unlearning/",
        ),
        *("arena/analysis/", "arena/stats/", "arena/ratings/", "arena/adapters/", "arena/runner/ray_backend"),
        "games/adapters/",
    )
    heavy = {str(p.relative_to(ROOT)) for p in FILES if {n.partition(".")[0] for n in imports(p)} & HEAVY}
    assert all(name.startswith(allowed) for name in heavy), heavy


def test_chat_models_are_asked_in_one_place_alone() -> None:
    """Elsewhere what a model thinks would be taken for what it says: agents/llm/chat_call.py parts the two."""
    calls = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "chat"
    }
    assert calls == {"agents/llm/chat_call.py"}


def test_package_inits_are_empty_but_for_the_public_names_of_arena() -> None:
    for path in ROOT.glob("*/__init__.py"):
        if path.parent.name in ABOVE and path.parent.name != "arena":
            assert not path.read_text().strip()


def test_lazy_imports_those_for_type_checkers_and_modules_of_packages_count() -> None:
    sources = {
        "arena": "",
        "arena.lazy": "def f():\n    import arena.checked",
        "arena.checked": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from arena import module as other",
        "arena.module": "from arena.named import value\nimport json",
        "arena.named": "value = 1",
        "arena.tried": "try:\n    from arena.lazy import f\nexcept ImportError:\n    import arena",
    }
    graph = build_import_graph({name: ast.parse(source) for name, source in sources.items()})
    assert graph == {
        "arena": set(),
        "arena.lazy": {"arena.checked"},
        "arena.checked": {"arena.module"},
        "arena.module": {"arena.named"},
        "arena.named": set(),
        "arena.tried": {"arena.lazy", "arena"},
    }
    assert find_circles(graph) == []
    back = {**graph, "arena.named": frozenset({"arena.lazy"})}
    assert find_circles(back) == [["arena.checked", "arena.lazy", "arena.module", "arena.named"]]


def test_an_import_that_does_not_run_down_is_found() -> None:
    levels = ((".",), ("low", "side"), ("high.inner",), ("__main__",))
    down = {
        "p.high.inner.d": {"p.low.b", "p.a"},
        "p.low.b": {"p.low.c"},
        "p.low.c": {"p.low.b", "p.low"},
        "p.__main__": {"p.high.inner.d"},
    }
    graph = {name: frozenset(others) for name, others in down.items()}
    assert find_upward_imports(graph, "p", levels) == []
    for name, other in (("a", "low.b"), ("low.c", "high.inner.d"), ("low", "side.e"), ("a", "__main__")):
        more = {**graph, f"p.{name}": frozenset({f"p.{other}"})}
        assert find_upward_imports(more, "p", levels) == [f"p.{name} → p.{other}"]
    with pytest.raises(KeyError, match=r"p\.other\.f"):
        find_upward_imports({**graph, "p.other.f": frozenset({"p.a"})}, "p", levels)


def test_there_is_no_circle_among_files() -> None:
    assert [" ↔ ".join(circle) for circle in find_circles(build_import_graph(parse_packages(ROOT)))] == []


@pytest.mark.parametrize("package", LEVELS)
def test_folders_import_in_one_direction(package: str) -> None:
    graph = build_import_graph(
        {name: tree for name, tree in parse_packages(ROOT).items() if name.partition(".")[0] == package}
    )
    assert find_upward_imports(graph, package, LEVELS[package]) == []


def test_imports_by_name_are_those_that_are_meant() -> None:
    """No graph above holds them; each has its reason in BY_NAME."""
    callers = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")
    }
    assert callers == BY_NAME.keys()


def find_loaded(code: str) -> set[str]:
    """The modules that are loaded when `code`, a command line of typer, has ended."""
    whole = f"import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{code}"
    done = subprocess.run([sys.executable, "-c", whole, "--help"], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    return set(done.stderr.split())


def test_help_loads_nothing_but_what_typer_does() -> None:
    usual = find_loaded("import typer\napp = typer.Typer()\napp.command()(lambda: None)\napp()")
    ours = find_loaded("from arena.cli.main import main\nmain()")
    more = {name.partition(".")[0] for name in ours - usual} - sys.stdlib_module_names
    assert more <= {"arena", "unlearning", "rich"}, more
    assert not ours & {"asyncio", "hashlib", "sqlite3", "arena.game", "arena.spec", "arena.store.query"}


def test_nothing_but_stdio_prints() -> None:
    for path in FILES:
        name = str(path.relative_to(ROOT))
        if name == "arena/console/stdio.py":
            continue
        nodes = list(ast.walk(ast.parse(path.read_text())))
        taken = {
            (node.module or "", alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        rich = {thing for module, thing in taken if module.partition(".")[0] == "rich"}
        assert rich <= RICH | DRAWN.get(name, set()), name
        assert not [node for node in nodes if isinstance(node, ast.Import) and node.names[0].name.startswith("rich")], (
            name
        )
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        from_stdio = {thing for module, thing in taken if module == "arena.console.stdio"}
        called = {call.id for call in calls if isinstance(call, ast.Name)} - from_stdio
        assert not called & {"print", "echo", "secho", "Console", "Screen", "print_json"}, name
        methods = {ast.unparse(call) for call in calls if isinstance(call, ast.Attribute)}
        assert not [one for one in methods if one.endswith((".print", ".echo", ".secho", ".from_markup"))], name
        assert "sys.stdout.write" not in methods and "sys.stderr.write" not in methods, name


def test_the_name_agents_is_ours() -> None:
    import agents

    assert Path(str(agents.__file__)).parent == ROOT / "agents"
