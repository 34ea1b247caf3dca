"""Names in the code of the four packages: class names that stand in several files, functions named by a participle."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping

# fmt: off
IRREGULAR = frozenset(  # past participles that do not end in -ed
    """begun bought built come done drawn fed felt forgot forgotten found given gone grown heard held kept known laid
    learnt led left lent lost made meant met paid said seen sent shown sold spent spoken stood sworn taken taught
    thought told understood won written""".split()  # noqa: SIM905
)
# fmt: on
NO_PARTICIPLE = frozenset({"seed", "need", "feed", "speed", "embed", "shared", "exceed", "proceed", "succeed"})


def find_shared_class_names(modules: Mapping[str, ast.AST]) -> dict[str, list[str]]:
    """Class names that stand in more than one module, with the modules."""
    places: dict[str, set[str]] = defaultdict(set)
    for module, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].add(module)
    return {name: sorted(where) for name, where in sorted(places.items()) if len(where) > 1}


def find_participles(modules: Mapping[str, ast.AST]) -> Iterator[str]:
    """`module.name` of each function that is named by a past participle (`taught`, `carried_out`), properties aside."""
    for module, tree in modules.items():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_participle(node.name)
                and not any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list)
            ):  # fmt: skip
                yield f"{module}.{node.name}"


def is_participle(name: str) -> bool:
    """Whether the first word of a function's name is a past participle."""
    first = name.strip("_").split("_")[0]
    return first in IRREGULAR or (first.endswith("ed") and len(first) > 4 and first not in NO_PARTICIPLE)
