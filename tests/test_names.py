"""Names that a newcomer can look up: one class for a name, verbs for functions."""

import ast

import pytest
from imports import parse_packages
from names import find_participles, find_shared_class_names, is_participle
from repository import ROOT

KEPT = {  # names that are not ours to choose: those of a column, of a part, and nouns in form only
    "arena.episode.resolved",
    "agents.memory.memory.written_notes",
    "unlearning.metrics.leaks.sampled_leak",
}


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    return parse_packages(ROOT)


def test_no_class_name_stands_in_two_files(modules: dict[str, ast.Module]) -> None:
    assert find_shared_class_names(modules) == {}


def test_functions_are_named_by_verbs(modules: dict[str, ast.Module]) -> None:
    assert set(find_participles(modules)) == KEPT


def test_what_is_found() -> None:
    trees = {name: ast.parse(code) for name, code in {
        "a": "class A: pass\nclass B:\n    def told(self): pass",
        "b": "class A:\n    @property\n    def kept(self): pass",
        "c": "async def carried_out(): pass\ndef seed(): pass\ndef load_trained(): pass",
    }.items()}  # fmt: skip
    assert find_shared_class_names(trees) == {"A": ["a", "b"]}
    assert set(find_participles(trees)) == {"a.told", "c.carried_out"}
    assert is_participle("_loaded_rows") and not is_participle("read_rows") and not is_participle("embed_text")
