"""Convert Gymnasium observations to text and data, and moves to actions of a space."""

from collections.abc import Mapping, Sequence
from typing import Any

from arena.errors import IllegalMove
from arena.game import JSON, Move, Tool

MOST_NUMBERS = 2_000  # most numbers of an observation shown as text
MOST_LISTED = 400  # most actions listed by name; more are given as a number


def convert_to_plain(value: Any) -> JSON:
    """An observation as plain data: arrays as nested lists, numbers as numbers."""
    if isinstance(value, Mapping):
        return {str(key): convert_to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [convert_to_plain(item) for item in value]
    bare: JSON = value.tolist() if hasattr(value, "tolist") else value
    return bare


def describe_observation(value: Any) -> str:
    """An observation in words: numbers in rows, of three dimensions one table for each index of the last.

    Raises ValueError for too many numbers or dimensions, as in an image.
    """
    if isinstance(value, Mapping):
        return "\n".join(f"{key}:{_indent(describe_observation(item))}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return "\n".join(f"{place}:{_indent(describe_observation(item))}" for place, item in enumerate(value))
    if not hasattr(value, "ndim"):
        return str(value)
    if value.size > MOST_NUMBERS or value.ndim > 3:
        raise ValueError(f"an observation of shape {value.shape} cannot be told in words")
    if value.ndim < 2:
        return " ".join(_format_number(x) for x in value.reshape(-1).tolist())
    if value.ndim == 2:
        return "\n".join(" ".join(_format_number(x) for x in row) for row in value.tolist())
    planes = (f"plane {k + 1}:\n{describe_observation(value[:, :, k])}" for k in range(value.shape[2]))
    return "\n".join(planes)


def list_ways_to_act(space: Any, names: Sequence[str], mask: Any) -> tuple[tuple[str, ...] | None, tuple[Tool, ...]]:
    """How to act in a space: the texts that are moves, or an action; neither where the answer's words are the action.

    A Discrete space's actions are called by `names` or by their numbers; those that `mask` rules out are left out.
    Raises ValueError for a space that cannot be acted in by hand.
    """
    kind = type(space).__name__
    if kind == "Discrete":
        open_ones = [k for k in range(int(space.n)) if mask is None or mask[k]]
        if len(open_ones) <= MOST_LISTED:
            return tuple(name_action(space, k, names) for k in open_ones), ()
    if kind == "Text":
        return None, ()
    parameters = {f"a{k}": schema for k, schema in enumerate(_build_schemas(space))}
    return None, (Tool("act", "Act by numbers.", parameters),)


def convert_to_action(seat: str, space: Any, names: Sequence[str], move: Move) -> Any:
    """The element of the space that a well-formed move stands for. Raises IllegalMove for one outside of it."""
    import numpy as np

    kind = type(space).__name__
    if kind == "Text":
        made: Any = move.text
    elif not move.tool:
        numbers = {name_action(space, k, names): k for k in range(int(space.n))} if kind == "Discrete" else {}
        if move.text not in numbers:
            raise IllegalMove(seat, "words alone do nothing here; take the action act")
        made = int(space.start) + numbers[move.text]
    elif kind == "Discrete":
        made = int(str(move.args["a0"]))
    else:
        made = np.array([move.args[f"a{k}"] for k in range(len(move.args))], space.dtype).reshape(space.shape)
    if not space.contains(made):
        raise IllegalMove(seat, f"that is outside of what can be done here: {space}")
    return made


def name_action(space: Any, place: int, names: Sequence[str]) -> str:
    """What the action at a place of a Discrete space is called."""
    return names[place] if place < len(names) else str(int(space.start) + place)


def _build_schemas(space: Any) -> list[Mapping[str, JSON]]:
    kind = type(space).__name__
    if kind == "Discrete":
        return [{"type": "integer", "minimum": int(space.start), "maximum": int(space.start + space.n - 1)}]
    if kind == "MultiDiscrete":
        lows, sizes = space.start.reshape(-1).tolist(), space.nvec.reshape(-1).tolist()
        return [{"type": "integer", "minimum": a, "maximum": a + n - 1} for a, n in zip(lows, sizes, strict=True)]
    if kind == "MultiBinary":
        return [{"type": "integer", "minimum": 0, "maximum": 1}] * int(space.n)
    if kind == "Box" and space.low.size <= MOST_LISTED:
        ends = zip(space.low.reshape(-1).tolist(), space.high.reshape(-1).tolist(), strict=True)
        whole = "integer" if space.dtype.kind in "iu" else "number"
        return [
            {"type": whole, **_bound_if_finite("minimum", low), **_bound_if_finite("maximum", high)}
            for low, high in ends
        ]
    raise ValueError(f"a space of actions like {space} cannot be acted in by hand")


def _bound_if_finite(key: str, value: float) -> dict[str, JSON]:
    return {key: value} if abs(value) < 1e15 else {}


def _indent(text: str) -> str:
    return f"\n{text}" if "\n" in text else f" {text}"


def _format_number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(int(value))
