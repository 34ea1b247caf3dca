"""Gymnasium spaces of a seat: text observations, and numbered or text actions."""

import json
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces

from arena.adapters.action_list import collect_moves, format_move, list_moves
from arena.game import Game, Message, Move, View
from arena.text.message_escaping import escape_argument, escape_message, indent_text

Features: TypeAlias = tuple[spaces.Space[Any], Callable[[View], Any]]
READABLE = "".join(c for c in map(chr, range(0x3000)) if c.isprintable()) + "\n"
KNOWN = frozenset(READABLE)
LONGEST_READ, LONGEST_SAID = 500_000, 2_000  # characters of an observation and of an action


@dataclass(frozen=True, slots=True)
class SeatSpaces:
    """Observation and action space of one seat; converts a view to an observation and an action to a move.

    With `moves` an action is an index into that list, and observations hold an `action_mask`.
    Without, it is a text: words, or `{"tool": …, "args": {…}}` for an action.
    """

    seen: spaces.Dict
    done: spaces.Space[Any]
    moves: tuple[Move, ...] | None
    places: Mapping[str, int]
    features: Callable[[View], Any] | None

    @classmethod
    def of(cls, moves: tuple[Move, ...] | None, features: Features | None) -> "SeatSpaces":
        seen: dict[str, spaces.Space[Any]] = {"text": spaces.Text(LONGEST_READ, min_length=0, charset=READABLE)}
        done: spaces.Space[Any] = spaces.Text(LONGEST_SAID, charset=string.printable)
        if moves is not None:
            seen["action_mask"] = spaces.Box(0, 1, (len(moves),), np.int8)
            done = spaces.Discrete(len(moves))
        if features is not None:
            seen["observation"] = features[0]
        places = {format_move(move): place for place, move in enumerate(moves or ())}
        return cls(spaces.Dict(seen), done, moves, places, features and features[1])

    def observation(self, view: View, acting: bool) -> dict[str, Any]:
        """The observation of a view: `text`, an `action_mask` for numbered actions, and the `observation` made by the
        feature function.
        """
        seen: dict[str, Any] = {"text": words(view)}
        if self.moves is not None:
            mask = np.zeros(len(self.moves), np.int8)
            offered = (list_moves(view) or ()) if acting else ()
            mask[[self.places[name] for move in offered if (name := format_move(move)) in self.places]] = 1
            seen["action_mask"] = mask
        if self.features is not None:
            seen["observation"] = self.features(view)
        return seen

    def move(self, action: Any) -> Move:
        """Convert an action to a move; a text that is no JSON object with a `tool` is a message without action."""
        if self.moves is not None:
            return self.moves[int(action)]
        text = str(action)
        try:
            parsed = json.loads(text)
        except ValueError:
            return Move(text)
        if not isinstance(parsed, dict) or not isinstance(parsed.get("tool"), str):
            return Move(text)
        args = parsed.get("args")
        return Move(str(parsed.get("text", "")), parsed["tool"], args if isinstance(args, dict) else {})


def seat_spaces(game: Game, actions: Sequence[Move | str] | None, features: Features | None) -> dict[str, SeatSpaces]:
    """The spaces of each seat; `actions` is one list of numbered moves for all seats; without it, random play collects
    them."""
    if actions is not None:
        given = tuple(Move(action) if isinstance(action, str) else action for action in actions)
        found: Mapping[str, tuple[Move, ...] | None] = dict.fromkeys(game.seats, given)
    else:
        found = collect_moves(game)
    return {seat: SeatSpaces.of(found[seat], features) for seat in game.seats}


def words(view: View) -> str:
    """A view as one text: rules, messages, and the moves that are possible."""
    lines = [view.rules, *map(_line, view.messages)]
    if view.legal:
        lines.append(f"You can say: {', '.join(view.legal)}")
    if view.tools:
        lines.append(f"You can act: {', '.join(map(str, view.tools))}")
    text = "\n".join(lines)[-LONGEST_READ:]
    return text if KNOWN.issuperset(text) else "".join(c if c in KNOWN else "?" for c in text)


def _line(message: Message) -> str:
    """Format a message as one line; its further lines are indented."""
    if not message.sender:
        return f"game: {indent_text(message.text)}"
    return f"{message.sender}: {indent_text(escape_message(message.text, message.literal))}" + (
        f" [{format_move(_act(message))}]" if message.tool else ""
    )


def _act(message: Message) -> Move:
    return Move(tool=message.tool, args={key: escape_argument(value) for key, value in message.args.items()})
