"""What imports what among the files of the four packages: at the top, inside functions, and for type checkers alone."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

PACKAGES = ("arena", "agents", "games", "unlearning")
Graph: TypeAlias = Mapping[str, frozenset[str]]  # for each node those that it imports, itself not among them


def parse_packages(root: Path) -> dict[str, ast.Module]:
    """The syntax trees of the packages below `root` by dotted module name; a package's `__init__` by the package's."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text(encoding="utf-8")
        )
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def find_imports(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that is imported anywhere in a tree, relative imports with their dots.

    Of `from a import b` it is `a.b`: whether `b` is a module of `a` or a name in it, `resolve` finds.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def resolve(name: str, modules: Iterable[str]) -> str | None:
    """The module among `modules` that an imported name is, or is in; None where it is of another library."""
    return next((one for one in (name, name.rpartition(".")[0]) if one in modules), None)


def build_import_graph(trees: Mapping[str, ast.Module]) -> Graph:
    """Which module imports which, of those in `trees`."""
    return {
        name: frozenset(found for one in find_imports(tree) if (found := resolve(one, trees.keys()))) - {name}
        for name, tree in trees.items()
    }


def find_upward_imports(graph: Graph, package: str, levels: Sequence[Sequence[str]]) -> list[str]:
    """The imports within a package that do not run down, as "a → b".

    levels: low to high, each the folders on it, as dotted names below the package; "." is the package's own folder, and
    a file of that by its name stands where it is named. Raises KeyError for a module that stands on no level.
    """
    heights = {room: height for height, rooms in enumerate(levels) for room in rooms}

    def find_room(name: str) -> str:
        inner = "__init__" if name == package else name.removeprefix(f"{package}.")
        room = inner if inner in heights else inner.rpartition(".")[0] or "."  # a folder's own `__init__` is in it
        if room not in heights:
            raise KeyError(f"{name} is in no folder that has a level")
        return room

    return sorted(
        f"{name} → {other}"
        for name, others in graph.items()
        for other in others
        if (room := find_room(name)) != (lower := find_room(other)) and heights[lower] >= heights[room]
    )


def find_circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components of two nodes or more, each sorted (Kosaraju 1978, as in Sharir 1981)."""
    seen: set[str] = set()
    finished = [name for start in sorted(graph) for name in _visit(start, graph, seen)]
    reverse: dict[str, set[str]] = {name: set() for name in graph}
    for name, targets in graph.items():
        for target in targets:
            reverse[target].add(name)
    seen = set()
    components = [sorted(_visit(start, reverse, seen)) for start in reversed(finished)]
    return [component for component in components if len(component) > 1]


def _visit(start: str, graph: Mapping[str, Iterable[str]], seen: set[str]) -> list[str]:
    """What is reached from `start` and not in `seen`, to which it is added: in the order in which it is finished."""
    if start in seen:
        return []
    seen.add(start)
    finished, stack = [], [(start, iter(sorted(graph[start])))]
    while stack:
        name, rest = stack[-1]
        step = next((one for one in rest if one not in seen), None)
        if step is None:
            finished.append(name)
            stack.pop()
        else:
            seen.add(step)
            stack.append((step, iter(sorted(graph[step]))))
    return finished
