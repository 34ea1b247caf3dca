"""Every parameter of every part is listed with what it means; what does not exist is answered with what does."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import arena, typed

from arena.errors import MissingExtra, UsageError
from arena.planning.plan import make_plan
from arena.registry import FOLDERS, list_entries
from arena.reports.part_parameters import find_meanings, format_type, list_parameters
from arena.spec import build, describe

PARTS = [(kind, name) for kind in FOLDERS for name in list_entries(kind)]


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", FOLDERS)
def test_every_parameter_of_every_part_is_explained(kind: str) -> None:
    for name in list_entries(kind):
        try:
            found = list_parameters(kind, name)
        except MissingExtra:
            continue
        assert not [one.name for one in found if not (one.about and one.type and one.default)], name


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


def test_meanings_are_read_from_docstrings() -> None:
    docs = ["First.\n\nsize, width: of the box, in cells. `deep` boxes go down. rate: per second;\nmore is quicker."]
    found = find_meanings(docs, ["size", "width", "deep", "rate", "colour"])
    assert found["size"] == found["width"] == "of the box, in cells. `deep` boxes go down"
    assert "deep" in found["deep"] and found["rate"] == "per second; more is quicker" and "colour" not in found


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
