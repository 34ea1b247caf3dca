"""Every number that is a setting of a method, a metric, an attack or a benchmark says its range, and is held to it."""

import inspect
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from math import inf, nan
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from annotated_types import Ge, Gt, Le, Lt

from arena.errors import BadPart
from arena.parameter_ranges import bounds_of, check_ranges, outside, range_of
from arena.registry import find, list_entries
from arena.spec import build, describe
from unlearning.benchmarks.benchmark import Pupil
from unlearning.modeling.teach_items import TeachSettings
from unlearning.modeling.trainable_parameters import Lora
from unlearning.training.callbacks import Until

KINDS = ("method", "metric", "attack", "benchmark")
FREE = {"seed", "layer", "world"}  # any whole number means something: a seed, a block from either end


def settings(thing: Any) -> dict[str, Any]:
    """The hints of what can be set, by name."""
    hints = typing.get_type_hints(thing, include_extras=True)
    if is_dataclass(thing):
        return {one.name: hints[one.name] for one in fields(thing) if one.init}
    parameters = inspect.signature(thing).parameters.values()
    return {one.name: hints[one.name] for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}


def numeric(hint: Any) -> bool:
    if typing.get_origin(hint) is tuple:
        return False
    options = typing.get_args(hint) if typing.get_origin(hint) is not typing.Annotated else (hint,)
    plain = [typing.get_args(one)[0] if typing.get_origin(one) is typing.Annotated else one for one in (*options, hint)]
    return any(one in (int, float) for one in plain)


def numbers() -> Iterator[Any]:
    for kind in KINDS:
        for name in list_entries(kind):
            for key, hint in settings(find(kind, name)[0]).items():
                if numeric(hint) and key not in FREE:
                    yield pytest.param(kind, name, key, hint, id=f"{name}.{key}")


def wrong(hint: Any) -> list[float]:
    """Numbers just outside of the bounds, and those that are never a setting."""
    made: list[float] = [nan, inf, -inf]
    for bound in bounds_of(hint):
        edge = getattr(bound, type(bound).__name__.lower())
        if abs(edge) != inf:
            made += [edge] if isinstance(bound, Gt | Lt) else [edge - 1 if isinstance(bound, Ge) else edge + 1]
            made += [edge - 7 if isinstance(bound, Gt | Ge) else edge + 7]
    return made


@pytest.mark.few(274)
@pytest.mark.parametrize(("kind", "name", "key", "hint"), numbers())
def test_a_number_outside_of_its_range_is_refused_in_words(kind: str, name: str, key: str, hint: Any) -> None:
    assert range_of(hint), f"{name}.{key} says no range: take a type of arena.parameter_ranges"
    for value in wrong(hint):
        with pytest.raises(BadPart) as refused:
            build(kind, {"name": name, key: value})
        said = str(refused.value)
        assert f".{key} = " in said and ("has to be" in said or "valid integer" in said or "finite" in said), said


@pytest.mark.parametrize(
    ("kind", "spec", "says"),
    [
        ("method", {"name": "npo", "beta": 0}, r"method 'npo'\.beta = 0: it has to be a finite number above 0"),
        ("method", {"name": "simnpo", "beta": -1.5}, r"beta = -1\.5: it has to be a finite number above 0"),
        ("method", {"name": "idk-dpo", "variants": 100}, r"variants = 100: it has to be at least 1 and at most 20"),
        ("method", {"name": "ga", "lr": -0.1}, "above 0"),
        ("method", {"name": "rmu", "epochs": -3}, "at least 0"),
        ("method", {"name": "sure", "percentile": 130}, "at least 0 and at most 100"),
        ("method", {"name": "npo", "lora": {"rank": 0}}, "rank"),
        ("method", {"name": "npo", "lora": {"dropout": 1.0}}, "dropout"),
        ("method", {"name": "npo", "clip": 0}, "above 0"),
        ("method", {"name": "su", "host": {"name": "npo", "beta": -2}}, r"host\.beta = -2"),
        ("metric", {"name": "privleak", "k": 40}, "above 0 and at most 1"),
        ("attack", {"name": "quantization", "bits": 1}, "at least 2 and at most 16"),
        ("benchmark", {"name": "tofu", "poison": 33}, "at most 1"),
        ("benchmark", {"name": "tofu", "pupil": {"lessons": {"enough": 2}}}, r"lessons\.enough = 2"),
        ("benchmark", {"name": "muse", "pupil": {"hidden": 0}}, r"pupil\.hidden = 0"),
        ("agent", {"name": "boulware", "exponent": nan}, "NaN is none"),
        ("game", {"name": "bargaining", "cost": nan}, "NaN is none"),
    ],
)
def test_what_is_refused_says_what_is_possible(kind: str, spec: Any, says: str) -> None:
    with pytest.raises(BadPart, match=says):
        build(kind, spec)


def test_a_part_that_is_made_in_python_is_held_to_the_same_ranges() -> None:
    method = build("method", "npo")
    with pytest.raises(ValueError, match="beta has to be a finite number above 0, not 0"):
        type(method)(beta=0)
    with pytest.raises(ValueError, match="lr has to be a finite number above 0, not nan"):
        type(method)(lr=nan)
    with pytest.raises(ValueError, match="rank has to be at least 1"):
        Lora(rank=0)
    for part in (Pupil(), TeachSettings(), Until(), Lora()):
        check_ranges(part)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_set_by_default_lies_within(kind: str) -> None:
    for name in list_entries(kind):
        thing, values = find(kind, name)[0], describe(build(kind, name))
        assert not [key for key, hint in settings(thing).items() if outside(hint, values[key])], name
        for preset in getattr(thing, "presets", {}):
            build(kind, {"name": name, "preset": preset})


def test_ranges_in_words() -> None:
    assert range_of(typing.Annotated[int, Ge(2), Le(9)] | None) == "at least 2 and at most 9"
    assert range_of(typing.Annotated[float, Gt(-inf), Lt(inf)]) == "a finite number" and range_of(int | None) == ""
    assert outside(typing.Annotated[float, Gt(0)] | None, -1) and not outside(float, -1)
