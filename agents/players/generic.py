"""Policies that need no model and no knowledge of a particular game."""

from dataclasses import dataclass
from random import Random as Rng
from typing import Any

from arena.agent import agent
from arena.game import JSON, Move, View


@agent
@dataclass(frozen=True, slots=True)
class Random:
    """Draws uniformly among the legal texts, or among the tools with uniformly drawn arguments."""

    async def act(self, view: View) -> Move:
        rng = Rng(view.seed)
        if view.legal:
            return Move(rng.choice(view.legal))
        if view.tools:
            tool = rng.choice(view.tools)
            return Move(tool=tool.name, args={name: _draw(rng, schema) for name, schema in tool.parameters.items()})
        return Move(rng.choice(("yes", "no")))


@agent
@dataclass(frozen=True, slots=True)
class Says:
    """Says the same thing every time."""

    id: str = "hello"
    """Text that it says each time."""

    async def act(self, view: View) -> Move:
        return Move(self.id)


@agent
@dataclass(frozen=True, slots=True)
class Replay:
    """Makes the given moves in order, then repeats the last; counts its own earlier moves in the view."""

    moves: tuple[Move, ...]
    """Moves to make, in order; the last is repeated."""

    async def act(self, view: View) -> Move:
        return self.moves[min(len(view.own), len(self.moves) - 1)]


def _draw(rng: Rng, schema: Any) -> JSON:
    """A value that fits a JSON Schema property."""
    if "enum" in schema:
        return rng.choice(list(schema["enum"]))  # type: ignore[no-any-return]
    low, high = schema.get("minimum", 0), schema.get("maximum", 10)
    match schema.get("type", "string"):
        case "integer":
            return rng.randint(low, high)
        case "number":
            return round(rng.uniform(low, high), 2)
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return [_draw(rng, schema.get("items", {})) for _ in range(rng.randint(0, 3))]
        case _:
            return rng.choice(("yes", "no", "maybe"))
