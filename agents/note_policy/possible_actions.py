"""Possible actions of an environment's view: `phrases` in words, and beside each its tool and arguments in `possible`.

`FREE_TEXT` in both stands for words of the agent's own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from arena.game import FREE_TEXT, JSON, View


def find_action(view: View, text: str) -> tuple[str, dict[str, JSON]] | None:
    """The tool and arguments of the possible action that a text names; None where it names none."""
    known: Mapping[str, Any] = view.known
    for phrase, (tool, args) in zip(known.get("phrases", ()), known.get("possible", ()), strict=True):
        if (words := read_free_words(phrase, text)) is not None:
            return tool, fill_arguments(args, words)
    return None


def read_free_words(phrase: str, text: str) -> tuple[str, ...] | None:
    """The words of a text in the places of a phrase's free text; None where the text is no such action."""
    found = re.fullmatch(re.escape(phrase).replace(FREE_TEXT, "(.+)"), text)
    return None if found is None else found.groups()


def fill_phrase(phrase: str, words: Iterable[str]) -> str:
    """An action in words, with these in the places of its free text."""
    rest = iter(words)
    return re.sub(FREE_TEXT, lambda _: next(rest), phrase)


def fill_arguments(args: Mapping[str, JSON], words: Sequence[str]) -> dict[str, JSON]:
    """The arguments of an action, with these words in the places of its free text."""
    rest = iter(words)
    return {name: next(rest) if value == FREE_TEXT else value for name, value in args.items()}
