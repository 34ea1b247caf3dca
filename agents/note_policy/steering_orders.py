"""Steering text, and the small grammar of orders that a policy without a language model can parse.

A language model is given the text as it is. A scripted agent obeys the sentences below, anywhere in the
text, and nothing else; names are separated by semicolons.
"""

import re
from dataclasses import dataclass

from arena.cache_register import memoize

IGNORE = "Act as if you had never learned of {}."
AVOID = "Never go to {}, never use it and never speak of it."
FRESH = "Treat {} as new to you, as if you had never been there."
UNLEARN = "Do not go by what you did before: {}."
NEVER = "Never do this again, step for step: {}."
NOTES_ONLY = "Answer from your notes alone; where they are silent, say that you do not know."


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a steering text.

    ignored: names of which notes are not to be used. avoided: names not to go to, use or speak of. fresh: environments
    to be treated as new. sealed: sequences of actions not to use, as if they had never been done; an agent that finds
    them again may do them. barred: sequences of actions never to be done again.
    """

    ignored: tuple[str, ...] = ()
    avoided: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()


@memoize("texts", most=256)
def parse_orders(text: str) -> Orders:
    """The orders in a steering text; what is not in the grammar is left out."""
    ignored, avoided, fresh = (_parse_names(form, text) for form in (IGNORE, AVOID, FRESH))
    return Orders(ignored, avoided, fresh, _find_uncut(UNLEARN, text), _find_uncut(NEVER, text))


def format_order(form: str, names: tuple[str, ...]) -> str:
    """A sentence of the grammar about these names."""
    return form.format("; ".join(names))


def format_each_order(form: str, sequences: tuple[str, ...]) -> str:
    """A sentence of the grammar for each sequence of actions, which has semicolons of its own."""
    return " ".join(form.format(sequence) for sequence in sequences)


def _find_uncut(form: str, text: str) -> tuple[str, ...]:
    """The sentence's argument, not split: a sequence of actions itself has semicolons."""
    before, after = map(re.escape, form.split("{}"))
    return tuple(match.strip() for match in re.findall(rf"{before}(.+?){after}(?!\d)", text))


def _parse_names(form: str, text: str) -> tuple[str, ...]:
    return tuple(name.strip() for match in _find_uncut(form, text) for name in match.split(";") if name.strip())
