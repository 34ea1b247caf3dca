"""Validate moves independently of the game: all checks that need no state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from arena.errors import IllegalMove, unknown
from arena.game import JSON, Message, Move, Tool, View

LARGEST = 1e15  # largest absolute value of a number; beyond it doubles and database columns lose digits or overflow
LONGEST = 20_000  # characters of one message; longer ones are refused, not cut
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list, tuple),
    "object": (dict,),
}


def well_formed(view: View, move: Move) -> Move:
    """The move with its arguments checked against the view's tools and texts.

    Numbers given as text ("14", "$14.50") become numbers. Raises IllegalMove: an empty or endless answer, an unknown
    tool, a missing, unknown or mistyped argument, a text that is not among `legal`.
    """
    if len(move.text) > LONGEST:
        raise IllegalMove(view.seat, f"the message has {len(move.text):,} characters; say it in {LONGEST:,} at most")
    if not move.tool and not move.text.strip():
        raise IllegalMove(view.seat, f"the answer is empty; {_possible(view)}")
    if view.legal is not None and not move.tool:
        if move.text.strip() not in view.legal:
            raise IllegalMove(view.seat, f"{_clip(move.text)!r} is not a move here; {_possible(view)}")
        return replace(move, text=move.text.strip())
    if not move.tool:
        return move
    tool = next((tool for tool in view.tools if tool.name == move.tool), None)
    if tool is None:
        raise IllegalMove(view.seat, unknown("action", move.tool, [t.name for t in view.tools]))
    args = _arguments(view.seat, tool, move.args)
    same = [*args] == [*move.args] and all(value is move.args[name] for name, value in args.items())
    return move if same else replace(move, args=args)


def may_read(privy: frozenset[str], messages: Sequence[Message]) -> bool:
    """Whether every message reaches one of the seats in `privy`; each view is checked before an agent sees it."""
    addressed = [m for m in messages if m.to]
    return all(m.sender in privy or not privy.isdisjoint(m.to) for m in addressed)


def _arguments(seat: str, tool: Tool, given: Mapping[str, JSON]) -> dict[str, JSON]:
    for name in given:
        if name not in tool.parameters:
            raise IllegalMove(seat, f"{tool}: {unknown('argument', name, tool.parameters)}")
    values: dict[str, JSON] = {}
    for name, schema in tool.parameters.items():
        if given.get(name) is not None:
            values[name] = _value(seat, tool, name, schema, given[name])
        elif name not in tool.optional:
            raise IllegalMove(seat, f"{tool} needs the argument {name!r}")
    return values


def _value(seat: str, tool: Tool, name: str, schema: Mapping[str, Any], value: JSON) -> JSON:
    kind = str(schema.get("type", "string"))
    if kind in ("number", "integer") and isinstance(value, str):
        value = _number(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    wrong = not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")
    if wrong or (isinstance(value, int | float) and not abs(value) <= LARGEST):  # written so that NaN fails, too
        raise IllegalMove(seat, f"{tool}: {name} takes a {kind}, got {_clip(str(value))!r}")
    if "enum" in schema and value not in schema["enum"]:
        raise IllegalMove(seat, f"{tool}: {unknown(name, str(value), map(str, schema['enum']))}")
    return value


def _number(text: str) -> JSON:
    from arena.text.price_extraction import find_amounts

    found = find_amounts(text, bare=True)
    odd = any(one.negated or one.unclear or one.several for one in found)
    return found[0].amount if len(found) == 1 and not odd and any(map(str.isdigit, text)) else text


def _possible(view: View) -> str:
    ways = []
    if view.legal is not None:
        ways.append(f"say one of: {', '.join(view.legal)}")
    if view.tools:
        ways.append(f"take one of the actions: {', '.join(map(str, view.tools))}")
    return " or ".join(ways) or "say something"


def _clip(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[:most] + "…"
