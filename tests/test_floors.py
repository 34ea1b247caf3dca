"""The house: who may import whom, what stays light, what is held empty."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
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
FILES = sorted(path for package in ABOVE for path in (ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    nodes = ast.walk(ast.parse(path.read_text()))
    return names | {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_floors_are_kept(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = {name.partition(".")[0] for name in imports(path)} & set(ABOVE)
    assert ours <= ABOVE[package]
    assert "." not in imports(path), "imports are absolute"
    assert len(path.read_text().splitlines()) <= 400


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


def test_there_is_no_import_cycle() -> None:
    graph = {".".join(p.relative_to(ROOT).with_suffix("").parts): top_level(p) for p in FILES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for other in graph.get(name, set()) & graph.keys():
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def top_level(path: Path) -> set[str]:
    body = ast.parse(path.read_text()).body
    return {n.module or "" for n in body if isinstance(n, ast.ImportFrom)} | {
        alias.name for n in body if isinstance(n, ast.Import) for alias in n.names
    }


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, arena.cli.main; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & (HEAVY | {"sqlmodel", "sqlalchemy", "pydantic", "jinja2"})


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
