"""Enumerate the moves of a seat, as the basis of a numbered action space."""

import json
from collections.abc import Mapping
from itertools import product
from random import Random
from typing import Any

from arena.engine.move_validation import well_formed
from arena.errors import IllegalMove
from arena.game import JSON, Game, Move, Tool, View

MOST = 2_000  # most argument combinations listed for one action; with more the move is free text
PLAYOUTS, QUIET, STEPS = 200, 20, 300  # random play: most episodes, episodes in a row without a new move, steps


def list_moves(view: View) -> list[Move] | None:
    """The moves that a view offers: its legal texts, and its actions with every combination of argument values.

    None where they cannot be listed: free text, a number that is not whole, too many values.
    """
    moves = [Move(text) for text in view.legal or ()]
    for tool in view.tools:
        ways = _list_tool_moves(tool)
        if ways is None:
            return None
        moves += ways
    return moves or None


def format_move(move: Move) -> str:
    """A move as one line: its words, or its action with arguments as in `go direction=north`."""
    args = " ".join(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in move.args.items())
    return f"{move.tool} {args}".strip() if move.tool else move.text


def collect_moves(game: Game) -> dict[str, tuple[Move, ...] | None]:
    """The moves of each seat in the order in which seeded random play met them; None where they cannot be listed.

    A move that random play did not reach is missing. At a seat that needs free text, collection stops.
    """
    met: dict[str, dict[str, Move]] = {seat: {} for seat in game.seats}
    wordy: set[str] = set()
    quiet = 0
    for seed in range(PLAYOUTS):
        count = sum(map(len, met.values()))
        _play_random(game, Random(seed), met, wordy)
        quiet = quiet + 1 if sum(map(len, met.values())) == count else 0
        if quiet == QUIET:
            break
    return {seat: None if seat in wordy or not found else tuple(found.values()) for seat, found in met.items()}


def _play_random(game: Game, rng: Random, met: dict[str, dict[str, Move]], wordy: set[str]) -> None:
    """Play one random episode; adds the offered moves to `met`, and seats that need free text to `wordy`."""
    state = game.start(rng)
    for _ in range(STEPS):
        views = {seat: game.view(state, seat) for seat in game.to_act(state)}
        listed = {seat: list_moves(view) for seat, view in views.items()}
        wordy.update(seat for seat, moves in listed.items() if moves is None)
        for seat, moves in listed.items():
            met[seat].update({format_move(move): move for move in moves or ()})
        if not views or wordy.intersection(views):
            return
        try:
            drawn = {seat: rng.choice(moves) for seat, moves in listed.items() if moves}
            state = game.apply(state, {seat: well_formed(views[seat], move) for seat, move in drawn.items()})
        except IllegalMove as error:
            after = game.forfeit(state, error.seat)
            if after is None:
                return
            state = after


def _list_tool_moves(tool: Tool) -> list[Move] | None:
    values = [_list_values(schema, name in tool.optional) for name, schema in tool.parameters.items()]
    count = 1
    for listed in values:
        count *= MOST + 1 if listed is None else len(listed)
    if count > MOST:
        return None
    rows = product(*(listed for listed in values if listed is not None))
    given = (dict(zip(tool.parameters, row, strict=True)) for row in rows)
    return [Move(tool=tool.name, args={k: v for k, v in args.items() if v is not None}) for args in given]


def _list_values(schema: Mapping[str, Any], optional: bool) -> list[JSON] | None:
    """The values that an argument can take, with None for an optional one that is left out; None if there are too many
    to list.
    """
    found: list[JSON] | None = None
    if "enum" in schema:
        found = list(schema["enum"])
    elif schema.get("type") == "boolean":
        found = [False, True]
    elif schema.get("type") == "integer" and {"minimum", "maximum"} <= schema.keys():
        low, high = int(schema["minimum"]), int(schema["maximum"])
        found = list(range(low, high + 1)) if high - low <= MOST else None
    return found if found is None or not optional else [None, *found]
