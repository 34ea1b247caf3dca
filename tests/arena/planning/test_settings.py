"""The grammar of --set: which part a setting means, what is made of it, and what is said of one that means none."""

from typing import Any

import pytest

from arena.errors import UsageError
from arena.planning.plan import make_plan
from arena.planning.settings import SettablePart, apply_settings, find_part, resolve_settings, set_parts, set_path

PARTS = (
    SettablePart("game", "game", "bargaining"),
    SettablePart("buyer", "agent", "boulware"),
    SettablePart("seller", "agent", {"name": "tit-for-tat", "kindness": 0.5}),
    SettablePart("mind", "agent", "openai/some"),
    SettablePart("trial", "", {"twins": 3}, ("twins",)),
    SettablePart("critic", "agent", "boulware", bare=False),
)


@pytest.mark.parametrize(("path", "found"), [
    ("game.cost", ("game", "cost", False)), ("cost", ("game", "cost", True)), ("preset", ("game", "preset", True)),
    ("buyer.exponent", ("buyer", "exponent", False)), ("exponent", ("buyer", "exponent", True)),
    ("sampling.temperature", ("mind", "sampling.temperature", True)), ("base_url", ("mind", "base_url", True)),
    ("twins", ("trial", "twins", True)), ("trial.twins", ("trial", "twins", False)),
    ("mind.model.base_url", ("mind", "model.base_url", False)), ("critic.least", ("critic", "least", False)),
    ("game.csot", ("game", "csot", False)),  # what a part does not take, its `build` says
])  # fmt: skip
def test_a_path_means_one_part(path: str, found: tuple[str, str, bool]) -> None:
    assert find_part(path, PARTS, f"{path}=1") == found


@pytest.mark.parametrize(("typed", "said"), [
    ("csot=9", "did you mean game.cost"), ("gmae.cost=9", "did you mean game"),
    ("buyr.exponent=1", "did you mean buyer"),
    ("temperature=0", "mind.sampling.temperature"), ("samplng.temperature=0", "mind.sampling"),
    ("twin=4", "trial.twins"), ("expnent=4", "buyer.exponent"), ("zzzz=1", "the parts here: game, buyer, seller, mind"),
    ("buyer=tough", "a parameter of it is buyer.NAME"), ("name=x", "no part with"),
    ("cost", "takes a.b=c"), ("=3", "takes a.b=c"), ("game..cost=1", "takes a.b=c"), (".cost=1", "takes a.b=c"),
    ("game.=1", "takes a.b=c"), (f"cost={10**30}", "63 bits"),
])  # fmt: skip
def test_what_means_no_part_is_told(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as no:
        resolve_settings(PARTS, [typed])
    assert said in str(no.value), no.value


def test_a_bare_name_of_several_parts_lists_them() -> None:
    two = (SettablePart("one", "agent", "linear"), SettablePart("two", "agent", "linear"))
    with pytest.raises(UsageError, match=r"one and two have .*type --set one\.heeds=1 or --set two\.heeds=1"):
        resolve_settings(two, ["heeds=1"])
    assert set_parts(two, ["two.heeds=1"]) == {"one": "linear", "two": {"name": "linear", "heeds": 1}}


def test_a_setting_goes_to_each_part_of_its_prefix_that_has_it() -> None:
    specs: list[Any] = ["boulware", {"name": "tit-for-tat", "kindness": 0.5}, None]
    parts = [SettablePart("agent", "agent", spec) for spec in specs]
    made = apply_settings(parts, resolve_settings(parts, ["agent.exponent=3", "kindness=0.25", "heeds=1"]))
    assert made == (
        {"name": "boulware", "exponent": 3, "heeds": 1}, {"name": "tit-for-tat", "kindness": 0.25, "heeds": 1}, None
    )  # fmt: skip
    assert specs[1] == {"name": "tit-for-tat", "kindness": 0.5}, "what was given stays"
    with pytest.raises(UsageError, match="did you mean exponent"):
        apply_settings(parts, resolve_settings(parts, ["agent.exponnt=3"]))


@pytest.mark.parametrize(("spec", "path", "value", "made"), [
    ("linear", "heeds", 1, {"name": "linear", "heeds": 1}),
    ({"name": "a", "x": {"y": 1, "z": 2}}, "x.y", 5, {"name": "a", "x": {"y": 5, "z": 2}}),
    ({"name": "a", "x": "b"}, "x.y", 5, {"name": "a", "x": {"name": "b", "y": 5}}),
    ({"name": "a", "x": {"name": "b", "y": 1}}, "x", "c", {"name": "a", "x": {"name": "c", "y": 1}}),
])  # fmt: skip
def test_a_setting_keeps_the_others(spec: Any, path: str, value: Any, made: Any) -> None:
    assert set_path(spec, path, value) == made


@pytest.mark.parametrize(("settings", "found"), [
    (["cost=9"], {"cost": 9}), (["game.cost=9", "high=40"], {"cost": 9, "high": 40}), (["spread=2"], {"spread": 2}),
])  # fmt: skip
def test_a_plan_takes_bare_names_of_its_game(settings: list[str], found: dict[str, Any]) -> None:
    game = make_plan({}, settings).matches()[0].resolved["game"]
    assert {key: game[key] for key in found} == found


def test_a_plan_finds_the_seat_of_a_bare_name() -> None:
    seats = {"buyer": "boulware", "seller": "linear"}
    plan = make_plan({"seats": seats}, ["seats.buyer.exponent=3"])
    assert plan.seats["buyer"]["exponent"] == 3  # type: ignore[index, call-overload]
    with pytest.raises(UsageError, match=r"the plan sweeps game\.cost"):
        make_plan({"sweep": {"game": {"cost": [1, 2]}}}, ["cost=3"])
