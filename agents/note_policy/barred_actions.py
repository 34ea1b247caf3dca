"""Comply with an order against a sequence of actions: take another action in place of its last step, and go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.note_policy.possible_actions import fill_arguments, fill_phrase, read_free_words
from arena.game import FREE_TEXT, JSON, Move, View

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
        if phrase.count(FREE_TEXT) <= len(before) and (*done, fill_phrase(phrase, before)) not in ways:
            others.append(Move(ELSEWHERE, tool, fill_arguments(args, before)))
    refused = bool(view.complaint)  # the first of them was not taken
    return others[refused] if len(others) > refused else Move(UNWILLING)


def phrase_move(view: View, move: Move) -> str:
    """A move in the words of the trajectory; "" for one that is not among the possible ones."""
    known: Mapping[str, Any] = view.known
    for phrase, (tool, args) in zip(known["phrases"], known["possible"], strict=True):
        words: list[JSON] = [move.args.get(name) for name, value in args.items() if value == FREE_TEXT]
        fixed = all(move.args.get(name) == value for name, value in args.items() if value != FREE_TEXT)
        if tool == move.tool and fixed and move.args.keys() == args.keys():
            return fill_phrase(phrase, [str(word) for word in words])
    return ""


def _find_free_words(done: str, phrases: Sequence[str]) -> tuple[str, ...]:
    return next((words for phrase in phrases if (words := read_free_words(phrase, done))), ())  # one that has any
