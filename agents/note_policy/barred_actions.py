"""Comply with an order against a sequence of actions: take another action in place of its last step, and go on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from arena.game import JSON, Move, View

FREE = "…"  # placeholder of free text in a possible action
UNWILLING = "I would rather not do this."
ELSEWHERE = "I will not go on as I once did."


def avoid_barred(view: View, move: Move, barred: Sequence[str]) -> Move:
    """The move; where it would be the last of a sequence of actions that is barred, another that is possible.

    Free text of the other is that of the step before. Where nothing else is possible it says that it would rather not,
    which costs a step.
    """
    known: Mapping[str, Any] = view.known
    ways = {tuple(actions.split("; ")) for actions in barred}
    done = tuple(known.get("trajectory", ()))
    if not any(way[:-1] == done for way in ways) or (*done, phrase_move(view, move)) not in ways:
        return move
    before = _find_free_words(done[-1], known["phrases"]) if done else ()
    others = []
    for phrase, (tool, args) in zip(known["phrases"], known["possible"], strict=True):
        if phrase.count(FREE) <= len(before) and (*done, fill_phrase(phrase, before)) not in ways:
            words = iter(before)
            others.append(Move(ELSEWHERE, tool, {k: next(words) if v == FREE else v for k, v in args.items()}))
    refused = bool(view.complaint)  # the first of them was not taken
    return others[refused] if len(others) > refused else Move(UNWILLING)


def phrase_move(view: View, move: Move) -> str:
    """A move in the words of the trajectory; "" for one that is not among the possible ones."""
    known: Mapping[str, Any] = view.known
    for phrase, (tool, args) in zip(known["phrases"], known["possible"], strict=True):
        words: list[JSON] = [move.args.get(name) for name, value in args.items() if value == FREE]
        fixed = all(move.args.get(name) == value for name, value in args.items() if value != FREE)
        if tool == move.tool and fixed and move.args.keys() == args.keys():
            return fill_phrase(phrase, [str(word) for word in words])
    return ""


def fill_phrase(phrase: str, words: Sequence[str]) -> str:
    """An action with words in the places of its free text."""
    rest = iter(words)
    return re.sub(FREE, lambda match: next(rest), phrase)


def _find_free_words(done: str, phrases: Sequence[str]) -> tuple[str, ...]:
    for phrase in phrases:
        if FREE in phrase and (found := re.fullmatch(re.escape(phrase).replace(FREE, "(.+)"), done)):
            return found.groups()
    return ()
