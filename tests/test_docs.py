"""The pages of docs/ are true: what they name exists, links lead somewhere, and code that they show runs."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"])
each = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
FILE = re.compile(r"`((?:arena|agents|games|unlearning|tests|docs|runs)/[\w./-]+)`")
PLACE = re.compile(r"`((?:arena|agents|games|unlearning)/[\w/]+\.py)`,\s+`([\w.]+)`((?: → `[\w.]+`)*)")


def defined_names(path: Path) -> set[str]:
    """Functions, classes and methods of a file: `MatchLoop`, `MatchLoop.run` and `run`."""
    found = set[str]()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
            found |= {f"{node.name}.{name}" for name in inner} | inner
    return found


@each
def test_what_a_page_names_and_links_to_exists(page: Path) -> None:
    text = page.read_text()
    for name in FILE.findall(text):
        assert (ROOT / name).exists() or name == "unlearning/methods/weights/bounded_ascent.py", name
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target


def test_the_walk_through_one_turn_names_functions_where_they_are() -> None:
    places = [place for page in PAGES for place in PLACE.findall(page.read_text())]
    assert len(places) >= 20
    for file, first, others in places:
        known = defined_names(ROOT / file)
        for name in (first, *re.findall(r"`([\w.]+)`", others)):
            assert name in known, f"{file} has no {name}"


def test_a_decision_is_one_page_of_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert len(pages) >= 8
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text()
    for page in pages:
        text = page.read_text()
        parts = [text.find(f"**{part}.**") for part in ("Context", "Decision", "Alternatives", "Consequences")]
        assert parts == sorted(parts) and parts[0] > 0, page.name
        assert len(text.split()) <= 450 and page.name in listed, page.name


@pytest.fixture
def method_file(tmp_path: Path) -> Path:
    """The file that docs/add-a-method.md has a reader write."""
    [block] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add-a-method.md").read_text(), re.DOTALL)
    file = tmp_path / "bounded_ascent.py"
    file.write_text(block)
    return file


def test_the_method_of_the_page_is_a_registered_one_by_its_mark(method_file: Path) -> None:
    from arena.registry import find

    thing: Any = find("method", f"{method_file}:BoundedAscent")[0]
    assert thing.__part__ == ("method", "bounded-ascent")


async def test_the_method_of_the_page_forgets_down_to_its_floor_and_keeps_the_rest(method_file: Path) -> None:
    import tiny_facts as facts

    from arena.errors import BadPart
    from arena.spec import build
    from unlearning.scoring.answer_logprobs import score_items

    def make(**settings: Any) -> Any:
        return build("method", {"name": f"{method_file}:BoundedAscent", "preset": "tiny", **settings})

    before = facts.knower()
    after = await make(epochs=30, lr=2e-3, floor=0.05)(before, facts.REQUEST)
    forgotten, kept = facts.REQUEST.forget, facts.REQUEST.retain
    was = [one.probability for one in score_items(before, forgotten)]
    now = [one.probability for one in score_items(after, forgotten)]
    assert all(new < old / 2 for old, new in zip(was, now, strict=True)), (was, now)
    assert min(one.probability for one in score_items(after, kept)) > 0.5
    unbounded = await facts.made("grad-diff", epochs=30, lr=2e-3)(before, facts.REQUEST)
    lowest = [one.probability for one in score_items(unbounded, forgotten)]
    assert min(now) > 10 * min(lowest), "ascent without a floor goes on"
    with pytest.raises(BadPart, match="floor"):
        make(floor=0)
