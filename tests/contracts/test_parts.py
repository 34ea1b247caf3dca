"""What every registered part keeps, of whatever kind: its description is plain data that names no module, and builds
an equal part again, with each of its settings changed as well."""

import json
import typing
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from arena.errors import BadPart, MissingExtra, UnknownPart
from arena.part_decorators import CONTRACTS
from arena.registry import FOLDERS, find, list_entries
from arena.renamed_parts import RENAMED
from arena.spec import build, describe

PARTS = [(kind, name) for kind in FOLDERS for name in list_entries(kind)]
OUTSIDE = {"pettingzoo": "pettingzoo/toy_environments:Dice", "textarena": "textarena/TicTacToe-v0"}  # games of others
BY_KIND = {"agent": "knower", "model": "scripted/echo"}  # what is taken where a part has to hold one of this kind


def spec_of(kind: str, name: str) -> dict[str, Any]:
    """A spec that builds the part: its name, and a value for each setting that has no default."""
    if kind == "game" and name in OUTSIDE:
        return {"name": OUTSIDE[name]}
    thing, _ = find(kind, name)
    fields = getattr(thing, "__dataclass_fields__", {})
    hints = typing.get_type_hints(thing) if fields else {}
    try:
        build(kind, name)
    except BadPart as error:
        needed = [field for field in fields if f"'{field}'" in str(error)]
        return {"name": name} | {field: value_for(hints[field]) for field in needed}
    return {"name": name}


def value_for(hint: Any) -> Any:
    """A value that fits a type, as it stands in a spec. Raises KeyError for a type that needs a line here."""
    if hint in CONTRACTS:
        return BY_KIND[CONTRACTS[hint]]
    if typing.get_origin(hint) is tuple:
        return [value_for(typing.get_args(hint)[0])]
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        return {}
    return {str: "one", float: 0.5, int: 1, bool: True, Mapping[str, Any]: {"named": 0.5}}[hint]


def changed(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each setting of a description with another value of its type, where one is easily found."""
    for key, value in table.items():
        if key != "name" and isinstance(value, bool):
            yield key, not value
        elif key != "name" and isinstance(value, int | float):
            yield key, value + 1


def named_in(value: Any) -> Iterator[str]:
    """The names of all parts in a description."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        yield value["name"]
    for item in inner:
        yield from named_in(item)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, partial):
        return isinstance(other, partial) and (one.func, one.keywords) == (other.func, other.keywords)
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_part_is_built_again_from_its_description(kind: str, name: str) -> None:
    try:
        part = build(kind, spec_of(kind, name))
    except MissingExtra as error:
        pytest.skip(str(error))
    table = json.loads(json.dumps(describe(part)))
    assert same(build(kind, table), part)
    assert name in (table["name"], table["name"].partition("/")[0])
    outside = [found for found in named_in(table) if ":" in found and found not in OUTSIDE.values()]
    assert not outside, "a stored row would not outlive that the class is moved; register the part"


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_each_setting_of_a_part_stands_in_its_description(kind: str, name: str) -> None:
    try:
        table = describe(build(kind, spec_of(kind, name)))
    except MissingExtra as error:
        pytest.skip(str(error))
    for key, value in changed(table):
        try:
            part = build(kind, {**table, key: value})
        except (BadPart, UnknownPart):
            continue  # the part takes no such value
        again = json.loads(json.dumps(describe(part)))
        assert again[key] == value and same(build(kind, again), part)


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_part_says_what_it_is(kind: str, name: str) -> None:
    assert list_entries(kind)[name].about
    try:
        thing, _ = find(kind, name)
    except MissingExtra as error:
        pytest.skip(str(error))
    assert not isinstance(thing, type) or thing.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_a_writer_signs_its_notes_with_the_name_it_is_stored_by() -> None:
    assert list_entries("writer")
    for name in list_entries("writer"):
        assert build("writer", name).name == name


@pytest.mark.parametrize(("kind", "old"), [(kind, old) for kind, names in RENAMED.items() for old in names])
def test_a_name_that_was_given_up_finds_the_part_under_its_new_one(kind: str, old: str) -> None:
    new = RENAMED[kind][old]
    assert old not in list_entries(kind) and new in list_entries(kind)
    assert find(kind, old) == find(kind, new)
    assert describe(build(kind, {**spec_of(kind, new), "name": old}))["name"] == new


def test_a_new_alias_is_one_line_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    olds = {
        "agent": {"steady": "linear"},
        "model": {"canned": "scripted"},
        "game": {"chess.old:Haggling": "bargaining"},
    }
    monkeypatch.setattr("arena.renamed_parts.RENAMED", olds)
    assert build("agent", {"name": "steady", "heeds": 0.5}) == build("agent", {"name": "linear", "heeds": 0.5})
    assert build("agent", "canned/echo") == build("agent", "scripted/echo")
    assert describe(build("game", "chess.old:Haggling"))["name"] == "bargaining"
    with pytest.raises(UnknownPart, match="no agent named 'steadi'"):
        build("agent", "steadi")
