"""Every parameter of every part is listed with what it means; what does not exist is answered with what does."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_doc import Doc
from cli_runner import arena, typed

from arena.errors import MissingExtra, UsageError
from arena.planning.plan import make_plan
from arena.registry import FOLDERS, find, list_entries
from arena.reports.part_parameters import format_type, list_parameters, read_field_docs, read_labelled_lines
from arena.spec import build, describe

PARTS = [(kind, name) for kind in FOLDERS for name in list_entries(kind)]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", FOLDERS)
def test_every_parameter_of_every_part_is_documented_at_its_field(kind: str) -> None:
    missing = []
    for name in list_entries(kind):
        try:
            thing, found = find(kind, name)[0], list_parameters(kind, name)
        except MissingExtra:
            continue
        written = read_field_docs(thing)
        assert all(one.type and one.default for one in found), name
        missing += [f"{name}: {one.name}" for one in found if not is_sentence(written.get(one.name, ""))]
    assert not missing, "write a sentence below the field, or in Doc() of the parameter's annotation"


def is_sentence(text: str) -> bool:
    """Whether a text is more than a word and begins and ends as a sentence does."""
    return len(text.split()) > 1 and not text[0].islower() and text.rstrip(')"')[-1] in ".…"


def test_a_field_is_documented_once_for_all_that_inherit_it() -> None:
    about = {name: {one.name: one.about for one in list_parameters("method", name)} for name in ("npo", "uld", "sisa")}
    assert about["npo"]["epochs"] == about["uld"]["epochs"] == about["sisa"]["epochs"]
    assert "alpha" not in about["sisa"] and about["npo"]["alpha"] != about["uld"]["alpha"]


@pytest.mark.parametrize("name", ["linear", "faratin", "minimax", "llm", "knower"])
def test_all_settings_of_an_agent_are_listed(name: str, tmp_path: Path) -> None:
    listed = {row["parameter"] for row in json.loads(arena(tmp_path, "list", "agent", name, "--json"))}
    spec = {"name": name, **({"model": "scripted/echo"} if name == "llm" else {})}
    assert listed == set(describe(build("agent", spec))) - {"name"}


def test_a_part_is_told_with_its_presets_types_and_defaults(tmp_path: Path) -> None:
    told = arena(tmp_path, "list", "game", "kuhn")
    assert "Kuhn poker" in told and "Presets: evening" in told and "whole number" in told
    assert "at least 0" in arena(tmp_path, "list", "methods", "npo")
    assert "openai/gpt-4o" in arena(tmp_path, "list", "agent", "gpt-4o", code=2)
    assert "is no kind of parts" in arena(tmp_path, "list", "runs", "x", code=2)
    assert "It takes no parameters." in arena(tmp_path, "list", "agent", "truthful")


@dataclass
class Box:
    """A part outside of the project.

    Args:
        size: of the box, in cells;
            at least 1.
        `rate`: per second.

    Sides: two. depth is not explained.
    """

    size: int = 1
    rate: float = 1.0
    depth: int = 2
    colour: str = "red"
    """Colour of the lid,
    as a name."""


class PaintedBox(Box):
    """Documents nothing itself."""


def test_parameters_of_other_parts_are_read_from_labelled_lines_of_their_docstring() -> None:
    found = read_labelled_lines(Box)
    assert found["size"] == "of the box, in cells; at least 1." and found["rate"] == "per second."
    assert "depth" not in found and "colour" not in found


def test_parameters_are_read_from_the_string_below_a_field_and_from_annotations() -> None:
    assert read_field_docs(Box) == read_field_docs(PaintedBox) == {"colour": "Colour of the lid, as a name."}

    def part(*, size: Annotated[int, Doc("Size of the box.")] = 1, rate: float = 1.0) -> None:
        """A part that is a function."""

    assert read_field_docs(part) == {"size": "Size of the box."}


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (int, "whole number"),
        (float | None, "number or none"),
        (tuple[str, ...], "list of text"),
        (bool, "true or false"),
    ],
)
def test_types_are_written_for_people(hint: Any, text: str) -> None:
    assert format_type(hint) == text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("buyer.temperature=0.3", "did you mean sampling.temperature"),
        ("buyer.max_tokens=3", "did you mean sampling.max_tokens"),
        ("buyer.top_p=1", "did you mean sampling.top_p"),
        ("buyer.colour=1", "persona"),
        ("buyer.retrys=1", "did you mean retries"),
    ],
)
def test_a_setting_of_a_model_that_is_not_there_is_answered_with_those_of_the_seat(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match=meant):
        make_plan({"seats": {"buyer": "openai/gpt-4o"}}, [typed]).matches()


def test_a_preset_may_stand_at_the_top_of_a_plan() -> None:
    plan = make_plan({"preset": "gpt-bargaining", "rounds": 1})
    assert plan.game == {"name": "bargaining", "preset": "gpt-bargaining", "rounds": 1}
    assert make_plan({"game": "kuhn", "preset": "evening"}).matches()[0].resolved["game"]["hands"] == 20


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"cost": 9}, r"write it under \[game\]"),
        ({"buyer": "linear"}, r"write it under \[seats\]"),
        ({"game": "kuhn", "hands": 3}, r"hands is the game's"),
        ({"preset": 3}, "preset takes the name"),
        ({"preset": "evening"}, "no preset named"),
    ],
)
def test_a_key_at_the_wrong_place_of_a_plan_is_told_where_it_belongs(table: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        make_plan(table).matches()


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "command",
    ["list", "play", "fork", "forget", "forget-weights", "bench agents", "bench weights", "measure", "tournament"],
)
def test_flags_stand_in_the_help_without_a_type(tmp_path: Path, command: str) -> None:
    told = typed(tmp_path, *command.split(), "--help", columns=120).stdout
    assert "--json" in told and "<bool>" not in told and "BOOLEAN" not in told


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["arena", "play", "ku"], "kuhn"),
        (["arena", "play", "--seller", "boulw"], "boulware"),
        (["arena", "play", "--seat", "buyer=tit"], "buyer=tit-for-tat"),
        (["arena", "play", "--buyer", "anthro"], "anthropic/"),
        (["arena", "list", "metric", "extraction_s"], "extraction_strength"),
        (["arena", "list", "subj"], "subjects"),
        (["arena", "show", "la"], "last"),
    ],
)
def test_shells_complete_what_can_be_typed(tmp_path: Path, words: list[str], found: str) -> None:
    env = {"_ARENA_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    assert found in typed(tmp_path, env=env).stdout.split()
